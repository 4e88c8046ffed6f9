/** What the rules on arguments, context, templates and the database rest on, asked of real releases: it changes only with them. And Airflow's own example DAGs, of which they must say nothing. */
import { beforeAll, describe, expect, it, jest } from '@jest/globals';
import path from 'node:path';
import { installationPython, renderTemplates, runAll, tryStatements, type Rendered } from './run-rules.js';

jest.setTimeout(600_000);
const TO_3 = { target: '3.3.1' } as const;

describe('the claims, on the real Airflow 3.3.1', () => {
  let rendered: Rendered = { dated: {}, undated: {}, called: {} };
  const gone = ['execution_date', 'next_execution_date', 'prev_execution_date', 'prev_execution_date_success', 'next_ds', 'next_ds_nodash', 'prev_ds', 'prev_ds_nodash', 'tomorrow_ds', 'tomorrow_ds_nodash', 'yesterday_ds', 'yesterday_ds_nodash', 'conf', 'test_mode', 'triggering_dataset_events', 'dag_run.external_trigger', 'ti.execution_date', 'ti.previous_ti'];
  const replacements = ['logical_date', 'data_interval_end', '(data_interval_end | ds)', '(data_interval_end | ds_nodash)', 'macros.ds_add(ds, 1)', 'macros.ds_add(ds, -1)', "macros.ds_format(macros.ds_add(ds, 1), '%Y-%m-%d', '%Y%m%d')", 'dag_run.logical_date', 'triggering_asset_events', 'dag_run.run_type'];
  const dates = ['ds', 'ds_nodash', 'ts', 'ts_nodash', 'ts_nodash_with_tz', 'logical_date', 'data_interval_start', 'data_interval_end'];
  const template = (name: string) => `{{ ${name} }}`;
  beforeAll(async () => {
    rendered = await renderTemplates(TO_3.target, [...gone, ...replacements, ...dates].map(template), ['lambda context: context["execution_date"]', 'lambda context: context["ti"].execution_date', 'lambda context: context["logical_date"]']);
  });

  it('a removed name fails, and what is written for it does not', () => {
    expect(gone.filter((name) => !rendered.dated[template(name)]?.startsWith('!UndefinedError'))).toEqual([]);
    expect([...replacements, ...dates].filter((name) => rendered.dated[template(name)]?.startsWith('!'))).toEqual([]);
    expect(rendered.called['lambda context: context["execution_date"]']).toMatch(/^!KeyError/u);
    expect(rendered.called['lambda context: context["ti"].execution_date']).toMatch(/^!AttributeError/u);
    expect(rendered.called['lambda context: context["logical_date"]']).not.toMatch(/^!/u);
  });

  it('a run without a logical date has no dates', () => {
    expect(dates.filter((name) => !rendered.undated[template(name)]?.startsWith('!UndefinedError'))).toEqual([]);
  });

  it('the arguments are refused, and their successors taken; the database is refused', async () => {
    const make = (text: string) => `from airflow.sdk import DAG\nDAG("x", ${text})`;
    const task = (text: string) => `from airflow.providers.standard.operators.bash import BashOperator\nBashOperator(task_id="x", bash_command="true", ${text})`;
    const blocked = (text: string) => `import os\nos.environ["_AIRFLOW_PROCESS_CONTEXT"] = "client"\nfrom airflow.sdk.execution_time.supervisor import block_orm_access\nblock_orm_access()\n${text}`;
    const refused = [make('schedule_interval="@daily"'), make('concurrency=3'), make('default_view="graph"'), make('"described", "@daily"'), make('fail_stop=True'), make('timetable=None'), task('task_concurrency=1'), task('provide_context=True'),
      blocked('from airflow.utils.session import create_session\nwith create_session(): pass'), blocked('from airflow import settings\nsettings.Session()')];
    const taken = [make('schedule="@daily"'), make('max_active_tasks=3'), make('fail_fast=True'), task('max_active_tis_per_dag=1'), task('sla=None')];
    const outcome = await tryStatements(TO_3.target, [...taken, ...refused]);
    expect(taken.filter((text) => outcome.get(text) !== undefined).map((text) => outcome.get(text))).toEqual([]);
    expect(refused.filter((text) => outcome.get(text) === undefined)).toEqual([]);
  });
});

describe('good files', () => {
  it.each(['2.10.3', '3.3.1'])('the example DAGs of Airflow %s bring no error', async (target) => {
    const python = await installationPython(target);
    const airflow = path.join(path.dirname(path.dirname(python)), 'lib', target.startsWith('3') ? 'python3.12' : 'python3.11', 'site-packages', 'airflow');
    const findings = await runAll(airflow, { source: target, target }, 'example_dags');
    expect(findings.filter(({ level }) => level === 'error')).toEqual([]);
    expect(findings.filter(({ level }) => level === 'warning').map(({ file, code }) => [file, code])).toEqual(target === '3.3.1' ? [['example_dags/example_passing_params_via_test_command.py', 'context-name-removed']] : []);
  });
});
