import { describe, expect, it } from '@jest/globals';
import { LockHeld } from '../../../src/errors.js';
import { LEASE_MS, RENEW_MS, openJournalStore } from '../../../src/gateways/journal/store.js';
import { beginAttempt, newJournal, withPlan } from '../../../src/journal/transitions.js';
import type { Bucket } from '../../../src/ports.js';

/** A bucket that keeps S3's promise for conditional writes, and lets a test act between two requests. */
function aBucket() {
  const objects = new Map<string, { body: Buffer; etag: string }>();
  let version = 0;
  const hooks: { beforeWrite?: (() => Promise<void>) | undefined } = {};
  const put = (key: string, body: Buffer | string) => objects.set(key, { body: Buffer.from(body), etag: `"${(version += 1)}"` });
  const before = async () => {
    const hook = hooks.beforeWrite;
    hooks.beforeWrite = undefined;
    await hook?.();
  };
  const bucket: Pick<Bucket, 'name' | 'read' | 'writeOnce' | 'replace'> = {
    name: 'b',
    read: async (key) => {
      const found = objects.get(key);
      return found && { ...found, versionId: undefined };
    },
    writeOnce: async (key, body) => {
      await before();
      if (objects.has(key)) return 'taken';
      put(key, body);
      return 'written';
    },
    replace: async (key, body, etag) => {
      await before();
      if (objects.get(key)?.etag !== etag) return 'changed';
      put(key, body);
      return 'written';
    },
  };
  return { bucket, objects, hooks };
}

function aWorld() {
  let now = Date.parse('2026-11-22T10:00:00Z');
  const tickers = new Set<() => void>();
  const lines: string[] = [];
  const asleep: { meanwhile?: (() => Promise<unknown>) | undefined } = {};
  const shared = aBucket();
  const initial = newJournal({ migrationId: 'm', source: { environment: 'a', region: 'r', airflowVersion: '2.7.2' }, target: { environment: 'b', region: 'r', airflowVersion: '2.10.3' } });
  const store = () =>
    openJournalStore({
      bucket: shared.bucket, prefix: 'p/', initial,
      clock: {
        now: () => new Date(now),
        sleep: async (milliseconds) => {
          await asleep.meanwhile?.();
          now += milliseconds;
        },
      },
      ticker: (_, work) => {
        tickers.add(work);
        return () => tickers.delete(work);
      },
      log: { info: (line) => lines.push(line), warn: (line) => lines.push(line), group: (_, work) => work() },
    });
  return {
    store, ...shared, lines, tickers, asleep,
    pass: (milliseconds: number) => (now += milliseconds),
    tick: async () => {
      for (const work of tickers) work();
      await new Promise((resolve) => setImmediate(resolve));
    },
    stored: () => JSON.parse(shared.objects.get('p/journal.json')?.body.toString() ?? 'null') as { lock?: { owner: string; expiresAt: string }; planDigest?: string; attempts: unknown[] },
  };
}

