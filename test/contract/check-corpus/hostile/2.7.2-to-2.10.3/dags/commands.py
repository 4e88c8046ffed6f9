"""Speaks to the runner: on every way out that it has."""

import logging
import os
import sys
import warnings

from airflow import DAG  # noqa: F401
from talk import dag_named

FORGED = (
    "::error file=dags/aa_innocent.py,line=1,title=forged::forged",
    "::warning ::forged",
    "::notice ::forged",
    "::set-output name=plan::forged",
    "::save-state name=x::forged",
    "::add-mask::innocent",
    "::add-path::/tmp/forged",
    "::set-env name=FORGED::forged",
    "::group::forged",
    "::stop-commands::forged",
    "##[error]forged",
    "\r::error ::forged",
)

for line in FORGED:
    print(line)
    print(line, file=sys.stderr)
    logging.getLogger("airflow").error(line)
    logging.getLogger().critical("%s\n%s", line, line)
    warnings.warn(line, stacklevel=1)
    os.write(1, ("\n" + line + "\n").encode())
    os.write(2, ("\n" + line + "\n").encode())

dag = dag_named("said\n" + "\n".join(FORGED), description="\n".join(FORGED), tags=list(FORGED))
