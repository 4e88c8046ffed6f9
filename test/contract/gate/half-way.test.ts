/** An approval that is recorded while another run holds the journal, and by a job that is killed on the way. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Killed } from '../../builders/world.js';
import { startGithub, type GithubStandIn } from '../../sandbox/github/server.js';
import { AGate } from './a-gate.js';

jest.setTimeout(60_000); // for a busy machine

let github: GithubStandIn, gate: AGate;
beforeAll(async () => { github = await startGithub(); });
afterAll(() => github.close());
beforeEach(() => { gate = new AGate(github); });
afterEach(() => expect(github.violations()).toEqual([]));

type Shown = Awaited<ReturnType<AGate['shown']>>;
const refused = async (work: Promise<unknown>, what: RegExp) => {
  const before = gate.traces();
  await expect(work).rejects.toMatchObject({ name: 'UserError', what: expect.stringMatching(what) });
  expect(gate.traces()).toBe(before);
};

describe('two at once, and half-way', () => {
  describe('while another run holds the lock', () => {
    let shown: Shown;
    beforeEach(async () => {
      gate.environment();
      gate.reviews(['approved', 'mona']);
      await gate.exported();
      shown = await gate.shown();
      gate.world.lockedBy = 'another run';
    });

    it('waits until it is done: the click of a person must not be lost', async () => {
      const until = gate.world.now + 12 * 60_000, { tick } = gate.world;
      (gate.world as { tick: typeof tick }).tick = (what) => {
        tick(what);
        if (gate.world.now >= until) gate.world.lockedBy = undefined;
      };
      expect((await gate.record({ ...shown, timeoutMinutes: 25 })).outputs['approved-by']).toBe('mona');
      expect([gate.steps(1, 'approved').length, gate.world.lines.filter((line) => line.includes('another run'))]).toEqual([1, [expect.stringMatching(/Waiting for up to 20 minutes/u)]]);
    });

    it('ends with its name before its own time is up', async () => {
      const begun = gate.world.now;
      await refused(gate.record({ ...shown, timeoutMinutes: 25 }), /another run/u);
      expect(gate.world.now - begun).toBe(20 * 60_000);
    });
  });

  it('killed at any of its calls and run again, it ends the same', async () => {
    gate.environment();
    gate.reviews(['approved', 'mona']);
    await gate.exported();
    const shown = await gate.shown();
    const before = gate.world.journalValue;
    let kills = 0;
    for (let call = 1; ; call += 1) {
      gate.world.journalValue = before;
      gate.world.killAtCall(call);
      const outcome: unknown = await gate.record(shown).catch((error: unknown) => error);
      gate.world.revive();
      if (!(outcome instanceof Killed)) break;
      kills += 1;
      expect((await gate.record(shown)).outputs['approved-by']).toBe('mona');
      expect(gate.steps(1, 'approved')).toHaveLength(1);
    }
    expect(kills).toBeGreaterThan(6);
  });
});
