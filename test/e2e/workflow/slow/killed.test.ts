/**
 * Every machine of the workflow is lost in the middle of its phase. Each time somebody presses "Re-run failed jobs": the same run, its next attempt,
 * what succeeded keeps its outputs. In the end all is as if nothing had happened.
 */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { describeLeaks, scanForCanaries } from '../../leaks/scan.js';
import { activeDags, compareBySql } from '../../oracle/by-sql.js';
import { query } from '../../oracle/query.js';
import type { WorkflowRun } from '../../../sandbox/act/records.js';
import { ACTIVE_DAGS, LEAST_TASK_INSTANCES } from '../../source/expected.js';
import { objectsOf } from '../../support/everything-written.js';
import { SOURCE, TARGET } from '../../support/world.js';
import { keptOf, resultsOf } from '../support/attempts.js';
import { rowsOf } from '../support/counts.js';
import { log, troubles, untilAsked } from '../support/halves.js';
import { attemptsOf, stepOf } from '../support/journal.js';
import { endPhase } from '../support/phase-process.js';
import { REVIEWER, startWorkflowWorld, type WorkflowWorld } from '../support/world.js';

const MINUTES = 60_000;
/** Jobs in the order of the chain, and how many calls of AWS their phase has made when its machine is lost: some had only looked, some were at work. */
const KILLS = [['plan', 4], ['resources', 20], ['create', 12], ['rehearse', 25], ['ask', 3], ['gate', 4], ['export', 30], ['import', 20], ['verify', 10], ['cutover', 12]] as const;

describe('a migration whose every job is killed once', () => {
  let world: WorkflowWorld;
  let last: WorkflowRun;
  let attempt = 0;
  const source = () => world.migration.sandbox.environment(SOURCE).running;
  const target = () => world.migration.sandbox.environment(TARGET).running;

  /** The next attempt of the run. The gate's reviewer answers when asked. */
  async function rerun(job: string | undefined, calls: number): Promise<WorkflowRun> {
    attempt += 1;
    const started = world.start({ number: attempt, kept: attempt === 1 ? {} : keptOf(world.jobs, last) });
    const ended = started.done;
    if (job === 'gate' || (job !== undefined && attempt > 1 && last.jobs['gate'] !== 'success' && KILLS.findIndex(([name]) => name === job) > KILLS.findIndex(([name]) => name === 'gate'))) {
      await untilAsked(world, started);
      expect(await world.review('approved')).toBe(200);
    }
    if (job !== undefined) await endPhase(world, started, job, 'SIGKILL', calls);
    return await ended;
  }

  beforeAll(async () => {
    world = await startWorkflowWorld({ ...(log ? { log } : {}), with: { check: 'false', 'on-failure': 'stay' } });
  }, 10 * MINUTES);
  afterAll(async () => {
    await world?.close();
  }, MINUTES);

  it.each(KILLS)('killed in %s: the run stops there, puts nothing back, and says where it stands', async (job, calls) => {
    last = await rerun(job, calls);
    log?.(`killed in ${job}`);
    const results = resultsOf(world.jobs, last);
    expect({ job, result: results[job], rollback: results['rollback'], finish: results['finish'] }).toEqual({ job, result: 'failure', rollback: 'skipped', finish: 'success' });
    const after = KILLS.slice(KILLS.findIndex(([name]) => name === job) + 1).map(([name]) => results[name]);
    expect(after).toEqual(after.map(() => 'skipped'));
    expect(last.summaries['finish']).toContain(job);
  }, 20 * MINUTES);

  it('goes through with the last attempt, and everything is as if nothing had happened', async () => {
    last = await rerun(undefined, 0);
    if (last.code !== 0) throw new Error(troubles(last));
    const comparison = await compareBySql(source(), target());
    expect(comparison.differences).toEqual([]);
    expect(comparison.counts['task_instance']?.target).toBeGreaterThanOrEqual(LEAST_TASK_INSTANCES);
    expect(await rowsOf(target().databaseUrl, ['dag_run', 'task_instance'])).toEqual(await rowsOf(source().databaseUrl, ['dag_run', 'task_instance']));
    expect(await activeDags(target().databaseUrl)).toEqual(ACTIVE_DAGS);
    expect(await activeDags(source().databaseUrl)).toEqual([]);
    for (const environment of [source(), target()]) expect(await query(environment.databaseUrl, String.raw`SELECT dag_id FROM dag WHERE dag_id ~ '^db_(export|import)'`)).toEqual([]);
    const attempts = await attemptsOf(world.migration);
    expect(attempts.map(({ mode }) => mode)).toEqual(['rehearsal', 'final']);
    expect(stepOf(attempts[0], 'approved')?.data).toMatchObject({ by: [REVIEWER] });
  }, 20 * MINUTES);

  it('let no value of a variable out', async () => {
    const told = world.runs.flatMap((run, at) => [{ name: `attempt ${at + 1}`, bytes: Buffer.from(run.raw) }, { name: `summaries of attempt ${at + 1}`, bytes: Buffer.from(JSON.stringify(run.summaries)) }]);
    const found = await scanForCanaries(world.migration.history?.facts.canaries ?? [], told, objectsOf(world.migration), world.caller.artifacts);
    expect(describeLeaks(found.leaks)).toBe('');
  }, 5 * MINUTES);
});