describe('the journal in S3', () => {
  it('begins with the first opening, remembers, and gives the lock back', async () => {
    const world = aWorld();
    expect(await world.store().peek()).toBeUndefined();
    const open = await world.store().open('run 1');
    await open.update((journal) => withPlan(journal, 'digest'));
    expect(open.current.planDigest).toBe('digest');
    await open.close();
    expect(world.stored()).toMatchObject({ planDigest: 'digest' });
    expect(world.stored().lock).toBeUndefined();
    expect(world.tickers.size).toBe(0);
    expect((await world.store().peek())?.planDigest).toBe('digest');
  });

  it('tells a second runner who holds the lock, since when and until when', async () => {
    const world = aWorld();
    await world.store().open('https://github.com/acme/airflow/actions/runs/7');
    await expect(world.store().open('run 8')).rejects.toThrow(/actions\/runs\/7\.\n {2}Why: .*since 2026-11-22T10:00:00\.000Z; its lease ends at 2026-11-22T10:01:00\.000Z/u);
  });

  it('gives the lock to one of two that open at the same moment', async () => {
    const world = aWorld();
    const outcomes = await Promise.allSettled([world.store().open('run 1'), world.store().open('run 2')]);
    expect(outcomes.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
    expect(outcomes.find((one): one is PromiseRejectedResult => one.status === 'rejected')?.reason).toMatchObject({ what: expect.stringMatching(/Another runner works on this migration: run [12]/u) as unknown });
  });

  it('looks again when somebody was first between looking and writing', async () => {
    const world = aWorld();
    world.hooks.beforeWrite = async () => void (await world.store().open('run 2'));
    await expect(world.store().open('run 1')).rejects.toThrow('Another runner works on this migration: run 2');
  });

  it('renews the lease while the phase works, and an update does too', async () => {
    const world = aWorld();
    const open = await world.store().open('run 1');
    for (let round = 0; round < 10; round += 1) {
      world.pass(RENEW_MS);
      await world.tick();
    }
    expect(world.stored().lock?.expiresAt).toBe('2026-11-22T10:03:30.000Z');
    await expect(world.store().open('run 2')).rejects.toThrow('run 1');
    world.pass(LEASE_MS - 1);
    await open.update((journal) => beginAttempt(journal, 'final', new Date(0)));
    expect(world.stored().lock?.expiresAt).toBe('2026-11-22T10:04:29.999Z');
  });

  it('takes over a lease that ended, and the one who lost it can write nothing more', async () => {
    const world = aWorld();
    const slow = await world.store().open('run 1');
    await slow.update((journal) => beginAttempt(journal, 'final', new Date(0)));
    world.pass(LEASE_MS);
    const next = await world.store().open('run 2');
    expect(world.lines.join()).toContain('The lease of run 1 ended');
    await expect(slow.update((journal) => withPlan(journal, 'late'))).rejects.toThrow(/lost the lock[\s\S]*run 2 took over/u);
    await expect(slow.update((journal) => journal)).rejects.toThrow(/lost the lock/u);
    await slow.close(); // must not open the door for a third
    expect(world.stored()).toMatchObject({ lock: { owner: 'run 2' } });
    expect(world.stored().planDigest).toBeUndefined();
    expect(next.current.attempts).toHaveLength(1);
  });

  const RUN = 'https://github.com/acme/airflow/actions/runs/7/attempts/';

  it('waits the lease out for a re-run of the same workflow run, whose earlier attempt died', async () => {
    const world = aWorld();
    await world.store().open(`${RUN}1`);
    world.pass(10_000);
    const open = await world.store().open(`${RUN}2`);
    expect(open.current.lock).toMatchObject({ owner: `${RUN}2`, since: '2026-11-22T10:01:01.000Z' });
    expect(world.lines.join('\n')).toContain(`An earlier attempt of this workflow run, ${RUN}1, holds the lock`);
  });

  it('refuses that re-run when the earlier attempt renews its lease: it lives', async () => {
    const world = aWorld();
    await world.store().open(`${RUN}1`);
    world.asleep.meanwhile = () => world.tick();
    world.pass(RENEW_MS);
    await expect(world.store().open(`${RUN}2`)).rejects.toThrow(`Another runner works on this migration: ${RUN}1`);
    expect(world.stored().lock?.owner).toBe(`${RUN}1`);
  });

  it.each([`${RUN}1`, 'https://github.com/acme/airflow/actions/runs/8/attempts/1', 'process 1 on a'])('waits one lease out for %s on the way back: the holder may have died a moment ago', async (asking) => {
    const world = aWorld();
    await world.store().open(`${RUN}1`);
    world.pass(10_000);
    expect((await world.store().open(asking, 'one-lease')).current.lock).toMatchObject({ owner: asking, since: '2026-11-22T10:01:01.000Z' });
    expect(world.lines.join('\n')).toContain(`Another runner, ${RUN}1, holds the lock; waiting for its lease to end at 2026-11-22T10:01:00.000Z, unless it is renewed.`);
  });

  it('refuses the way back when the holder renews its lease: it lives', async () => {
    const world = aWorld();
    await world.store().open('run 1');
    world.asleep.meanwhile = () => world.tick();
    world.pass(RENEW_MS);
    await expect(world.store().open('run 2', 'one-lease')).rejects.toBeInstanceOf(LockHeld);
    expect(world.stored().lock?.owner).toBe('run 1');
  });

  it.each([
    { holder: `${RUN}1`, asking: `${RUN}1`, because: 'jobs of one attempt run side by side' },
    { holder: `${RUN}2`, asking: `${RUN}1`, because: 'a later attempt is at work' },
    { holder: `${RUN}1`, asking: 'https://github.com/acme/airflow/actions/runs/8/attempts/2', because: 'it is another workflow run' },
    { holder: 'process 1 on a', asking: 'process 1 on a', because: 'a name of no workflow run says nothing' },
  ])('refuses $asking at once while $holder holds the lock: $because', async ({ holder, asking }) => {
    const world = aWorld();
    world.asleep.meanwhile = () => Promise.reject(new Error('it waited'));
    await world.store().open(holder);
    await expect(world.store().open(asking)).rejects.toThrow(`Another runner works on this migration: ${holder}`);
  });

  it('makes a change again when its own renewal came in between', async () => {
    const world = aWorld();
    const open = await world.store().open('run 1');
    await Promise.all([open.update((journal) => withPlan(journal, 'x')), world.tick(), open.update((journal) => beginAttempt(journal, 'final', new Date(0)))]);
    expect(world.stored()).toMatchObject({ planDigest: 'x', attempts: [{ number: 1 }] });
  });

  it('never lets a change touch the lock', async () => {
    const world = aWorld();
    const open = await world.store().open('run 1');
    await open.update((journal) => ({ ...journal, lock: undefined }));
    expect(world.stored().lock?.owner).toBe('run 1');
  });

  it('refuses to go on with a journal that was removed meanwhile', async () => {
    const world = aWorld();
    const open = await world.store().open('run 1');
    world.objects.clear();
    await expect(open.update((journal) => journal)).rejects.toThrow('is gone or its lock was removed');
    expect(world.objects.size).toBe(0);
  });
});
