/** What the rules say of files that use Airflow. What they claim of the releases, and their silence on Airflow's own examples, is in usage.slow.test.ts. */
import { beforeAll, describe, expect, it, jest } from '@jest/globals';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { runAll, runRule, runScript, withRepository, type Finding } from './run-rules.js';

jest.setTimeout(600_000);
const TO_3 = { source: '2.7.2', target: '3.3.1' } as const;

/** Lines, so that a finding can be told by the text it points at. */
const DAG_FILE = `from datetime import datetime, timedelta

from airflow import DAG, settings
from airflow.configuration import conf as airflow_conf
from airflow.decorators import dag, task
from airflow.models import DagRun
from airflow.operators.bash import BashOperator
from airflow.operators.python import PythonOperator, get_current_context
from airflow.datasets import Dataset
from airflow.utils.session import create_session

with DAG("arguments", schedule_interval="@daily", concurrency=3, default_view="graph", start_date=datetime(2024, 1, 1)):
    BashOperator(task_id="a", bash_command="echo {{ next_ds }} {{ dag_run.external_trigger }}", task_concurrency=1)
    BashOperator(task_id="b", bash_command=f"echo {{{{ tomorrow_ds }}}} {datetime.now():%Y}", sla=timedelta(hours=1))
DAG("by_position", "described", "@daily")
DAG("no_schedule", start_date=datetime(2024, 1, 1))
DAG("keeps_its_dates", schedule="0 5 * * *", catchup=False)


@dag(schedule=[Dataset("s3://bucket/orders")], start_date=datetime(2024, 1, 1))
def on_orders():
    @task
    def report(ds=None, prev_ds=None, **kwargs):
        print(kwargs["execution_date"], kwargs.get("next_execution_date"), kwargs["ti"].execution_date)
    report()


def helper():
    return get_current_context()["yesterday_ds"]


def called(execution_date, tomorrow_ds, **context):
    with create_session() as session:
        session.query(DagRun).all()
    DagRun.find(dag_id="x")
    settings.Session()
    airflow_conf.get("database", "sql_alchemy_conn")


PythonOperator(task_id="c", python_callable=called, op_kwargs={"tomorrow_ds": "{{ ds }}"}, provide_context=True)
`;
const SQL = `-- {{ ds }} stays
select * from orders
where at >= '{{ execution_date }}' and region = '{{ params.conf }}' {% set next_ds = 1 %}{{ next_ds }}
`;
const FILES = { 'dags/usage.py': DAG_FILE, 'dags/sql/orders.sql': SQL, 'dags/sql/models.sql': "{{ prev_ds }}\n", 'dags/uses_sql.py': 'STATEMENT = "orders.sql"\n', 'dags/own.py': 'M = dict(a=1)\nX = dict(user_defined_macros={"latest_date": 1}, sql="{{ latest_date }}")\n' };

const line = (text: string) => DAG_FILE.split('\n').findIndex((each) => each.includes(text)) + 1;

