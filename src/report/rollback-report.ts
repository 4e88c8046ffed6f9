import type { DeactivateData, RanOnTarget, RestoreData } from '../airflow/protocol.js';
import { code, counted, grouped, list, table, text, type Part, type Report, type Section, type Text } from './document.js';

/** What rollback found of the target, and did. */
export type TargetSide =
  /** Activated by us, paused now. */
  | Readonly<{ kind: 'paused'; found: DeactivateData }>
  /** Never activated by us, but something was active there or had run; paused now. */
  | Readonly<{ kind: 'by-hand'; found: DeactivateData }>
  | Readonly<{ kind: 'asleep' }>
  /** Nothing was imported: whatever lives there is not of this migration. */
  | Readonly<{ kind: 'not-ours' }>
  /** An earlier run of rollback has paused it. */
  | Readonly<{ kind: 'before' }>
  | Readonly<{ kind: 'gone'; wasActive: boolean }>
  | Readonly<{ kind: 'broken'; why: string }>;

type Ran = RanOnTarget['runs'][number];
export type RollbackFacts = Readonly<{
  source: string;
  target: string;
  attempt: number;
  /** ISO 8601; undefined: put back just now. */
  restoredAt: string | undefined;
  /** DAGs that were active before the drain. */
  wanted: readonly string[];
  /** DAGs that are active on the source now. */
  now: readonly string[];
  restored: Omit<RestoreData, 'activated'> & Readonly<{ activated: number }>;
  side: TargetSide;
  /** What the target ran since cutover; undefined: nothing, or not known. */
  ran: RanOnTarget | undefined;
  problems: readonly string[];
}>;

const SHOWN = 300;

/** @param isUnknown no journal at all */
export function rollbackToNothing(source: string, isUnknown: boolean): Report {
  return {
    verdict: ['Nothing to go back from: no final export has paused ', code(source)], isGood: true,
    sections: [{ title: 'What was found', importance: 1, blocks: [text(isUnknown ? 'This migration has not begun: there is no journal in the migration bucket. Was it another id, version or account?' : 'The journal has no final export that recorded what was active, so nothing was paused. Nothing was changed.')] }],
    next: ['Nothing.'],
  };
}

export function rollbackReport(facts: RollbackFacts): Report {
  const { source, target, attempt, restoredAt, wanted, now, restored, problems, ran } = facts;
  const there = new Set(now), known = new Set(wanted);
  const back = wanted.filter((dagId) => there.has(dagId)), off = wanted.filter((dagId) => !there.has(dagId) && !restored.missing.includes(dagId));
  const more = now.filter((dagId) => !known.has(dagId));
  const isGood = problems.length === 0;
  return {
    verdict: restoredAt
      ? ['Attempt ', String(attempt), ' was put back before, at ', code(restoredAt), `; ${grouped(back.length)} of its ${counted(wanted.length, 'DAG')} are active on `, code(source), ' now']
      : [`${grouped(back.length)} of ${counted(wanted.length, 'DAG')} are active again on `, code(source), `; ${counted(restored.putBack, 'ended task was', 'ended tasks were')} put back, ${counted(restored.leftFailed.length, 'run', 'runs')} left failed for you to decide`],
    isGood,
    sections: [
      ...(isGood ? [] : [{ title: 'Look at this first', importance: 1 as const, blocks: [list(problems.map((problem) => [code(problem)]))] }]),
      { title: 'The target', importance: 1, blocks: [text(...targetText(facts))] },
      ...ranSections(ran, restored),
      ...cutSections(ran, restored),
      ...succeededSections(restored),
      ...eventSections(restored),
      ...(restored.missing.length > 0 ? [withWords(names('Active before, gone from the source since', restored.missing), 'Airflow had no file of them at that moment. They are switched on all the same, and go on by themselves when their file is back. Where Airflow has deleted the DAG, run phase rollback again once its file is back.')] : []),
      ...(off.length > 0 ? [names(restoredAt ? 'Recorded as active, paused now (by a person, after the rollback)' : 'Recorded as active, paused now', off)] : []),
      ...(more.length > 0 ? [names('Active on the source, but not recorded: left as they are', more)] : []),
      { title: `Active again on the source (${back.length})`, importance: 2, isFolded: true, blocks: [list(back.map((dagId) => code(dagId)))] },
      {
        title: 'Numbers', importance: 2, blocks: [table(['What', 'Value'], [
          ['DAGs active before the drain', wanted.length], ['DAGs that rollback activated', restored.activated], ['Tasks that the drain had ended, put back', restored.putBack],
          ['Runs of the target that stand on the source now', restored.standIns.length], ['Runs left failed on the source', restored.leftFailed.length],
          ['Runs that succeeded on the target, success on the source too', restored.succeeded?.length ?? 0], ['Dataset events of the target queued on the source', restored.queuedEvents ?? 0],
        ])],
      },
    ],
    next: [
      ...(restored.leftFailed.length > 0 ? ['Look at each run that was left failed, and clear on the source what has to run again.'] : []),
      ['Leave ', code(target), ' paused: it holds the imported history. A further final export takes the next attempt number and is imported over it; or delete the environment.'],
      'Attempt and approvals are used up: run phase export again when you want another try.',
    ],
  };
}

