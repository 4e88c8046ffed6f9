"""Fills the metadata database of any Airflow version with every shape of history and settings that we know of."""

from child_shapes import add_children
from history_shapes import add_history
from introspected import Filling
from setting_shapes import add_datasets, add_settings


def fill(environment):
    filling = Filling(environment)
    add_settings(filling)
    add_history(filling)
    add_children(filling)
    add_datasets(filling)
