import { beforeEach, describe, expect, it } from '@jest/globals';
import { UserError } from '../../../src/errors.js';
import type { GateReview } from '../../../src/gatekeeper.js';
import { rememberStep } from '../../../src/journal/transitions.js';
import { ACTIVE, after, EXPORTED, IMPORTED, plain, run, steps } from '../../builders/rollback-story.js';
import { someWorkflowInputs } from '../../builders/values.js';
import { Killed, type World } from '../../builders/world.js';

const RUN = 'https://github.com/acme/airflow/actions/runs/7/attempts/1', GATE = 'migration-production';
const workflow = someWorkflowInputs({ gate: { by: 'environment', environment: GATE, timeoutMinutes: 60, allowUnprotected: false, cutoverEnvironment: undefined } });
const watch = { phase: 'watch', workflow } as const;
const MINUTE = 60_000;

/** GitHub, as it is at the time of the world. */
class Gate {
  waitsFrom = 0;
  reviews: readonly (GateReview & Readonly<{ at: number }>)[] = [];
  /** Milliseconds since the beginning between which every call fails. */
  downFrom = Infinity;
  downUntil = Infinity;
  constructor(private readonly world: World, private readonly begun = world.now) {}
  get minute() { return (this.world.now - this.begun) / MINUTE; }
  review(state: GateReview['state'], atMinute: number, environment = GATE): void {
    this.reviews = [...this.reviews, { environment, state, by: 'mona', comment: '', at: this.begun + atMinute * MINUTE }];
  }
  open() {
    const seen = () => this.reviews.filter(({ at }) => at <= this.world.now);
    const ask = <T>(answer: () => T): Promise<T> => {
      const since = this.world.now - this.begun;
      return since >= this.downFrom && since < this.downUntil ? Promise.reject(new UserError('GET /approvals failed 4 times.', 'GitHub answered 503.', 'wait.')) : Promise.resolve(answer());
    };
    return {
      protection: () => Promise.resolve(undefined), defaultBranch: () => Promise.resolve('main'), reviews: () => ask(seen),
      isWaiting: (environment: string) => ask(() => environment === GATE && this.minute >= this.waitsFrom && !seen().some((one) => one.environment === GATE && one.at >= this.begun)),
    };
  }
}

let world: World, gate: Gate;
beforeEach(async () => {
  world = await after(...EXPORTED);
  world.owner = RUN;
  gate = new Gate(world);
  world.gatekeeper = gate.open();
});
/** The gate's job, by itself. */
const record = (at = world.now) => {
  if (world.lockedBy !== undefined) throw new Error('locked');
  if (steps(world)?.includes('expired')) throw new Error('expired');
  world.journalValue = world.journalValue && rememberStep(world.journalValue, 1, { name: 'approved', at: new Date(at).toISOString(), by: RUN, data: {} });
};
const told = async () => {
  const result = await run(world, watch);
  return { ok: result.ok, text: plain(result.summary), failure: result.failure, minute: Math.round(gate.minute) };
};

