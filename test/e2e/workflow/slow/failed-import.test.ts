/**
 * The target's database itself refuses a row, in the middle of the import: no lost machine, no cancelled run. What came before it is committed there.
 * The workflow makes the source active again by itself; once the cause is gone, a run that begins where the last summary says goes through whole.
 */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import type { WorkflowRun } from '../../../sandbox/act/records.js';
import { activeDags, compareBySql } from '../../oracle/by-sql.js';
import { query } from '../../oracle/query.js';
import { ACTIVE_DAGS, LEAST_TASK_INSTANCES } from '../../source/expected.js';
import { SOURCE, TARGET } from '../../support/world.js';
import { resultsOf } from '../support/attempts.js';
import { rowsOf } from '../support/counts.js';
import { log, troubles, untilAsked } from '../support/halves.js';
import { attemptsOf, stepOf } from '../support/journal.js';
import { leaksOf, rowLeaksOf } from '../support/left-behind.js';
import { openIn, oursOn } from '../support/nothing-of-ours.js';
import { pauseOf, pauseTold } from '../support/pause-told.js';
import { type Life, lifeOf } from '../support/still-the-same.js';
import { tableUnder } from '../support/summary.js';
import { startWorkflowWorld, type WorkflowWorld } from '../support/world.js';

const MINUTES = 60_000;
/** PostgreSQL shows the whole row that a constraint refuses: none of it may come out. */
const ROW_SECRET = { name: 'extra of the refused row', value: `canary${randomBytes(15).toString('hex')}` };

