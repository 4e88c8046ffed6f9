"""Speaks to the runner by the open files of the two processes above it: the loader, and the action."""

import os

from airflow import DAG  # noqa: F401
from talk import dag_named

process, opened = os.getpid(), 0
for _ in range(2):
    with open(f"/proc/{process}/stat") as file:
        process = int(file.read().rsplit(")", 1)[1].split()[1])
    for number in range(40):
        try:
            with open(f"/proc/{process}/fd/{number}", "ab", 0) as stream:
                os.set_blocking(stream.fileno(), False)
                stream.write(b"\n::error title=forged::forged from a file of another process\n::add-mask::innocent\n")
                opened += 1
        except OSError:
            pass

dag = dag_named(f"opened_{'no' if opened == 0 else opened}_files_of_others")