describe('the watch beside a gate for which the source stands still', () => {
  it('expires an attempt that nobody answers, and puts the source back', async () => {
    const { ok, text, failure, minute } = await told();
    expect([ok, minute, steps(world), [...world.dags.source], world.lockedBy]).toEqual([false, 60, expect.arrayContaining(['expired', 'restored']), ACTIVE, undefined]);
    expect(text).toMatch(/2 of 2 DAGs are active again on analytics.*the source was paused for 1 h/);
    expect(failure).toMatchObject({ what: 'Nobody has answered the gate within 60 minutes, so attempt 1 has expired and the source was put back.', fix: expect.stringMatching(/reject the job that still waits/) });
    await expect(run(world, { phase: 'import' })).rejects.toThrow(/Attempt 1 has expired/);
  });

  it.each([{ state: 'approved', says: /was answered in time: it is approved; analytics has been paused for 20 min/ }, { state: 'rejected', says: /it is rejected; analytics has been paused for 20 min[^]*job rollback/ }] as const)('ends when the gate is $state, and says for how long the source is paused', async ({ state, says }) => {
    gate.review(state, 20);
    const { ok, text, minute } = await told();
    expect([ok, minute, steps(world)]).toEqual([true, 20, expect.not.arrayContaining(['expired'])]);
    expect(text).toMatch(says);
  });

  it('ends as soon as the journal says so, whatever GitHub shows', async () => {
    record();
    expect(await told()).toMatchObject({ ok: true, minute: 0, text: expect.stringMatching(/it is approved/) });
  });

  it('answers for the pause of an export of another run: rejected, its own job rollback goes back', async () => {
    world.owner = RUN.replace('/7/', '/8/');
    const { tick } = world;
    let isHeld = true;
    world.lockedBy = 'a job of a third run';
    (world as { tick: World['tick'] }).tick = (what) => {
      tick(what);
      if (isHeld && gate.minute > 3) [isHeld, world.lockedBy] = [false, undefined];
    };
    gate.review('rejected', 20);
    expect(await told()).toMatchObject({ ok: true, minute: 20, text: expect.stringMatching(/it is rejected/) });
    expect(world.journalValue?.attempts[0]?.steps.filter(({ name }) => name === 'watched').map(({ by }) => by)).toEqual([world.owner]);
    expect(plain((await run(world, { phase: 'rollback', isAutomatic: true })).summary)).toMatch(/2 of 2 DAGs are active again/);
    expect([...world.dags.source]).toEqual(ACTIVE);
  });

  it('ends when somebody has rolled back', async () => {
    await run(world, { phase: 'rollback' });
    expect(await told()).toMatchObject({ ok: true, text: expect.stringMatching(/it was rolled back/) });
  });

  it('counts from the end of the export: killed and run again, the gate gets no more time', async () => {
    world.killAtCall(60);
    await expect(run(world, watch)).rejects.toThrow(Killed);
    world.revive();
    const died = gate.minute;
    expect([died > 1, died < 55, (await told()).minute]).toEqual([true, true, 60]);
  });

  it('counts from its end, not from its beginning: a long drain takes nothing from the gate', async () => {
    world.journalValue = world.journalValue && { ...world.journalValue, attempts: world.journalValue.attempts.map((attempt) => ({ ...attempt, startedAt: '2026-11-22T09:30:00Z' })) };
    expect((await told()).minute).toBe(60);
  });

  it('killed between the expiry and the way back, goes back when it is run again', async () => {
    let done = 0;
    for (let call = 1; ; call += 7) {
      const copy = world.copy();
      copy.owner = RUN;
      copy.now += 59.9 * MINUTE;
      copy.gatekeeper = gate.open();
      copy.killAtCall(call);
      const isOver = await run(copy, watch).then(() => true, (error: unknown) => { if (error instanceof Killed) return false; throw error; });
      copy.revive();
      copy.now += MINUTE;
      await run(copy, watch);
      expect({ call, source: [...copy.dags.source], restored: copy.journalValue?.attempts[0]?.steps.some(({ name }) => name === 'restored'), accidents: copy.sides.accidents }).toEqual({ call, source: ACTIVE, restored: true, accidents: [] });
      done += 1;
      if (isOver) break;
    }
    expect(done).toBeGreaterThan(5);
  });

  it('tries the way back again where it fails, for the gate still waits and nobody looks', async () => {
    world.answers.failing = { restore: new UserError('Airflow of analytics does not answer.', 'down', 'wait') };
    const { tick } = world;
    let naps = 0;
    (world as { tick: World['tick'] }).tick = (what) => {
      tick(what);
      if (what === 'sleep' && steps(world)?.includes('expired') && (naps += 1) === 3) world.answers.failing = {};
    };
    const { ok, minute, failure } = await told();
    expect([ok, minute, [...world.dags.source], failure]).toEqual([false, 67, ACTIVE, expect.objectContaining({ what: expect.stringMatching(/the source was put back/) })]);
    expect(world.lines.filter((line) => line.includes('The source is not back yet'))).toHaveLength(3);
  });

  it('ends with what kept it when its own time is up, so that the next job can try', async () => {
    world.answers.failing = { restore: new UserError('Airflow of analytics does not answer.', 'down', 'wait') };
    await expect(run(world, { ...watch, timeoutMinutes: 120 })).rejects.toThrow('Airflow of analytics does not answer.');
    expect([gate.minute > 100, gate.minute <= 120, steps(world)?.includes('restored')]).toEqual([true, true, false]);
  });

  it('goes on while GitHub is down, and sees the approval afterwards', async () => {
    gate.downFrom = 5 * MINUTE;
    gate.downUntil = 40 * MINUTE;
    gate.review('approved', 10);
    expect(await told()).toMatchObject({ ok: true, minute: 40 });
    expect(world.lines.filter((line) => line.includes('GitHub answered 503'))).toHaveLength(1);
  });

  it('expires in time although GitHub is down: nobody can have acted on an approval that the journal does not hold', async () => {
    gate.downFrom = 5 * MINUTE;
    gate.review('approved', 10);
    expect(await told()).toMatchObject({ ok: false, minute: 60 });
    expect([...world.dags.source]).toEqual(ACTIVE);
    expect(() => record()).toThrow('expired');
  });

  it('does not take a review of an earlier attempt of the run for an answer', async () => {
    gate.review('approved', -100);
    gate.waitsFrom = 1; // the job takes a moment to begin
    expect(await told()).toMatchObject({ ok: false, minute: 60 });
  });

  it('does not take it either where the gate begins to wait very late, as behind other jobs of a matrix', async () => {
    gate.review('approved', -100);
    gate.waitsFrom = 6;
    expect(await told()).toMatchObject({ ok: false, minute: 60 });
  });

  it('does not take an approval of another environment for an answer', async () => {
    gate.review('approved', 10, 'staging');
    expect((await told()).ok).toBe(false);
  });

  it('with gate: dispatch only the journal counts', async () => {
    const dispatch = { ...watch, workflow: { ...workflow, gate: { ...workflow.gate, by: 'dispatch' } } } as const;
    expect((await run(world, dispatch)).ok).toBe(false);
    expect([...world.dags.source]).toEqual(ACTIVE);
  });

  it.each([{ attempt: 3, says: /There is no attempt 3/ }, { attempt: undefined, says: /There is no final export to watch/ }])('refuses where nothing is paused ($attempt)', async ({ attempt, says }) => {
    if (attempt === undefined) world.journalValue = world.journalValue && { ...world.journalValue, attempts: [] };
    await expect(run(world, { ...watch, attempt })).rejects.toThrow(says);
  });

  it('refuses without a token', async () => {
    world.gatekeeper = undefined;
    await expect(run(world, watch)).rejects.toThrow(/GitHub cannot be asked/);
  });
});

