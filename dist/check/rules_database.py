"""DAGs that reach into Airflow's own database. Airflow 3 gives tasks and DAG files no session."""

import ast
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))  # "python -I" leaves it out
from check_sources import Finding, arguments, imported_names, meaning, print_findings, python_sources, text_of, version  # noqa: E402
from release_guards import softened  # noqa: E402

#: Functions and objects that make or are a session of the metadata database.
SESSIONS = (
    "airflow.settings.Session",
    "airflow.settings.engine",
    "airflow.settings.NonScopedSession",
    "airflow.settings.get_engine",
    "airflow.utils.db.create_session",
    "airflow.utils.db.provide_session",
    "airflow.utils.session.create_session",
    "airflow.utils.session.provide_session",
    "airflow.settings.SQL_ALCHEMY_CONN",
    "airflow.settings.create_session",
)
#: Classes that are rows of the database.
MODELS = (
    "DagRun",
    "DagModel",
    "TaskInstance",
    "DagBag",
    "DagTag",
    "DagWarning",
    "ImportError",
    "Log",
    "Pool",
    "SlaMiss",
    "TaskFail",
    "TaskReschedule",
    "Trigger",
    "XCom",
    "RenderedTaskInstanceFields",
    "SerializedDagModel",
    "Connection",
    "Variable",
    "DagCode",
    "DatasetEvent",
    "DatasetModel",
    "AssetModel",
    "AssetEvent",
)
#: Their methods that ask the database by themselves; other uses of the classes are harmless, types for one.
QUERIES = (
    "find",
    "find_duplicates",
    "get_task_instances",
    "get_task_instance",
    "get_dagmodel",
    "get_current",
    "get_paused_dag_ids",
    "get_pools",
    "get_pool",
    "slots_stats",
    "get_many",
    "get_last_dagrun",
    "get_is_paused",
    "set_is_paused",
    "get_latest_runs",
    "get_run",
    "deactivate_deleted_dags",
    "get_dag_id_with_last_updated",
    "clear",
    "get_num_active_runs",
    "get_state",
    "delete_dag",
)
_SESSION_METHODS = ("query", "scalars", "scalar", "execute")
#: (level, why, cure) by the target's version.
REFUSED = (
    "error",
    "Airflow 3 refuses it: tasks and DAG files have no session, and their process cannot reach the database.",
    "Ask Airflow's REST API, or the context: ti.get_dagrun_state, ti.get_task_states, ti.get_previous_dagrun; variables and connections come by airflow.sdk.",
)
UNWISE = (
    "warning",
    "It works, but the tables differ between versions, and Airflow 3 refuses it.",
    "Look through the query on the target's tables, and plan to use Airflow's REST API.",
)
_OPTIONS = ("sql_alchemy_conn",)


def uses_in(source):
    """Yield (what is used, line), one a line."""
    names = imported_names(source.tree)
    for node in ast.walk(source.tree):
        if isinstance(node, (ast.Attribute, ast.Name)) and isinstance(node.ctx, ast.Load):
            path = meaning(node, names) or ""
            if path in SESSIONS:
                yield path, node.lineno
            elif path.startswith("airflow.models.") and path.split(".")[-1] in QUERIES and path.split(".")[-2] in MODELS:
                yield path, node.lineno
        if isinstance(node, ast.Call):
            path = meaning(node.func, names) or ""
            option = [text_of(each) for each in node.args]
            if path.startswith("airflow.configuration.") and path.endswith((".get", ".get_mandatory_value")) and set(option) & set(_OPTIONS):
                yield "Airflow's option sql_alchemy_conn", node.lineno
            models = [meaning(each, names) or "" for each in node.args]
            if isinstance(node.func, ast.Attribute) and node.func.attr in _SESSION_METHODS and any(_is_model(model) for model in models):
                yield "a query of %s" % next(model for model in models if _is_model(model)), node.lineno
            if path in ("airflow.models.DagBag", "airflow.models.dagbag.DagBag"):
                yield path, node.lineno
        text = text_of(node)
        if text and text in ("AIRFLOW__CORE__SQL_ALCHEMY_CONN", "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"):
            yield "the environment variable %s" % text, node.lineno


def _is_model(path):
    parts = path.split(".")
    return path.startswith("airflow.models.") and any(part in MODELS for part in parts)


def main():
    args = arguments(__doc__)
    level, why, fix = REFUSED if version(args.target) >= (3,) else UNWISE
    findings = []
    for source in python_sources(args):
        told = {}
        for used, line in uses_in(source):
            told.setdefault(line, used)
        findings += softened(
            source,
            [
                Finding("database-access", level, "The file reaches into Airflow's own database: %s." % used, source.name, line, why=why, fix=fix)
                for line, used in sorted(told.items())
            ],
        )
    print_findings(findings)


if __name__ == "__main__":
    main()
