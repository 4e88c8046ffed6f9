import { beforeEach, expect, it } from '@jest/globals';
import type { Sealed } from '../../../src/check/seal.js';
import { withinBudget } from '../../../src/check/within-budget.js';

const START = 1_700_000_000_000;
let now: number, given: readonly number[];
beforeEach(() => {
  now = START;
  given = [];
});
/** Programs that take so many seconds each, or as many as they are given. */
const budget = (minutes: number, takes: number) => withinBudget(({ timeoutSeconds }) => {
  given = [...given, timeoutSeconds];
  now += Math.min(takes, timeoutSeconds) * 1000;
  return Promise.resolve({ code: 0, stopped: undefined, stdout: '', stderr: '' });
}, minutes * 60, () => now);
const program = (timeoutSeconds: number): Sealed => ({ command: 'true', args: [], env: {}, folder: '/', writable: ['/'], timeoutSeconds });

it('leaves a program its own limit while there is time for it', async () => {
  const run = budget(40, 60);
  await run(program(900));
  await run(program(120));
  expect(given).toEqual([900, 120]);
});

it('gives the last one what is left, says why it ends, and starts no other', async () => {
  const run = budget(40, 1500);
  await run(program(3600));
  await expect(run(program(3600))).rejects.toThrow('it took longer than 40 minutes');
  await expect(run(program(1))).rejects.toThrow('it took longer than 40 minutes');
  expect(given).toEqual([2400, 900]);
});
