import { describe, expect, it } from '@jest/globals';
import { code, counted, grouped, list, listing, table, text, type Report } from '../../../src/report/document.js';
import { renderHtml } from '../../../src/report/html.js';
import { inlineCode, renderMarkdown } from '../../../src/report/markdown.js';
import { headline } from '../../../src/step-summary.js';

const HOSTILE = '<img src=x onerror=alert(1)>|`**@everyone** [x](javascript:y)\n\n| new | row |\r\n::error::x <!-- mwaa-migrate: --> &lt; \u202Egnp.exe';
const report = (given: Partial<Report> = {}): Report => ({
  verdict: ['3 rows from ', code(HOSTILE)], isGood: true, next: [['Look at ', code(HOSTILE)]],
  sections: [{ title: 'Tables', importance: 1, blocks: [text('Plain words.'), table(['Table', 'Rows'], [[code(HOSTILE), 1234], [undefined, 0]]), list([[code(HOSTILE)]])] }], ...given,
});

describe('a report in Markdown', () => {
  it('leaves hostile text inert', () => {
    const markdown = renderMarkdown(report());
    for (const bad of ['<img', '@everyone', '](', '`', '**@', '<!--', '\r', '::error', '\u202E']) expect(markdown).not.toContain(bad);
    // heading, blank, title, blank, text, blank, 4 table lines, blank, list, blank, next title, blank, next
    expect(markdown.trimEnd().split('\n')).toHaveLength(16);
    expect(markdown.split('\n').filter((line) => line.startsWith('|'))).toHaveLength(4);
  });

  it('escapes our own sentences too, for a name may have slipped in', () => {
    const markdown = renderMarkdown(report({ verdict: 'a <b> | @c _d_ `e`\n## f', next: [] }));
    expect(markdown.split('\n')[0]).toBe('## ✅ a &#60;b&#62; &#124; &#64;&#8203;c &#95;d&#95; &#96;e&#96; &#35;&#35; f');
  });

  it.each([
    ['a mention', 'by @octocat', 'by &#64;&#8203;octocat'], ['an issue', '#12 and a/b#1 and GH-7', '&#35;&#8203;12 and a/b&#35;&#8203;1 and GH-&#8203;7'],
    ['a commit', 'at 0a1b2c3d', 'at 0a1b2c&#8203;3d'], ['an address', 'https://e.org www.e.org a@e.org', 'https:&#8203;//e.org www&#8203;.e.org a&#64;&#8203;e.org'],
    ['what is not seen', 'a\u200bb\u00adc\ufeffd\u{e0041}', 'a&#91;U&#43;200B&#93;b&#91;U&#43;AD&#93;c&#91;U&#43;FEFF&#93;d&#91;U&#43;E0041&#93;'],
  ])('lets GitHub find no %s in a sentence', (_, said, inert) => expect(renderMarkdown(report({ verdict: said, next: [] })).split('\n')[0]).toBe(`## ✅ ${inert}`));

  it('lets a very long word of a sentence go on in the next line', () => {
    const [line = ''] = renderMarkdown(report({ verdict: `${'a'.repeat(130)} ${'b'.repeat(99)}`, next: [] })).split('\n');
    expect(line).toBe(`## ✅ ${'a'.repeat(60)}<wbr>${'a'.repeat(60)}<wbr>${'a'.repeat(10)} ${'b'.repeat(99)}`);
    expect(headline(line)).toBe(`✅ ${'a'.repeat(130)} ${'b'.repeat(99)}`);
  });

  it('sets numbers right and groups them', () => expect(renderMarkdown(report())).toMatch(/\| --- \| ---: \|\n.*\| 1,234 \|\n\| – \| 0 \|/));

  it('drops the least important sections first, and says which', () => {
    const long = (title: string, importance: 1 | 2 | 3) => ({ title, importance, blocks: [text(title.repeat(100))] });
    const whole = report({ sections: [long('first', 1), long('second', 2), long('third', 3), long('fourth', 3)] });
    const at = (bytes: number) => renderMarkdown(whole, bytes);
    const full = Buffer.byteLength(renderMarkdown(whole));
    expect(at(full)).toContain('### fourth');
    expect(at(full - 1)).not.toContain('### fourth');
    expect(at(full - 1)).toContain('### third');
    expect(at(full - 700)).toMatch(/Left out of this summary.*third, fourth/);
    for (const bytes of [full - 1, full - 700, full - 1300, 500]) expect(Buffer.byteLength(at(bytes))).toBeLessThanOrEqual(bytes);
    expect(at(500)).toContain('Cut here');
  });

  it('keeps a folded table a table: GitHub wants blank lines inside details', () => {
    expect(renderMarkdown(report({ sections: [{ title: 'More', importance: 3, isFolded: true, blocks: [table(['a'], [['b']])] }] }))).toContain('<details><summary>More</summary>\n\n| a |\n| --- |\n| b |\n\n</details>');
  });

  it('keeps a listing in its fence, whatever is in it', () => {
    const markdown = renderMarkdown(report({ sections: [{ title: 'Code', importance: 3, isFolded: true, blocks: [listing('yaml', `a: b\r\n\`\`\`\`\n${HOSTILE}\u0007`)] }], verdict: '', next: [] }));
    const lines = markdown.split('\n');
    expect(lines.filter((line) => line.startsWith('`````'))).toEqual(['`````yaml', '`````']);
    expect(lines.slice(lines.indexOf('`````yaml') + 1, lines.indexOf('`````yaml') + 3)).toEqual(['a: b', '````']);
    expect(lines.indexOf('</details>')).toBeGreaterThan(lines.lastIndexOf('`````'));
    for (const bad of ['\r', '\u0007', '\u202E']) expect(markdown).not.toContain(bad);
  });

  it('becomes no link to a mail address or host', () => {
    // What cmark-gfm, GitHub's parser, links inside of <code>: it reads references before it looks for addresses, and www. before that.
    expect(inlineCode('bob@mail.com mailto:a@b.c')).toBe('<code>bob&#64;<wbr>mail.com mailto&#58;a&#64;<wbr>b.c</code>');
    expect(inlineCode('at www.example.com, WWW.x.org')).toBe('<code>at www&#46;example.com, WWW&#46;x.org</code>');
  });

  it('shows a face of text', () => expect(inlineCode('nightly load-1.2,x_y')).toBe('<code>nightly load-1.2,x&#95;y</code>'));
});

describe('a report in HTML', () => {
  const html = renderHtml(report(), 'a & b <title>');
  it('leaves hostile text inert', () => {
    for (const bad of ['<img', '<!--', '\u202E', '\r', '<title>a & b <']) expect(html).not.toContain(bad);
  });
  it('needs nothing from outside and runs nothing', () => {
    expect(html).not.toMatch(/<script|src=["h]|href=|url\(|@import/);
    expect(html).toContain("default-src 'none'");
  });
  it('shows a listing line by line, inert', () => {
    const shown = renderHtml(report({ sections: [{ title: 'Code', importance: 1, blocks: [listing('hcl', `a\nb ${HOSTILE}`)] }] }), 't');
    expect(shown).toContain('<pre tabindex="0"><code>a\nb &#60;img');
    expect(shown).not.toContain('<img');
  });
  it('says the same as the Markdown', () => expect(html).toContain('1,234'));
});

it.each([[1, '1 row'], [2, '2 rows'], [0, '0 rows'], [1_234_567, '1,234,567 rows']])('%d: %s', (count, said) => {
  expect(counted(count, 'row')).toBe(said);
  expect(grouped(999)).toBe('999');
});
