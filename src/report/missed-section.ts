/** Intervals of DAGs without catchup that no scheduler runs by itself: cutover's and rollback's summaries. */
import type { ActivateData, MissedIntervals, RestoreData } from '../airflow/protocol.js';
import { code, grouped, list, table, text, type Cell, type Section } from './document.js';

/** Rows of one table; a summary has 1 MiB for everything. */
const SHOWN = 300;

/** After cutover: what the target does not run, or runs because it was told to. */
export function missedOnTarget(missed: ActivateData['missed']): readonly Section[] {
  const isStarted = missed.some(({ started }) => started);
  return section('Intervals that ended while both sides were paused', missed, isStarted
    ? 'These DAGs have no catchup, so Airflow would never run them; they were queued, the oldest first (cutover.missed-intervals is run).'
    : 'These DAGs have no catchup, so Airflow runs only the newest. Trigger what you need with its logical date, or set cutover.missed-intervals to run before the cutover.',
  { head: '', cell: ({ started }) => (started ? 'queued' : 'not run') });
}

/** After rollback: what neither side ran. Nothing where nothing is known to be missed, as of a restore by an earlier release. */
export function missedOnSource({ missed = [], missedUnknown = [] }: Pick<RestoreData, 'missed' | 'missedUnknown'>): readonly Section[] {
  return [
    ...section('Intervals that neither side ran', missed, 'They ended while the source was paused, and as far as is known the target did not run them. These DAGs have no catchup, so Airflow runs only the newest. Trigger on the source what you need, with its logical date.'),
    ...unknownSection(missedUnknown),
  ];
}

function section<One extends MissedIntervals>(title: string, missed: readonly One[], words: string, last?: Readonly<{ head: string; cell: (one: One) => Cell }>): readonly Section[] {
  if (missed.length === 0) return [];
  const total = missed.reduce((sum, { count }) => sum + count, 0), isMore = missed.some((one) => one.isMore);
  return [{
    title: `${title} (${isMore ? `more than ${grouped(total)}` : total})`, importance: 1, isFolded: missed.length > 20,
    blocks: [
      text(words),
      table(['DAG', 'Intervals', 'First', 'Last', ...(last ? [last.head] : [])], missed.slice(0, SHOWN).map((one) => [
        code(one.dagId), one.isMore ? `more than ${grouped(one.count)}` : one.count, code(one.first), code(one.last), ...(last ? [last.cell(one)] : []),
      ])),
      ...(missed.length > SHOWN ? [text(`and ${grouped(missed.length - SHOWN)} more, which this summary has no room for.`)] : []),
    ],
  }];
}

function unknownSection(dagIds: readonly string[]): readonly Section[] {
  if (dagIds.length === 0) return [];
  return [{
    title: `DAGs whose missed intervals are not known (${grouped(dagIds.length)})`, importance: 1, isFolded: dagIds.length > 20,
    blocks: [
      text('Their schedule cannot be read (Airflow below 2.2 does not keep it, or a plugin of theirs is missing in the worker). One without catchup runs only the newest interval that is over: look whether an earlier one is needed.'),
      list(dagIds.slice(0, SHOWN).map((dagId) => code(dagId))),
      ...(dagIds.length > SHOWN ? [text(`and ${grouped(dagIds.length - SHOWN)} more, which this summary has no room for.`)] : []),
    ],
  }];
}
