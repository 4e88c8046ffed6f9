"""A team's DAGs as they were written for Airflow 1.10, and as 2.10 still reads them."""
import datetime

from airflow import DAG

try:
    from airflow.operators.bash import BashOperator
except ImportError:
    from airflow.operators.bash_operator import BashOperator

START = datetime.datetime(2026, 11, 1)

# Four days that are over: a catch-up that ends by itself.
END = datetime.datetime(2026, 11, 4)
with DAG("old_sales", start_date=START, end_date=END, schedule_interval="@daily", catchup=True, max_active_runs=1) as sales:
    BashOperator(task_id="extract", bash_command="echo '{{ ds }}'") >> BashOperator(task_id="load", bash_command="true")

# Never unpaused: it must stay so.
with DAG("old_paused", start_date=START, schedule_interval="@daily", catchup=False) as paused:
    BashOperator(task_id="never", bash_command="true")
