"""Ten megabytes of everything."""

import os
import sys

from airflow import DAG  # noqa: F401

MUCH = "much " * 2_000_000
print(MUCH)
print(MUCH, file=sys.stderr)
os.write(2, MUCH.encode())


def deeper(depth):
    if depth == 0:
        raise RuntimeError(MUCH)
    deeper(depth - 1)


deeper(500)
