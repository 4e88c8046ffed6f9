import type { Clock } from '../../ports.js';

/** Waits until the next call may go out, so that calls never come closer than the rate allows, however many wait. */
export function limitRate(callsPerSecond: number, clock: Clock): () => Promise<void> {
  const gapMs = 1000 / callsPerSecond;
  let next = 0;
  return async () => {
    const now = clock.now().getTime();
    const mine = Math.max(now, next);
    next = mine + gapMs;
    if (mine > now) await clock.sleep(mine - now);
  };
}
