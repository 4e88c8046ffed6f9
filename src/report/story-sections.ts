/** What a migration has moved so far, table by table, who approved it, and how the environments differ: for the status, the last job and the page. Pure. */
import type { ImportedTable } from '../airflow/protocol.js';
import type { Attempt, Journal } from '../journal/journal.js';
import type { Manifest } from '../metadata/manifest.js';
import type { Decisions, Basis } from '../plan/plan.js';
import { code, counted, list, table, text, type Block, type Cell, type Part, type Section } from './document.js';
import { fatesOf } from './fates.js';

export type VerifiedRow = Readonly<Record<'equal' | 'missing' | 'different', number>>;
/** `verify/report.json`, as far as it is shown. `at`: ISO 8601. */
export type VerifiedBefore = Readonly<{ attempt: number; at: string; problems: readonly string[]; tables: ReadonlyMap<string, VerifiedRow> }>;

export type Story = Readonly<{
  journal: Journal;
  /** Of the newest export that can be used: a final one, else a rehearsal. */
  manifest: Manifest | undefined;
  plan: Readonly<{ decisions: Pick<Decisions, 'environment'>; basis: Basis }> | undefined;
  verified: VerifiedBefore | undefined;
  /** What could not be read, in sentences. */
  missing: readonly string[];
}>;

/** Of a list; whoever has more finds it in the summary of the phase. */
const SHOWN = 100;

export function storySections({ journal, manifest, plan, verified, missing }: Story): readonly Section[] {
  const attempt = manifest && journal.attempts.find(({ number }) => number === manifest.attempt);
  return [
    ...(missing.length > 0 ? [{ title: 'What could not be read', importance: 1 as const, blocks: [list(missing.map((one) => code(one)))] }] : []),
    ...approvalSections(journal),
    ...(manifest ? tableSections(manifest, attempt, verified?.attempt === manifest.attempt ? verified : undefined) : []),
    ...leftSections(attempt),
    ...(plan ? environmentSections(journal, plan) : []),
  ];
}

function approvalSections({ attempts }: Journal): readonly Section[] {
  const rows = attempts.flatMap(({ number, steps }): readonly (readonly Cell[])[] => steps.flatMap(({ name, at, data }): readonly (readonly Cell[])[] => {
    if (name === 'expired') return [[String(number), code(at), 'nobody: the gate was not answered in time', undefined, undefined]];
    if (name !== 'approved' && name !== 'cutover-approved') return [];
    const by = Array.isArray(data?.by) ? data.by.filter((one): one is string => typeof one === 'string').slice(0, 20) : [];
    const how = data?.how === 'dispatch' ? ' (by a second run)' : data?.how === 'unprotected' ? ' (the gate was unprotected)' : '', what = name === 'cutover-approved' ? ', the cutover' : '';
    return [[String(number), code(at), [...by.flatMap((one, place): readonly Part[] => [place > 0 ? ', ' : '', code(one)]), how, what], digest(data?.planDigest), digest(data?.scope)]];
  }));
  return rows.length === 0 ? [] : [{ title: 'Approvals', importance: 1, blocks: [table(['Attempt', 'When', 'By', 'Plan digest', 'Manifest digest'], rows.slice(-SHOWN))] }];
}

function tableSections(manifest: Manifest, attempt: Attempt | undefined, verified: VerifiedBefore | undefined): readonly Section[] {
  const imported = importedTables(attempt);
  const rows = manifest.tables.map((one): readonly Cell[] => {
    const there = imported?.[one.name], seen = verified?.tables.get(one.name);
    return [
      code(one.name), one.rows, Object.values(one.leftOut).reduce((sum, rowsOf) => sum + rowsOf, 0), one.bytes,
      ...(imported ? [count(there?.inserted), count(there?.alreadyThere), count(there?.rejected)] : []),
      ...(verified ? [seen?.equal, seen?.missing, seen?.different] : []),
    ];
  });
  const head = ['Table', 'Exported', 'Left out', 'Bytes in S3', ...(imported ? ['Inserted', 'There already', 'Rejected'] : []), ...(verified ? ['Equal', 'Missing', 'Different'] : [])];
  const said: readonly Block[] = [
    text(`Attempt ${manifest.attempt}, a ${manifest.mode === 'final' ? 'final export' : 'rehearsal, which writes no variable and pauses nothing'}; snapshot of `, code(manifest.snapshotAt), '.', ...(verified ? [' Compared at ', code(verified.at), verified.problems.length === 0 ? ': both sides agree.' : `: ${counted(verified.problems.length, 'problem')}.`] : [])),
    ...(manifest.inFlight.length > 0 ? [text(`${counted(manifest.inFlight.length, 'DAG run was', 'DAG runs were')} in flight: ${fatesOf(manifest.inFlight)}.`)] : []),
  ];
  const leftOut = manifest.tables.flatMap(({ name, leftOut: reasons }) => Object.entries(reasons).filter(([, rowsOf]) => rowsOf > 0).map(([reason, rowsOf]): readonly Cell[] => [code(name), rowsOf, code(reason)]));
  const rejected = Object.entries(imported ?? {}).flatMap(([name, { reasons }]) => Object.entries(reasons ?? {}).map(([reason, rowsOf]): readonly Cell[] => [code(name), count(rowsOf), code(reason)]));
  return [
    { title: 'Table by table', importance: 1, blocks: [table(head, rows), ...said, ...(verified && verified.problems.length > 0 ? [list(verified.problems.slice(0, SHOWN).map((one) => code(one)))] : [])] },
    ...reasonSection('What was left out, and why', leftOut),
    ...reasonSection('What the target did not take, and why', rejected),
  ];
}

