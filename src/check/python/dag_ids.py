"""Print the DAG ids that the files name as literals, so that a DAG that does not appear on the target can be told as lost.

JSON: {"ids": {"dags/file.py": ["a", "b"]}, "computed": {"dags/file.py": 2}}; computed: places whose id only running the file tells.
"""

import json
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))  # "python -I" leaves it out
from check_sources import arguments, python_sources  # noqa: E402
from dag_calls import dag_calls_in  # noqa: E402


def main():
    args = arguments(__doc__)
    args.plugins = None  # a DAG that a plugin makes is none that Airflow looks for
    ids, computed = {}, {}
    for source in python_sources(args):
        calls = list(dag_calls_in(source))
        literal = sorted({call.dag_id for call in calls if call.dag_id})
        if literal:
            ids[source.name] = literal
        if any(call.dag_id is None for call in calls):
            computed[source.name] = sum(1 for call in calls if call.dag_id is None)
    json.dump({"ids": ids, "computed": computed}, sys.stdout)
    sys.stdout.write("\n")


if __name__ == "__main__":
    main()
