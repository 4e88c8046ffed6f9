import type { BusyTask, DeactivateData } from '../airflow/protocol.js';
import { UserError } from '../errors.js';

const SHOWN = 10;

/**
 * Why rollback waits with the source: both sides stand still until these tasks have ended.
 * @param sourcePaused how many of the DAGs that were active on the source are paused; undefined: it could not be asked
 */
export function stillRunning(found: DeactivateData, names: Readonly<{ source: string; target: string }>, sourcePaused: number | undefined, taskMinutes: number, first: string): UserError {
  const { busy = [], stillRunning: count, paused } = found;
  const shown = busy.slice(0, SHOWN).map((task) => `\n  - ${wordsOf(task)}`), rest = count - shown.length;
  return new UserError(
    `${count === 1 ? '1 task still runs' : `${count} tasks still run`} on ${names.target}, whose DAGs are paused now${shown.length > 0 ? ':' : '.'}${shown.join('')}${shown.length > 0 && rest > 0 ? `\n  - and ${rest} more` : ''}`,
    `they were awaited for drain.task-minutes (${taskMinutes}). ${first} Until then nothing new begins on either side: rollback has paused ${dags(paused.length)} of ${names.target}${sourcePaused === undefined ? '' : `, and of ${names.source} ${dags(sourcePaused)} that ${sourcePaused === 1 ? 'was' : 'were'} active before the drain ${sourcePaused === 1 ? 'is' : 'are'} paused`}.`,
    'wait until they have ended, or mark them failed in the target\'s UI, then run phase rollback again.',
  );
}

/** Ids are free text to Airflow: each stays on its line. */
export const wordsOf = ({ dagId, runId, taskId, mapIndex, since }: BusyTask): string =>
  `${dagId} / ${runId} / ${taskId}${mapIndex < 0 ? '' : `[${mapIndex}]`}${since === null ? '' : ` since ${since}`}`.replace(/\p{Cc}+/gu, ' ');
const dags = (count: number): string => (count === 1 ? '1 DAG' : `${count} DAGs`);
