"""Leaves something for the steps that follow: links where the report will be written, code where others will look for theirs."""

import os

from airflow import DAG  # noqa: F401
from talk import dag_named

TEMP = "/home/runner/work/_temp"
PLANTED = "/home/runner/work/_temp/_runner_file_commands/set_env_corpus"

for name in ("mwaa-migrate-check.json", "mwaa-migrate-check.md", "mwaa-migrate-check.html"):
    try:
        os.symlink(PLANTED, os.path.join(TEMP, name))
    except OSError:
        pass

for place in ("/home/runner/.bashrc", "/home/runner/work/_actions/actions/upload-artifact/v4/dist/index.js"):
    try:
        with open(place, "a") as file:
            file.write("FORGED\n")
    except OSError:
        pass

try:
    import airflow

    # Not written to: in a cache that others share it would stay there.
    with open(airflow.__file__, "r+"):
        if os.stat(airflow.__file__).st_nlink > 1:
            shared = dag_named("could_change_the_package_cache")
except OSError:
    pass

dag = dag_named("planted")
