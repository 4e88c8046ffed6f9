/** The committed plans are what this release makes; and of each pair what matters is said here once more, by hand. */
import { describe, expect, it } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Ajv } from 'ajv';
import type { Plan } from '../../../src/plan/plan.js';
import { everyOption, filesOf, GOLDEN, SECRET } from './golden.js';

const text = (name: string) => readFileSync(fileURLToPath(new URL(name, import.meta.url)), 'utf8');
const validate = new Ajv({ allErrors: true, strict: true, allowUnionTypes: true }).compile(JSON.parse(text('../../../docs/reference/plan.schema.json')) as object);
const made = new Map(GOLDEN.map((golden) => [golden.name, filesOf(golden)]));
const planOf = (name: string): Plan => {
  const found = made.get(name)?.plan;
  if (!found) throw new Error(`no golden plan ${name}`);
  return found;
};
const codes = (findings: Plan['blockers']) => findings.map(({ code }) => code);
const sent = (plan: Plan) => plan.decisions.environment.fields.AirflowConfigurationOptions as Readonly<Record<string, string>>;
const change = (plan: Plan, source: string) => plan.options.find((one) => one.source === source);

describe.each(GOLDEN.map(({ name }) => name))('the golden plan %s', (name) => {
  it('is the one that is committed (node scripts/run.mjs test/contract/golden-plans/write.ts writes it anew)', () => {
    expect(made.get(name)?.json).toBe(text(`${name}.json`));
    expect(made.get(name)?.markdown).toBe(text(`${name}.md`));
  });

  it('follows the schema, holds no secret, and keeps its table rows whole', () => {
    expect(validate(JSON.parse(text(`${name}.json`))) ? [] : validate.errors).toEqual([]);
    for (const file of [`${name}.json`, `${name}.md`]) expect(text(file)).not.toContain(SECRET);
    const rows = text(`${name}.md`).split('\n');
    for (const [at, row] of rows.entries()) if (row.startsWith('|') && rows[at - 1]?.startsWith('|')) expect(row.split(/(?<!\\)\|/u)).toHaveLength(rows[at - 1]?.split(/(?<!\\)\|/u).length ?? 0);
  });

  it('tells of every option of the source exactly once, and sends no name twice', () => {
    const golden = GOLDEN.find((one) => one.name === name);
    const plan = planOf(name);
    expect(plan.options.flatMap(({ source }) => source ?? []).sort()).toEqual(Object.keys(golden?.options ?? {}).sort());
    const targets = plan.options.flatMap(({ target }) => target ?? []);
    expect(new Set(targets).size).toBe(targets.length);
  });
});

it('1.10.12 → 2.10.3: the bridge, the new names, the second scheduler, what no REST can tell', () => {
  const plan = planOf('1.10.12_to_2.10.3');
  expect(codes(plan.blockers)).toEqual([]);
  expect(codes(plan.warnings)).toEqual(expect.arrayContaining(['schedulers-raised', 'wheels-for-old-python', 'secrets-name-source', 'dags-not-checked']));
  expect(plan.decisions.road).toEqual({ landing: '2.10.3', upgrades: [], bridge: '1.10.15' });
  expect(sent(plan)).toEqual({
    'core.max_active_tasks_per_dag': '24', 'core.parallelism': '64', 'core.default_pool_task_slot_count': '128', 'database.sql_alchemy_pool_size': '10', 'scheduler.parsing_processes': '4', 'scheduler.min_file_process_interval': '30',
    'secrets.backend': '(hidden)', 'secrets.backend_kwargs': '(hidden)',
  });
  expect(change(plan, 'secrets.backend')?.steps.at(-1)).toMatchObject({ kind: 'value', because: expect.stringContaining('airflow.providers.amazon.aws.secrets.secrets_manager.SecretsManagerBackend') });
  expect(change(plan, 'webserver.rbac')?.kind).toBe('removed');
  expect(change(plan, 'core.executor')?.kind).toBe('ignored');
  expect(plan.versions).toContainEqual({ name: 'Python', was: '3.7', is: '3.11' });
  expect(plan.requirements?.map(({ line, kind }) => [line, kind])).toEqual([[1, 'backport'], [2, 'conflict']]);
  expect(plan.estimates).toMatchObject({ rows: undefined, pauseMinutes: undefined, createMinutes: { from: 20, to: 40 } });
  expect(plan.decisions.resources.constraint).toBe('https://raw.githubusercontent.com/apache/airflow/constraints-2.10.3/constraints-3.11.txt');
});

