"""Arguments of DAGs, operators and sensors that the target's classes do not take any more.

Asked of the real classes (signature_probe.py), with the provider versions that are installed there. Loading a file tells only the first
such argument of it, and none in a function that runs later.
"""

import ast
import json
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)  # "python -I" leaves it out
from check_sources import Finding, arguments, imported_names, keyword, meaning, print_findings, python_sources, version  # noqa: E402
from import_moves import Moves, ask_target  # noqa: E402
from release_guards import copes  # noqa: E402

#: DAG argument → (argument that takes its place or None, what to do)
DAG_ARGUMENTS = {
    "schedule_interval": ("schedule", "Use schedule (since 2.4)."),
    "timetable": ("schedule", "Use schedule (since 2.4)."),
    "concurrency": ("max_active_tasks", "Use max_active_tasks (since 2.2)."),
    "fail_stop": ("fail_fast", "Use fail_fast."),
    "default_view": (None, "Remove it: the interface of Airflow 3 has one view."),
    "orientation": (None, "Remove it: it is a choice of who looks at the graph."),
    "full_filepath": (None, "Remove it: Airflow knows the file."),
    "sla_miss_callback": (None, "Remove it; since 3.1 a deadline alert does its work."),
}
OPERATOR_ARGUMENTS = {
    "provide_context": (None, "Remove it: since 2.0 a function gets the context that it has parameters for."),
    "task_concurrency": ("max_active_tis_per_dag", "Use max_active_tis_per_dag (since 2.2)."),
    "execution_date": ("logical_date", "Use logical_date."),
    "sla": (None, "Remove it; since 3.1 a deadline alert of the DAG does its work."),
    "airflow_home": (None, "Remove it."),
    "adhoc": (None, "Remove it: it never had an effect after 1.10."),
}
#: Accepted by Airflow 3 without any effect (it warns): https://airflow.apache.org/docs/apache-airflow/3.0.0/release_notes.html, "SLA".
WITHOUT_EFFECT = ("sla", "sla_miss_callback")
_DAGS = (
    "airflow.DAG",
    "airflow.models.DAG",
    "airflow.models.dag.DAG",
    "airflow.sdk.DAG",
    "airflow.decorators.dag",
    "airflow.decorators.dag.dag",
    "airflow.sdk.dag",
)


class Call:
    """A call of one of Airflow's classes.

    :ivar path: its full name in the file
    """

    def __init__(self, source, node, path):
        self.source, self.node, self.path = source, node, path
        self.is_dag = path in _DAGS
        self.keywords = [each.arg for each in node.keywords if each.arg]
        self.positional = 1000 if any(isinstance(each, ast.Starred) for each in node.args) else len(node.args)


def calls_in(source):
    """Yield every call of a class or function of Airflow's operators, sensors, transfers and DAG."""
    names = imported_names(source.tree)
    for node in ast.walk(source.tree):
        path = meaning(node.func, names) if isinstance(node, ast.Call) else None
        if path in _DAGS or (path and path.startswith("airflow.") and path.rpartition(".")[2][:1].isupper() and _makes_tasks(path)):
            yield Call(source, node, path)


def _makes_tasks(path):
    return any(part in ("operators", "sensors", "transfers", "contrib") for part in path.split("."))


def judge(call, answer, target):
    """Findings of one call."""
    # As with imports: another way is there, and the loader tells when the one that is taken fails.
    if copes(call.source, call.node, "TypeError"):
        return
    table = DAG_ARGUMENTS if call.is_dag else OPERATOR_ARGUMENTS
    name = call.path.rpartition(".")[2]
    for argument in call.keywords:
        at = next(each.value.lineno for each in call.node.keywords if each.arg == argument)
        new, cure = table.get(argument, (None, None))
        if argument in answer["refused"]:
            # The new name may be given beside the old one, for both versions; then there is nothing to write.
            new = new if new not in call.keywords else None
            yield Finding(
                "argument-removed",
                "error",
                "%s of Airflow %s takes no argument %s." % (name, target, argument),
                call.source.name,
                at,
                why="The DAG does not load.",
                fix=cure or "Look for its successor in the release notes of the provider or of Airflow.",
                replacement=new,
            )
        elif argument in WITHOUT_EFFECT and version(target) >= (3,) and not _is_none(keyword(call.node, argument)):
            yield Finding(
                "argument-without-effect",
                "warning",
                "%s has no effect on Airflow %s." % (argument, target),
                call.source.name,
                at,
                why="Airflow 3 has no service level agreements: nobody is told when a task is late.",
                fix=cure,
            )
    if answer["positional"] is not None and answer["positional"] < call.positional < 1000:
        yield Finding(
            "argument-by-position",
            "error",
            "%s of Airflow %s takes %d argument%s by position, and gets %d."
            % (name, target, answer["positional"], "" if answer["positional"] == 1 else "s", call.positional),
            call.source.name,
            call.node.lineno,
            why="The DAG does not load.",
            fix="Give the others by name.",
        )


def _is_none(node):
    return node is None or (isinstance(node, ast.Constant) and node.value is None)


def main():
    args = arguments(__doc__)
    calls = [call for source in python_sources(args) for call in calls_in(source)]
    with open(os.path.join(HERE, "import_moves.json"), encoding="utf-8") as stream:
        moves = Moves.asked(json.load(stream), {call.path for call in calls})
    # A class that moved is asked at its new place, so that one look at the report is enough.
    places = {call.path: call.path if moves.loads(call.path) else moves.best(call.path) for call in calls}
    asked = {}
    for call in calls:
        if places[call.path]:
            asked.setdefault(places[call.path], set()).update(call.keywords)
    answers = ask_target("signature_probe.py", {path: sorted(keywords) for path, keywords in asked.items()}) if asked else {}
    print_findings([finding for call in calls if places[call.path] in answers for finding in judge(call, answers[places[call.path]], args.target)])


if __name__ == "__main__":
    main()
