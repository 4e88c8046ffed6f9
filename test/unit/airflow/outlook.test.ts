import { expect, it } from '@jest/globals';
import { isDue, missedUntil, recordedNext, type NextRun } from '../../../src/airflow/outlook.js';

const daily = (given: Partial<NextRun> = {}): NextRun => ({
  nextDagrun: '2026-11-20T00:00:00Z', nextDagrunDataIntervalStart: '2026-11-20T00:00:00Z', nextDagrunDataIntervalEnd: '2026-11-21T00:00:00Z', nextDagrunCreateAfter: '2026-11-21T00:00:00Z', catchup: false, ...given,
});
const NOTHING: Partial<NextRun> = { nextDagrun: null, nextDagrunDataIntervalStart: null, nextDagrunDataIntervalEnd: null, nextDagrunCreateAfter: null };

it.each([
  { at: '2026-11-20T23:59:00Z', given: {}, missed: 'none', due: false, because: 'the interval has not ended' },
  { at: '2026-11-21T00:00:00Z', given: {}, missed: 'none', due: true, because: 'the newest finished interval runs' },
  { at: '2026-11-21T23:59:00Z', given: {}, missed: 'none', due: true, because: 'it still is the newest' },
  { at: '2026-11-22T00:00:00Z', given: {}, missed: { about: 1, from: '2026-11-20T00:00:00Z' }, due: true, because: 'a newer one has ended, so this one never runs' },
  { at: '2026-11-24T12:00:00Z', given: {}, missed: { about: 3, from: '2026-11-20T00:00:00Z' }, due: true, because: 'four have ended and one of them runs' },
  { at: '2026-11-24T12:00:00Z', given: { catchup: true }, missed: 'none', due: true, because: 'with catchup all of them run' },
  { at: '2026-11-24T12:00:00Z', given: { catchup: null }, missed: 'unknown', due: true, because: 'the serialized DAG does not say' },
  { at: '2026-11-20T12:00:00Z', given: { catchup: undefined }, missed: 'none', due: false, because: 'nothing has ended, whatever catchup is' },
  { at: '2026-11-24T12:00:00Z', given: NOTHING, missed: 'none', due: false, because: 'nothing is scheduled' },
  { at: '2026-11-24T12:00:00Z', given: { nextDagrunCreateAfter: null }, missed: 'unknown', due: false, because: 'as many runs as allowed are active, and what is missed depends on when one of them ends' },
  { at: '2026-11-24T12:00:00Z', given: { nextDagrunCreateAfter: null, catchup: true }, missed: 'none', due: false, because: 'the same with catchup: nothing is missed' },
  { at: '2026-11-24T12:00:00Z', given: { nextDagrun: undefined, nextDagrunCreateAfter: undefined }, missed: 'unknown', due: undefined, because: 'this Airflow does not say' },
  { at: '2026-11-24T12:00:00Z', given: { nextDagrunDataIntervalEnd: '2026-11-20T00:00:00Z' }, missed: 'unknown', due: true, because: 'a timetable of moments has no length' },
  { at: '2026-11-24T12:00:00Z', given: { nextDagrunDataIntervalEnd: null }, missed: 'unknown', due: true, because: 'older Airflow keeps no interval' },
] as const)('at $at: $because', ({ at, given, missed, due }) => {
  expect(missedUntil(daily(given), new Date(at))).toEqual(missed);
  expect(isDue(daily(given), new Date(at))).toBe(due);
});

it('takes no statement from an Airflow that keeps no next run', () => {
  const dag = { dagId: 'x', nextDagrun: null, nextDagrunDataIntervalStart: null, nextDagrunDataIntervalEnd: null, nextDagrunCreateAfter: null, catchup: null };
  expect([isDue(recordedNext(dag, '1.10.12'), new Date()), missedUntil(recordedNext(dag, '1.10.12'), new Date())]).toEqual([undefined, 'unknown']);
  expect([isDue(recordedNext(dag, '2.0.2'), new Date()), missedUntil(recordedNext(dag, '2.0.2'), new Date())]).toEqual([false, 'none']);
});
