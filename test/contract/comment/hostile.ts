/** Names and values of strangers, and what a reader must see of them: themselves, and nothing else. */

/** [text, what is to be read]. Written by hand, not by the product's rules. */
export const HOSTILE: readonly (readonly [string, string])[] = [
  ['plain_dag-1.2', 'plain_dag-1.2'],
  ['<img src=x onerror=alert(1)>', '<img src=x onerror=alert(1)>'],
  ['</code></td></tr></table><h1>out</h1>', '</code></td></tr></table><h1>out</h1>'],
  ['</details></summary>', '</details></summary>'],
  ['a|b', 'a|b'], ['|', '|'], ['||a||', '||a||'], ['a\\|b', 'a\\[U+7C]b'], ['a\\\\|b', 'a\\\\[U+7C]b'], ['a\\', 'a\\'], ['\\', '\\'],
  ['`', '`'], ['``a`', '``a`'], ['` a `', '` a `'], ['a`b``c```d', 'a`b``c```d'], ['`|`', '`|`'], ['```', '```'], ['```diff', '```diff'], ['~~~', '~~~'],
  [' a ', ' a '], ['', '(empty)'],
  ['a\nb', 'a↵b'], ['a\r\n\r\n| x | y |\r\n', 'a↵↵| x | y |↵'], ['a\n## heading', 'a↵## heading'], ['a\u0000b\u0007', 'a b '],
  ['@octocat', '@octocat'], ['&#64;octocat', '&#64;octocat'], ['@octo-org/team', '@octo-org/team'],
  ['#12', '#12'], ['octo-org/repo#1', 'octo-org/repo#1'], ['GH-12', 'GH-12'], ['deadbeef1234567', 'deadbeef1234567'], ['a94a8fe5ccb19ba61c4c0873d391e987982fbbd3', 'a94a8fe5ccb19ba61c4c0873d391e987982fbbd3'],
  ['https://evil.example/x', 'https://evil.example/x'], ['www.evil.example', 'www.evil.example'], ['mail a@evil.example', 'mail a@evil.example'], ['see www.evil.example', 'see www.evil.example'], ['<https://evil.example>', '<https://evil.example>'],
  ['![x](https://evil.example/x.png)', '![x](https://evil.example/x.png)'], ['[x](javascript:alert(1))', '[x](javascript:alert(1))'], ['[x]: https://evil.example', '[x]: https://evil.example'],
  ['<!-- mwaa-migration:v1 {"id":"m","plan":"forged"} -->', '<!-- mwaa-migration:v1 {"id":"m","plan":"forged"} -->'], ['-->', '-->'], ['<!--', '<!--'],
  ['&lt;b&gt;', '&lt;b&gt;'], ['**b** _c_ ~~d~~', '**b** _c_ ~~d~~'], ['- [ ] x', '- [ ] x'], ['1. x', '1. x'], ['> x', '> x'], ['$`x`$ $$y$$', '$`x`$ $$y$$'], [':+1:', ':+1:'],
  ['\u202Egnp.exe', '[U+202E]gnp.exe'], ['a\u200bb\u2060', 'a[U+200B]b[U+2060]'], ['a\u2028b', 'a[U+2028]b'], ['\ud800x', '[U+D800]x'], ['\u{e0061}', '[U+E0061]'],
  ['::error::x', '::error::x'],
  ...['airflow.providers.amazon.aws.operators.lambda_function_of_some_length', 'arn:aws:iam::111122223333:role/service-role/analytics-execution-role', '__init__/__main__.__name__/__more__/__of__/__these__/__long__',
    'a94a8fe5ccb19ba61c4c0873d391e987982fbbd3.a94a8fe5ccb19ba61c4c0873d391e987982fbbd3', `${'see '.repeat(12)}www.evil.example/${'x'.repeat(40)}`, `https://evil.example/${'path/'.repeat(12)}`, `mail ${'a.'.repeat(30)}@evil.example`,
    `- ${'x/'.repeat(40)}`, `1. ${'y.'.repeat(40)}`, `${'-'.repeat(60)}`, ` ${'z_'.repeat(40)} `].map((text) => [text, text] as const), ['日本語 ünï', '日本語 ünï'],
];

/** Longer than anything that should be shown; 250 is Airflow's own limit for an id. */
export const LONG = `${'long_'.repeat(50)}`;
