/** One limit for all the programs of a part that the rest can do without: the job itself has one, and its end would leave no report. Pure but for what it is given. */
import type { Seal } from './seal.js';

/**
 * @param seconds from now on, for all of them together
 * @param now milliseconds
 * @returns a `run` that ends a program when that time is over, and throws an Error with a sentence for the reader then and ever after
 */
export function withinBudget(run: Seal['run'], seconds: number, now: () => number): Seal['run'] {
  const end = now() + seconds * 1000;
  const left = (): number => Math.ceil((end - now()) / 1000);
  const stopIfOver = (): void => {
    if (left() <= 0) throw new Error(`it took longer than ${seconds / 60} minutes, which is all that this part of the check has.`);
  };
  return async (program) => {
    stopIfOver();
    const result = await run({ ...program, timeoutSeconds: Math.min(program.timeoutSeconds, left()) });
    // Whatever it says by then may be cut off.
    stopIfOver();
    return result;
  };
}
