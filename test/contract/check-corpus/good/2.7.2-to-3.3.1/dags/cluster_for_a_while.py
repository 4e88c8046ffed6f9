"""A resource that is set up and torn down around the work."""

from datetime import datetime

from airflow import DAG
from airflow.providers.amazon.aws.operators.emr import EmrCreateJobFlowOperator, EmrTerminateJobFlowOperator

with DAG("cluster_for_a_while", start_date=datetime(2024, 1, 1), schedule="0 1 * * *", catchup=False) as dag:
    create = EmrCreateJobFlowOperator(task_id="create", job_flow_overrides={"Name": "nightly"}).as_setup()
    end = EmrTerminateJobFlowOperator(task_id="end", job_flow_id=create.output).as_teardown(setups=create)
    create >> end

if __name__ == "__main__":
    dag.test()
