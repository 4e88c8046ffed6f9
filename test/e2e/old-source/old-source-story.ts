/** A source that no REST API reaches moves to 2.10.3: every command goes by the CLI token, and no phase even tries REST on it. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import path from 'node:path';
import { query } from '../oracle/query.js';
import { until } from '../support/patience.js';
import { repository, type Run } from '../support/runner.js';
import { type MigrationWorld, SOURCE, startMigrationWorld, TARGET } from '../support/world.js';

const MINUTES = 60_000;
const log = process.env['E2E_LOG'] ? (line: string) => void process.stderr.write(`${new Date().toISOString().slice(11, 19)} ${line}\n`) : undefined;
const RUNS = 4;

export function describeOldSource(version: '1.10.12' | '2.0.2' | '2.2.2'): void {
  const isFirst = version.startsWith('1.');
  describe(`a migration from Airflow ${version}, which no REST API reaches, to 2.10.3`, () => {
    let world: MigrationWorld;
    const done: Record<string, Run> = {};
    const source = () => world.sandbox.environment(SOURCE).running;
    const target = () => world.sandbox.environment(TARGET).running;
    const phase = async (name: string, of: string, inputs: Record<string, string> = {}) => {
      const run = await world.run(of, inputs);
      done[name] = run;
      if (run.code !== 0) throw new Error(`Phase ${name} ended with code ${run.code}:\n${run.log.slice(-6000)}`);
    };
    const activeOf = async (databaseUrl: string) => (await query<[string]>(databaseUrl, 'SELECT dag_id FROM dag WHERE NOT is_paused AND is_active ORDER BY 1')).map(([dagId]) => dagId);
    /** Runs and their tasks, by what both schemas have. */
    const historyOf = async (databaseUrl: string, link: string) => ({
      runs: await query(databaseUrl, "SELECT dag_id, run_id, execution_date, state FROM dag_run WHERE dag_id LIKE 'old%' ORDER BY 1, 2"),
      tasks: await query(databaseUrl, `SELECT r.dag_id, r.run_id, t.task_id, t.state, t.start_date, t.end_date, t.hostname FROM task_instance t JOIN dag_run r ON r.dag_id = t.dag_id AND ${link} WHERE r.dag_id LIKE 'old%' ORDER BY 1, 2, 3`),
    });

    beforeAll(async () => {
      world = await startMigrationWorld({
        ...(log ? { log } : {}), withoutHistory: true, sourceVersion: version, roleParameters: { SourceUsesCli: 'yes' },
        source: { dags: path.join(repository, 'test', 'e2e', 'old-source', 'dags'), plugins: undefined, requirements: undefined, options: { 'scheduler.dag_dir_list_interval': '5', 'scheduler.min_file_process_interval': '5' } },
      });
      await until('the DAGs to be parsed', async () => (await query(source().databaseUrl, "SELECT dag_id FROM dag WHERE dag_id LIKE 'old%'")).length === 2, { seconds: 300, everyMs: 1000 });
      const started = await source().cli(isFirst ? ['unpause', 'old_sales'] : ['dags', 'unpause', 'old_sales']);
      expect(started.code).toBe(0);
      await until('the four days to be done', async () => {
        const [row] = await query<[number]>(source().databaseUrl, "SELECT count(*) FROM dag_run WHERE dag_id = 'old_sales' AND state = 'success'");
        return row?.[0] === RUNS;
      }, { seconds: 600, everyMs: 2000 });

      await phase('plan', 'plan');
      const approved = { 'approved-plan': done['plan']?.outputs['plan-digest'] ?? 'none' };
      await phase('resources', 'resources', approved);
      await phase('create', 'create', approved);
      await phase('rehearsal', 'export', { ...approved, mode: 'rehearsal' });
      await phase('final', 'export', { ...approved, mode: 'final' });
      await phase('import', 'import', { ...approved, 'approved-manifest': done['rehearsal']?.outputs['manifest-digest'] ?? 'none' });
      await phase('verify', 'verify');
      await phase('cutover', 'cutover');
      await phase('status', 'status');
    }, 50 * MINUTES);
    afterAll(() => world?.close(), 5 * MINUTES);

    it('is said in the plan, with its reason', () => {
      expect(done['plan']?.outputs['blockers']).toBe('0');
      expect(done['plan']?.summary).toContain(`its commands go by the CLI token, for AWS reaches no REST API of Airflow below`);
    });

    it('asks the source nothing by REST, and gets tokens for the source role alone', () => {
      const asked = world.sandbox.calls.filter(({ action }) => action === 'InvokeRestApi').map(({ resource }) => resource);
      expect(asked.filter((one) => one.split('/').includes(SOURCE))).toEqual([]);
      expect(asked.length).toBeGreaterThan(0);
      const tokens = world.sandbox.calls.filter(({ action }) => action === 'CreateCliToken');
      expect(tokens.length).toBeGreaterThan(5);
    });

    it('brings runs and task instances as they were', async () => {
      const before = await historyOf(source().databaseUrl, version === '2.2.2' ? 't.run_id = r.run_id' : 't.execution_date = r.execution_date');
      const after = await historyOf(target().databaseUrl, 't.run_id = r.run_id');
      expect([before.runs.length, before.tasks.length]).toEqual([RUNS, RUNS * 2]);
      expect(after).toEqual(before);
    });

    it('goes on where it was active, and only there', async () => {
      expect(await activeOf(target().databaseUrl)).toEqual(['old_sales']);
      expect(await activeOf(source().databaseUrl)).toEqual([]);
    });

    it('leaves no DAG file and no DAG of its own behind', async () => {
      for (const environment of [source(), target()]) expect(await query(environment.databaseUrl, String.raw`SELECT dag_id FROM dag WHERE dag_id LIKE 'db\_%'`)).toEqual([]);
    });

    it('shows no token', () => {
      // Of a sandbox, which is no runner of GitHub that would swallow the command: each stands in its mask, and nowhere else.
      for (const [name, run] of Object.entries(done)) {
        const tokens = [...run.log.matchAll(/^::add-mask::(\S+)$/gmu)].map((found) => found[1] ?? '');
        const rest = run.log.replace(/^::add-mask::.*$/gmu, '') + run.summary + JSON.stringify(run.outputs) + JSON.stringify(run.reports);
        expect({ name, shown: tokens.filter((token) => rest.includes(token)).length }).toEqual({ name, shown: 0 });
      }
    });
  });
}
