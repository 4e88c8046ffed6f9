/** Runs that rollback left failed on the source, with what the target did of each, in the order in which a person goes through them. */
import type { RanOnTarget, RanTask, RestoreData } from '../airflow/protocol.js';
import { code, list, table, text, type Block, type Cell, type Part, type Section } from './document.js';

type Ran = RanOnTarget['runs'][number];
export type Restored = Omit<RestoreData, 'activated'>;

/** Of runs, and of lines of a table; whoever has more reads deactivate/ran.json. */
const SHOWN = 300;
/** Tasks of a run that its record names at most (src/dags/_parts/ran_here.py). */
const LISTED = 100;

/** @param restoredAt when the source was put back, ISO 8601; undefined: just now */
export function leftFailedSections(ran: RanOnTarget | undefined, { leftFailed }: Restored, restoredAt: string | undefined): readonly Section[] {
  const known = new Map(ran?.runs.map((run) => [runKey(run), run]));
  const gone = leftFailed.flatMap((run) => known.get(runKey(run)) ?? []), cut = leftFailed.filter((run) => !known.has(runKey(run)));
  const recorded: readonly Block[] = restoredAt === undefined ? [] : [text('As recorded at ', code(restoredAt), '; what somebody has done since is not seen here.')];
  return [
    ...(gone.length > 0 ? [{
      title: `Left failed on the source: runs that went on at the target and did not succeed there (${gone.length})`, importance: 1 as const, isFolded: gone.length > 20,
      blocks: [...recorded, text('Go through each run on the source in this order:'), list(ORDER), tasksTable(gone)],
    }] : []),
    ...(cut.length > 0 ? [{
      title: `Left failed on the source: runs with a task that waited in the triggerer, or did not end (${cut.length})`, importance: 1 as const, isFolded: cut.length > 20,
      blocks: [...recorded, text('The drain ended a task of theirs that had waited in the triggerer. It would begin anew and submit its external job a second time: look at that job, then clear the task where it should run again. Or the process of a task that it was ending did not end: end it, then clear the task.'), list(cut.slice(0, SHOWN).map(({ dagId, runId }) => [code(dagId), ' / ', code(runId)]))],
    }] : []),
  ];
}

/** Marking clears what failed behind a task [ran, 2.7.2; source, 2.2.2 to 2.11]: from first to last, every task but the first would run twice. */
const ORDER = [
  'Mark as success what succeeded or was skipped on the target, from the top down: the task that ended last stands first. Each time Airflow clears the failed tasks behind the marked one and runs them, so in the other order it would run again what is marked after it.',
  'Then clear what failed or was half done on the target and was not cleared by that, after a look at what it had done there.',
  'A run that need not be finished can stay failed.',
] as const;

function tasksTable(runs: readonly Ran[]): Block {
  const rows = runs.flatMap((run): readonly (readonly Cell[])[] => {
    const { tasks, tasksEnded } = run, names = [code(run.dagId), code(run.runId)] as const;
    // A record of an earlier release names none.
    if (tasks === undefined) return [[...names, undefined, tasksEnded === 1 ? '1 task ended' : `${tasksEnded} tasks ended`, 'look which, mark and clear']];
    if (tasks.length === 0) return [[...names, 'none began', undefined, 'clear']];
    return [
      ...tasks.map((task) => [...names, code(nameOf(task)), code(task.state), isDone(task) ? 'mark success' : 'clear, after the marks']),
      ...(tasks.length >= LISTED ? [[...names, 'there may be more', undefined, 'look on the target, before the marks']] : []),
    ];
  });
  return table(['DAG', 'Run', 'Task', 'On the target', 'Do on the source'], rows.length > SHOWN ? [...rows.slice(0, SHOWN), [`and ${rows.length - SHOWN} lines more: deactivate/ran.json of the attempt`]] : rows);
}

/** The line of "What to do next". */
export const leftFailedNext = (restoredAt: string | undefined): readonly Part[] =>
  restoredAt === undefined
    ? ['Look at each run that was left failed: on the source first mark success what succeeded on the target, the last task first, then clear what has to run again.']
    : ['Unless it is done already, look at each run that was left failed at ', code(restoredAt), ': on the source first mark success what succeeded on the target, the last task first, then clear what has to run again.'];

const isDone = ({ state }: RanTask): boolean => state === 'success' || state === 'skipped';
const nameOf = ({ taskId, mapIndex }: RanTask): string => (mapIndex < 0 ? taskId : `${taskId}[${mapIndex}]`);
export const runKey = ({ dagId, runId }: Readonly<{ dagId: string; runId: string }>): string => JSON.stringify([dagId, runId]);
