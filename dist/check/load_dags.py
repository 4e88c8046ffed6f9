"""Load every DAG file of a folder on the Airflow of this virtual environment, each in a child of its own with limits.

``python load_dags.py`` reads one JSON object from standard input and writes one JSON object per line to standard output:
``{"kind": "files", "files": [...], "late": false}`` (late: listing them took more than ``listSeconds``), then ``{"kind": "file", ...}``
for each of them as it ends, ``{"kind": "plugins", ...}`` and at last ``{"kind": "end"}``. A missing end means that a DAG file ended this program.

Input: ``dags`` and ``plugins`` (folders), ``files`` (paths below ``dags``, or null for all that Airflow would look at), ``jobs``,
``listSeconds``, ``wallSeconds``, ``cpuSeconds``, ``memoryBytes``, ``fileBytes``, ``reference`` (ISO date after which the next run is
looked for), ``seeds`` (by file and DAG id what load_schedules.py of the other release gave, or absent).

Airflow is imported once, here. Of the user's code only ``airflow_local_settings.py`` runs in this process, as Airflow imports it itself.
"""

import contextlib
import gc
import json
import os
import sys

import load_limits
from load_pool import Pool


def main():
    job = json.load(sys.stdin)
    # Whatever a library prints must not be taken for a result, and no child may hold the way results go.
    results = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.set_inheritable(results.fileno(), False)
    silence = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silence, 1)

    def say(message):
        results.write(json.dumps(message, ensure_ascii=True) + "\n")
        results.flush()

    load_limits.protect_parent()
    # Not the processor time: that of all files together has no natural limit.
    load_limits.limit({**job, "cpuSeconds": None})
    import load_file
    import load_release

    load_release.warm_up()
    load_release.make_database()
    files, late = job["files"], False
    if files is None:
        try:
            files = load_limits.within(job["listSeconds"], lambda: sorted(load_release.dag_files(job["dags"])))
        except load_limits.TooLong:
            files, late = [], True
    say({"kind": "files", "files": files, "late": late})
    load_file.import_what_files_import(job["dags"], files)
    # Shared pages stay shared: a collection in a child would copy them.
    gc.collect()
    gc.freeze()
    pool = Pool(job, results.fileno(), say)
    pool.run(files)
    say({"kind": "end"})


if __name__ == "__main__":
    with contextlib.suppress(BrokenPipeError):
        main()
