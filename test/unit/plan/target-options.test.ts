import { describe, expect, it } from '@jest/globals';
import { buildPlan } from '../../../src/plan/build.js';
import { NOTHING_SEEN } from '../../../src/plan/observations.js';
import { changedDefaults, planTargetOptions, sentOptions } from '../../../src/plan/target-options.js';
import { renderMarkdown } from '../../../src/report/markdown.js';
import { optionSections } from '../../../src/report/option-sections.js';
import { ACCOUNT, aMigrationFile, anEnvironment, aRole, HIDDEN_VALUE } from '../../builders/values.js';

const source = (options: Readonly<Record<string, string>>, version = '2.2.2') => anEnvironment({ AirflowVersion: version, AirflowConfigurationOptions: options });
const sent = (options: Readonly<Record<string, string>>, configuration: Readonly<Record<string, string | null>> = {}, from = '2.2.2', to = '2.10.3') =>
  sentOptions(planTargetOptions(source(options, from), aMigrationFile({ target: { configuration, airflowVersion: to } })));

describe('the options that the target gets', () => {
  it('are the source\'s by their names of the target\'s version', () =>
    expect(sent({ 'core.dag_concurrency': '5', 'core.sql_alchemy_pool_size': '9', 'smart_sensor.shards': '3', 'core.parallelism': '32', 'core.executor': 'LocalExecutor' }))
      .toEqual({ 'core.max_active_tasks_per_dag': '5', 'core.parallelism': '32', 'database.sql_alchemy_pool_size': '9' }));

  it.each([
    ['a value for the new name', { 'core.max_active_tasks_per_dag': '7' }, { 'core.max_active_tasks_per_dag': '7' }],
    ['another option', { 'core.parallelism': '8' }, { 'core.max_active_tasks_per_dag': '5', 'core.parallelism': '8' }],
    ['null for the new name', { 'core.max_active_tasks_per_dag': null }, {}],
    ['null for the source\'s name', { 'core.dag_concurrency': null }, {}],
    ['null for what is not there', { 'core.parallelism': null }, { 'core.max_active_tasks_per_dag': '5' }],
  ])('follow the migration file: %s', (_, configuration, expected) => expect(sent({ 'core.dag_concurrency': '5' }, configuration)).toEqual(expected));

  it('name the secrets backend by its new path', () =>
    expect(sent({ 'secrets.backend': 'airflow.contrib.secrets.aws_secrets_manager.SecretsManagerBackend' }, {}, '1.10.12'))
      .toEqual({ 'secrets.backend': 'airflow.providers.amazon.aws.secrets.secrets_manager.SecretsManagerBackend' }));

  it('keep what decides which runs are made on the way to Airflow 3, unless the file says otherwise', () => {
    const kept = { 'scheduler.create_cron_data_intervals': 'True', 'scheduler.create_delta_data_intervals': 'True' };
    expect(sent({}, {}, '2.10.3', '3.0.6')).toEqual({ ...kept, 'scheduler.catchup_by_default': 'True' });
    expect(sent({ 'scheduler.catchup_by_default': 'False' }, {}, '2.10.3', '3.0.6')).toEqual({ ...kept, 'scheduler.catchup_by_default': 'False' });
    expect(sent({}, { 'scheduler.create_cron_data_intervals': null, 'scheduler.catchup_by_default': 'False' }, '2.10.3', '3.0.6')).toEqual({ 'scheduler.create_delta_data_intervals': 'True', 'scheduler.catchup_by_default': 'False' });
    expect(sent({}, {}, '3.0.6', '3.3.1')).toEqual({});
    expect(sent({}, {}, '2.7.2', '2.11.2')).toEqual({});
  });

  it('are what create sends, and the plan names every one of them without a hidden value', () => {
    const options = { 'core.dag_concurrency': '5', 'secrets.backend_kwargs': HIDDEN_VALUE, 'core.secure_mode': HIDDEN_VALUE, 'my_plugin.key': HIDDEN_VALUE };
    const plan = buildPlan({ file: aMigrationFile(), source: source(options, '2.4.3'), target: undefined, targetAccount: ACCOUNT, sourceRole: aRole(), key: undefined, observations: NOTHING_SEEN });
    expect(plan.decisions.environment.fields.AirflowConfigurationOptions).toEqual({ 'core.max_active_tasks_per_dag': '5', 'core.secure_mode': '(hidden)', 'my_plugin.key': '(hidden)', 'secrets.backend_kwargs': '(hidden)' });
    expect(plan.options.map(({ source: name }) => name).sort()).toEqual(Object.keys(options).sort());
    expect(JSON.stringify(plan)).not.toContain(HIDDEN_VALUE);
  });
});