function targetText({ side, target }: RollbackFacts): readonly Part[] {
  const name = code(target);
  switch (side.kind) {
    case 'paused': return [name, ` is paused: ${counted(side.found.paused.length, 'DAG')} switched off, no task runs; ${counted(side.found.runs, 'run was', 'runs were')} made or went on there since the snapshot.`];
    case 'by-hand': return [...byHandText(name, side.found.paused), side.found.ran ? ' What ran there stands below.' : ' What ran there is not known here: look for what the source runs a second time.'];
    case 'not-ours': return ['Nothing was imported into ', name, ', so it was left alone: what is active there is not of this migration.'];
    case 'asleep': return ['Nothing was active on ', name, '.'];
    case 'before': return [name, ' was paused by an earlier run of rollback.'];
    case 'gone': return side.wasActive ? [name, ' is gone, though its DAGs had been activated. What it ran since is not known: the source runs those intervals again. Look for what happened twice.'] : [name, ' does not exist; nothing ran there.'];
    case 'broken': return ['Nothing was ever activated on ', name, ', and it was left alone: ', code(side.why), '.'];
  }
}

function byHandText(name: Part, paused: readonly string[]): readonly Part[] {
  if (paused.length === 0) return ['Cutover had not begun and nothing is active on ', name, ' now, but DAGs ran there since the import: somebody had activated or started them by hand.'];
  const shown = paused.slice(0, 20).flatMap((dagId, at) => [...(at > 0 ? [', '] : []), code(dagId)]);
  return ['Cutover had not begun, but ', ...shown, paused.length > 20 ? ', … of ' : ' of ', name, paused.length === 1 ? ' was active: somebody activated it by hand. It is paused now.' : ' were active: somebody activated them by hand. They are paused now.'];
}

function ranSections(ran: RanOnTarget | undefined, restored: RollbackFacts['restored']): readonly Section[] {
  if (!ran || ran.runs.length === 0) return [];
  const standIns = new Set(restored.standIns.map(keyOf)), failed = new Set(restored.leftFailed.map(keyOf)), succeeded = new Set(restored.succeeded?.map(keyOf));
  const doing = (run: Ran): Text => (failed.has(keyOf(run)) ? `left failed on the source; ${counted(run.tasksEnded, 'task')} ended on the target: look, then clear what has to run again` : succeeded.has(keyOf(run)) ? 'nothing: it is success on the source too' : standIns.has(keyOf(run)) ? standInWords(run) : elsewhereWords(run));
  const ordered = [...ran.runs.filter((run) => failed.has(keyOf(run))), ...ran.runs.filter((run) => !failed.has(keyOf(run)))];
  return [{
    title: `What ran on the target since cutover (${ran.runs.length})`, importance: 1, isFolded: ran.runs.length > 20,
    blocks: [
      text('The source runs none of these again by itself. Their tasks, XComs and logs are on the target only.'),
      table(['DAG', 'Run', 'Type', 'Ended there as', 'What to do'], ordered.slice(0, SHOWN).map((run) => [code(run.dagId), code(run.runId), code(run.runType), code(run.state), doing(run)])),
      ...(ran.runs.length > SHOWN ? [text(`and ${ran.runs.length - SHOWN} more in deactivate/ran.json of the attempt`)] : []),
    ],
  }];
}

/** Left failed although the target did nothing of them. */
function cutSections(ran: RanOnTarget | undefined, { leftFailed }: RollbackFacts['restored']): readonly Section[] {
  const known = new Set(ran?.runs.map(keyOf));
  const cut = leftFailed.filter((run) => !known.has(keyOf(run)));
  if (cut.length === 0) return [];
  return [{
    title: `Runs left failed on the source (${cut.length})`, importance: 1, isFolded: cut.length > 20,
    blocks: [text('The drain ended a task of theirs that had waited in the triggerer. It would begin anew and submit its external job a second time: look at that job, then clear the task where it should run again.'), list(cut.slice(0, SHOWN).map(({ dagId, runId }) => [code(dagId), ' / ', code(runId)]))],
  }];
}

/** Nothing to decide: what was unfinished on the source was done on the target. */
function succeededSections({ succeeded = [] }: RollbackFacts['restored']): readonly Section[] {
  if (succeeded.length === 0) return [];
  return [{
    title: `Runs that went on at the target and succeeded there (${succeeded.length})`, importance: 2, isFolded: true,
    blocks: [text('They are success on the source too, with the tasks that were unfinished there; those ran on the target only.'), list(succeeded.slice(0, SHOWN).map(({ dagId, runId }) => [code(dagId), ' / ', code(runId)]))],
  }];
}

function eventSections({ unknownEvents = [] }: RollbackFacts['restored']): readonly Section[] {
  if (unknownEvents.length === 0) return [];
  return [withWords(names('Consumers with an event that the source cannot queue', unknownEvents), 'The target owed each of them a run for an event of a dataset that it does not wait for on the source. Start it by hand where it is needed.')];
}

const withWords = (section: Section, words: string): Section => ({ ...section, blocks: [text(words), ...section.blocks] });

const standInWords = ({ state }: Ran): string => (state === 'success' ? 'nothing: it stands on the source as done, without tasks' : 'it stands on the source as failed, without tasks: set the run to queued there where it should run again (its tasks are made then)');

function elsewhereWords({ runType, kind, state }: Ran): string {
  if (kind === 'unbegun') return 'nothing: it had not begun on the target, and the source runs it';
  if (kind === 'resumed') return 'it had ended on the source otherwise: compare both';
  if (runType === 'scheduled') return 'nothing: the source has a run of this interval, or no such DAG';
  if (runType === 'dataset_triggered') return 'nothing: the events it consumed are taken from the source\'s queue';
  return state === 'success' ? 'nothing, unless the source needs its history: it is on the target only' : `it did not succeed: ${runType === 'backfill' ? 'run the backfill' : 'trigger it'} on the source where it is still needed`;
}

const names = (title: string, dagIds: readonly string[]): Section => ({ title: `${title} (${dagIds.length})`, importance: 1, isFolded: dagIds.length > 20, blocks: [list(dagIds.map((dagId) => code(dagId)))] });
const keyOf = ({ dagId, runId }: Readonly<{ dagId: string; runId: string }>): string => JSON.stringify([dagId, runId]);
