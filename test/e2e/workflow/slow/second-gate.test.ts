/**
 * A second approval before the target takes over (cutover-environment, an environment of its own): the history is there and compared, production
 * stands still, and a person says no. The workflow puts everything back by itself; the next run is approved at both gates and goes through.
 */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { WorkflowRun } from '../../../sandbox/act/records.js';
import { activeDags, compareBySql } from '../../oracle/by-sql.js';
import { ACTIVE_DAGS, LEAST_TASK_INSTANCES } from '../../source/expected.js';
import { until } from '../../support/patience.js';
import { SOURCE, TARGET } from '../../support/world.js';
import { resultsOf } from '../support/attempts.js';
import { rowsOf } from '../support/counts.js';
import { log, troubles, untilAsked } from '../support/halves.js';
import { attemptsOf, type JournalAttempt, stepOf } from '../support/journal.js';
import { leaksOf } from '../support/left-behind.js';
import { openIn, oursOn } from '../support/nothing-of-ours.js';
import { pauseOf, pauseTold } from '../support/pause-told.js';
import { type Life, lifeOf } from '../support/still-the-same.js';
import { tableUnder } from '../support/summary.js';
import { CUTOVER_GATE, GATE, REVIEWER, STARTER, startWorkflowWorld, type WorkflowWorld } from '../support/world.js';

const MINUTES = 60_000;
const HISTORY = ['dag_run', 'task_instance', 'xcom'];

type AtTheGate = Readonly<{ sourceActive: readonly string[]; targetActive: readonly string[]; source: Readonly<Record<string, number>>; target: Readonly<Record<string, number>>; attempt: JournalAttempt | undefined; starter: number }>;

