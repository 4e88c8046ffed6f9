"""Print the DAG ids that the files name as literals, so that a DAG that does not appear on the target can be told as lost.

JSON: {"ids": {"dags/file.py": ["a", "b"]}, "computed": {"dags/file.py": 2}, "leftOut": ["dags/file.py"]}; computed: places whose id only
running the file tells; leftOut: files that Airflow looks at on the source, and not on the target, by .airflowignore.
"""

import argparse
import ast
import json
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))  # "python -I" leaves it out
from airflowignore import ignored_by_airflow  # noqa: E402
from check_sources import arguments, python_sources  # noqa: E402
from dag_calls import dag_calls_in  # noqa: E402


def called_names(source):
    """Names of functions that the file calls; one decorated by @dag makes its DAG when it is called."""
    return {each.func.id for each in ast.walk(source.tree) if isinstance(each, ast.Call) and isinstance(each.func, ast.Name)}


def is_certain(source, call):
    """Whether the file makes this DAG when it is loaded, as far as the text tells: not in a function that others may call, nor as a script."""
    if isinstance(call.node, (ast.FunctionDef, ast.AsyncFunctionDef)) and call.node.name not in called_names(source):
        return False
    for around in source.ancestors(call.node):
        if isinstance(around, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef)):
            return False
        if isinstance(around, ast.If) and "__main__" in ast.dump(around.test):
            return False
    return True


def main():
    args = arguments(__doc__)
    # The source's own way to read .airflowignore tells what ran until now.
    before = argparse.Namespace(**dict(vars(args), target=args.source or args.target, plugins=None))
    is_left_out = ignored_by_airflow(args)
    ids, computed, left_out = {}, {}, []
    for source in python_sources(before):
        calls = list(dag_calls_in(source))
        literal = sorted({call.dag_id for call in calls if call.dag_id and is_certain(source, call)})
        if literal:
            ids[source.name] = literal
            if is_left_out(source.path):
                left_out.append(source.name)
        if any(call.dag_id is None for call in calls):
            computed[source.name] = sum(1 for call in calls if call.dag_id is None)
    json.dump({"ids": ids, "computed": computed, "leftOut": left_out}, sys.stdout)
    sys.stdout.write("\n")


if __name__ == "__main__":
    main()
