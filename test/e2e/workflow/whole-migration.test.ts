/**
 * The user story of the reusable workflow: a repository with its DAGs, a migration file and the example caller moves its production environment,
 * with one approval in the middle. Real YAML, real composite, real dist, real Airflow, roles of docs/iam/roles.yaml by OIDC. What act does not do
 * (environments, tokens by permission, machines that are gone while a run waits) does test/sandbox/act; numbers are counted again by SQL.
 */
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import type { WorkflowRun } from '../../sandbox/act/records.js';
import { describeLeaks, scanForCanaries, type ByteSource } from '../leaks/scan.js';
import { activeDags, compareBySql } from '../oracle/by-sql.js';
import { query } from '../oracle/query.js';
import { ACTIVE_DAGS, LEAST_TASK_INSTANCES } from '../source/expected.js';
import { logEventsOf, objectsOf } from '../support/everything-written.js';
import { SOURCE, TARGET } from '../support/world.js';
import { keptOf, resultsOf } from './support/attempts.js';
import { COUNTED, ownRowsOf, rowsOf, SECRET, STAYING, sum } from './support/counts.js';
import { log, troubles, untilAsked } from './support/halves.js';
import { attemptsOf, objectOf, stepOf } from './support/journal.js';
import { numberIn, numbersOf, tableUnder, wrongTotals } from './support/summary.js';
import { REVIEWER, STARTER, startWorkflowWorld, type WorkflowWorld } from './support/world.js';

const MINUTES = 60_000;
/** SQL by a process of its own takes seconds on a busy machine. */
jest.setTimeout(2 * MINUTES);

