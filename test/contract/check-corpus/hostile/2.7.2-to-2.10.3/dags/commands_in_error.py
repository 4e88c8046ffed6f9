"""Speaks to the runner by its import error."""

from airflow import DAG

raise RuntimeError("\n::error title=forged::forged\r::add-mask::innocent\n##[error]forged\n::stop-commands::forged", DAG)
