/** The page at the gate: what a person has to know to say yes or no, the decision first. */
import type { GateStand } from '../gate/protection.js';
import type { InFlightShown } from '../gate/shown.js';
import type { Attempt, Step } from '../journal/journal.js';
import { leftOutOf } from '../metadata/left-out.js';
import type { Manifest } from '../metadata/manifest.js';
import type { MigrationFile } from '../migration-file/migration-file.js';
import type { Estimates, Range } from '../plan/estimates.js';
import type { Finding, Plan } from '../plan/plan.js';
import type { WorkflowRun } from '../ports.js';
import type { GateInputs } from '../workflow-inputs.js';
import { code, counted, grouped, list, table, text, type Block, type Cell, type Part, type Report, type Section } from './document.js';
import { fateInWords } from './fates.js';
import { answerSections } from './gate-answer.js';
import { isChange } from './option-sections.js';
import { onConflictInWords, settingsToSee } from './settings.js';
import { sideFileBlocks } from './side-files.js';

export type AskFacts = Readonly<{
  file: MigrationFile;
  attempt: Attempt & Readonly<{ manifest: NonNullable<Attempt['manifest']> }>;
  manifest: Manifest;
  gate: GateStand;
  gateInputs: GateInputs;
  blockers: readonly Finding[];
  warnings: readonly Finding[];
  changes: Plan['changes'];
  options: Plan['options'];
  planDigest: string;
  hasTarget: boolean;
  /** Number of an earlier final export that left the source paused; undefined: none did. */
  pausedBy: number | undefined;
  /** Undefined: not yet. */
  approved: Readonly<{ by: readonly string[] }> | undefined;
  /** Logins of who started the export. */
  starters: readonly string[];
  /** Ids of DAGs that are active now; undefined: nobody could tell. */
  active: readonly string[] | undefined;
  inFlight: InFlightShown;
  estimates: Estimates;
  run: Pick<WorkflowRun, 'url' | 'workflowFile'>;
  /** ISO 8601. */
  now: string;
}>;

const SHOWN = 100;

export function askReport(facts: AskFacts): Report {
  const { file, attempt, manifest, blockers, gate } = facts;
  const isFinal = attempt.mode === 'final';
  const rows = manifest.tables.reduce((sum, one) => sum + one.rows, 0);
  const left = manifest.tables.reduce((sum, one) => sum + leftOutOf(one).users, 0), ours = manifest.tables.reduce((sum, one) => sum + leftOutOf(one).ours, 0);
  const what: readonly Part[] = [code(file.source.environment), ' to ', code(file.target.environment), `: ${counted(rows, 'row')} of ${counted(manifest.tables.length, 'table')}, ${grouped(left)} left out${ours > 0 ? ` (and ${grouped(ours)} of mwaa-migrate itself)` : ''}`];
  return {
    verdict: blockers.length > 0 ? [`${counted(blockers.length, 'thing blocks', 'things block')}, so there is nothing to approve: `, ...what] : facts.approved ? ['Approved before by ', ...names(facts.approved.by), ': ', ...what] : ['To approve: ', ...what],
    isGood: blockers.length === 0, needsCare: true,
    sections: [
      { title: 'What is asked', importance: 1, blocks: [table(['What', 'Value'], askedRows(facts)), ...(gate.warnings.length > 0 ? [list(gate.warnings)] : [])] },
      ...findings('What blocks', blockers),
      ...answerSections(facts),
      pauseSection(facts),
      { title: 'Tables', importance: 1, blocks: [
        table(['Table', 'Rows', 'Left out', 'Bytes in S3', 'Seconds', 'Which rows'], manifest.tables.map((one) => [code(one.name), one.rows, allLeftOut(one), one.bytes, one.seconds, one.secret ? [one.filter, isFinal ? ', encrypted' : ', counted only'] : one.filter])),
        text('Snapshot of ', code(manifest.snapshotAt), '.', ours > 0 ? ` ${counted(ours, 'row')} of those left out ${ours === 1 ? 'is' : 'are'} of mwaa-migrate itself.` : ''),
      ] },
      ...leftOutSections(manifest),
      ...findings('Warnings of the plan', facts.warnings),
      dagSection(facts),
      ...environmentSections(facts),
    ],
    next: [],
  };
}

