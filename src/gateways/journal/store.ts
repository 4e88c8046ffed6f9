/** The journal as an object in the migration bucket: conditional writes only, one holder at a time (design §6). */
import { randomUUID } from 'node:crypto';
import type { Ticker } from '../../clock.js';
import { LockHeld, UserError } from '../../errors.js';
import type { Journal, Lock } from '../../journal/journal.js';
import { isEarlierAttempt } from '../../journal/owner.js';
import { parseJournal, renderJournal } from '../../journal/parse.js';
import { heldLock, withLock } from '../../journal/transitions.js';
import type { Bucket, Clock, JournalStore, Log, OpenJournal } from '../../ports.js';

/** A killed runner blocks the others for at most this long; a living one renews four times in it. */
export const LEASE_MS = 60_000;
export const RENEW_MS = 15_000;
/** Clocks of two runners differ; a renewal that is on its way arrives. */
const LEASE_MARGIN_MS = 1_000;
/** Times a change is made again because the object was another one by then. Only our own renewals and a takeover can do that. */
const WRITE_TRIES = 5;

export type JournalPlace = Readonly<{
  bucket: Pick<Bucket, 'name' | 'read' | 'writeOnce' | 'replace'>;
  /** `data/migration/<from>_to_<to>/<id>/` */
  prefix: string;
  /** What the journal says at its very beginning. */
  initial: Journal;
  clock: Clock;
  ticker: Ticker;
  log: Log;
}>;

type Stored = Readonly<{ journal: Journal; etag: string }>;

export function openJournalStore(place: JournalPlace): JournalStore {
  const key = `${place.prefix}journal.json`;
  const location = `s3://${place.bucket.name}/${key}`;
  const load = async (): Promise<Stored | undefined> => {
    const found = await place.bucket.read(key);
    return found && { journal: parseJournal(found.body.toString('utf8'), location), etag: found.etag };
  };
  const save = async (journal: Journal, over: string | undefined): Promise<boolean> =>
    over === undefined ? (await place.bucket.writeOnce(key, renderJournal(journal))) === 'written' : (await place.bucket.replace(key, renderJournal(journal), over)) === 'written';

  return {
    location,
    peek: async () => (await load())?.journal,
    async open(owner, patience = 'none') {
      const token = randomUUID();
      let hasWaited = false;
      for (let attempt = 1; attempt <= WRITE_TRIES; attempt += 1) {
        const stored = await load();
        const journal = stored?.journal ?? place.initial;
        const now = place.clock.now();
        const held = heldLock(journal, now);
        if (held) {
          // Its runner is most likely gone, for GitHub re-runs what has ended; a renewal would tell that it is not.
          const isEarlier = isEarlierAttempt(held.owner, owner);
          if (hasWaited || (patience === 'none' && !isEarlier)) throw isHeld(held, location);
          hasWaited = true;
          place.log.info(`${isEarlier ? 'An earlier attempt of this workflow run' : 'Another runner'}, ${held.owner}, holds the lock; waiting for its lease to end at ${held.expiresAt}, unless it is renewed.`);
          await place.clock.sleep(Math.min(Date.parse(held.expiresAt) - now.getTime(), LEASE_MS) + LEASE_MARGIN_MS);
          continue;
        }
        if (journal.lock) place.log.info(`The lease of ${journal.lock.owner} ended at ${journal.lock.expiresAt}: its runner is gone, and this one goes on.`);
        const locked = withLock(journal, { owner, token, since: now.toISOString(), expiresAt: leaseEnd(now) });
        // Somebody else's write in between: look again, for it may be their lock.
        if (await save(locked, stored?.etag)) return await hold(locked, token);
      }
      throw new UserError(`The journal ${location} changes all the time.`, `${WRITE_TRIES} tries to take its lock met another writer's change.`, 'wait a minute and run the phase again.');
    },
  };

  async function hold(locked: Journal, token: string): Promise<OpenJournal> {
    let current = locked;
    let lost: UserError | undefined;
    let isClosed = false;
    // One write at a time: a renewal must not overtake a change, nor the other way round.
    let queue: Promise<unknown> = Promise.resolve();
    const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
      const turn = queue.then(work);
      queue = turn.catch(() => undefined); // whoever asked for this turn sees its failure
      return turn;
    };

    const write = async (change: (journal: Journal) => Journal): Promise<Journal> => {
      for (let attempt = 1; attempt <= WRITE_TRIES; attempt += 1) {
        if (lost) throw lost;
        const stored = await load();
        if (stored?.journal.lock?.token !== token) {
          lost = isLost(stored?.journal.lock, location);
          throw lost;
        }
        const changed = change(stored.journal);
        if (await save(changed, stored.etag)) return (current = changed);
      }
      throw new UserError(`The journal ${location} changes all the time.`, `${WRITE_TRIES} conditional writes met another writer's change.`, 'look who writes this object besides mwaa-migrate, then run the phase again.');
    };
    const renewed = (journal: Journal): Journal => (journal.lock ? withLock(journal, { ...journal.lock, expiresAt: leaseEnd(place.clock.now()) }) : journal);

    const stopRenewing = place.ticker(RENEW_MS, () => {
      void inTurn(async () => {
        if (!isClosed && !lost) await write(renewed);
      }).catch((error: unknown) => {
        // The phase learns of a lost lease at its next write; a passing failure is made good by the next renewal.
        place.log.warn(`The journal's lease was not renewed: ${error instanceof Error ? (error.message.split('\n')[0] ?? error.name) : 'no reason given'}`);
      });
    });

    return {
      get current() {
        return current;
      },
      update: (change) => inTurn(() => write((journal) => renewed({ ...change(journal), lock: journal.lock }))),
      close: () =>
        inTurn(async () => {
          if (isClosed) return;
          stopRenewing();
          isClosed = true;
          // A lost lock is somebody else's now: there is nothing to give back.
          if (!lost) await write((journal) => withLock(journal, undefined)).catch((error: unknown) => {
            if (!lost) throw error;
          });
        }),
    };
  }
}

const leaseEnd = (from: Date): string => new Date(from.getTime() + LEASE_MS).toISOString();

const isHeld = (lock: Lock, location: string): LockHeld =>
  new LockHeld(
    `Another runner works on this migration: ${lock.owner}.`,
    `it holds the lock of ${location} since ${lock.since}; its lease ends at ${lock.expiresAt} unless it is renewed. Two at once would pause, import and activate against each other.`,
    `wait until that run has ended, or cancel it; a runner that died frees the lock by itself after ${lock.expiresAt}. Then run the phase again.`,
  );

const isLost = (lock: Lock | undefined, location: string): UserError =>
  new UserError(
    'This runner lost the lock of the migration.',
    lock ? `its lease ran out (a runner that slept, or a network that failed for ${LEASE_MS / 1000} s) and ${lock.owner} took over ${location} at ${lock.since}.` : `${location} is gone or its lock was removed.`,
    'let the other run finish, then run the phase again: it goes on with what is missing.',
  );
