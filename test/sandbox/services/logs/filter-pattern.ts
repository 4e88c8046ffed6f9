/** Filter patterns of terms: https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html */
import { invalidParameter } from './input.js';

type Term = Readonly<{ kind: 'all' | 'any' | 'none'; text: string }>;

/** `a b` both, `?a ?b` one of them, `-a` not, `"a b"` as it stands; case counts. @throws AwsError for JSON, field and regex patterns, which this sandbox does not know */
export function compilePattern(pattern: string | undefined): (message: string) => boolean {
  const text = (pattern ?? '').trim();
  if (text === '') return () => true;
  if (/^[{[%]/u.test(text)) throw invalidParameter(`The sandbox's CloudWatch Logs knows filter patterns of terms only, not ${text}`);
  const terms = termsOf(text);
  const some = terms.filter(({ kind }) => kind === 'any');
  return (message) => terms.every(({ kind, text: term }) => (kind === 'any' ? true : message.includes(term) === (kind === 'all')))
    && (some.length === 0 || some.some(({ text: term }) => message.includes(term)));
}

function termsOf(pattern: string): readonly Term[] {
  const found = [...pattern.matchAll(/([?-]?)(?:"((?:[^"\\]|\\.)*)"|([^\s"]+))(?=\s|$)/gu)];
  if (found.map(([whole]) => whole).join('') !== pattern.replace(/\s+(?=(?:[^"]*"[^"]*")*[^"]*$)/gu, '')) throw invalidParameter('Invalid filter pattern');
  return found.map(([, sign, quoted, bare]) => {
    // Anything but letters, digits and underscores has to stand in quotes.
    if (bare !== undefined && !/^[\p{L}\p{N}_]+$/u.test(bare)) throw invalidParameter(`Invalid character(s) in term '${bare}'`);
    return { kind: sign === '?' ? 'any' : sign === '-' ? 'none' : 'all', text: bare ?? quoted!.replace(/\\(.)/gu, '$1') };
  });
}
