/**
 * pause: before-gate, so production stands still while a person thinks. Whatever then goes wrong, the workflow itself makes the source active again,
 * exactly as it was, and says for how long it was paused. One environment, one run of the workflow after the other.
 */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { WorkflowRun } from '../../../sandbox/act/records.js';
import { describeLeaks, scanForCanaries } from '../../leaks/scan.js';
import { activeDags } from '../../oracle/by-sql.js';
import { ACTIVE_DAGS } from '../../source/expected.js';
import { objectsOf } from '../../support/everything-written.js';
import { until } from '../../support/patience.js';
import { SOURCE, TARGET } from '../../support/world.js';
import { resultsOf } from '../support/attempts.js';
import { log, untilAsked } from '../support/halves.js';
import { attemptsOf, stepOf } from '../support/journal.js';
import { pauseOf, pauseTold } from '../support/pause-told.js';
import { endPhase } from '../support/phase-process.js';
import { type Life, lifeOf } from '../support/still-the-same.js';
import { startWorkflowWorld, type WorkflowWorld } from '../support/world.js';

const MINUTES = 60_000;
/** The least that the workflow takes. */
const GATE_MINUTES = '5';

describe('a migration that pauses before the gate', () => {
  let world: WorkflowWorld;
  let before: Life;
  const source = () => world.migration.sandbox.environment(SOURCE).running;
  const target = () => world.migration.sandbox.environment(TARGET).running;

  beforeAll(async () => {
    world = await startWorkflowWorld({ ...(log ? { log } : {}), example: 'pause-before-gate.yml', with: { check: 'false', 'gate-timeout-minutes': GATE_MINUTES } });
    before = await lifeOf(source().databaseUrl);
  }, 10 * MINUTES);
  afterAll(async () => {
    await world?.close();
  }, MINUTES);

  /** What must hold however the run went wrong. */
  async function isAsBefore(run: WorkflowRun, back: 'rollback' | 'watch'): Promise<void> {
    expect(await lifeOf(source().databaseUrl)).toEqual(before);
    expect(await activeDags(source().databaseUrl)).toEqual(ACTIVE_DAGS);
    expect(await activeDags(target().databaseUrl)).toEqual([]);
    expect(stepOf((await attemptsOf(world.migration)).at(-1), 'restored')).toBeDefined();
    const attempt = (await attemptsOf(world.migration)).at(-1);
    const { secondsOff, ...told } = pauseTold(run.summaries[back]);
    expect(told).toEqual(pauseOf(attempt));
    expect(secondsOff).toBeLessThan(1);
    expect(run.summaries['finish']).toContain('How long the DAGs stood still');
    expect(run.code).not.toBe(0);
  }

  it('rejected: the source goes on', async () => {
    const started = world.start();
    await untilAsked(world, started);
    expect(await activeDags(source().databaseUrl)).toEqual([]);
    // One that it never saw waiting might be of an earlier attempt: then it takes three minutes to believe it.
    await until('the watch to see it waiting', () => Promise.resolve(world.github.requests().some(({ method, path }) => method === 'GET' && path.includes('/pending_deployments'))), { seconds: 120 });
    expect(await world.review('rejected')).toBe(200);
    const run = await started.done;
    expect(resultsOf(world.jobs, run)).toMatchObject({ 'pause-first': 'success', rehearse: 'skipped', ask: 'success', gate: 'failure', export: 'skipped', import: 'skipped', verify: 'skipped', cutover: 'skipped', rollback: 'success', finish: 'success' });
    await isAsBefore(run, 'rollback');
  }, 20 * MINUTES);

  it('cancelled in the import: the source goes on', async () => {
    world.newRun();
    const started = world.start({ inputs: { from: 'plan' } });
    await untilAsked(world, started);
    expect(await world.review('approved')).toBe(200);
    await endPhase(world, started, 'import', 'SIGINT', 10);
    const run = await started.done;
    expect(resultsOf(world.jobs, run)).toMatchObject({ gate: 'success', watch: 'success', import: 'failure', verify: 'skipped', cutover: 'skipped', rollback: 'success', finish: 'success' });
    await isAsBefore(run, 'rollback');
  }, 20 * MINUTES);

  it('an import whose machine is lost: the source goes on', async () => {
    world.newRun();
    const started = world.start({ inputs: { from: 'plan' } });
    await untilAsked(world, started);
    expect(await world.review('approved')).toBe(200);
    await endPhase(world, started, 'import', 'SIGKILL', 10);
    const run = await started.done;
    expect(resultsOf(world.jobs, run)).toMatchObject({ gate: 'success', watch: 'success', import: 'failure', verify: 'skipped', cutover: 'skipped', rollback: 'success', finish: 'success' });
    await isAsBefore(run, 'rollback');
  }, 20 * MINUTES);

  it('nobody answers: the watch puts it back, and an approval that comes later does nothing', async () => {
    world.newRun();
    const started = world.start({ inputs: { from: 'plan' } });
    await untilAsked(world, started);
    await until('the watch to end', () => Promise.resolve(started.sofar().jobs['watch'] !== undefined), { seconds: 15 * 60, everyMs: 1000 });
    expect(await lifeOf(source().databaseUrl)).toEqual(before);
    expect(await world.review('approved')).toBe(200);
    const run = await started.done;
    expect(resultsOf(world.jobs, run)).toMatchObject({ gate: 'failure', watch: 'failure', import: 'skipped', cutover: 'skipped', rollback: 'success', finish: 'success' });
    expect(stepOf((await attemptsOf(world.migration)).at(-1), 'expired')).toBeDefined();
    await isAsBefore(run, 'watch');
  }, 30 * MINUTES);

  it('let no value of a variable out', async () => {
    const told = world.runs.flatMap((run, at) => [{ name: `run ${at}`, bytes: Buffer.from(run.raw) }, { name: `summaries of run ${at}`, bytes: Buffer.from(JSON.stringify(run.summaries)) }]);
    const found = await scanForCanaries(world.migration.history?.facts.canaries ?? [], told, objectsOf(world.migration), world.caller.artifacts);
    expect(describeLeaks(found.leaks)).toBe('');
  }, 5 * MINUTES);
});
