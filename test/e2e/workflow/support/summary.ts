/** Summaries as a reader sees them: tables by their heading, and every number in the rest. Read on their own, with nothing of the product's. */

export type Table = Readonly<{ heading: string; header: readonly string[]; rows: readonly (readonly string[])[] }>;

/** Plain text of Markdown with HTML in it. */
const plain = (text: string): string => text
  .replaceAll(/<\/?(?:code|summary|details|b|em|strong|pre|br)[^>]*>/gu, '')
  .replaceAll(/&#(\d+);/gu, (_, code: string) => String.fromCodePoint(Number(code)))
  .replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&amp;', '&').trim();

/** Every table, under the heading or the folded section's title that stands before it. */
export function tablesOf(markdown: string): readonly Table[] {
  const found: { heading: string; header: string[]; rows: string[][] }[] = [];
  let heading = '', isOpen = false;
  for (const line of markdown.split('\n')) {
    const title = /^#+ (.*)$/u.exec(line)?.[1] ?? /<summary>(.*)<\/summary>/u.exec(line)?.[1];
    if (title !== undefined) heading = plain(title);
    if (!line.startsWith('|')) { isOpen = false; continue; }
    const cells = line.split(/(?<!\\)\|/u).slice(1, -1).map(plain);
    if (cells.every((cell) => /^:?-+:?$/u.test(cell))) continue;
    if (isOpen) found.at(-1)?.rows.push(cells);
    else found.push({ heading, header: cells, rows: [] });
    isOpen = true;
  }
  return found;
}

/**
 * The first table under a heading that begins so, as one object a row.
 * @throws Error with the headings that there are
 */
export function tableUnder(markdown: string, heading: string): readonly Readonly<Record<string, string>>[] {
  const all = tablesOf(markdown), table = all.find((one) => one.heading.startsWith(heading));
  if (!table) throw new Error(`There is no table under "${heading}"; there are: ${all.map((one) => one.heading).join('; ')}`);
  return table.rows.map((row) => Object.fromEntries(table.header.map((name, at) => [name, row[at] ?? ''])));
}

/** "3,612" → 3612. NaN for what is no number. */
export const numberIn = (cell: string | undefined): number => (cell !== undefined && /^\d[\d,]*$/u.test(cell) ? Number(cell.replaceAll(',', '')) : Number.NaN);

/** Headings that count what stands below them, "Tables that stayed (16)": where the number is another one than that of the rows or items, with both. */
export function wrongTotals(markdown: string): readonly string[] {
  const sections = markdown.split(/^(?=#+ |<details>)/mu);
  return sections.flatMap((section) => {
    const title = /^#+ (.*)$/mu.exec(section)?.[1] ?? /<summary>(.*)<\/summary>/u.exec(section)?.[1] ?? '';
    const total = /\((\d[\d,]*)\)$/u.exec(plain(title))?.[1];
    if (total === undefined) return [];
    const rows = tablesOf(section)[0]?.rows.length ?? 0, items = section.split('\n').filter((line) => /^- /u.test(line)).length;
    return [rows, items].includes(numberIn(total)) ? [] : [`${plain(title)}: ${rows} rows, ${items} items`];
  });
}

/**
 * Whole numbers of everything a reader would count by: headings, sentences and cells. Not in it: what is code (names, addresses, times, digests,
 * versions), drawings, totals in brackets (wrongTotals has them), lengths of time, and columns of seconds.
 */
export function numbersOf(markdown: string): readonly Readonly<{ number: number; line: string }>[] {
  let seconds = -1;
  return markdown.replaceAll(/```[\s\S]*?```/gu, '').split('\n').flatMap((line) => {
    const isRow = line.startsWith('|');
    const cells = line.split(/(?<!\\)\|/u);
    if (!isRow) seconds = -1;
    else if (cells.some((cell) => cell.trim() === 'Seconds')) seconds = cells.findIndex((cell) => cell.trim() === 'Seconds');
    const seen = plain((isRow ? cells.filter((_, at) => at !== seconds).join('|') : line).replaceAll(/<code>.*?<\/code>/gu, '').replaceAll(/^\d+\. /gu, '').replaceAll(/\]\([^)]*\)/gu, ']'))
      .replaceAll(/\(\d[\d,]*\)$/gu, '').replaceAll(/(?:[\d.,]+ (?:to )?)+(?:h|min|minutes?|s|seconds?|days?)\b/gu, '');
    return [...seen.matchAll(/(?<![\w.:/-])\d[\d,]*(?![\w:/.-]*\w)/gu)].map(([found]) => ({ number: Number(found.replaceAll(',', '')), line }));
  });
}
