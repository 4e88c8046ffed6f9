/** The comment as GitHub shows it: whatever names and values are called, they stay in their cell and are nothing but text. */
import { beforeAll, describe, expect, it, jest } from '@jest/globals';
import { renderComment } from '../../../src/comment/render.js';
import { code, list, listing, table, text, type Report } from '../../../src/report/document.js';
import { renderMarkdown } from '../../../src/report/markdown.js';
import { asGithub, type Seen } from './as-github.js';
import { HOSTILE, LONG } from './hostile.js';

jest.setTimeout(60_000); // for a busy machine

const facts = { marker: { id: 'm', plan: 'd'.repeat(64), commit: 'c0ffee0c0ffee0', run: '777', tool: '1.2.3' }, runUrl: 'https://github.com/octo-org/workflows/actions/runs/777' };
/** Every place in which a text may stand, as code and as a word of ours. */
const reportOf = (value: string): Report => ({
  verdict: [code(value), ' and ', value], isGood: false, next: [[code(value)], value],
  sections: [
    { title: `Title ${value}`, importance: 1, blocks: [text(code(value)), text(value), table([value, 'Second', 'Third'], [[code(value), value, 1234], [[code(value), ' ', code(value)], undefined, 0]]), list([[code(value)], value])] },
    { title: `Folded ${value}`, importance: 2, isFolded: true, blocks: [table(['One', 'Two'], [[code(value), code(value)]]), listing('diff', `- ${value}\n+ ${value}`), text('end')] },
    { title: 'Last', importance: 3, isFolded: true, blocks: [table(['One'], [[code(value)]])] },
  ],
});

let seen: Readonly<Record<string, Seen>>, summaries: Readonly<Record<string, Seen>>;
beforeAll(() => {
  seen = asGithub(Object.fromEntries(HOSTILE.map(([value], at) => [String(at), renderComment(reportOf(value), facts)])));
  summaries = asGithub(Object.fromEntries(HOSTILE.map(([value], at) => [String(at), renderMarkdown(reportOf(value))])));
});

describe.each(HOSTILE.map(([value, shown], at) => ({ value: JSON.stringify(value), shown, at: String(at) })))('$value', ({ shown, at }) => {
  it('is read as it is, in its cell', () => {
    const { tables, headings, summaries: folded, items, openTables } = seen[at]!;
    expect(tables.map((rows) => rows.map((cells) => cells.length))).toEqual([[3, 3, 3], [2, 2], [1, 1]]);
    const [[, [first, , third] = []] = [], [, second] = [], [, [last] = []] = []] = tables;
    expect([first, third, second?.[0], second?.[1], last]).toEqual([shown, '1,234', shown, shown, shown]);
    expect(headings.map(([level]) => level)).toEqual(['h2', 'h3', 'h3']);
    // Only a table needs help for a pipe behind a backslash.
    const elsewhere = shown.replaceAll('[U+7C]', '|');
    expect(headings[0]?.[1]).toMatch(/^❌ .* and/u);
    expect(headings[0]?.[1].slice(2, 2 + elsewhere.length)).toBe(elsewhere);
    expect(folded).toHaveLength(2);
    expect(openTables).toBe(1);
    expect(items[0]).toBe(elsewhere.trim());
    expect(items).toHaveLength(4);
  });

  it('is no link, image, mention, reference, markup or comment of HTML', () => {
    const { forbidden, comments, links, images, mentions, references, commits } = seen[at]!;
    expect({ forbidden, images, mentions, references, commits, comments: comments.length, links }).toEqual({ forbidden: [], images: 0, mentions: [], references: [], commits: [], comments: 1, links: [facts.runUrl] });
    expect(comments[0]).toContain('mwaa-migration:v1');
    expect(comments[0]).toContain(facts.marker.plan);
  });

  it('does no harm in a job summary either', () => {
    const { forbidden, links, images, mentions, references, commits, tables, headings } = summaries[at]!;
    expect({ forbidden, links, images, mentions, references, commits }).toEqual({ forbidden: [], links: [], images: 0, mentions: [], references: [], commits: [] });
    expect(tables.map((rows) => rows.map((cells) => cells.length))).toEqual([[3, 3, 3], [2, 2], [1, 1]]);
    expect(headings).toHaveLength(3);
  });
});

const DIFF: Report = { verdict: 'v', isGood: true, next: [], sections: [{ title: 't', importance: 1, blocks: [listing('diff', '- core.a = 1\n+ core.b = 1\n```\n</pre>')] }] };
const IDS = ['m --> <b>forged</b>', '--', '\n## forged', 'x" -->\n<!-- mwaa-migration:v1 {"id":"other"} -->', '𝒎'];
const ADDRESSES = ['javascript:alert(1)', 'https://github.com/a/b)![x](https://evil.example', 'https://github.com/a b', ''];

describe('a comment', () => {
  let others: Readonly<Record<string, Seen>>;
  beforeAll(() => {
    others = asGithub({
      diff: renderComment(DIFF, facts), long: renderComment(reportOf(LONG), facts),
      ...Object.fromEntries(IDS.map((id) => [`id ${id}`, renderComment({ verdict: 'v', isGood: true, next: [], sections: [] }, { ...facts, marker: { ...facts.marker, id } })])),
      ...Object.fromEntries(ADDRESSES.map((runUrl) => [`address ${runUrl}`, renderComment(reportOf('a'), { ...facts, runUrl })])),
    });
  });

  it('keeps a diff line by line', () => expect(others['diff']!.listings).toEqual(['- core.a = 1\n+ core.b = 1\n```\n</pre>\n']));

  it('cuts a very long name, and says how long it was', () => {
    expect(others['long']!.tables[1]?.[1]).toEqual([`${LONG.slice(0, 160)}… (250 characters)`, `${LONG.slice(0, 160)}… (250 characters)`]);
  });

  it.each(IDS)('hides the marker whatever the id is called: %j', (id) => {
    const { comments, headings, firstLine } = others[`id ${id}`]!;
    expect(comments).toHaveLength(1);
    expect(headings).toEqual([['h2', '✅ v']]);
    expect(firstLine).toBe('✅ v');
  });

  it.each(ADDRESSES)('makes no link of an address that is none of a run: %j', (runUrl) => {
    const { links, images } = others[`address ${runUrl}`]!;
    expect({ links, images }).toEqual({ links: [], images: 0 });
  });
});
