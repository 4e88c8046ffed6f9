/** What must stand in the ledger when all is over: of each task instance every try with its outcome, and on which side it was. */
import { SOURCE, TARGET } from '../support/world.js';
import { dayRuns } from './setting-off.js';

export type Lives = Readonly<Record<string, readonly string[]>>;

/** One try: it began, and how it ended. `cut`: it never got to an end. */
const tried = (side: string, number: number, outcome: 'ok' | 'fail' | 'cut'): readonly string[] => [`${side} ${number} begin`, ...(outcome === 'cut' ? [] : [`${side} ${number} ${outcome}`])];
const S = { ok: (number = 1) => tried(SOURCE, number, 'ok'), fail: (number = 1) => tried(SOURCE, number, 'fail'), cut: (number = 1) => tried(SOURCE, number, 'cut') };

/**
 * @param side that went on with what the drain had cut: the target after cutover, the source itself after a rollback
 * A cut try is no finished one: it begins again under its own number, and every retry is still there.
 *
 * Of one_after_another a second run waits in the queue, `<run>_next`.
 */
export function livesAfterCut(side: string, times: Readonly<{ daysFrom: Date }>, run = 'manual__1'): Readonly<Record<string, Lives>> {
  const on = { ok: (number = 1) => tried(side, number, 'ok'), fail: (number = 1) => tried(side, number, 'fail') };
  const one = (of: Lives): Lives => Object.fromEntries(Object.entries(of).map(([task, life]) => [`${run} ${task}`, life]));
  const days = dayRuns(times.daysFrom, 4);
  return {
    cut_midway: one({ first: S.ok(), middle: [...S.cut(), ...on.fail(), ...on.ok(2)], last: on.ok() }),
    waits_for_retry: one({ first: S.ok(), flaky: [...S.fail(), ...on.ok(2)], last: on.ok() }),
    // Only looks that decide are written; the first that found the gate open failed.
    looks_again: one({ look: [`${side} 1 fail`, `${side} 2 ok`], last: on.ok() }),
    one_after_another: { [`${run} use_conf`]: [...S.cut(), ...on.ok()], [`${run}_next use_conf`]: on.ok() },
    only_queued: one({ go: on.ok() }),
    loses_a_task: one({ first: S.ok(), was_done: S.ok(), middle: [...S.cut(), ...on.ok()], last: on.ok(), ...(side === TARGET ? {} : { never_done: on.ok() }) }),
    mapped_work: one({
      numbers: S.ok(), hold: [...S.cut(), ...on.ok()], 'in_part[0]': S.ok(), 'in_part[1]': [...S.cut(), ...on.ok()], 'in_part[2]': [...S.cut(), ...on.ok()], 'in_part[3]': on.ok(),
      ...Object.fromEntries([0, 1, 2, 3].map((at) => [`not_yet[${at}]`, on.ok()])), total: on.ok(),
    }),
    ordered_days: Object.fromEntries(days.map((run, at) => [`${run} day`, at === 0 ? S.ok() : at === 1 ? [...S.cut(), ...on.ok()] : on.ok()])),
  };
}

/** The deferred task: begun anew where it was resumed, left alone where not; its trigger goes on where it is. */
export const deferredLife = (side: string, resumed: boolean): Lives => ({
  'manual__1 submit': [`${SOURCE} 1 begin`, ...(resumed ? [`${side} 1 begin`, `${side} 1 ok`] : [])],
});