describe('a migration with a second gate before cutover', () => {
  let world: WorkflowWorld;
  let before: Life;
  const source = () => world.migration.sandbox.environment(SOURCE).running;
  const target = () => world.migration.sandbox.environment(TARGET).running;

  beforeAll(async () => {
    world = await startWorkflowWorld({ ...(log ? { log } : {}), with: { check: 'false', 'cutover-environment': CUTOVER_GATE }, gates: [GATE, CUTOVER_GATE], roleParameters: { CutoverGitHubEnvironment: CUTOVER_GATE } });
    before = await lifeOf(source().databaseUrl);
  }, 20 * MINUTES);
  afterAll(async () => {
    await world?.close();
  }, MINUTES);

  /** Approved at the first gate; the second is answered so. */
  async function runWith(answer: 'approved' | 'rejected', inputs: Readonly<Record<string, string>> = {}): Promise<Readonly<{ run: WorkflowRun; half: WorkflowRun; seen: AtTheGate }>> {
    const started = world.start({ inputs });
    await untilAsked(world, started);
    expect(await world.review('approved')).toBe(200);
    const half = await untilAsked(world, started);
    const seen = {
      sourceActive: await activeDags(source().databaseUrl), targetActive: await activeDags(target().databaseUrl), source: await rowsOf(source().databaseUrl, HISTORY), target: await rowsOf(target().databaseUrl, HISTORY),
      attempt: (await attemptsOf(world.migration)).at(-1), starter: await world.review('approved', STARTER),
    };
    // One that it never saw waiting might be of an earlier attempt: then it takes three minutes to believe it.
    await until('the watch to see it waiting', () => Promise.resolve(world.github.requests().some(({ method, path }) => method === 'GET' && path.includes(`/${world.runId}/pending_deployments`))), { seconds: 120 });
    expect(await world.review(answer)).toBe(200);
    return { run: await started.done, half, seen };
  }

  /** Everything is brought and compared, nothing runs on either side, and the first approval does not count here. */
  function isAtTheGate({ seen, half }: Readonly<{ seen: AtTheGate; half: WorkflowRun }>): void {
    expect({ source: seen.sourceActive, target: seen.targetActive }).toEqual({ source: [], target: [] });
    expect(seen.target).toEqual(seen.source);
    expect({ verify: half.jobs['verify'], gate: half.jobs['cutover-gate'], cutover: half.jobs['cutover'] }).toEqual({ verify: 'success', gate: undefined, cutover: undefined });
    expect(stepOf(seen.attempt, 'imported')).toBeDefined();
    expect(stepOf(seen.attempt, 'cutover-approved')).toBeUndefined();
    expect(seen.starter).toBe(422);
  }

  it('rejected at the second gate: the source goes on exactly as before, and nothing of ours is left', async () => {
    const rejected = await runWith('rejected'), { run } = rejected;
    isAtTheGate(rejected);
    expect(run.code).not.toBe(0);
    expect(resultsOf(world.jobs, run)).toEqual({
      start: 'success', check: 'skipped', plan: 'success', resources: 'success', create: 'success', 'pause-first': 'skipped', rehearse: 'success', ask: 'success', gate: 'success', watch: 'skipped',
      export: 'success', import: 'success', verify: 'success', 'cutover-gate': 'failure', 'cutover-watch': 'success', cutover: 'skipped', 'watch-rollback': 'skipped', 'cutover-watch-rollback': 'skipped', rollback: 'success', finish: 'success',
    });
    expect(await lifeOf(source().databaseUrl)).toEqual(before);
    expect(await activeDags(source().databaseUrl)).toEqual(ACTIVE_DAGS);
    expect(await activeDags(target().databaseUrl)).toEqual([]);
    expect(await oursOn(world.migration, SOURCE)).toEqual([]);
    expect(await oursOn(world.migration, TARGET)).toEqual([]);
    expect(await openIn(world.migration)).toEqual([]);

    const { secondsOff, ...told } = pauseTold(run.summaries['rollback']);
    expect(told).toEqual(pauseOf((await attemptsOf(world.migration)).at(-1)));
    expect(secondsOff).toBeLessThan(1);
    const finish = run.summaries['finish'] ?? '';
    expect(tableUnder(finish, 'How long the DAGs stood still')).toEqual([{ 'Paused since': told.from, Until: `${told.to ?? ''}, put back`, For: expect.any(String) }]);
    expect(tableUnder(finish, 'Rejected in this workflow run')).toEqual([{ By: REVIEWER, Environment: CUTOVER_GATE, 'What was said': 'Not today.' }]);
    expect(finish).toContain('The source was put back');
  }, 40 * MINUTES);

  it('approved at both: the migration goes through whole, and the journal knows both approvals', async () => {
    world.newRun();
    const approved = await runWith('approved', { from: 'rehearse' }), { run } = approved;
    if (run.code !== 0) throw new Error(troubles(run));
    isAtTheGate(approved);
    expect(resultsOf(world.jobs, run)).toEqual({
      start: 'success', check: 'skipped', plan: 'skipped', resources: 'skipped', create: 'skipped', 'pause-first': 'skipped', rehearse: 'success', ask: 'success', gate: 'success', watch: 'skipped',
      export: 'success', import: 'success', verify: 'success', 'cutover-gate': 'success', 'cutover-watch': 'success', cutover: 'success', 'watch-rollback': 'skipped', 'cutover-watch-rollback': 'skipped', rollback: 'skipped', finish: 'success',
    });
    const comparison = await compareBySql(source(), target());
    expect(comparison.differences).toEqual([]);
    expect(comparison.more).toBe(0);
    expect(comparison.counts['task_instance']?.target).toBeGreaterThanOrEqual(LEAST_TASK_INSTANCES);
    expect(await activeDags(target().databaseUrl)).toEqual(ACTIVE_DAGS);
    expect(await activeDags(source().databaseUrl)).toEqual([]);

    const attempts = await attemptsOf(world.migration);
    expect(attempts.map(({ mode, steps }) => `${mode}${steps.some(({ name }) => name === 'restored') ? ', put back' : ''}`)).toEqual(['rehearsal', 'final, put back', 'rehearsal', 'final']);
    // A rejection is nothing that the first, put back, attempt could be cut over by.
    expect(stepOf(attempts[1], 'cutover-approved')).toBeUndefined();
    expect(stepOf(attempts[2], 'approved')?.data).toMatchObject({ by: [REVIEWER], environment: GATE });
    expect(stepOf(attempts[3], 'cutover-approved')?.data).toMatchObject({ by: [REVIEWER], environment: CUTOVER_GATE });
    for (const job of ['cutover-gate', 'finish']) expect(run.summaries[job]).toContain(REVIEWER);
    expect(await oursOn(world.migration, SOURCE)).toEqual([]);
    expect(await oursOn(world.migration, TARGET)).toEqual([]);
  }, 40 * MINUTES);

  it('asks nothing of GitHub that GitHub does not know', () => expect(world.github.violations()).toEqual([]));

  it('let no value of a variable out', async () => expect(await leaksOf(world)).toBe(''), 5 * MINUTES);
});
