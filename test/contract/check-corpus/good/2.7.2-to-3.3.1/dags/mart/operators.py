"""The mart's own operator; its statements lie in files."""

from airflow.providers.common.sql.operators.sql import SQLExecuteQueryOperator


class MartOperator(SQLExecuteQueryOperator):
    def __init__(self, *, statement, **kwargs):
        super().__init__(sql=statement + ".sql", conn_id="warehouse", **kwargs)
