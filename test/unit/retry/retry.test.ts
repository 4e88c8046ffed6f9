import { describe, expect, it } from '@jest/globals';
import { isRepeatable, withRetry } from '../../../src/retry.js';

const named = (name: string, more: object = {}) => Object.assign(new Error('x'), { name }, more);

describe('isRepeatable', () => {
  it.each<[unknown, boolean, string]>([
    [named('ThrottlingException'), true, 'throttled'],
    [named('SlowDown'), true, 'S3 throttles'],
    [named('ConditionalRequestConflict', { $metadata: { httpStatusCode: 409 } }), true, 'two conditional writes met'],
    [named('Unknown', { $metadata: { httpStatusCode: 503 } }), true, 'any 5xx'],
    [named('Error', { code: 'ECONNRESET' }), true, 'the connection was cut'],
    [new Error('socket hang up'), true, 'cut before an answer'],
    [named('AccessDenied', { $metadata: { httpStatusCode: 403 } }), false, 'asking again changes nothing'],
    [named('PreconditionFailed', { $metadata: { httpStatusCode: 412 } }), false, 'an answer'],
    [named('Error', { code: 'ENOTFOUND' }), false, 'a wrong host stays wrong'],
    ['text', false, 'no error at all'],
  ])('%p: %p, %s', (error, expected) => expect(isRepeatable(error)).toBe(expected));
});

it('repeats once what was refused only because the machine\'s clock was wrong, as the SDK marks it', () => {
  const refused = { name: 'RequestTimeTooSkewed', $metadata: { httpStatusCode: 403 } };
  expect(isRepeatable({ ...refused, $metadata: { ...refused.$metadata, clockSkewCorrected: true } })).toBe(true);
  expect(isRepeatable(refused)).toBe(false);
});

describe('withRetry', () => {
  const clock = (waits: number[]) => ({ now: () => new Date(0), sleep: async (milliseconds: number) => void waits.push(milliseconds) });

  it('repeats with growing, bounded waits and says which try it is', async () => {
    const waits: number[] = [], tries: number[] = [];
    const result = await withRetry(async (attempt) => {
      tries.push(attempt);
      if (attempt < 5) throw named('SlowDown');
      return 'done';
    }, clock(waits), { policy: { tries: 8, firstDelayMs: 100, maxDelayMs: 300 }, random: () => 1 });
    expect([result, tries, waits]).toEqual(['done', [1, 2, 3, 4, 5], [100, 200, 300, 300]]);
  });

  it('gives the error back unchanged when it does not pass, or the tries are used up', async () => {
    const denied = named('AccessDenied'), slow = named('SlowDown');
    await expect(withRetry(() => Promise.reject(denied), clock([]))).rejects.toBe(denied);
    let tries = 0;
    await expect(withRetry(() => { tries += 1; return Promise.reject(slow); }, clock([]), { policy: { tries: 3, firstDelayMs: 1, maxDelayMs: 1 } })).rejects.toBe(slow);
    expect(tries).toBe(3);
  });
});
