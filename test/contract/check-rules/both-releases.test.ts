/** Files that serve two releases of Airflow: what they do for the other one is no error on this one. */
import { describe, expect, it, jest } from '@jest/globals';
import { runRule, tryStatements, withRepository, type Rule } from './run-rules.js';

jest.setTimeout(600_000);
const RULES: readonly Rule[] = ['imports', 'arguments', 'templates', 'context'];

const COPES = `import importlib.util
from contextlib import suppress
from datetime import datetime
from packaging.version import Version
import airflow

AF3 = Version(airflow.__version__) >= Version("3.0.0")
MAJOR = int(airflow.__version__.split(".")[0])
IS_OLD = MAJOR < 3
try:
    from airflow.sdk import Asset
    HAS_SDK = True
except ImportError:
    HAS_SDK = False


def new():
    return Version(airflow.__version__).major >= 3


if AF3:
    from airflow.sdk import DAG
    from airflow.providers.standard.operators.bash import BashOperator
else:
    from airflow.models import DAG
    from airflow.utils.dates import days_ago
    from airflow.operators.bash_operator import BashOperator
if not AF3:
    from airflow.contrib.hooks.ssh_hook import SSHHook
if IS_OLD:
    from airflow.operators.dummy_operator import DummyOperator
if not HAS_SDK:
    from airflow.operators.python_operator import PythonOperator
if not new():
    from airflow.operators.subdag_operator import SubDagOperator
if importlib.util.find_spec("airflow.sdk") is None:
    from airflow.operators.email_operator import EmailOperator
with suppress(ImportError):
    from airflow.operators.dummy_operator import DummyOperator
if AF3:
    dag = DAG("copes", schedule="@daily", start_date=datetime(2024, 1, 1))
else:
    dag = DAG("copes", schedule_interval="@daily", concurrency=1, start_date=datetime(2024, 1, 1))
try:
    second = DAG("second", schedule_interval=None)
except TypeError:
    second = DAG("second", schedule=None)


def report(context):
    return context["logical_date"] if AF3 else context["execution_date"]


DATE = "{{ logical_date }}" if AF3 else "{{ execution_date }}"
BashOperator(task_id="a", bash_command="echo " + DATE, on_failure_callback=report, dag=dag)
`;
/** The same, where no branch has to do with Airflow's release. */
const DOES_NOT = `from contextlib import suppress
conversion, third = 3, True
if conversion > 2:
    from airflow.operators.bash_operator import BashOperator
if third:
    from airflow.utils.dates import days_ago
with suppress(KeyError):
    from airflow.operators.dummy_operator import DummyOperator
try:
    from airflow.models import DAG
    dag = DAG("x", schedule_interval="@daily")
except ValueError:
    raise
TEXT = "{{ execution_date }}" if third else "{{ next_ds }}"
`;

describe('on Airflow 3.3.1, a file that asks for the release', () => {
  it('loads there, and none of its ways is an error; elsewhere the same is', async () => {
    const findings = await withRepository({ 'dags/copes.py': COPES, 'dags/does_not.py': DOES_NOT }, async (root) => (await Promise.all(RULES.map((rule) => runRule(rule, root, { source: '2.7.2', target: '3.3.1' })))).flat());
    expect((await tryStatements('3.3.1', [COPES])).get(COPES)).toBeUndefined();
    const told = (file: string) => findings.filter((finding) => finding.file === file && finding.level !== 'notice').map(({ code, line }) => [code, line]);
    expect(told('dags/copes.py')).toEqual([]);
    expect(told('dags/does_not.py')).toEqual(expect.arrayContaining([['import-removed', 4], ['import-removed', 6], ['import-removed', 8], ['argument-removed', 11], ['template-name-removed', 14]]));
    // What a run would show only is still worth a look: nobody knows here which way it takes.
    const line = (text: string) => COPES.split('\n').findIndex((each) => each.includes(text)) + 1;
    expect(findings.filter(({ file, code }) => file === 'dags/copes.py' && /^(?:template|context)-name/u.test(code)).map(({ level, line: at }) => [level, at])).toEqual(expect.arrayContaining([['notice', line('DATE =')], ['notice', line('context["execution_date"]')]]));
  });
});
