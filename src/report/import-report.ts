import type { ImportData, ImportedTable } from '../airflow/protocol.js';
import type { Manifest } from '../metadata/manifest.js';
import { code, counted, grouped, table, text, type Report, type Section } from './document.js';
import { fatesOf } from './fates.js';
import { replacedSettings, settingSections } from './import-settings.js';
import { onward } from './onward.js';

export type ImportFacts = Readonly<{ environment: string; manifest: Manifest; imported: ImportData; secretVersions: number; isRepeated: boolean }>;

export function importReport({ environment, manifest, imported, secretVersions, isRepeated }: ImportFacts): Report {
  const tables = manifest.tables.map(({ name }): ImportedTable & Readonly<{ name: string }> => ({ name, ...(imported.tables[name] ?? { rows: 0, inserted: 0, alreadyThere: 0, rejected: 0, reasons: {}, rejectedFile: null }) }));
  const sum = (of: 'rows' | 'inserted' | 'alreadyThere' | 'rejected') => tables.reduce((total, one) => total + one[of], 0);
  const replaced = replacedSettings(imported);
  const secrets = manifest.tables.filter(({ secret }) => secret).map(({ name }) => name);
  return {
    verdict: [`${isRepeated ? 'Imported already: ' : 'Imported '}${counted(sum('inserted'), 'row')} into `, code(environment), `; ${grouped(sum('alreadyThere'))} were there, ${grouped(sum('rejected'))} rejected of ${grouped(sum('rows'))}${replaced > 0 ? `; ${counted(replaced, 'setting')} of the target replaced` : ''}`],
    isGood: true,
    sections: [
      { title: 'Tables', importance: 1, blocks: [table(['Table', 'Exported', 'Inserted', 'There already', 'Rejected', 'Seconds'], tables.map((one) => [code(one.name), one.rows, one.inserted, one.alreadyThere, one.rejected, one.seconds]))] },
      ...refusedRunSections(imported.tables.dag_run),
      ...settingSections(imported),
      ...rejectedSections(tables),
      ...columnSections(imported.columnsLeft ?? {}),
      {
        title: 'What else', importance: 1, blocks: [
          text(parkedText(imported.parkedRuns, manifest)),
          ...(imported.replacedRuns > 0 ? [text(`${counted(imported.replacedRuns, 'DAG run')} that an earlier attempt had brought changed on the source since, and ${imported.replacedRuns === 1 ? 'was' : 'were'} replaced with all that belongs to them.`)] : []),
          text(secrets.length > 0 ? `The exported values of ${secrets.join(' and ')} are gone from the bucket: ${isRepeated && secretVersions === 0 ? 'an earlier run removed them' : counted(secretVersions, 'version, marker or upload', 'versions, markers and uploads')}; a listing afterwards was empty.` : 'No secrets were exported.'),
        ],
      },
      ...(manifest.notMoved.length > 0 ? [{ title: `Tables that stayed on the source (${manifest.notMoved.length})`, importance: 3 as const, isFolded: true, blocks: [table(['Table', 'Why'], manifest.notMoved.map((one) => [code(one.table), code(one.reason)]))] }] : []),
    ],
    next: [onward(['verify'], 'verify, which compares both sides row by row'), 'Until cutover both sides stay paused.'],
  };
}

function parkedText(count: number, { inFlight }: Manifest): string {
  if (count === 0) return 'No DAG run was in flight.';
  return `${counted(count, 'DAG run')} arrived parked: failed, with the unfinished tasks without state (${fatesOf(inFlight.filter(({ fate }) => fate !== 'stays'))}). Export's summary lists them.`;
}

function columnSections(columnsLeft: Readonly<Record<string, readonly string[]>>): readonly Section[] {
  const rows = Object.entries(columnsLeft).flatMap(([name, columns]) => columns.map((column) => [code(name), code(column)] as const));
  if (rows.length === 0) return [];
  return [{ title: 'Columns that the target does not have', importance: 1, blocks: [text('Their values were exported and could not be written; a plugin may have added them on the source.'), table(['Table', 'Column'], rows)] }];
}

/** Named here, because all that belongs to a refused run is refused with it, and its history is not on the target. */
function refusedRunSections(runs: ImportedTable | undefined): readonly Section[] {
  const named = runs?.rejectedRuns ?? [];
  if (!runs || named.length === 0) return [];
  return [{
    title: `DAG runs that were refused (${grouped(runs.rejected)})`, importance: 1, blocks: [
      text('They did not land, nor did the task instances and XComs that belong to them. Where the target has a run of its own of that name, it was left as it is.'),
      table(['DAG', 'Run', 'Why'], named.map(({ dagId, runId, reason }) => [code(dagId), code(runId), code(reason)])),
      ...(runs.rejected > named.length ? [text(`and ${grouped(runs.rejected - named.length)} more in the side file`)] : []),
    ],
  }];
}

function rejectedSections(tables: readonly Readonly<{ name: string; reasons: Readonly<Record<string, number>>; rejectedFile: Readonly<{ key: string }> | null }>[]): readonly Section[] {
  const reasons = tables.flatMap(({ name, reasons: found }) => Object.entries(found).map(([reason, count]) => [code(name), count, code(reason)] as const));
  if (reasons.length === 0) return [];
  const files = tables.flatMap(({ name, rejectedFile }) => (rejectedFile ? [[code(name), code(rejectedFile.key)] as const] : []));
  return [{ title: 'Rejected, and why', importance: 1, blocks: [table(['Table', 'Rows', 'Why'], reasons), ...(files.length > 0 ? [text('Each rejected row stands in a side file:'), table(['Table', 'Object'], files)] : [])] }];
}