describe('what a DAG of 2.7.2 uses, on Airflow 3.3.1', () => {
  let findings: readonly Finding[] = [];
  beforeAll(async () => {
    findings = await withRepository(FILES, (root) => runAll(root, TO_3));
  });
  const told = (code: string) => findings.filter((finding) => finding.code === code).map(({ level, file, line: at, what, replacement }) => [level, file, at, what.replace(/ (of|on) Airflow .*$| of a task.*$/u, ''), replacement]);

  it('has arguments that are gone', () => {
    expect(findings.filter(({ code }) => code === 'argument-removed').map(({ line: at, what, replacement }) => [at, /argument (\w+)\.$/u.exec(what)?.[1], replacement])).toEqual([
      [line('schedule_interval'), 'concurrency', 'max_active_tasks'], [line('schedule_interval'), 'default_view', null], [line('schedule_interval'), 'schedule_interval', 'schedule'],
      [line('task_concurrency'), 'task_concurrency', 'max_active_tis_per_dag'], [line('provide_context'), 'provide_context', null],
    ]);
    expect(told('argument-by-position')).toEqual([['error', 'dags/usage.py', line('by_position'), 'DAG', null]]);
    expect(told('argument-without-effect')).toEqual([['warning', 'dags/usage.py', line('sla='), 'sla has no effect', null]]);
  });

  it('has template names that are gone, in strings and in files', () => {
    expect(findings.filter(({ code }) => code === 'template-name-removed').map(({ level, file, line: at, what }) => [level, file, at, /name (\w+) /u.exec(what)?.[1]])).toEqual([
      ['error', 'dags/sql/orders.sql', 3, 'execution_date'], ['error', 'dags/usage.py', line('next_ds'), 'next_ds'], ['error', 'dags/usage.py', line('tomorrow_ds'), 'tomorrow_ds'],
      ['warning', 'dags/sql/models.sql', 1, 'prev_ds'],
    ]);
    expect(told('template-attribute-removed')).toEqual([['error', 'dags/usage.py', line('external_trigger'), 'dag_run.external_trigger does not exist in a template', null]]);
  });

  it('has names of the context that are gone', () => {
    expect(findings.filter(({ code }) => code === 'context-name-removed').map(({ line: at, what }) => [at, /no (\w+) on/u.exec(what)?.[1]])).toEqual([
      [line('def report'), 'prev_ds'], [line('kwargs["execution_date"]'), 'execution_date'], [line('kwargs["execution_date"]'), 'next_execution_date'],
      [line('yesterday_ds'), 'yesterday_ds'], [line('def called'), 'execution_date'],
    ]);
    expect(told('context-attribute-removed')).toEqual([['error', 'dags/usage.py', line('kwargs["ti"]'), 'ti.execution_date does not exist in a task', null]]);
  });

  it('reaches into the database', () => {
    expect(told('database-access').map(([level, , at]) => [level, at])).toEqual(['create_session() as', 'session.query', 'DagRun.find', 'settings.Session()', 'sql_alchemy_conn'].map((text) => ['error', line(text)]));
  });

  it('has schedules that mean something else', () => {
    expect(told('schedule-default-changed').map(([level, , at]) => [level, at])).toEqual([['error', line('no_schedule')]]);
    expect(told('asset-run-without-date').map(([level, , at]) => [level, at])).toEqual([['warning', line('def report')]]);
    expect(findings.filter(({ code }) => ['catchup-default', 'schedule-data-interval'].includes(code)).map(({ code, level, what }) => [code, level, /: (\d)\./u.exec(what)?.[1]])).toEqual([['catchup-default', 'notice', '1'], ['schedule-data-interval', 'notice', '2']]);
  });

  it('is told once, although ruff knows much of it too', () => {
    expect(findings.filter(({ code }) => code === 'airflow-3-usage').map(({ line: at, what, level }) => [at, level, /AIR\d+/u.exec(what)?.[0]])).toEqual([[line('tomorrow_ds }}}}'), 'notice', 'AIR304']]);
  });
});

it('from 1.10, dates are formatted in another way, and what plugins made importable is imported from where it is', async () => {
  const found = await withRepository({
    'dags/from_plugin.py': 'from airflow.operators.acme import Audit, Load\nfrom airflow.macros.acme import next_day\nX = "{{ execution_date.format(\'%Y\') }} {{ END_DATE }} {{ execution_date }}"\n',
    'plugins/acme_plugin.py': 'from airflow.plugins_manager import AirflowPlugin\nfrom acme.operators import Audit\nclass Load: pass\ndef next_day(): pass\nclass Acme(AirflowPlugin):\n    name = "acme"\n    operators = [Audit, Load]\n    macros = [next_day]\n',
  }, async (root) => [...(await runRule('plugins', root, { source: '1.10.12', target: '2.10.3' })), ...(await runRule('templates', root, { source: '1.10.12', target: '2.10.3' })), ...(await runRule('imports', root, { source: '1.10.12', target: '2.10.3' }))]);
  expect(found.map(({ code, line: at, replacement }) => [code, at, replacement])).toEqual([
    ['plugin-import-removed', 1, 'from acme.operators import Audit\nfrom acme_plugin import Load'], ['plugin-import-removed', 2, 'from acme_plugin import next_day'],
    ['template-name-removed', 3, 'ds'], ['date-format-changed', 3, null],
  ]);
});

