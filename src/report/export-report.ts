import { recordedNext } from '../airflow/outlook.js';
import type { ActiveDag, DrainData, InFlightRun, PreflightData } from '../airflow/protocol.js';
import { leftOutOf } from '../metadata/left-out.js';
import type { Manifest } from '../metadata/manifest.js';
import type { Difference } from '../plan/difference.js';
import { dagSection } from './dag-outlook.js';
import { code, counted, grouped, list, table, text, type Block, type Report, type Section } from './document.js';
import { fateInWords, fateShort } from './fates.js';
import { onward } from './onward.js';
import { settingsToSee } from './settings.js';
import { sideFileBlocks } from './side-files.js';

export type ExportFacts = Readonly<{
  environment: string;
  manifest: Manifest;
  scope: string;
  preflight: Pick<PreflightData, 'pausedDags' | 'importErrors'>;
  /** Rehearsal with a target: what it looks like inside. */
  targetSeen: PreflightData | undefined;
  /** With their next runs: of the snapshot in a final export, of the preflight before. */
  active: readonly ActiveDag[];
  /** Final only. */
  drained: Pick<DrainData, 'leftover' | 'ended' | 'waitedSeconds'> | undefined;
  planChanges: readonly Difference[];
  /** ISO 8601. */
  now: string;
}>;

const SHOWN_RUNS = 200;

export function exportReport(facts: ExportFacts): Report {
  const { manifest, environment, drained } = facts;
  const rows = manifest.tables.reduce((sum, one) => sum + one.rows, 0);
  const left = manifest.tables.map(leftOutOf);
  const users = left.reduce((sum, one) => sum + one.users, 0), ours = left.reduce((sum, one) => sum + one.ours, 0);
  const staying = manifest.notMoved.reduce((sum, one) => sum + (holdsUsersRows(one.reason) ? (one.rows ?? 0) : 0), 0);
  const isFinal = manifest.mode === 'final';
  return {
    verdict: [`${isFinal ? 'Exported' : 'Rehearsal: exported'} ${counted(rows, 'row')} of ${counted(manifest.tables.length, 'table')} from `, code(environment), `, ${grouped(users)} left out${ours > 0 ? ` (and ${grouped(ours)} of mwaa-migrate itself)` : ''}${staying > 0 ? `, ${grouped(staying)} in tables that stay` : ''}; ${isFinal ? `${counted(facts.active.length, 'DAG')} paused` : 'nothing was paused'}`],
    isGood: true,
    sections: [
      {
        title: 'Tables', importance: 1, blocks: [
          table(['Table', 'Rows', 'Left out', 'Bytes in S3', 'Seconds', 'Which rows'], manifest.tables.map((one) => [code(one.name), one.rows, sumOf(one.leftOut), one.bytes, one.seconds, one.secret ? [one.filter, isFinal ? ', encrypted' : ', counted only'] : one.filter])),
          text('Snapshot of ', code(manifest.snapshotAt), ', Airflow ', code(manifest.source.airflowVersion), ', attempt ', String(manifest.attempt), '. Manifest digest ', code(facts.scope), '.'),
        ],
      },
      ...leftOutSections(manifest),
      activeSection(facts),
      ...inFlightSections(manifest.inFlight, isFinal, drained?.ended ?? 0),
      ...targetSections(facts.targetSeen),
      ...stayingSections(manifest),
      ...planChangeSections(facts.planChanges),
    ],
    next: isFinal
      ? [
          onward(['ask', 'import'], 'import with approved-manifest set to the digest that was approved (this export has ', code(facts.scope), ')'),
          [`${environment} is paused since; ${counted(drained?.leftover.length ?? 0, 'run')} will arrive parked. To go back, run phase rollback.`],
        ]
      : [['Let a person read this summary and approve manifest digest ', code(facts.scope), '.'], onward(['ask'], 'export with mode final when it is approved; that pauses the source')],
  };
}

function leftOutSections({ tables }: Manifest): readonly Section[] {
  const rows = tables.flatMap(({ name, leftOut }) => Object.entries(leftOut).filter(([, count]) => count > 0).map(([reason, count]) => [code(name), count, code(reason)] as const));
  return [
    ...(rows.length > 0 ? [{ title: 'What was left out, and why', importance: 1 as const, blocks: [table(['Table', 'Rows', 'Why'], rows), ...sideFileBlocks(tables)] }] : []),
    ...settingsToSee({ tables }),
  ];
}

/** Reasons of tables whose rows are history or settings of the user; what else stays the target makes anew, or it means nothing there. */
const holdsUsersRows = (reason: string): boolean => reason === 'not moved by this release' || reason.startsWith('metadata.');

function stayingSections({ notMoved }: Manifest): readonly Section[] {
  const section = (title: string, those: Manifest['notMoved'], isUsers: boolean): readonly Section[] =>
    those.length === 0 ? [] : [{
      title: `${title} (${those.length})`, importance: isUsers ? 1 : 2, isFolded: !isUsers,
      blocks: [table(['Table', 'Rows', 'Why'], those.map(({ table: name, rows, reason }) => [code(name), rows, code(reason)]))],
    }];
  return [
    ...section('Your rows in tables that stay on the source', notMoved.filter(({ reason }) => holdsUsersRows(reason)), true),
    ...section('Other tables that stay on the source', notMoved.filter(({ reason }) => !holdsUsersRows(reason)), false),
  ];
}

