/** What becomes of a run in flight, in words; the same in every report. */
import type { ActivateData, InFlightRun } from '../airflow/protocol.js';

export type AnyFate = InFlightRun['fate'] | ActivateData['notResumed'][number]['fate'];

const SHORT: Readonly<Record<AnyFate, string>> = { resume: 'goes on', backfill: 'backfill, by hand', deferred: 'stays failed (deferred)', left: 'stays failed', stays: 'stays on the source', changed: 'touched on the target' };

const LONG: Readonly<Record<AnyFate, string>> = {
  resume: 'goes on at cutover: what is finished does not run again',
  backfill: 'a backfill run, which no scheduler goes on with: it stays failed; finish it by hand',
  deferred: 'has tasks that wait in the triggerer and would begin anew (drain.resume-deferred is false): it stays failed; look at the external job, then clear it where it should run again',
  left: 'drain.leftover is fail: it stays failed; clear it where it should run again',
  stays: 'metadata.dags leaves the history of its DAG behind: it stands still on the source, and is not on the target',
  changed: 'somebody touched it on the target: it was left as found; look at it there',
};

export const fateShort = (fate: AnyFate): string => SHORT[fate];
export const fateInWords = (fate: AnyFate): string => LONG[fate];

/** "2 go on, 1 backfill, by hand" of one DAG's runs. */
export function fatesOf(runs: readonly Pick<InFlightRun, 'fate'>[]): string {
  const counts = new Map<AnyFate, number>();
  for (const { fate } of runs) counts.set(fate, (counts.get(fate) ?? 0) + 1);
  return [...counts].map(([fate, count]) => `${count} ${fate === 'resume' ? (count === 1 ? 'goes on' : 'go on') : SHORT[fate]}`).join('; ');
}
