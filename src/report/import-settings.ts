/** Pools, variables and connections that the target had too: each by name, with what became of it. Never a value. */
import type { ImportData, SettledRow } from '../airflow/protocol.js';
import { code, counted, grouped, table, text, type Section } from './document.js';

const OUTCOMES: Readonly<Record<SettledRow['outcome'], string>> = {
  kept: 'the target\'s stays', replaced: 'the source\'s stands there now', adopted: 'the source\'s stands there now: the target\'s was as Airflow makes it', renewed: 'the source\'s stands there now: an earlier attempt had brought the other one', refused: 'did not land',
};

/** @returns settings of the target that the source's were written over, all tables together */
export const replacedSettings = ({ tables }: Pick<ImportData, 'tables'>): number => Object.values(tables).reduce((sum, { replaced = 0 }) => sum + replaced, 0);

export function settingSections({ tables }: Pick<ImportData, 'tables'>): readonly Section[] {
  const found = Object.entries(tables).flatMap(([name, { settled = [] }]) => settled.map((row) => ({ table: name, ...row })));
  if (found.length === 0) return [];
  const all = Object.values(tables).reduce((sum, { settled = [], settledRows = settled.length }) => sum + settledRows, 0);
  const files = Object.values(tables).flatMap(({ rejectedFile, replacedFile, settled = [] }) => (settled.length > 0 ? [rejectedFile, replacedFile] : [])).flatMap((file) => (file ? [code(file.key)] : []));
  return [{
    title: `Settings that the target had too, or cannot take (${grouped(all)})`, importance: 1, isFolded: found.length > 50,
    blocks: [
      table(['Table', 'Name', 'What became of it', 'Why'], found.map(({ table: of, name, outcome, why }) => [code(of), code(name), OUTCOMES[outcome], code(why)])),
      ...(all > found.length ? [text(`and ${counted(all - found.length, 'more', 'more')}: all names stand in `, ...files.flatMap((file, at) => [at > 0 ? ', ' : '', file]), '.')] : []),
      ...(found.some(({ outcome }) => outcome === 'kept')
        ? [text('What stays is the target\'s to decide: a DAG that needs the source\'s value fails or works with the other one. Set it by hand before cutover, or name the kind in ', code('metadata.on-conflict'), ' of the migration file and export again.')]
        : []),
    ],
  }];
}