function activeSection({ active, preflight, drained, manifest, now }: ExportFacts): Section {
  const isFinal = manifest.mode === 'final';
  const flying = new Map<string, InFlightRun[]>();
  for (const run of manifest.inFlight) flying.set(run.dagId, [...(flying.get(run.dagId) ?? []), run]);
  return dagSection(
    isFinal ? 'DAGs that were active before the drain' : 'DAGs that are active',
    active.map((dag) => ({ dagId: dag.dagId, isActive: true, inFlight: flying.get(dag.dagId) ?? [], next: recordedNext(dag, manifest.source.airflowVersion) })), isFinal ? 'Before the drain' : 'Now', now,
    `${counted(preflight.pausedDags, 'DAG was', 'DAGs were')} paused before, and ${counted(preflight.importErrors, 'DAG file does', 'DAG files do')} not load.${drained ? ` The drain waited ${drained.waitedSeconds} s.` : ''}`,
    'What cutover will do, if it came now. A DAG without catchup runs only the newest interval that is over; what ends before that is missed, and listed or run at cutover (cutover.missed-intervals).',
  );
}

function inFlightSections(runs: readonly InFlightRun[], isFinal: boolean, ended: number): readonly Section[] {
  if (runs.length === 0) return [];
  return [{
    title: `DAG runs in flight (${runs.length})`, importance: isFinal ? 1 : 2, isFolded: runs.length > 20,
    blocks: [
      text(isFinal ? `They arrive parked: finished tasks as they are, the rest without state; nothing of them runs before cutover.${ended > 0 ? ` At the deadline of the drain ${counted(ended, 'task that was still running was', 'tasks that were still running were')} ended; rollback puts them back.` : ''}` : 'They are in flight now; the final export waits for such runs before it pauses their DAGs. What would become of them if they were still in flight then:'),
      table(['DAG', 'Run', 'Type', 'State', 'Since', 'Unfinished tasks', 'At cutover'], runs.slice(0, SHOWN_RUNS).map((run) => [code(run.dagId), code(run.runId), code(run.runType), code(run.state), run.startDate ? code(run.startDate) : undefined, code(unfinishedOf(run)), fateShort(run.fate)])),
      ...(runs.length > SHOWN_RUNS ? [text(`and ${runs.length - SHOWN_RUNS} more in in-flight.json`)] : []),
      ...[...new Set(runs.map(({ fate }) => fate))].filter((fate) => fate !== 'resume').map((fate) => text(`${fateShort(fate)}: ${fateInWords(fate)}.`)),
      ...deferredBlocks(runs),
    ],
  }];
}

function unfinishedOf({ unfinished, ended }: InFlightRun): string {
  const states = Object.entries(unfinished).map(([state, count]) => `${count} ${state}`).join(', ') || 'none';
  return ended > 0 ? `${states} (${ended} ended by the drain)` : states;
}

/** Named, because their external job would be submitted a second time. */
function deferredBlocks(runs: readonly InFlightRun[]): readonly Block[] {
  const waiting = runs.filter(({ deferred }) => deferred.length > 0);
  if (waiting.length === 0) return [];
  return [
    text('Tasks that wait in the triggerer begin anew where they go on, and submit their external job a second time:'),
    list(waiting.slice(0, SHOWN_RUNS).map(({ dagId, runId, deferred }) => [code(dagId), ' / ', code(runId), ': ', ...deferred.flatMap((task, at) => [...(at > 0 ? [', '] : []), code(task)])])),
  ];
}

function targetSections(seen: PreflightData | undefined): readonly Section[] {
  if (!seen) return [];
  return [{
    title: 'The target inside', importance: 1, blocks: [
      table(['What', 'Value'], [['Airflow', code(seen.airflowVersion)], ['DAG files that do not load', seen.importErrors], ['DAG runs there already', seen.rows.dag_run], ['Active DAGs', seen.activeDags.length]]),
      ...(seen.activeDags.length > 0 ? [text('The import refuses a target with active DAGs. Pause these first: ', ...seen.activeDags.slice(0, 20).flatMap(({ dagId }, at) => [at > 0 ? ', ' : '', code(dagId)]), '.')] : []),
      ...(seen.importErrors > 0 ? [text('A DAG whose file does not load is not activated at cutover.')] : []),
    ],
  }];
}

export function planChangeSections(changes: readonly Difference[]): readonly Section[] {
  if (changes.length === 0) return [];
  return [{ title: `The plan changed since this migration began (${changes.length})`, importance: 1, blocks: [table(['Where', 'Then', 'Now'], changes.slice(0, 50).map(({ path, before, after }) => [code(path), code(before), code(after)]))] }];
}

const sumOf = (counts: Readonly<Record<string, number>>): number => Object.values(counts).reduce((sum, one) => sum + one, 0);