const reasonSection = (title: string, rows: readonly (readonly Cell[])[]): readonly Section[] =>
  rows.length === 0 ? [] : [{ title, importance: 2, blocks: [table(['Table', 'Rows', 'Why'], rows.slice(0, SHOWN)), ...(rows.length > SHOWN ? [text(`and ${counted(rows.length - SHOWN, 'line')} more in the summary of the phase`)] : [])] }];

/** DAGs that run on neither side since the cutover: nobody may miss them. */
function leftSections(attempt: Attempt | undefined): readonly Section[] {
  const data = attempt?.steps.some(({ name }) => name === 'restored') ? undefined : attempt?.steps.find(({ name }) => name === 'activated')?.data;
  const left = Array.isArray(data?.left) ? data.left.flatMap((one: unknown): readonly (readonly Cell[])[] => (isRecord(one) && typeof one.dagId === 'string' && typeof one.reason === 'string' ? [[code(one.dagId), code(one.reason)]] : [])) : [];
  return left.length === 0 ? [] : [{ title: `DAGs that the cutover left paused (${left.length}): they run on neither side`, importance: 1, blocks: [table(['DAG', 'Why'], left.slice(0, SHOWN)), ...(left.length > SHOWN ? [text(`and ${left.length - SHOWN} more in the summary of phase cutover`)] : [])] }];
}

/** Values as the plan may hold them: it has `(hidden)` in the place of every other. */
function environmentSections(journal: Journal, { decisions, basis }: NonNullable<Story['plan']>): readonly Section[] {
  const fields = decisions.environment.fields;
  const after = isRecord(fields.AirflowConfigurationOptions) ? fields.AirflowConfigurationOptions : {}, before = basis.source.options;
  const options = [...new Set([...Object.keys(before), ...Object.keys(after)])].sort().filter((name) => before[name] !== after[name]);
  const rows: readonly (readonly Cell[])[] = [
    ['Airflow', code(journal.source.airflowVersion), code(journal.target.airflowVersion)],
    ['Name', code(journal.source.environment), code(journal.target.environment)],
    ...(journal.source.region === journal.target.region ? [] : [['Region', code(journal.source.region), code(journal.target.region)]]),
    ...options.map((name): readonly Cell[] => [code(name), before[name] === undefined ? 'not set' : code(before[name]), after[name] === undefined ? 'not set' : code(String(after[name]))]),
  ];
  return [{ title: `What differs between the environments (${rows.length})`, importance: 2, isFolded: rows.length > 12, blocks: [table(['Setting', 'Source', 'Target'], rows.slice(0, 2 * SHOWN)), text('Airflow options as this migration began; phase plan shows each with its reason. A value that may be secret is shown nowhere.')] }];
}

/** As the journal gives it back: it is data from outside. */
function importedTables(attempt: Attempt | undefined): Readonly<Record<string, Partial<ImportedTable>>> | undefined {
  const tables = attempt?.steps.find(({ name }) => name === 'imported')?.data?.tables;
  return isRecord(tables) ? Object.fromEntries(Object.entries(tables).filter((entry): entry is [string, Partial<ImportedTable>] => isRecord(entry[1]))) : undefined;
}

const count = (value: unknown): number | undefined => (typeof value === 'number' ? value : undefined);
/** Its beginning; the table of attempts has all of it. */
const digest = (value: unknown): Cell => (typeof value === 'string' ? code(value.length > 16 ? `${value.slice(0, 12)}…` : value) : undefined);
const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> => typeof value === 'object' && value !== null && !Array.isArray(value);
