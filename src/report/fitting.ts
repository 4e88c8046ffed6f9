/** Makes a report fit: whole sections go, the least important ones first, then the ends of long tables. Pure. */
import { counted, text, type Block, type Report, type Section } from './document.js';

export type Fitted = Readonly<{ sections: readonly Section[]; /** Titles, in the order of the report. */ dropped: readonly string[]; /** Sections of which rows are missing. */ shortened: readonly string[] }>;

/** Every section, then one less at a time: of equals the last goes, for reports put the summary first and the details behind. Never the ones of importance 1. */
export function* withoutLeastImportant(sections: Report['sections']): Generator<Fitted> {
  let left = sections;
  for (;;) {
    yield { sections: left, dropped: sections.filter((section) => !left.includes(section)).map(({ title }) => title), shortened: [] };
    const worst = Math.max(1, ...left.map(({ importance }) => importance));
    const victim = left.filter(({ importance }) => importance === worst).at(-1);
    if (worst === 1 || !victim) return;
    left = left.filter((section) => section !== victim);
  }
}

/** Rows that a table keeps, from many to the one that shows what it is about. */
const ROWS = [200, 100, 60, 40, 25, 15, 10, 5, 3, 1];
/** A line of code is a fraction of a row. */
const LINES_A_ROW = 4;

/** `fitted` with ever fewer rows in its tables, lists and listings. @param where the rest can be read, for the sentence that says so */
export function* withFewerRows({ sections, dropped }: Fitted, where: string): Generator<Fitted> {
  for (const rows of ROWS) {
    const shorter = sections.map((section) => ({ ...section, blocks: section.blocks.flatMap((block) => shorten(block, rows, where)) }));
    yield { sections: shorter, dropped, shortened: sections.filter((section, at) => section.blocks.length !== shorter[at]?.blocks.length).map(({ title }) => title) };
  }
}

function shorten(block: Block, rows: number, where: string): readonly Block[] {
  const more = (count: number, noun: string): Block => text(`${counted(count, `more ${noun}`)} ${count === 1 ? 'is' : 'are'} in ${where}.`);
  if (block.kind === 'table' && block.rows.length > rows) return [{ ...block, rows: block.rows.slice(0, rows) }, more(block.rows.length - rows, 'row')];
  if (block.kind === 'list' && block.items.length > rows) return [{ ...block, items: block.items.slice(0, rows) }, more(block.items.length - rows, 'item')];
  if (block.kind !== 'listing') return [block];
  const lines = block.text.split('\n');
  return lines.length > rows * LINES_A_ROW ? [{ ...block, text: lines.slice(0, rows * LINES_A_ROW).join('\n') }, more(lines.length - rows * LINES_A_ROW, 'line')] : [block];
}