describe('a whole migration by the reusable workflow', () => {
  let world: WorkflowWorld;
  let half: WorkflowRun;
  let run: WorkflowRun;
  /** SQL at the moment named. */
  let atTheGate: Readonly<{ sourceActive: readonly string[]; targetActive: readonly string[]; targetRows: Readonly<Record<string, number>>; sourceRows: Readonly<Record<string, number>>; ownRows: Readonly<Record<string, number>>; steps: readonly string[] }>;
  let ownRowsAtTheEnd: Readonly<Record<string, number>>;
  let answers: Readonly<{ starter: number; reviewer: number }>;
  const source = () => world.migration.sandbox.environment(SOURCE).running;
  const target = () => world.migration.sandbox.environment(TARGET).running;
  const summary = (job: string): string => run.summaries[job] ?? half.summaries[job] ?? '';

  beforeAll(async () => {
    world = await startWorkflowWorld(log ? { log } : {});
    const gate = world.newGate();
    const first = world.start({ gate });
    half = await untilAsked(world, first);
    // No machine runs while GitHub waits for a person.
    first.end();
    await first.done;
    atTheGate = {
      sourceActive: await activeDags(source().databaseUrl), targetActive: await activeDags(target().databaseUrl), targetRows: await rowsOf(target().databaseUrl, ['dag_run', 'task_instance']),
      sourceRows: await rowsOf(source().databaseUrl), ownRows: await ownRowsOf(source().databaseUrl), steps: (await attemptsOf(world.migration)).flatMap(({ steps }) => steps.map(({ name }) => name)),
    };
    answers = { starter: await world.review('approved', STARTER), reviewer: await world.review('approved') };
    run = await world.start({ gate, kept: keptOf(world.jobs, half) }).done;
    if (run.code !== 0) throw new Error(`The second half failed:\n${troubles(run)}`);
    ownRowsAtTheEnd = await ownRowsOf(source().databaseUrl);
  }, 20 * MINUTES);
  afterAll(async () => {
    await world?.close();
  }, MINUTES);

  describe('up to the gate', () => {
    it('runs every job before it, and none after it', () => {
      expect(resultsOf(world.jobs, half)).toEqual({
        start: 'success', check: 'success', plan: 'success', resources: 'success', create: 'success', 'pause-first': 'unfinished', rehearse: 'success', ask: 'success', gate: 'unfinished',
        watch: 'unfinished', export: 'unfinished', import: 'unfinished', verify: 'unfinished', 'cutover-gate': 'unfinished', 'cutover-watch': 'unfinished', cutover: 'unfinished', 'watch-rollback': 'unfinished', 'cutover-watch-rollback': 'unfinished', rollback: 'unfinished', finish: 'unfinished',
      });
    });

    it('pauses nothing, and brings nothing to the target', () => {
      expect(atTheGate.sourceActive).toEqual(ACTIVE_DAGS);
      expect(atTheGate.targetActive).toEqual([]);
      expect(atTheGate.targetRows).toEqual({ dag_run: 0, task_instance: 0 });
      expect(atTheGate.steps).not.toContain('drain-begun');
      expect(atTheGate.steps).not.toContain('approved');
    });

    it('lets a reviewer answer, and not the one who started it', () => expect(answers).toEqual({ starter: 422, reviewer: 200 }));
  });

  it('ends with every job of the chain green, and skips only what the chain has no use for', () => {
    expect(Object.keys(keptOf(world.jobs, half))).toEqual(['start', 'check', 'plan', 'resources', 'create', 'rehearse', 'ask']);
    expect(resultsOf(world.jobs, run)).toEqual({
      start: 'success', check: 'success', plan: 'success', resources: 'success', create: 'success', 'pause-first': 'skipped', rehearse: 'success', ask: 'success', gate: 'success',
      watch: 'skipped', export: 'success', import: 'success', verify: 'success', 'cutover-gate': 'skipped', 'cutover-watch': 'skipped', cutover: 'success', 'watch-rollback': 'skipped', 'cutover-watch-rollback': 'skipped', rollback: 'skipped', finish: 'success',
    });
  });

  it('gives a token to the jobs that may ask for one, and to no other', () =>
    expect([...world.tokens.jobs()].sort()).toEqual(['ask', 'create', 'cutover', 'export', 'finish', 'gate', 'import', 'plan', 'rehearse', 'resources', 'verify']));

  it('asks nothing of GitHub that GitHub does not know', () => expect(world.github.violations()).toEqual([]));

  describe('by SQL of our own', () => {
    it('brought the same history to the target, row by row', async () => {
      const comparison = await compareBySql(source(), target());
      expect(comparison.differences).toEqual([]);
      expect(comparison.more).toBe(0);
      expect(comparison.counts['task_instance']?.target).toBeGreaterThanOrEqual(LEAST_TASK_INSTANCES);
    }, 2 * MINUTES);

    it('activated on the target exactly what was active on the source, which stays paused', async () => {
      expect(await activeDags(target().databaseUrl)).toEqual(ACTIVE_DAGS);
      expect(await activeDags(source().databaseUrl)).toEqual([]);
    });

    it('left no DAG of its own on either side', async () => {
      for (const environment of [source(), target()])
        expect(await query(environment.databaseUrl, String.raw`SELECT dag_id FROM dag WHERE dag_id ~ '^db_(export|import)'`)).toEqual([]);
    });
  });

  describe('what the summaries say, counted again', () => {
    it.each([{ job: 'rehearse', attempt: 1 }, { job: 'export', attempt: 2 }] as const)('$job: rows and bytes of every table', async ({ job, attempt }) => {
      const rows = await rowsOf(source().databaseUrl);
      const told = tableUnder(summary(job), 'Tables');
      expect(Object.fromEntries(told.map((row) => [row['Table'], numberIn(row['Rows'])]))).toEqual(job === 'rehearse' ? atTheGate.sourceRows : rows);
      for (const row of told) {
        const bytes = numberIn(row['Bytes in S3']);
        const isSecret = SECRET.includes(row['Table'] ?? '');
        // A rehearsal writes no value of a variable or connection.
        if (isSecret && job === 'rehearse') expect(bytes).toBe(0);
        // Nor does the final export leave one: what it wrote went right after the import, every version of it.
        else if (isSecret) await expect(objectBytes(`${attempt}/export/${row['Table'] ?? ''}.sealed`)).rejects.toThrow('There is no');
        else expect({ table: row['Table'], bytes }).toEqual({ table: row['Table'], bytes: (await objectBytes(`${attempt}/export/${row['Table'] ?? ''}.csv.gz`)) });
      }
      expect(summary(job)).toContain(`xported ${grouped(sum(job === 'rehearse' ? atTheGate.sourceRows : rows))} rows of ${COUNTED.length} tables`);
    });

    it('what is left out: the rows of our own DAGs, and two tables that nobody asked for', async () => {
      const staying = await rowsOf(source().databaseUrl, STAYING);
      for (const job of ['rehearse', 'export']) {
        const leftOut = tableUnder(summary(job), 'What was left out');
        expect(leftOut.map((row) => row['Why'])).toEqual(leftOut.map(() => 'row of mwaa-migrate itself'));
        expect(Object.fromEntries(tableUnder(summary(job), 'Your rows in tables that stay').map((row) => [row['Table'], numberIn(row['Rows'])]))).toEqual(staying);
      }
    });

    it('ask: what a reviewer decides by is what the rehearsal found', async () => {
      const page = summary('ask');
      expect(Object.fromEntries(tableUnder(page, 'Tables').map((row) => [row['Table'], numberIn(row['Rows'])]))).toEqual(atTheGate.sourceRows);
      expect(page).toContain(`${grouped(sum(atTheGate.sourceRows))} rows of ${COUNTED.length} tables, 0 left out`);
      expect(page).toContain(`DAGs: ${ACTIVE_DAGS.length} are active now and will be paused`);
      for (const dag of ACTIVE_DAGS) expect(page).toContain(`<code>${dag.replaceAll('_', '&#95;')}</code>`);
      const asked = Object.fromEntries(tableUnder(page, 'What is asked').map((row) => [row['What'], row['Value']]));
      expect(asked['Export started by']).toBe(STARTER);
      expect(page).toContain(half.outputs['plan.plan.plan-digest'] ?? 'no digest');
      expect(page).toContain(half.outputs['rehearse.rehearse.manifest-digest'] ?? 'no digest');
    });

    it('import: every row that was exported is in, none was there or rejected', async () => {
      const rows = await rowsOf(source().databaseUrl);
      const told = Object.fromEntries(tableUnder(summary('import'), 'Tables').map((row) => [row['Table'] ?? '', row]));
      expect(Object.keys(told).sort()).toEqual([...COUNTED].sort());
      for (const table of COUNTED) {
        const { Exported: exported, Inserted: inserted, 'There already': there, Rejected: rejected } = told[table] ?? {};
        expect({ table, exported: numberIn(exported), rejected: numberIn(rejected) }).toEqual({ table, exported: rows[table], rejected: 0 });
        expect({ table, in: numberIn(inserted) + numberIn(there) }).toEqual({ table, in: rows[table] });
      }
      const tables = JSON.parse(run.outputs['import.import.tables'] ?? '{}') as Record<string, { rows: number }>;
      expect(Object.fromEntries(Object.entries(tables).map(([name, one]) => [name, one.rows]))).toEqual(rows);
    });

    it('verify: both sides as SQL sees them', async () => {
      const rows = await rowsOf(source().databaseUrl);
      for (const row of tableUnder(summary('verify'), 'Row by row')) {
        const table = row['Table'] ?? '';
        expect({ table, exported: numberIn(row['Exported']), equal: numberIn(row['Equal']), missing: numberIn(row['Missing']), different: numberIn(row['Different']) })
          .toEqual({ table, exported: rows[table], equal: rows[table], missing: 0, different: 0 });
        // The audit log of the target has rows of its own, so a part of it is compared row by row; sealed rows are never in a checksum.
        const proved = numberIn(row['By checksum']);
        if (table === 'log') expect(proved > 0 && proved <= (rows[table] ?? 0)).toBe(true);
        else if (!SECRET.includes(table)) expect({ table, proved }).toEqual({ table, proved: rows[table] });
      }
    });

    it('cutover: as many as SQL finds active', async () => {
      const told = Object.fromEntries(tableUnder(summary('cutover'), 'Numbers').map((row) => [row['What'], numberIn(row['Value'])]));
      expect(told['Active on the target now']).toBe((await activeDags(target().databaseUrl)).length);
      expect(told['Active on the source before']).toBe(atTheGate.sourceActive.length);
    });

    it('finish: all of it once more, table by table', async () => {
      const rows = await rowsOf(source().databaseUrl);
      // Rows of our own DAG runs, which are gone from the source by now: what the export's own list says, held above to be nothing else.
      const ours = Object.fromEntries(tableUnder(summary('export'), 'What was left out').map((row) => [row['Table'], numberIn(row['Rows'])]));
      for (const row of tableUnder(summary('finish'), 'Table by table')) {
        const table = row['Table'] ?? '';
        expect({ table, exported: numberIn(row['Exported']), leftOut: numberIn(row['Left out']), in: numberIn(row['Inserted']) + numberIn(row['There already']), rejected: numberIn(row['Rejected']), equal: numberIn(row['Equal']), missing: numberIn(row['Missing']), different: numberIn(row['Different']) })
          .toEqual({ table, exported: rows[table], leftOut: ours[table] ?? 0, in: rows[table], rejected: 0, equal: rows[table], missing: 0, different: 0 });
      }
      const results = Object.values(resultsOf(world.jobs, run)), ended = (result: string): number => results.filter((one) => one === result).length;
      // It does not count itself.
      expect(summary('finish')).toContain(`${ended('success') - 1} jobs ended well, 0 failed, 0 cancelled, ${ended('skipped')} skipped`);
    });

    it('no other number stands anywhere, and no heading counts wrong', async () => {
      const rows = await rowsOf(source().databaseUrl), staying = await rowsOf(source().databaseUrl, STAYING);
      const [[dags, paused] = [0, 0]] = await query<[number, number]>(source().databaseUrl, `SELECT count(*), count(*) FILTER (WHERE dag_id NOT IN (${ACTIVE_DAGS.map((dag) => `'${dag}'`).join(', ')})) FROM dag WHERE is_active`);
      const pools = numberIn(tableUnder(summary('import'), 'Tables').find((row) => row['Table'] === 'slot_pool')?.['Inserted']);
      const results = Object.values(resultsOf(world.jobs, run));
      const known = new Set<number>([
        0, ...Object.values(rows), sum(rows), ...Object.values(staying), sum(staying), COUNTED.length, dags, paused, ACTIVE_DAGS.length,
        // default_pool is there in every Airflow.
        rows['slot_pool'] ?? 0, pools, (rows['slot_pool'] ?? 0) - pools, sum(rows) - ((rows['slot_pool'] ?? 0) - pools),
        // Rows of the audit log that a checksum of both databases proves: held above to be no more than there are.
        numberIn(tableUnder(summary('verify'), 'Row by row').find((row) => row['Table'] === 'log')?.['By checksum']),
        // Number of the attempt.
        1, 2,
        results.filter((one) => one === 'success').length - 1, results.filter((one) => one === 'skipped').length,
        ...await bytesOf(1), ...await bytesOf(2),
        // Of the sealed objects, which are gone: only the manifest knows.
        ...(JSON.parse((await objectOf(world.migration, '2/export/manifest.json')).toString('utf8')) as { tables: readonly { bytes: number }[] }).tables.map(({ bytes }) => bytes),
      ]);
      const all = ['rehearse', 'ask', 'gate', 'export', 'import', 'verify', 'cutover', 'finish'];
      // What REST counts at its moment is a second opinion of the summary, and that of migration.test.ts has an oracle of its own.
      const withoutRest = (text: string): string => text.replace(/### What the REST API[\s\S]*?(?=\n### )/u, '');
      // Rows of our own DAGs, 2 or 3 runs with all that is below them, are gone since.
      const strange = all.flatMap((job) => numbersOf(withoutRest(summary(job)).replaceAll(/\(and \d+ of mwaa-migrate itself\)|\d+ rows of those left out are of mwaa-migrate itself/gu, '')).filter(({ number, line }) => !known.has(number) && !isOwnRows(job, number, line)).map(({ number, line }) => `${job}: ${number} in "${line.slice(0, 160)}"`));
      expect(strange).toEqual([]);
      expect(all.flatMap((job) => wrongTotals(summary(job)))).toEqual([]);
      expect(summary('ask')).toContain(`${grouped(sum(ownRowsTold('rehearse')))} rows of those left out are of mwaa-migrate itself`);
      for (const job of ['rehearse', 'export']) expect(summary(job)).toContain(`(and ${grouped(sum(ownRowsTold(job)))} of mwaa-migrate itself)`);
    });
  });

  it('knows who approved: in the journal, in the summaries, as an output', async () => {
    const attempts = await attemptsOf(world.migration);
    expect(attempts.map(({ number, mode }) => ({ number, mode }))).toEqual([{ number: 1, mode: 'rehearsal' }, { number: 2, mode: 'final' }]);
    expect(stepOf(attempts[0], 'approved')?.data).toMatchObject({ by: [REVIEWER], how: 'environment', environment: 'migration-production', planDigest: half.outputs['plan.plan.plan-digest'], scope: half.outputs['rehearse.rehearse.manifest-digest'] });
    expect(stepOf(attempts[1], 'made-from')?.data).toEqual({ from: 1 });
    expect(run.outputs['gate.gate.approved-by']).toBe(REVIEWER);
    for (const job of ['gate', 'finish']) expect(summary(job)).toContain(REVIEWER);
  });

  it('leaves the whole story as one page, in the bucket and as an artifact', async () => {
    const page = (await objectOf(world.migration, 'page.html')).toString('utf8');
    const artifact = artifacts().find(({ name }) => name.endsWith('/mwaa-migrate-page.html'));
    for (const one of [page, artifact?.bytes.toString('utf8') ?? '']) {
      expect(one).toContain(REVIEWER);
      expect(one).not.toMatch(/<(?:script|link|img|iframe)[^>]+(?:src|href)=["']?https?:/iu);
    }
  });

  it('let no value of a variable or connection out: not in logs, outputs, summaries, artifacts, pages, objects, task logs', async () => {
    const canaries = world.migration.history?.facts.canaries ?? [];
    const found = await scanForCanaries(canaries, told(), artifacts(), objectsOf(world.migration), logEventsOf(world.migration), path.join(source().airflowHome, 'logs'), path.join(target().airflowHome, 'logs'));
    expect(describeLeaks(found.leaks)).toBe('');
    expect(found.sources).toBeGreaterThan(50);
    // Nor the token that GitHub gave, masked or not.
    expect([...told()].filter(({ bytes }) => /ghs_[0-9a-f]{36}/u.test(bytes.toString('utf8'))).map(({ name }) => name)).toEqual([]);
  }, 5 * MINUTES);

  const ownRowsTold = (job: string): Readonly<Record<string, number>> => Object.fromEntries(tableUnder(summary(job), 'What was left out').map((row) => [row['Table'] ?? '', numberIn(row['Rows'])]));
  /** In the row of its table, or with its reason: as many as the log of the source still tells of, or fewer, for the snapshot was before the end. */
  const isOwnRows = (job: string, number: number, line: string): boolean => {
    if (!['rehearse', 'ask', 'export', 'finish'].includes(job)) return false;
    const own = ownRowsTold(job === 'ask' ? 'rehearse' : job === 'finish' ? 'export' : job);
    const isToldHere = Object.entries(own).some(([table, rows]) => rows === number && line.includes(`<code>${table.replaceAll('_', '&#95;')}</code>`));
    return isToldHere && number <= Math.max(3, ownRowsAtTheEnd['log'] ?? 0);
  };
  const bytesOf = async (attempt: number): Promise<readonly number[]> => await Promise.all(COUNTED.filter((table) => !SECRET.includes(table)).map((table) => objectBytes(`${attempt}/export/${table}.csv.gz`)));
  const grouped = (value: number): string => value.toLocaleString('en-US');
  const objectBytes = async (key: string): Promise<number> => (await objectOf(world.migration, key)).length;

  /** Everything that the runs showed. */
  function told(): readonly ByteSource[] {
    return world.runs.flatMap((one, at) => [
      { name: `half ${at}, everything printed`, bytes: Buffer.from(one.raw) }, { name: `half ${at}, outputs`, bytes: Buffer.from(JSON.stringify([one.outputs, one.stepOutputs])) },
      ...Object.entries(one.summaries).map(([job, text]) => ({ name: `half ${at}, summary of ${job}`, bytes: Buffer.from(text) })),
    ]);
  }

  function artifacts(): readonly ByteSource[] {
    return readdirSync(world.caller.artifacts, { recursive: true, encoding: 'utf8' }).map((name) => path.join(world.caller.artifacts, name)).filter((name) => statSync(name).isFile()).map((name) => ({ name, bytes: readFileSync(name) }));
  }
});