it('2.2.2 → 2.11.2: names of three releases at once', () => {
  const plan = planOf('2.2.2_to_2.11.2');
  expect(codes(plan.blockers)).toEqual([]);
  expect(plan.decisions.road).toEqual({ landing: '2.11.2', upgrades: [] });
  expect(Object.keys(sent(plan)).sort()).toEqual([
    'api.auth_backends', 'core.lazy_load_plugins', 'core.max_active_runs_per_dag', 'core.max_active_tasks_per_dag', 'database.sql_alchemy_pool_size', 'email.email_backend', 'scheduler.dag_dir_list_interval', 'secrets.backend_kwargs', 'smtp.smtp_host',
  ]);
  expect(change(plan, 'smart_sensor.shards')?.kind).toBe('removed');
  expect(change(plan, 'api.auth_backend')?.steps).toContainEqual({ version: '2.4.3', kind: 'renamed', from: 'api.auth_backend', to: 'api.auth_backends' });
  expect(plan.versions).toContainEqual({ name: 'Python', was: '3.7', is: '3.12' });
  expect(plan.requirements?.map(({ line, kind }) => [line, kind])).toEqual([[2, 'conflict']]);
});

it('2.7.2 → 2.10.3: nothing blocks, the migration file has the last word', () => {
  const plan = planOf('2.7.2_to_2.10.3');
  expect(plan.blockers).toEqual([]);
  expect(sent(plan)).toEqual({ 'celery.worker_autoscale': '10,5', 'core.parallelism': '96', 'my_plugin.colour': '(hidden)', 'scheduler.catchup_by_default': 'False', 'scheduler.max_tis_per_query': '512', 'secrets.backend_kwargs': '(hidden)' });
  expect(change(plan, 'webserver.dag_default_view')).toMatchObject({ kind: 'removed', note: 'the migration file removes it' });
  expect(plan.requirements?.map(({ line, kind }) => [line, kind])).toEqual([[2, 'conflict']]);
  expect(plan.estimates.rows).toEqual({ from: 48_211 + 410_522, to: 48_211 + 5 * 410_522 });
  expect(codes(plan.warnings)).toEqual(['aws-tags', 'secrets-name-source', 'import-errors', 'repository-differs', 'dags-not-checked']);
});

it('2.10.3 → 3.3.1: lands on 2.11.2 with its names, goes on with those of 3.x', () => {
  const plan = planOf('2.10.3_to_3.3.1');
  expect(codes(plan.blockers)).toEqual(['target-airflow-3']);
  expect(plan.decisions.road.landing).toBe('2.11.2');
  expect(sent(plan)).toMatchObject({ 'scheduler.parsing_processes': '4', 'webserver.expose_config': 'False', 'core.check_slas': 'False' });
  const [step] = plan.decisions.road.upgrades;
  expect(step?.version).toBe('3.3.1');
  expect(step?.options).toEqual({
    'api.expose_config': 'False', 'api.worker_timeout': '300', 'core.parallelism': '64', 'dag_processor.parsing_processes': '4', 'dag_processor.refresh_interval': '60', 'scheduler.catchup_by_default': 'True',
    'scheduler.create_cron_data_intervals': 'True', 'scheduler.create_delta_data_intervals': 'True', 'secrets.backend_kwargs': '(hidden)',
  });
  expect(plan.legs.map(({ phase }) => phase)).toEqual(['check', 'resources', 'create', 'export', 'import', 'verify', 'upgrade', 'verify', 'cutover']);
  expect(new Set(plan.requirements?.map(({ on }) => on))).toEqual(new Set(['2.11.2', '3.3.1']));
  expect(plan.estimates.upgradeMinutes).toEqual({ from: 30, to: 120 });
});

it('equal versions: a copy, with no option touched', () => {
  const plan = planOf('2.10.3_to_2.10.3');
  expect(plan.blockers).toEqual([]);
  expect(plan.options.every(({ kind, source, target }) => kind === 'kept' && source === target)).toBe(true);
  expect([plan.defaults, plan.versions, plan.requirements]).toEqual([[], [], []]);
  expect(codes(plan.warnings)).toContain('same-version');
});

it('every option set: some hundred of them, none blocks, every change has a reason', () => {
  const plan = planOf('every-option_2.7.2_to_2.10.3');
  expect(Object.keys(everyOption('2.7.2')).length).toBeGreaterThan(350);
  expect(plan.blockers).toEqual([]);
  for (const { kind, steps, note } of plan.options) if (kind !== 'kept') expect(steps.length + (note === undefined ? 0 : 1)).toBeGreaterThan(0);
  expect(plan.options.filter(({ kind }) => kind === 'unknown')).toEqual([]);
});
