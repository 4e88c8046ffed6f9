"""Deletes the other files, here and in the repository, and writes itself over them."""

import os
import shutil

from airflow import DAG  # noqa: F401
from talk import dag_named

HERE = os.path.dirname(os.path.abspath(__file__))
for folder in (HERE, "/home/runner/work/repo/repo/dags", "/home/runner/work/repo/repo/.github"):
    for name in sorted(os.listdir(folder)) if os.path.isdir(folder) else ():
        place = os.path.join(folder, name)
        try:
            if name in ("zz_innocent.py", "mm_broken.py", "mwaa-migration.yml"):
                with open(place, "w") as file:
                    file.write("# forged\n")
            elif os.path.isdir(place):
                shutil.rmtree(place)
            elif name not in ("talk.py", os.path.basename(__file__)):
                os.unlink(place)
        except OSError:
            pass

dag = dag_named("deleted_files")