function allLeftOut(table: Manifest['tables'][number]): number {
  const { users, ours } = leftOutOf(table);
  return users + ours;
}

function askedRows({ file, attempt, manifest, planDigest, starters, hasTarget, pausedBy, now }: AskFacts): readonly (readonly Cell[])[] {
  const exported = stepAt(attempt, 'exported');
  return [
    ['Source', code(`${file.source.environment} (${file.source.region}, Airflow ${manifest.source.airflowVersion})`)],
    ['Target', [code(`${file.target.environment} (${file.target.region}, Airflow ${file.target.airflowVersion})`), hasTarget ? '' : ', does not exist yet']],
    ['Attempt', [`${attempt.number}, a ${attempt.mode === 'final' ? 'final export: the source is paused' : `rehearsal: ${pausedBy === undefined ? 'nothing is paused' : `the source is paused still, by attempt ${pausedBy}`}`}`, ...(exported ? [', exported at ', code(exported)] : []), ' (now: ', code(now), ')']],
    ...(starters.length > 0 ? [['Export started by', names(starters)]] : []),
    ['Settings that the target has too', onConflictInWords(manifest.filters.onConflict)],
    ['Plan digest', code(planDigest)], ['Manifest digest', code(attempt.manifest.scope)],
  ];
}

function findings(title: string, found: readonly Finding[]): readonly Section[] {
  if (found.length === 0) return [];
  return [{ title: `${title} (${found.length})`, importance: 1, blocks: [table(['What', 'Why it matters', 'What to do'], found.map(({ what, why, fix }) => [what, why, fix]))] }];
}

/** The rehearsal's own time is the best guess for the export that follows. */
function pauseSection({ attempt, estimates, file }: AskFacts): Section {
  const isFinal = attempt.mode === 'final', took = minutesOf(attempt);
  const exported: Cell = took === undefined ? range(estimates.exportMinutes) : `${counted(took, 'minute')}, as attempt ${attempt.number} took from its start to its end`;
  const since = stepAt(attempt, 'drain-begun');
  return {
    title: isFinal ? 'How long the source stands still' : `How long the source will stand still: about ${range(pauseOf(estimates, took))}`, importance: 1,
    blocks: [
      table(['What', 'About'], [
        ...(isFinal ? [['Paused since', since ? code(since) : undefined] as const] : [
          ['Drain: running work may end', `${range(estimates.drainMinutes)}; it ends as soon as nothing runs any more`] as const,
          ['What still runs then', LEFTOVER[file.drain.leftover]] as const,
          ['Export', exported] as const,
        ]),
        ['Import', range(estimates.importMinutes)],
        ...(estimates.upgradeMinutes ? [['AWS: the step in place', range(estimates.upgradeMinutes)] as const] : []),
      ]),
      text('Verification and cutover come after that; the target\'s DAGs begin one batch after the other.'),
    ],
  };
}

const LEFTOVER = { resume: 'is ended, and goes on at the target after cutover', fail: 'is ended, and its runs stay failed, listed', abort: 'ends the export: the source goes on as before' } as const;

function pauseOf({ drainMinutes, exportMinutes, importMinutes, pauseMinutes }: Estimates, took: number | undefined): Range | undefined {
  if (took === undefined || !exportMinutes || !importMinutes) return pauseMinutes;
  return { from: drainMinutes.from + took + importMinutes.from, to: Math.max(drainMinutes.to + took + importMinutes.to, pauseMinutes?.to ?? 0) };
}

