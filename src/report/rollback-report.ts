import type { RanOnTarget } from '../airflow/protocol.js';
import { code, counted, grouped, list, table, text, type Cell, type Report, type Section, type Text } from './document.js';
import { leftFailedNext, leftFailedSections, runKey, type Restored } from './left-failed.js';
import { missedOnSource } from './missed-section.js';
import { targetNext, targetText, type TargetSide } from './rollback-target.js';
import { tidiedSections, type Leftovers } from './tidied-section.js';
import { lasting } from './timeline.js';

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
  restored: Restored & Readonly<{ activated: number }>;
  side: TargetSide;
  /** Rows of this attempt, or of one before it, may be on the target. */
  isImported: boolean;
  /** What the target ran since cutover; undefined: nothing, or not known. */
  ran: RanOnTarget | undefined;
  problems: readonly string[];
  /** What lay around and was removed. */
  tidied: Leftovers;
  /** ISO 8601; undefined: the drain never began. */
  paused: Readonly<{ since: string; until: string }> | undefined;
}>;

const SHOWN = 300;

export function rollbackReport(facts: RollbackFacts): Report {
  const { source, attempt, restoredAt, wanted, now, restored, problems, ran, paused } = facts;
  const there = new Set(now), known = new Set(wanted);
  const back = wanted.filter((dagId) => there.has(dagId)), off = wanted.filter((dagId) => !there.has(dagId) && !restored.missing.includes(dagId));
  const more = now.filter((dagId) => !known.has(dagId));
  const isGood = problems.length === 0;
  return {
    verdict: restoredAt
      ? ['Attempt ', String(attempt), ' was put back before, at ', code(restoredAt), `; ${grouped(back.length)} of its ${counted(wanted.length, 'DAG')} are active on `, code(source), ' now']
      : [`${grouped(back.length)} of ${counted(wanted.length, 'DAG')} are active again on `, code(source), `; ${counted(restored.putBack, 'ended task was', 'ended tasks were')} put back, ${counted(restored.leftFailed.length, 'run', 'runs')} left failed for you to decide${paused ? `; the source was paused for ${lasting(paused.since, paused.until)}` : ''}`],
    isGood,
    sections: [
      ...(isGood ? [] : [{ title: 'Look at this first', importance: 1 as const, blocks: [list(problems.map((problem) => [code(problem)]))] }]),
      { title: 'The target', importance: 1, blocks: [text(...targetText(facts))] },
      ...leftFailedSections(ran, restored, restoredAt),
      ...ranSections(ran, restored),
      ...succeededSections(restored),
      ...overtakenSections(restored),
      ...eventSections(restored),
      ...missedOnSource(restored),
      ...(restored.missing.length > 0 ? [withWords(names('Active before, gone from the source since', restored.missing), 'Airflow had no file of them at that moment. They are switched on all the same, and go on by themselves when their file is back. Where Airflow has deleted the DAG, run phase rollback again once its file is back.')] : []),
      ...(off.length > 0 ? [names(restoredAt ? 'Recorded as active, paused now (by a person, after the rollback)' : 'Recorded as active, paused now', off)] : []),
      ...(more.length > 0 ? [names('Active on the source, but not recorded: left as they are', more)] : []),
      ...tidiedSections(facts.tidied),
      { title: `Active again on the source (${back.length})`, importance: 2, isFolded: true, blocks: [list(back.map((dagId) => code(dagId)))] },
      {
        title: 'Numbers', importance: 2, blocks: [table(['What', 'Value'], [
          ...(paused ? [['Time for which the source was paused', [`${lasting(paused.since, paused.until)}, from `, code(paused.since), ' to ', code(paused.until)]]] : []),
          ['DAGs active before the drain', wanted.length], ['DAGs that rollback activated', restored.activated], ['Tasks that the drain had ended, put back', restored.putBack],
          ['Runs of the target that stand on the source now', restored.standIns.length], ['Runs left failed on the source', restored.leftFailed.length],
          ['Runs that succeeded on the target, success on the source too', restored.succeeded?.length ?? 0], ['Dataset events of the target queued on the source', restored.queuedEvents ?? 0],
        ])],
      },
    ],
    next: [
      ...(restored.leftFailed.length > 0 ? [leftFailedNext(restoredAt)] : []),
      targetNext(facts),
      'When you want another try, run phase export with mode final: it takes the next attempt number and pauses the source again. Reviewers of its jobs are asked again.',
    ],
  };
}