/** Imported and verified, the source stands still as before, and the first approval is no answer to the second question. */
describe('the watch beside the gate before cutover', () => {
  beforeEach(async () => {
    world = await after(...IMPORTED);
    world.owner = RUN;
    record();
    world.now += 200 * MINUTE;
    await run(world, { phase: 'verify' });
    gate = new Gate(world);
    world.gatekeeper = gate.open();
  });
  const approve = () => { world.journalValue = world.journalValue && rememberStep(world.journalValue, 1, { name: 'cutover-approved', at: new Date(world.now).toISOString(), by: RUN, data: {} }); };

  it('expires what nobody answers, counted from the end of verify, and puts the source back', async () => {
    const { ok, minute, text } = await told();
    expect([ok, minute, steps(world), [...world.dags.source], world.sides.active('target')]).toEqual([false, 60, expect.arrayContaining(['expired', 'restored']), ACTIVE, []]);
    expect(text).toMatch(/2 of 2 DAGs are active again on analytics/);
    await expect(run(world, { phase: 'cutover' })).rejects.toThrow(/Attempt 1 has expired/);
  });

  it('counts from the import where nothing was verified', async () => {
    world.journalValue = world.journalValue && { ...world.journalValue, attempts: world.journalValue.attempts.map((attempt) => ({ ...attempt, steps: attempt.steps.filter(({ name }) => name !== 'verified') })) };
    expect((await told()).minute).toBe(0);
    expect([...world.dags.source]).toEqual(ACTIVE);
  });

  it.each(['approved', 'rejected'] as const)('ends when it is %s', async (state) => {
    gate.review(state, 20);
    expect(await told()).toMatchObject({ ok: true, minute: 20 });
    expect(steps(world)).not.toContain('expired');
  });

  it('ends when the journal holds the approval of the cutover, and not for that of the import', async () => {
    approve();
    expect(await told()).toMatchObject({ ok: true, minute: 0, text: expect.stringMatching(/it is approved/) });
  });

  it('a watch of the first gate that is still there when the import is done ends: that gate was answered', async () => {
    world = await after(...EXPORTED);
    gate = new Gate(world);
    world.gatekeeper = gate.open();
    const { tick } = world;
    let isDone = false;
    (world as { tick: World['tick'] }).tick = (what) => {
      tick(what);
      if (what !== 'sleep' || isDone) return;
      isDone = true;
      record();
      for (const name of ['import-begun', 'imported']) world.journalValue = world.journalValue && rememberStep(world.journalValue, 1, { name, at: new Date(world.now).toISOString(), by: RUN, data: {} });
    };
    expect(await told()).toMatchObject({ ok: true, minute: 0, text: expect.stringMatching(/it is approved/) });
  });
});

/** The approval comes in the second of the expiry: one of the two has the lock first, at every possible moment. */
describe('approved at the deadline', () => {
  it.each([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12])('call %i of the expiry: either the approval stands and nothing is put back, or the attempt is expired and refuses it', async (at) => {
    world.now += 60 * MINUTE;
    let calls = 0, outcome = 'never tried';
    const isWaiting = world.gatekeeper?.isWaiting, { tick } = world;
    if (!world.gatekeeper || !isWaiting) throw new Error('no gatekeeper');
    // The click itself is not seen by GitHub's list yet: only the lock decides.
    world.gatekeeper = { ...world.gatekeeper, isWaiting: () => Promise.resolve(true) };
    (world as { tick: World['tick'] }).tick = (what) => {
      tick(what);
      if (calls++ !== at) return;
      try { record(); outcome = 'approved'; } catch (error) { outcome = (error as Error).message; }
    };
    const result = await run(world, watch);
    const isBack = steps(world)?.includes('restored') ?? false;
    expect({ at, isBack, isExpired: steps(world)?.includes('expired'), ok: result.ok }).toEqual({ at, isBack: outcome !== 'approved', isExpired: outcome !== 'approved', ok: outcome === 'approved' });
  });

  it('waits for the lock while the gate records, and then sees the approval', async () => {
    world.now += 60 * MINUTE;
    world.lockedBy = 'gate';
    world.gatekeeper = { ...gate.open(), isWaiting: () => Promise.resolve(true) };
    const { tick } = world;
    (world as { tick: World['tick'] }).tick = (what) => {
      tick(what);
      if (what === 'sleep' && world.lockedBy === 'gate') { world.lockedBy = undefined; record(); }
    };
    expect((await run(world, watch)).ok).toBe(true);
    expect(steps(world)).not.toContain('expired');
  });
});
