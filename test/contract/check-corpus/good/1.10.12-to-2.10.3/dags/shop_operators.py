"""The shop's operators, imported and not registered."""

from airflow.models import BaseOperator


class ShopOperator(BaseOperator):
    template_fields = ("article",)

    def __init__(self, article, **kwargs):
        super(ShopOperator, self).__init__(**kwargs)
        self.article = article

    def execute(self, context):
        self.log.info("%s", self.article)
