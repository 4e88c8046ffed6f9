/** Dates of runs as load_schedules.py gives them; a DAG may have written them. Pure. */

/** Run after, start and end of its data interval; ISO 8601, UTC, whole seconds. */
export type Run = readonly [after: string, start: string, end: string];
/** Runs are looked for that follow `last`, the data interval of the last one before `at`. undefined: the DAG begins later. */
export type Seed = Readonly<{ at: string; last: readonly [start: string, end: string] | undefined }>;

/** As in load_schedules.py. */
const MAX_SEEDS = 3, MAX_RUNS = 40;
const INSTANT = /^\d{4,6}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/u;

export const instantOf = (value: unknown): string | undefined => (typeof value === 'string' && INSTANT.test(value) ? value : undefined);

/** "start/end", as ISO 8601 writes intervals. */
export const intervalOf = (value: unknown): string | undefined => (typeof value === 'string' && value.split('/').length === 2 && value.split('/').every((one) => INSTANT.test(one)) ? value : undefined);

/** All of them or none: a list with a hole would be compared with the wrong one. */
export function readSeeds(value: unknown): readonly Seed[] {
  return whole(listOf(value, MAX_SEEDS).map((one): Seed | undefined => {
    if (typeof one !== 'object' || one === null || !('at' in one) || !('last' in one)) return undefined;
    const at = instantOf(one.at), [start, end, ...more] = listOf(one.last, 3).map(instantOf);
    if (at === undefined) return undefined;
    if (one.last === null) return { at, last: undefined };
    return start === undefined || end === undefined || more.length > 0 ? undefined : { at, last: [start, end] };
  }));
}

export const readRuns = (value: unknown): readonly (readonly Run[])[] => whole(listOf(value, MAX_SEEDS).map((list) => {
  if (!Array.isArray(list) || list.length > MAX_RUNS) return undefined;
  const runs = list.map((one): Run | undefined => {
    const [after, start, end, ...more] = listOf(one, 4).map(instantOf);
    return after === undefined || start === undefined || end === undefined || more.length > 0 ? undefined : [after, start, end];
  });
  return runs.includes(undefined) ? undefined : whole(runs);
}));

const listOf = (value: unknown, length: number): readonly unknown[] => (Array.isArray(value) && value.length <= length ? value : []);
const whole = <T>(list: readonly (T | undefined)[]): readonly T[] => {
  const there = list.filter((one): one is Exclude<typeof one, undefined> => one !== undefined);
  return there.length === list.length ? there as readonly T[] : [];
};
