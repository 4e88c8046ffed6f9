"""The audit operator, registered as Airflow 1.10 wants it."""

from airflow.models import BaseOperator
from airflow.plugins_manager import AirflowPlugin
from airflow.utils.decorators import apply_defaults


class AuditOperator(BaseOperator):
    @apply_defaults
    def __init__(self, message, *args, **kwargs):
        super(AuditOperator, self).__init__(*args, **kwargs)
        self.message = message

    def execute(self, context):
        self.log.info("audit: %s", self.message)


class AuditPlugin(AirflowPlugin):
    name = "audit_plugin"
    operators = [AuditOperator]