function ranSections(ran: RanOnTarget | undefined, restored: RollbackFacts['restored']): readonly Section[] {
  if (!ran || ran.runs.length === 0) return [];
  const overtaken = new Set(restored.overtaken?.map(runKey));
  const standIns = new Set(restored.standIns.map(runKey)), failed = new Set(restored.leftFailed.map(runKey)), succeeded = new Set(restored.succeeded?.map(runKey));
  const doing = (run: Ran): Text => overtaken.has(runKey(run)) ? 'see the runs of DAGs that somebody had activated' : failed.has(runKey(run)) ? 'left failed on the source: see above' : succeeded.has(runKey(run)) ? 'nothing: it is success on the source too' : standIns.has(runKey(run)) ? standInWords(run) : elsewhereWords(run);
  const ordered = [...ran.runs.filter((run) => failed.has(runKey(run))), ...ran.runs.filter((run) => !failed.has(runKey(run)))];
  return [{
    title: `What ran on the target since cutover (${ran.runs.length})`, importance: 1, isFolded: ran.runs.length > 20,
    blocks: [
      text('The source runs none of these again by itself. Their tasks, XComs and logs are on the target only.'),
      table(['DAG', 'Run', 'Type', 'Ended there as', 'What to do'], ordered.slice(0, SHOWN).map((run) => [code(run.dagId), code(run.runId), code(run.runType), endedAs(run), doing(run)])),
      ...(ran.runs.length > SHOWN ? [text(`and ${ran.runs.length - SHOWN} more in deactivate/ran.json of the attempt`)] : []),
    ],
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

/** Somebody was there first: rollback touches nothing of a DAG that is active. */
function overtakenSections({ overtaken = [] }: RollbackFacts['restored']): readonly Section[] {
  if (overtaken.length === 0) return [];
  const rows = overtaken.slice(0, SHOWN).map(({ dagId, runId, kind }) => [code(dagId), code(runId), kind === 'resumed'
    ? 'went on at the target and goes on on the source as well: mark it failed on the source, compare what both have done, then clear what is missing'
    : 'had not begun on the target and was taken away there; the source has no run of it: trigger it with its logical date where it is needed']);
  return [{
    title: `Runs of DAGs that somebody had activated on the source before rollback came to them (${overtaken.length})`, importance: 1, isFolded: overtaken.length > 20,
    blocks: [
      text('Rollback touches nothing of a DAG that is active already, for what moves there is somebody\'s decision. Dataset events that came while such a DAG was paused were not queued for it either.'),
      table(['DAG', 'Run', 'What to do'], rows), ...(overtaken.length > SHOWN ? [text(`and ${overtaken.length - SHOWN} more in restore/settled.json of the attempt`)] : []),
    ],
  }];
}

function eventSections({ unknownEvents = [] }: RollbackFacts['restored']): readonly Section[] {
  if (unknownEvents.length === 0) return [];
  return [withWords(names('Consumers with an event that the source cannot queue', unknownEvents), 'The target owed each of them a run for an event of a dataset that it does not wait for on the source. Start it by hand where it is needed.')];
}

const withWords = (section: Section, words: string): Section => ({ ...section, blocks: [text(words), ...section.blocks] });

const standInWords = ({ state }: Ran): string => (state === 'success' ? 'nothing: it stands on the source as done, without tasks' : 'it stands on the source as failed, without tasks: set the run to queued there where it should run again (its tasks are made then)');

/** A run that was cut is failed on the target since, but nothing of it failed by itself. */
const endedAs = ({ cut, state }: Ran): Cell => (cut === true ? ['half done, stood there as ', code(state)] : code(state));

function elsewhereWords({ runType, kind, state }: Ran): string {
  if (kind === 'unbegun') return 'nothing: it had not begun on the target, and the source runs it';
  if (kind === 'resumed') return 'it had ended on the source otherwise: compare both';
  if (runType === 'scheduled') return 'nothing: the source has a run of this interval, or no such DAG';
  if (runType === 'dataset_triggered') return 'nothing: the events it consumed are taken from the source\'s queue';
  return state === 'success' ? 'nothing, unless the source needs its history: it is on the target only' : `it did not succeed: ${runType === 'backfill' ? 'run the backfill' : 'trigger it'} on the source where it is still needed`;
}

const names = (title: string, dagIds: readonly string[]): Section => ({ title: `${title} (${dagIds.length})`, importance: 1, isFolded: dagIds.length > 20, blocks: [list(dagIds.map((dagId) => code(dagId)))] });
