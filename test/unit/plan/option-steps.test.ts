import { describe, expect, it } from '@jest/globals';
import { OPTION_FACTS } from '../../../src/airflow/option-facts.js';
import { planOptions, type PlannedOption } from '../../../src/plan/option-steps.js';

const planned = (options: Readonly<Record<string, string>>, from: string, to: string): Readonly<Record<string, PlannedOption>> =>
  Object.fromEntries(planOptions(options, from, to, OPTION_FACTS).map((one) => [one.source ?? one.target ?? '', one]));

describe('options from one version to another', () => {
  it.each([
    // Each line was looked up in Airflow's own release notes and configuration reference.
    ['core.dag_concurrency', '1.10.12', '2.10.3', 'core.max_active_tasks_per_dag', 'renamed'],
    ['core.dag_concurrency', '2.0.2', '2.11.2', 'core.max_active_tasks_per_dag', 'renamed'],
    ['scheduler.max_threads', '1.10.12', '2.10.3', 'scheduler.parsing_processes', 'renamed'],
    ['scheduler.max_threads', '1.10.12', '3.3.1', 'dag_processor.parsing_processes', 'moved'],
    ['scheduler.statsd_host', '1.10.12', '2.0.2', 'metrics.statsd_host', 'ignored'],
    ['core.remote_log_conn_id', '1.10.12', '2.10.3', 'logging.remote_log_conn_id', 'moved'],
    ['core.sql_alchemy_pool_size', '2.2.2', '2.10.3', 'database.sql_alchemy_pool_size', 'moved'],
    ['api.auth_backend', '2.2.2', '2.10.3', 'api.auth_backends', 'renamed'],
    ['api.auth_backend', '2.2.2', '3.0.6', 'fab.auth_backends', 'moved'],
    ['kubernetes.namespace', '2.4.3', '2.10.3', 'kubernetes_executor.namespace', 'moved'],
    ['scheduler.dag_dir_list_interval', '2.10.3', '3.0.6', 'dag_processor.refresh_interval', 'moved'],
    ['core.parallelism', '1.10.12', '3.3.1', 'core.parallelism', 'kept'],
    ['webserver.expose_config', '2.7.2', '2.10.3', 'webserver.expose_config', 'kept'],
  ])('%s of %s is on %s', (option, from, to, target, kind) => {
    const found = planned({ [option]: '7' }, from, to)[option];
    expect(found?.kind).toBe(kind);
    if (kind !== 'ignored') expect(found?.target).toBe(target);
  });

  it.each([
    ['smart_sensor.use_smart_sensor', '2.2.2', '2.10.3', '2.4.3'],
    ['core.secure_mode', '1.10.12', '2.10.3', '2.0.2'],
    ['core.check_slas', '2.10.3', '3.3.1', '3.0.6'],
    ['webserver.dag_orientation', '2.11.2', '3.0.6', '3.0.6'],
  ])('%s of %s is gone on %s, since %s', (option, from, to, since) => {
    const found = planned({ [option]: 'x' }, from, to)[option];
    expect(found).toMatchObject({ kind: 'removed', target: undefined, value: undefined });
    expect(found?.steps.at(-1)).toMatchObject({ kind: 'removed', version: since });
  });

  it('keeps what nobody knows, and says so', () => {
    expect(planned({ 'my_plugin.colour': 'red' }, '2.7.2', '2.10.3')['my_plugin.colour']).toMatchObject({ kind: 'unknown', target: 'my_plugin.colour', value: 'red' });
  });

  it('drops the old name where the new one is set too, as Airflow does', () => {
    const found = planned({ 'core.dag_concurrency': '5', 'core.max_active_tasks_per_dag': '9' }, '2.2.2', '2.10.3');
    expect(found['core.dag_concurrency']).toMatchObject({ kind: 'dropped', target: undefined });
    expect(found['core.max_active_tasks_per_dag']).toMatchObject({ kind: 'kept', value: '9' });
  });

  it('sends one value where two old names have become one', () => {
    const sent = planOptions({ 'core.non_pooled_task_slot_count': '5', 'core.default_pool_task_slot_count': '6' }, '1.10.12', '2.10.3', OPTION_FACTS).filter(({ target }) => target === 'core.default_pool_task_slot_count');
    expect(sent.map(({ value }) => value)).toEqual(['6']);
  });

  it('names other defaults on the way, without a change where the version stays', () => {
    expect(planned({ 'core.parallelism': '7' }, '2.10.3', '2.10.3')['core.parallelism']?.steps).toEqual([]);
    expect(planned({ 'scheduler.job_heartbeat_sec': '7', 'core.min_serialized_dag_update_interval': '3', 'webserver.warn_deployment_exposure': 'True' }, '1.10.12', '2.11.2')['scheduler.job_heartbeat_sec']?.kind).toBe('kept');
  });

  it('replaces values that Airflow replaces with a warning', () => {
    const found = planned({ 'core.hostname_callable': 'airflow.utils.net:get_host_ip_address' }, '1.10.12', '2.10.3')['core.hostname_callable'];
    expect(found).toMatchObject({ value: 'airflow.utils.net.get_host_ip_address', kind: 'kept' });
    expect(found?.steps.some(({ kind }) => kind === 'value')).toBe(true);
  });

  it('leaves out what MWAA sets itself', () => {
    expect(planned({ 'core.executor': 'LocalExecutor' }, '2.7.2', '2.10.3')['core.executor']).toMatchObject({ kind: 'ignored', target: undefined });
    expect(planned({ 'webserver.cookie_secure': 'False' }, '2.7.2', '2.10.3')['webserver.cookie_secure']?.kind).toBe('ignored');
  });
});

describe('the table of options', () => {
  it('has no pattern that JavaScript cannot read', () => {
    for (const { pattern, flags } of OPTION_FACTS.values) expect(() => new RegExp(pattern, flags)).not.toThrow();
    expect(planned({ 'webserver.navbar_color': '#007a87' }, '2.5.1', '2.10.3')['webserver.navbar_color']?.value).toBe('#fff');
  });

  it('has every version that MWAA sold, and every option a first one', () => {
    expect(OPTION_FACTS.versions).toHaveLength(16);
    for (const [option, { changes }] of Object.entries(OPTION_FACTS.options)) {
      expect(option).toMatch(/^[a-z0-9_.]+\.[A-Za-z0-9_]+$/);
      for (const [version] of changes) expect(OPTION_FACTS.versions).toContain(version);
    }
  });
});
