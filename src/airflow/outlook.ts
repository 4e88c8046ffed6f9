/** What a DAG's recorded next run means for the time after cutover. Pure; the target's own timetable has the last word, in `activate`. */
import type { ActiveDag } from './protocol.js';
import { isAtLeast } from './versions.js';

/** undefined in a field: this Airflow did not say. */
export type NextRun = Readonly<{ [K in 'nextDagrun' | 'nextDagrunDataIntervalStart' | 'nextDagrunDataIntervalEnd' | 'nextDagrunCreateAfter' | 'catchup']: ActiveDag[K] | undefined }>;

/** As the source recorded it; below 2.0 Airflow keeps no next run at all, so its null is no statement. */
export const recordedNext = (dag: ActiveDag, sourceVersion: string): NextRun =>
  isAtLeast(sourceVersion, '2.0') ? dag : { nextDagrun: undefined, nextDagrunDataIntervalStart: undefined, nextDagrunDataIntervalEnd: undefined, nextDagrunCreateAfter: undefined, catchup: dag.catchup };

/** 'about': from the length of the next interval; a timetable with intervals of different lengths has another number. `from`: ISO 8601. */
export type Missed = 'none' | 'unknown' | Readonly<{ about: number; from: string }>;

/**
 * Intervals that end before `now` and would never run by themselves: with catchup=False only the newest finished one runs.
 * @param now the time of the activation, as far as it is known
 */
export function missedUntil(dag: NextRun, now: Date): Missed {
  const { nextDagrunCreateAfter: after, nextDagrunDataIntervalStart: start, nextDagrunDataIntervalEnd: end, nextDagrun, catchup } = dag;
  if (nextDagrun === undefined || after === undefined) return 'unknown';
  if (catchup !== true && waitsForARun(dag)) return 'unknown'; // What is missed depends on when that run ends.
  if (catchup === true || after === null || nextDagrun === null || Date.parse(after) > now.getTime()) return 'none';
  if (catchup !== false || !start || !end) return 'unknown';
  const length = Date.parse(end) - Date.parse(start);
  if (!(length > 0)) return 'unknown'; // A timetable without length, such as one of events.
  const about = Math.floor((now.getTime() - Date.parse(after)) / length);
  return about > 0 ? { about, from: start } : 'none';
}

/** As many runs as allowed are active: Airflow keeps the run that it has just made as the next one, and makes none before one of them ends. */
export const waitsForARun = ({ nextDagrun, nextDagrunCreateAfter }: NextRun): boolean => typeof nextDagrun === 'string' && nextDagrunCreateAfter === null;

/** Whether a run is due as soon as the DAG is active. undefined: cannot be told. */
export function isDue({ nextDagrun, nextDagrunCreateAfter }: NextRun, now: Date): boolean | undefined {
  if (nextDagrun === undefined || nextDagrunCreateAfter === undefined) return undefined;
  return nextDagrun !== null && nextDagrunCreateAfter !== null && Date.parse(nextDagrunCreateAfter) <= now.getTime();
}