it('an option that is removed by its new name is not called unknown', () => {
  const codes = (name: string) => buildPlan({ file: aMigrationFile({ target: { configuration: { [name]: null } } }), source: source({ 'core.dag_concurrency': '5' }, '2.4.3'), target: undefined, targetAccount: ACCOUNT, sourceRole: aRole(), key: undefined, observations: NOTHING_SEEN }).warnings.map(({ code }) => code);
  for (const name of ['core.dag_concurrency', 'core.max_active_tasks_per_dag']) expect(codes(name)).not.toContain('option-not-there');
  expect(codes('core.paralelism')).toContain('option-not-there');
});

describe('defaults that change though nobody sets the option', () => {
  it('are those of Airflow\'s own documentation', () => {
    const found = changedDefaults(source({}, '2.10.3'), '3.3.1', []).map(({ option }) => option);
    expect(found).toEqual(expect.arrayContaining(['scheduler.catchup_by_default', 'scheduler.create_cron_data_intervals', 'core.dag_ignore_file_syntax']));
    expect(changedDefaults(source({ 'scheduler.catchup_by_default': 'True' }, '2.10.3'), '3.3.1', []).map(({ option }) => option)).not.toContain('scheduler.catchup_by_default');
    expect(changedDefaults(source({}, '2.10.3'), '2.10.3', [])).toEqual([]);
  });

  it('are not those that the plan itself sets', () => {
    const plan = buildPlan({ file: aMigrationFile({ target: { airflowVersion: '3.3.1', configuration: { 'core.dag_ignore_file_syntax': 'regexp' } } }), source: source({}, '2.10.3'), target: undefined, targetAccount: ACCOUNT, sourceRole: aRole(), key: undefined, observations: NOTHING_SEEN });
    const found = plan.defaults.map(({ option }) => option);
    for (const set of ['scheduler.catchup_by_default', 'scheduler.create_cron_data_intervals', 'core.dag_ignore_file_syntax']) expect(found).not.toContain(set);
    expect(found).toContain('api.fallback_page_limit');
  });
});

describe('the option sections of a plan', () => {
  it('show step by step what becomes of an option', () => {
    const options = { 'scheduler.max_threads': '4', 'core.parallelism': '32', 'smart_sensor.shards': '3', 'my_plugin.colour': 'red', 'core.executor': 'x' };
    const plan = buildPlan({ file: aMigrationFile(), source: source(options, '1.10.12'), target: undefined, targetAccount: ACCOUNT, sourceRole: aRole(), key: undefined, observations: NOTHING_SEEN });
    const said = renderMarkdown({ verdict: '', isGood: true, sections: optionSections(plan.options, plan.defaults, '2.10.3'), next: [] }).replace(/&#(\d+);/gu, (_, at: string) => String.fromCodePoint(Number(at)));
    expect(said).toMatch(/\| <code>scheduler\.max_threads<\/code> \| <code>scheduler\.parsing_processes<\/code> .* renamed \| 2\.0\.2: renamed to/u);
    expect(said).toMatch(/\| <code>core\.executor<\/code> \| – .* not sent: MWAA sets it/u);
    expect(said).toMatch(/\| <code>my_plugin\.colour<\/code> \| <code>my_plugin\.colour<\/code> \| <code>\(hidden\)<\/code>/u);
    expect(said).toMatch(/Airflow options that stay \(1\)[\s\S]*core\.parallelism/u);
    expect(said).toMatch(/Other defaults on Airflow 2\.10\.3[\s\S]*scheduler\.max_tis_per_query<\/code> \| <code>512<\/code> \| <code>16/u);
  });
});
