"""Run Python statements one by one on the Airflow of this environment and say which of them work.

Reads a JSON list of statements on stdin, prints {statement: null, or what went wrong}.
"""

import json
import os
import sys
import tempfile

ANSWER = sys.stdout
sys.stdout = sys.stderr
os.environ["AIRFLOW_HOME"] = tempfile.mkdtemp()
outcome = {}
for statement in json.load(sys.stdin):
    try:
        exec(statement, {"__name__": "tried"})
        outcome[statement] = None
    except BaseException as error:
        outcome[statement] = f"{type(error).__name__}: {error}"[:300]
json.dump(outcome, ANSWER)