describe('an import that the database of the target refuses', () => {
  let world: WorkflowWorld;
  let before: Life;
  let failed: WorkflowRun;
  let last: WorkflowRun;
  const source = () => world.migration.sandbox.environment(SOURCE).running;
  const target = () => world.migration.sandbox.environment(TARGET).running;

  beforeAll(async () => {
    world = await startWorkflowWorld({ ...(log ? { log } : {}), with: { check: 'false' } });
    await query(source().databaseUrl, `INSERT INTO log (dttm, dag_id, event, owner, extra) VALUES (now() - interval '1 day', 'daily_sales', 'clear', 'admin', '${ROW_SECRET.value}')`);
    before = await lifeOf(source().databaseUrl);
    const started = world.start();
    await untilAsked(world, started);
    await query(target().databaseUrl, `ALTER TABLE log ADD CONSTRAINT of_a_strict_administrator CHECK (extra <> '${ROW_SECRET.value}')`);
    expect(await world.review('approved')).toBe(200);
    failed = await started.done;
  }, 40 * MINUTES);
  afterAll(async () => {
    await world?.close();
  }, MINUTES);

  it('fails in import, and goes back by itself', () => {
    expect(failed.code).not.toBe(0);
    expect(resultsOf(world.jobs, failed)).toEqual({
      start: 'success', check: 'skipped', plan: 'success', resources: 'success', create: 'success', 'pause-first': 'skipped', rehearse: 'success', ask: 'success', gate: 'success', watch: 'skipped',
      export: 'success', import: 'failure', verify: 'skipped', 'cutover-gate': 'skipped', 'cutover-watch': 'skipped', cutover: 'skipped', 'watch-rollback': 'skipped', 'cutover-watch-rollback': 'skipped', rollback: 'success', finish: 'success',
    });
  });

  it('had brought the tables before it, and not the one that was refused', async () => {
    expect(await rowsOf(target().databaseUrl, ['dag_run', 'task_instance', 'xcom'])).toEqual(await rowsOf(source().databaseUrl, ['dag_run', 'task_instance', 'xcom']));
    expect(await query(target().databaseUrl, "SELECT count(*) FROM log WHERE event = 'success' AND dag_id IN (SELECT dag_id FROM dag_run)")).toEqual([[0]]);
    const [, final] = await attemptsOf(world.migration);
    expect(stepOf(final, 'import-begun')).toBeDefined();
    expect(stepOf(final, 'imported')).toBeUndefined();
  });

  it('says which table and constraint refused, and nothing of the row', () => {
    const said = failed.annotations.filter(({ job, level }) => job === 'import' && level === 'error').map(({ text }) => text).join('\n');
    for (const one of [said, failed.summaries['import'] ?? '']) {
      expect(one).toMatch(/\blog\b/u);
      expect(one).not.toContain(ROW_SECRET.value);
    }
  });

  it('leaves the source active exactly as before, row by row', async () => {
    expect(await lifeOf(source().databaseUrl)).toEqual(before);
    expect(await activeDags(source().databaseUrl)).toEqual(ACTIVE_DAGS);
    expect(await activeDags(target().databaseUrl)).toEqual([]);
  });

  it('leaves nothing of ours on either side, and no secret in the bucket', async () => {
    expect(await oursOn(world.migration, SOURCE)).toEqual([]);
    expect(await oursOn(world.migration, TARGET)).toEqual([]);
    expect(await openIn(world.migration)).toEqual([]);
  });

  it('says it, with the time of the pause', async () => {
    const final = (await attemptsOf(world.migration)).at(-1);
    const { secondsOff, ...told } = pauseTold(failed.summaries['rollback']);
    expect(told).toEqual(pauseOf(final));
    expect(secondsOff).toBeLessThan(1);
    const finish = failed.summaries['finish'] ?? '';
    expect(tableUnder(finish, 'How long the DAGs stood still')).toEqual([{ 'Paused since': told.from, Until: `${told.to ?? ''}, put back`, For: expect.any(String) }]);
    expect(finish).toContain('<code>import</code> failed');
    expect(finish).toContain('The source was put back');
  });

  it('goes through whole from where its summary says, once the cause is gone', async () => {
    await query(target().databaseUrl, 'ALTER TABLE log DROP CONSTRAINT of_a_strict_administrator');
    const [, from = 'nowhere'] = /start the workflow again with input <code>from<\/code>: <code>([\w-]+)<\/code>/u.exec(failed.summaries['finish'] ?? '') ?? [];
    expect(from).toBe('rehearse');
    world.newRun();
    const started = world.start({ inputs: { from } });
    await untilAsked(world, started);
    expect(await world.review('approved')).toBe(200);
    last = await started.done;
    if (last.code !== 0) throw new Error(troubles(last));
    expect(resultsOf(world.jobs, last)).toEqual({
      start: 'success', check: 'skipped', plan: 'skipped', resources: 'skipped', create: 'skipped', 'pause-first': 'skipped', rehearse: 'success', ask: 'success', gate: 'success', watch: 'skipped',
      export: 'success', import: 'success', verify: 'success', 'cutover-gate': 'skipped', 'cutover-watch': 'skipped', cutover: 'success', 'watch-rollback': 'skipped', 'cutover-watch-rollback': 'skipped', rollback: 'skipped', finish: 'success',
    });
    const comparison = await compareBySql(source(), target());
    expect(comparison.differences).toEqual([]);
    expect(comparison.more).toBe(0);
    expect(comparison.counts['task_instance']?.target).toBeGreaterThanOrEqual(LEAST_TASK_INSTANCES);
    expect(await query(target().databaseUrl, `SELECT count(*) FROM log WHERE extra = '${ROW_SECRET.value}'`)).toEqual([[1]]);
    expect(await activeDags(target().databaseUrl)).toEqual(ACTIVE_DAGS);
    expect(await activeDags(source().databaseUrl)).toEqual([]);
    expect((await attemptsOf(world.migration)).map(({ mode, steps }) => `${mode}${steps.some(({ name }) => name === 'restored') ? ', put back' : ''}`)).toEqual(['rehearsal', 'final, put back', 'rehearsal', 'final']);
    expect(await oursOn(world.migration, SOURCE)).toEqual([]);
    expect(await oursOn(world.migration, TARGET)).toEqual([]);
  }, 40 * MINUTES);

  it('let no value of a variable out, nor one of the refused row', async () => {
    expect(await leaksOf(world)).toBe('');
    expect(await rowLeaksOf(world, ROW_SECRET)).toBe('');
  }, 5 * MINUTES);
});
