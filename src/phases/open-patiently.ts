/** The journal's lock, for who cannot be sent away: a person has answered the gate, or the source stands still and nobody else puts it back. */
import { LockHeld } from '../errors.js';
import type { Context, JournalStore, OpenJournal } from '../ports.js';

/** Milliseconds between two looks at a lock that somebody holds; a dead runner's lease ends in a minute. */
const RETRY_MS = 15_000;

/**
 * @param waitMs milliseconds for which a lock that somebody holds is asked for again
 * @throws {LockHeld} when it is still held then
 */
export async function openPatiently(store: JournalStore, { clock, log, owner }: Pick<Context, 'clock' | 'log' | 'owner'>, waitMs: number): Promise<OpenJournal> {
  const until = clock.now().getTime() + waitMs;
  let told: string | undefined;
  for (;;) {
    try {
      return await store.open(owner);
    } catch (error) {
      const left = until - clock.now().getTime();
      if (!(error instanceof LockHeld) || left <= 0) throw error;
      // By name, for who holds it may change while this waits.
      if (told !== error.what) log.info(`${error.what} Waiting for up to ${Math.ceil(left / 60_000)} minutes until it is done.`);
      told = error.what;
      await clock.sleep(Math.min(RETRY_MS, left));
    }
  }
}
