"""Operators that every team uses."""

from airflow.operators.bash_operator import BashOperator


class CompanyBashOperator(BashOperator):
    """A BashOperator that writes down who is to be called."""

    def __init__(self, *args, **kwargs):
        kwargs.setdefault("on_call", "data-platform")
        super(CompanyBashOperator, self).__init__(*args, **kwargs)