it('tells macros.hive, which a provider brings now, and no other macro', async () => {
  const files = { 'dags/hive.py': 'from airflow import DAG\nX = "{{ macros.ds_add(ds, 1) }} {{ macros.random() }}"\nY = "{{ macros.hive.max_partition(params.table) }}"\nDAG("own", user_defined_macros={"other": 1}, default_args={"sql": "{{ other.hive }}"})\n' };
  const found = await withRepository(files, (root) => runRule('templates', root, { source: '2.4.3', target: '2.10.3' }));
  expect(found.map(({ code, level, line: at, what, fix }) => [code, level, at, what, fix?.includes('apache-airflow-providers-apache-hive')])).toEqual([['template-attribute-removed', 'error', 3, 'macros.hive does not exist in a template of Airflow 2.10.3.', true]]);
});

it('lists the ids of DAGs that loading makes for certain, and counts those that are computed', async () => {
  const text = await withRepository({ 'dags/usage.py': DAG_FILE, 'dags/many.py': 'from airflow import DAG\nfor n in "ab":\n    DAG(f"dag_{n}")\n' }, (root) => runScript('dag_ids.py', root, TO_3));
  expect(JSON.parse(text)).toEqual({ ids: { 'dags/usage.py': ['arguments', 'by_position', 'keeps_its_dates', 'no_schedule'] }, computed: { 'dags/many.py': 1 }, leftOut: [] });
});

it('comes to its end on hostile files, and reads nothing outside', async () => {
  const outside = mkdtempSync(path.join(os.tmpdir(), 'check-rules-outside-'));
  try {
    writeFileSync(path.join(outside, 'secret.py'), 'from airflow.operators.no_such import hunter2\n');
    const findings = await withRepository({
      'dags/deep.py': `x = ${'('.repeat(5000)}1${')'.repeat(5000)}\n`, 'dags/chain.py': `x = a${'.b'.repeat(50_000)}\n`, 'dags/minus.py': `x = ${'-'.repeat(100_000)}1\n`, 'dags/nul.py': 'x = "\0"\n',
      'dags/large.py': `x = "${'y'.repeat(1_100_000)}"\n`, 'dags/wrong.py': 'from airflow import DAG\ndef f(:\n', 'dags/latin.py': '# -*- coding: no-such-codec -*-\nx = 1\n',
      'dags/template.py': `x = "${'{{ ('.repeat(3000)}"\ny = "{% for %} {{ execution_date"\n`, 'dags/last.py': 'from airflow.operators.gone import X\n',
    }, async (root) => {
      symlinkSync(path.join(outside, 'secret.py'), path.join(root, 'dags', 'link.py'));
      mkdirSync(path.join(root, 'dags', 'more'));
      symlinkSync(outside, path.join(root, 'dags', 'more', 'folder'));
      return runAll(root, TO_3);
    });
    expect(findings.filter(({ file }) => file === 'dags/last.py').map(({ code }) => code)).toEqual(['import-removed']);
    expect(findings.filter(({ code }) => code === 'syntax-error').map(({ file, level, line: at }) => [file, level, at])).toContainEqual(['dags/wrong.py', 'error', 2]);
    const unread = new Set(findings.filter(({ code }) => code === 'file-not-read' || code === 'syntax-error').map(({ file }) => file));
    expect(unread).toContain('dags/large.py');
    expect(unread).toContain('dags/deep.py');
    expect(JSON.stringify(findings)).not.toContain('hunter2');
  } finally {
    rmSync(outside, { recursive: true, force: true });
  }
});

it('lets a file name templates for itself, and for no other file', async () => {
  const found = await withRepository({
    'dags/one.py': 'from airflow import DAG\nMACROS = dict(next_ds=1)\nDAG("one", user_defined_macros={"execution_date": 1}, default_args={"sql": "{{ execution_date }}"})\nDAG("more", user_defined_macros=MACROS)\nX = "{{ next_ds }}"\nFILES = ["own.sql", "both.sql"]\n',
    'dags/two.py': 'X = "{{ execution_date }}"  # airflow dag\nFILES = ["both.sql"]\n',
    'dags/made.py': 'import one  # airflow dag\nX = "{{ execution_date }}"\n',
    'dags/own.sql': '{{ execution_date }}\n', 'dags/both.sql': '{{ execution_date }}\n',
  }, (root) => runRule('templates', root, TO_3));
  expect(found.map(({ code, level, file, line: at }) => [code, level, file, at])).toEqual([['template-name-removed', 'error', 'dags/both.sql', 1], ['template-name-removed', 'error', 'dags/two.py', 1]]);
});

