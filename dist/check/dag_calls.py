"""Where a file makes DAGs: calls of ``DAG`` and functions decorated by ``@dag``."""

import ast

from check_sources import imported_names, keyword, meaning, text_of

CLASSES = ("airflow.DAG", "airflow.models.DAG", "airflow.models.dag.DAG", "airflow.sdk.DAG", "airflow.sdk.definitions.dag.DAG")
DECORATORS = ("airflow.decorators.dag", "airflow.decorators.dag.dag", "airflow.models.dag.dag", "airflow.sdk.dag", "airflow.sdk.definitions.dag.dag")


class DagCall:
    """One place where a DAG is made.

    :ivar dag_id: None when it is computed
    :ivar node: the call, or the decorated function
    :ivar call: ast.Call, or None of a bare ``@dag``
    :ivar is_open: whether arguments come by ``**``, so that nobody can tell from the text which there are
    """

    def __init__(self, dag_id, line, node, call):
        self.dag_id, self.line, self.node, self.call = dag_id, line, node, call
        self.is_open = call is not None and any(each.arg is None for each in call.keywords)

    def argument(self, *names):
        """Value of the first of these arguments that is given by name, None when none is."""
        found = [keyword(self.call, name) for name in names] if self.call is not None else []
        return next((value for value in found if value is not None), None)


def dag_calls_in(source):
    """Yield every place where the file makes a DAG."""
    names = imported_names(source.tree)
    decorators = set()
    for node in ast.walk(source.tree):
        if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            continue
        for decorator in node.decorator_list:
            call = decorator if isinstance(decorator, ast.Call) else None
            if meaning(call.func if call else decorator, names) in DECORATORS:
                decorators.add(call)
                given = _id_of(call) if call else None
                yield DagCall(text_of(given) if given is not None else node.name, decorator.lineno, node, call)
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Call) and node not in decorators and meaning(node.func, names) in CLASSES:
            given = _id_of(node)
            yield DagCall(None if given is None else text_of(given), node.lineno, node, node)


def _id_of(call):
    given = keyword(call, "dag_id")
    return given if given is not None else call.args[0] if call.args else None
