"""Schedules that mean something else on the target although they are written the same.

The plan sets scheduler.create_cron_data_intervals and scheduler.create_delta_data_intervals to True, and scheduler.catchup_by_default to
the source's value. What is found here is what remains with that, and who depends on it.
"""

import ast
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))  # "python -I" leaves it out
from check_sources import Finding, arguments, imported_names, meaning, print_findings, python_sources, text_of, version  # noqa: E402
from dag_calls import dag_calls_in  # noqa: E402
from import_uses import uses_in  # noqa: E402
from release_guards import softened  # noqa: E402
from rules_context import tasks_in, uses_of  # noqa: E402
from rules_templates import strings_of  # noqa: E402
from template_names import read_template  # noqa: E402

_SCHEDULES = ("schedule", "schedule_interval", "timetable")
#: What a run without a logical date does not have: RuntimeTaskInstance.get_template_context, 3.0.6 to 3.3.1.
_DATES = {"ds", "ds_nodash", "ts", "ts_nodash", "ts_nodash_with_tz", "logical_date", "data_interval_start", "data_interval_end"}
_ASSETS = ("Dataset", "Asset", "DatasetAll", "DatasetAny", "AssetAll", "AssetAny", "DatasetAlias", "AssetAlias", "DatasetOrTimeSchedule", "AssetOrTimeSchedule")


def by_assets(schedule, names, source):
    """Whether a schedule waits for datasets or assets: a list of them, one, or several joined by | and &."""
    if isinstance(schedule, ast.Name):
        # A list that the file keeps under a name.
        made = [
            node.value
            for node in ast.walk(source.tree)
            if isinstance(node, ast.Assign) and any(isinstance(each, ast.Name) and each.id == schedule.id for each in node.targets)
        ]
        return any(by_assets(each, names, source) for each in made if not isinstance(each, ast.Name))
    if isinstance(schedule, (ast.List, ast.Tuple)):
        return bool(schedule.elts)
    if isinstance(schedule, ast.BinOp):
        return isinstance(schedule.op, (ast.BitOr, ast.BitAnd))
    return isinstance(schedule, ast.Call) and (meaning(schedule.func, names) or "").rpartition(".")[2] in _ASSETS


def dates_in(source):
    """(name, line) of each date of a run that the file's templates and tasks ask for."""
    for text, first, last in strings_of(source):
        found = read_template(text)
        for name, line in found.names if found else []:
            if name in _DATES:
                yield name, min(first + line - 1, last)
    for task in tasks_in(source):
        for kind, name, line in uses_of(task):
            if kind in ("key", "parameter") and name in _DATES:
                yield name, line


def needs_airflow_3(source):
    """Whether the file cannot load before Airflow 3: it imports the SDK at its top level, with no other way."""
    functions = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
    asks = (use for use in uses_in(source) if any((name + ".").startswith("airflow.sdk.") for name in use.names))
    return any(not use.guarded and not any(isinstance(around, functions) for around in source.ancestors(use.node)) for use in asks)


def judge(source, is_new_default):
    """Findings of one file for a target of Airflow 3.

    :param bool is_new_default: whether the source is older than Airflow 3
    """
    names = imported_names(source.tree)
    waits, is_new = False, needs_airflow_3(source)
    for dag in dag_calls_in(source):
        schedule = dag.argument(*_SCHEDULES)
        # Until 2.11 the third argument by position is the schedule.
        is_given = schedule is not None or dag.is_open or (dag.call is not None and len(dag.call.args) > 2)
        if is_new_default and not is_given and is_new:
            yield Finding(
                "schedule-default-changed",
                "notice",
                "The DAG names no schedule: it never runs by itself on Airflow 3.",
                source.name,
                dag.line,
                dag.dag_id,
                why="The file cannot load before Airflow 3, so this is no change: the default of schedule was a day there, and is None now.",
                fix="Write what is meant: schedule=None says it, schedule=timedelta(days=1) runs it once a day.",
            )
        elif is_new_default and not is_given:
            yield Finding(
                "schedule-default-changed",
                "error",
                "The DAG names no schedule: it ran once a day until now, and never runs by itself on Airflow 3.",
                source.name,
                dag.line,
                dag.dag_id,
                why="The default of schedule is a day before Airflow 3, and None since; nothing says so when the file loads.",
                fix="Write what is meant: schedule=timedelta(days=1) goes on as before, schedule=None waits for somebody to start it.",
            )
        waits = waits or (schedule is not None and by_assets(schedule, names, source))
    if waits and is_new_default:
        # Each name where it comes first.
        for name, line in dict(sorted(dates_in(source), key=lambda each: -each[1])).items():
            yield Finding(
                "asset-run-without-date",
                "warning",
                "%s does not exist in a run that datasets start." % name,
                source.name,
                line,
                why="On Airflow 3 such a run has no logical date and no data interval; the task fails, or gets None. On 2.x it had those of its trigger.",
                fix="Use dag_run.run_after, or the dates of triggering_asset_events.",
            )


def main():
    args = arguments(__doc__)
    if version(args.target) < (3,):
        print_findings([])
        return
    is_new_default = version(args.source) < (3,)
    findings = [finding for source in python_sources(args) for finding in softened(source, judge(source, is_new_default))]
    print_findings(findings + (_summary(args) if is_new_default else []))


def _summary(args):
    """Notices about what the plan's options keep as it is: one each, with the number of DAGs that live by them."""
    catchup, intervals = 0, 0
    for source in python_sources(args):
        for dag in dag_calls_in(source):
            schedule = dag.argument(*_SCHEDULES)
            text = None if schedule is None else text_of(schedule)
            is_timed = schedule is not None and ((text is not None and text not in ("@once", "@continuous")) or _is_delta(schedule))
            intervals += is_timed
            catchup += is_timed and dag.argument("catchup") is None and not dag.is_open
    found = []
    if intervals:
        found.append(
            Finding(
                "schedule-data-interval",
                "notice",
                "DAGs with a cron or timedelta schedule: %d. Their runs keep their dates because the plan sets scheduler.create_cron_data_intervals "
                "and create_delta_data_intervals to True." % intervals,
                why="By Airflow 3's own default a run's logical date is the time it starts, not the start of its interval: ds of a daily DAG is a day later.",
                fix="Keep these options, or change the DAGs first.",
            )
        )
    if catchup:
        found.append(
            Finding(
                "catchup-default",
                "notice",
                "DAGs that do not say whether they catch up: %d. They go on as before because the plan sets scheduler.catchup_by_default to the source's value."
                % catchup,
                why="Airflow 3's own default is False: after a pause, runs that were missed would be left out.",
                fix="Write catchup=True or catchup=False into these DAGs.",
            )
        )
    return found


def _is_delta(schedule):
    return isinstance(schedule, ast.Call) and getattr(schedule.func, "attr", getattr(schedule.func, "id", "")) in ("timedelta", "relativedelta")


if __name__ == "__main__":
    main()
