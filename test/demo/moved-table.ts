export type TableCounts = Readonly<Record<string, Readonly<Record<string, number>>>>;

const COLUMNS = [
  ['exported', (imported: Readonly<Record<string, number>>) => imported['rows']],
  ['inserted', (imported: Readonly<Record<string, number>>) => imported['inserted']],
  ['there already', (imported: Readonly<Record<string, number>>) => imported['alreadyThere']],
  ['rejected', (imported: Readonly<Record<string, number>>) => imported['rejected']],
] as const;

/** One line per table with what import did and how many rows verify found equal, for a terminal. */
export function movedTable(imported: TableCounts, verified: TableCounts): string {
  const rows = Object.entries(imported).map(([table, counts]) => [table, ...COLUMNS.map(([, of]) => show(of(counts))), show(verified[table]?.['equal'])]);
  const lines = [['table', ...COLUMNS.map(([name]) => name), 'verified equal'], ...rows];
  const widths = (lines[0] ?? []).map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)));
  return lines.map((line) => `  ${line.map((cell, column) => (column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0))).join('   ')}`).join('\n');
}

const show = (count: number | undefined): string => (count === undefined ? '–' : String(count));