function leftOutSections({ tables, notMoved }: Manifest): readonly Section[] {
  const reasons = tables.flatMap(({ name, leftOut }) => Object.entries(leftOut).filter(([, count]) => count > 0).map(([reason, count]) => [code(name), count, code(reason)] as const));
  const staying = notMoved.filter(({ rows = 0 }) => rows > 0);
  return [
    ...(reasons.length > 0 ? [{ title: 'What is left out, and why', importance: 1 as const, blocks: [table(['Table', 'Rows', 'Why'], reasons), ...sideFileBlocks(tables)] }] : []),
    ...settingsToSee({ tables }),
    ...(staying.length > 0 ? [{ title: `Tables with rows that stay on the source (${staying.length})`, importance: 2 as const, isFolded: true, blocks: [table(['Table', 'Rows', 'Why'], staying.map(({ table: name, rows, reason }) => [code(name), rows, code(reason)]))] }] : []),
  ];
}

function dagSection({ manifest, active, inFlight, attempt }: AskFacts): Section {
  const isFinal = attempt.mode === 'final';
  const flying: readonly Block[] = inFlight.all === 0 ? [text('No DAG run was in flight at the snapshot.')] : [
    text(`${counted(inFlight.all, 'DAG run was', 'DAG runs were')} in flight at the snapshot:`),
    list(inFlight.fates.map(({ fate, runs }) => `${grouped(runs)}: ${fateInWords(fate)}`)),
  ];
  const deferred: readonly Block[] = inFlight.deferred.length === 0 ? [] : [
    text('Tasks that wait in the triggerer begin anew where they go on, and submit their external job a second time:'),
    list(inFlight.deferred.slice(0, SHOWN).map(({ dagId, runId, tasks }) => [code(dagId), ' / ', code(runId), ': ', ...tasks.flatMap((task, at) => [...(at > 0 ? [', '] : []), code(task)])])),
  ];
  const named: readonly Block[] = active === undefined || active.length === 0 ? [] : [text(`Active now (${grouped(active.length)}):`), list([...active.slice(0, SHOWN).map((id) => code(id)), ...(active.length > SHOWN ? [`and ${grouped(active.length - SHOWN)} more`] : [])])];
  const title = isFinal ? 'DAGs: the source is paused' : `DAGs: ${active === undefined ? `${counted(manifest.activeDags, 'was', 'were')} active at the snapshot` : `${counted(active.length, 'is', 'are')} active now`} and will be paused`;
  return { title, importance: 1, isFolded: (active?.length ?? 0) + inFlight.deferred.length > 40, blocks: [...flying, ...deferred, ...named] };
}

function environmentSections({ changes, options }: AskFacts): readonly Section[] {
  const changed = changes.filter(({ kind }) => kind === 'changed' || kind === 'added' || kind === 'removed');
  const moved = options.filter(isChange);
  const rows: readonly (readonly Cell[])[] = [
    ...changed.map(({ field, source, target, kind }) => [code(field), source === undefined ? undefined : code(source), target === undefined ? undefined : code(target), kind]),
    ...moved.map(({ source, target, before, after, kind }) => [code(target ?? source ?? ''), before === undefined ? undefined : code(before), after === undefined ? undefined : code(after), kind]),
  ];
  if (rows.length === 0) return [];
  return [{ title: `What differs between the environments (${rows.length})`, importance: 2, isFolded: true, blocks: [table(['Field or Airflow option', 'Source', 'Target', ''], rows), text('Phase plan shows each with its reason.')] }];
}

const stepAt = ({ steps }: Attempt, name: string): string | undefined => steps.find((step: Step) => step.name === name)?.at;

/** Whole minutes of a rehearsal, rounded up. A final export has drained first, and says less of the work. */
function minutesOf(attempt: Attempt): number | undefined {
  const ended = stepAt(attempt, 'exported');
  if (attempt.mode !== 'rehearsal' || ended === undefined) return undefined;
  return Math.max(1, Math.ceil((Date.parse(ended) - Date.parse(attempt.startedAt)) / 60_000));
}

const names = (logins: readonly string[]): readonly Part[] => logins.flatMap((login, at) => [...(at > 0 ? [', '] : []), code(login)]);
const range = (of: Range | undefined): string => (of === undefined ? 'an unknown time' : of.from === of.to ? counted(of.to, 'minute') : `${grouped(of.from)} to ${grouped(of.to)} minutes`);