const DOCUMENTED = `from textwrap import dedent
from airflow import DAG
DOC = """
Use \`{{ execution_date }}\` in Airflow 2.
"""
BOTH = "{{ next_ds }}"
UNUSED = "{{ prev_ds }}"
with DAG("documented", schedule=None, doc_md=dedent(DOC), description=BOTH, default_args={"doc_md": "{{ execution_date }}", "sql": "{{ tomorrow_ds }}"}) as dag:
    dag.doc_md = "{{ execution_date }}" + DOC
    if dag.catchup:
        raise ValueError("write {{ execution_date }}")
    run(bash_command=BOTH)
`;

it('says nothing of template names in documentation and messages, also by a variable, unless it is rendered too', async () => {
  const found = await withRepository({ 'dags/documented.py': DOCUMENTED }, (root) => runRule('templates', root, TO_3));
  expect(found.map(({ line: at, what }) => [at, /name (\w+) /u.exec(what)?.[1]])).toEqual([[6, 'next_ds'], [7, 'prev_ds'], [8, 'tomorrow_ds']]);
});

it('tells a changed default of schedule of files only that a release before 3 could load', async () => {
  const found = await withRepository({
    'dags/both.py': 'try:\n    from airflow.sdk import DAG\nexcept ImportError:\n    from airflow import DAG\nDAG("both")\n',
    'dags/later.py': 'from airflow import DAG\ndef f():\n    from airflow.sdk import Variable\nDAG("later")\n', 'dags/new.py': 'from airflow.sdk import DAG\nDAG("new")\n',
  }, (root) => runRule('schedules', root, TO_3));
  expect(found.map(({ code, level, dagId }) => [code, level, dagId])).toEqual([['schedule-default-changed', 'error', 'both'], ['schedule-default-changed', 'error', 'later'], ['schedule-default-changed', 'notice', 'new']]);
});

it('looks into every folder that Airflow enters, and behind links that stay in the repository', async () => {
  const outside = mkdtempSync(path.join(os.tmpdir(), 'check-rules-outside-'));
  const dag = 'from airflow import DAG\nX = "{{ execution_date }}"\n';
  try {
    writeFileSync(path.join(outside, 'secret.py'), dag);
    const found = await withRepository({
      'dags/.dot.py': dag, 'dags/.hidden/file.py': dag, 'dags/env/file.py': dag, 'dags/env/lib/other.py': 'X = "{{ execution_date }}"\n', 'dags/env/lib/readme.md': '{{ execution_date }}\n', 'dags/env/lib/query.sql': '{{ execution_date }}\n',
      'dags/node_modules/file.py': dag, 'dags/a/file.py': dag, 'dags/b/.keep': '', 'dags/names.py': '# airflow dag\nX = "query.sql"\n', 'shared/file.py': dag, '.git/file.py': dag,
    }, (root) => {
      const link = (target: string, name: string) => symlinkSync(target, path.join(root, 'dags', name));
      // "a" and "b" lead to each other.
      for (const [target, name] of [['../b', 'a/to_b'], ['../a', 'b/to_a'], ['../shared/file.py', 'linked.py'], ['../shared', 'folder'], ['..', 'a/up'], ['../.git', 'git'], ['../.git/file.py', 'git.py'], [outside, 'out'], [path.join(outside, 'secret.py'), 'out.py']] as const) link(target, name);
      return runRule('templates', root, TO_3);
    });
    expect(found.filter(({ level }) => level === 'error').map(({ file }) => file)).toEqual([
      'dags/.dot.py', 'dags/.hidden/file.py', 'dags/a/file.py', 'dags/b/to_a/file.py', 'dags/env/file.py', 'dags/env/lib/query.sql', 'dags/folder/file.py', 'dags/linked.py', 'dags/node_modules/file.py',
    ]);
    expect(found.filter(({ level }) => level !== 'error')).toEqual([]);
  } finally {
    rmSync(outside, { recursive: true, force: true });
  }
});
