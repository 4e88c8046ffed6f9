/** The workflows of dags/, by what a test does with them. */

/** Of schedules.py, each with a planted or real history that its next run follows. */
export const SCHEDULED = ['by_timedelta', 'by_timetable', 'daily', 'each_minute', 'five_minutes_few', 'five_minutes_many', 'monthly', 'newest_only', 'once_later', 'shape', 'with_a_hole'] as const;
/** These have an interval that ends between the pause and cutover. */
export const DUE = ['by_timedelta', 'by_timetable', 'each_minute', 'five_minutes_few', 'five_minutes_many', 'newest_only', 'with_a_hole'] as const;
/** Datasets: producers first. */
export const PRODUCERS = ['make_a', 'make_b', 'make_late'] as const;
export const CONSUMERS = ['needs_a_and_b', 'needs_a_and_late'] as const;
/** Work in flight. */
export const IN_FLIGHT = ['backfilled_days', 'cut_midway', 'deferred_work', 'looks_again', 'loses_a_task', 'mapped_work', 'one_after_another', 'only_queued', 'ordered_days', 'waits_for_retry'] as const;
/** Every minute, told to the ledger; the second without catchup. */
export const TOLD = ['told_minutes', 'told_newest_minute'] as const;
export const DAG_IDS: readonly string[] = [...SCHEDULED, 'by_hand', ...PRODUCERS, ...CONSUMERS, ...IN_FLIGHT, ...TOLD];
