"""Names that every release knows in templates, a plugin's macro, and a word about execution_date that is only a word."""

from datetime import datetime

from airflow import DAG

try:
    from airflow.providers.standard.operators.bash import BashOperator
except ImportError:
    from airflow.operators.bash import BashOperator

# Once this was {{ execution_date }}; airflow.operators.bash_operator has gone as well.
COMMAND = "echo {{ ds }} {{ ds_nodash }} {{ data_interval_start }} {{ data_interval_end | ts }} {{ logical_date }} {{ run_id }}"

with DAG(
    "shift_report",
    start_date=datetime(2024, 1, 1),
    schedule="0 7 * * *",
    catchup=False,
    params={"shift": "early"},
    user_defined_macros={"execution_date_of": lambda text: text[:10]},
    doc_md="The report no longer uses `execution_date`.",
):
    BashOperator(task_id="print", bash_command=COMMAND)
    BashOperator(task_id="yesterday", bash_command="echo {{ macros.ds_add(ds, -1) }} {{ params.shift }} {{ execution_date_of(ts) }}")
    BashOperator(task_id="shift", bash_command="echo {{ macros.factory.shift_name(7) }} {{ ti.task_id }}")
    BashOperator(task_id="plant", bash_command="echo {{ var.value.get('plant', 'north') }}")
