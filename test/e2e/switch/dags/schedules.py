"""Every kind of schedule. The tasks are empty: which runs are made is all that matters here."""
from datetime import timedelta

import pendulum
from airflow import DAG
from airflow.operators.empty import EmptyOperator
from odd_minutes import OddMinutes
from switch_world import LONG_AGO, MINUTE_OF_FIVE, ONCE_AT

#: Every five minutes, at minutes that are due in the middle of the switch.
FIVE_MINUTES = "{}-59/5 * * * *".format(MINUTE_OF_FIVE)
START = pendulum.parse(LONG_AGO)


def workflow(dag_id, schedule, start=START, catchup=True, **more):
    with DAG(dag_id=dag_id, schedule=schedule, start_date=start, catchup=catchup, max_active_runs=16, **more) as dag:
        EmptyOperator(task_id="work")
    return dag


shape = workflow("shape", "@once")
five_minutes_few = workflow("five_minutes_few", FIVE_MINUTES)
five_minutes_many = workflow("five_minutes_many", FIVE_MINUTES)
with_a_hole = workflow("with_a_hole", FIVE_MINUTES)
newest_only = workflow("newest_only", FIVE_MINUTES, catchup=False)
each_minute = workflow("each_minute", "* * * * *")
by_timedelta = workflow("by_timedelta", timedelta(minutes=1))
by_timetable = workflow("by_timetable", OddMinutes())
daily = workflow("daily", "@daily")
monthly = workflow("monthly", "@monthly")
once_later = workflow("once_later", "@once", start=pendulum.parse(ONCE_AT))
by_hand = workflow("by_hand", None)
