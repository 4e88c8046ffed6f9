"""What a task's context holds on the target: names that went away, and what to write for them.

Read from the releases themselves: keys of get_template_context() in 1.10.12, 2.0.2 and 2.2.2, of KNOWN_CONTEXT_KEYS in 2.10.3, and of
RuntimeTaskInstance.get_template_context() in 3.0.6 and 3.3.1. Since 2.0 a template with an unknown name fails (StrictUndefined).
"""

import json
import os
import subprocess
import sys

#: name → (first version without it, what to write in a template or None, what to do)
GONE = {
    "END_DATE": ((2, 0), "ds", "Use ds."),
    "end_date": ((2, 0), "ds", "Use ds."),
    "latest_date": ((2, 0), "ds", "Use ds."),
    "tables": ((2, 0), None, "Give the tables as params."),
    "execution_date": ((3, 0), "logical_date", "Use logical_date; it has the same value for a scheduled run."),
    "next_execution_date": ((3, 0), "data_interval_end", "Use data_interval_end."),
    "next_ds": ((3, 0), "(data_interval_end | ds)", "Use data_interval_end | ds."),
    "next_ds_nodash": ((3, 0), "(data_interval_end | ds_nodash)", "Use data_interval_end | ds_nodash."),
    "prev_execution_date": ((3, 0), None, "Use prev_data_interval_start_success, or compute it from logical_date."),
    "prev_execution_date_success": ((3, 0), "prev_data_interval_start_success", "Use prev_data_interval_start_success."),
    "prev_ds": ((3, 0), None, "Compute it from ds; for a daily schedule it is macros.ds_add(ds, -1)."),
    "prev_ds_nodash": ((3, 0), None, "Compute it from ds; for a daily schedule it is the day before."),
    "tomorrow_ds": ((3, 0), "macros.ds_add(ds, 1)", "Use macros.ds_add(ds, 1)."),
    "tomorrow_ds_nodash": ((3, 0), None, "Use macros.ds_format(macros.ds_add(ds, 1), '%Y-%m-%d', '%Y%m%d')."),
    "yesterday_ds": ((3, 0), "macros.ds_add(ds, -1)", "Use macros.ds_add(ds, -1)."),
    "yesterday_ds_nodash": ((3, 0), None, "Use macros.ds_format(macros.ds_add(ds, -1), '%Y-%m-%d', '%Y%m%d')."),
    "conf": ((3, 0), None, "Airflow's configuration is no part of the context; a run's own configuration is dag_run.conf."),
    "test_mode": ((3, 0), None, "Remove it: a task cannot tell a test from a run any more."),
    "triggering_dataset_events": ((3, 0), "triggering_asset_events", "Use triggering_asset_events."),
}
#: Attribute of an object of the context → what to write after the dot, or instead of the whole.
ATTRIBUTES = {
    "execution_date": "logical_date is its name now; a task instance has none of its own, its run has: dag_run.logical_date.",
    "external_trigger": 'Ask for run_type: a run that was triggered by hand has dag_run.run_type == "manual".',
    "get_task_instance": "Ask Airflow's REST API.",
    "get_task_instances": "Use ti.get_task_states(dag_id=…, run_ids=…), or Airflow's REST API.",
    "previous_ti": "Use ti.get_previous_dagrun(), or Airflow's REST API.",
    "previous_ti_success": 'Use ti.get_previous_dagrun(state="success"), or Airflow\'s REST API.',
    "current_state": "Use ti.get_task_states(dag_id=…), or Airflow's REST API.",
}
#: Attribute of macros → (first version without it, module that has it all the same where it is installed, what to do). Read from the module's own
#: names in 1.10.12 to 3.3.1: in 2.5.1, not in 2.6.3.
GONE_MACROS = {
    "hive": (
        (2, 6),
        "airflow.providers.apache.hive.plugins.hive",
        "Add apache-airflow-providers-apache-hive to the requirements file: a plugin in it gives macros.hive to templates.",
    ),
}
#: Objects of the context by their names in it.
OBJECTS = {"dag_run": "dag_run", "ti": "ti", "task_instance": "ti"}

_PROBE = """
import json, os, sys, tempfile
answer = sys.stdout
sys.stdout = sys.stderr
os.environ["AIRFLOW_HOME"] = os.environ["HOME"] = home = tempfile.mkdtemp()
os.chdir(home)
try:
    from airflow.sdk.api.datamodels._generated import DagRun
    from airflow.sdk.execution_time.task_runner import RuntimeTaskInstance
    json.dump({"dag_run": sorted({*DagRun.model_fields, *dir(DagRun)}), "ti": sorted({*RuntimeTaskInstance.model_fields, *dir(RuntimeTaskInstance)})}, answer)
finally:
    os.rmdir(home) if not os.listdir(home) else __import__("shutil").rmtree(home, ignore_errors=True)
"""


def gone_from(target):
    """{name: (what to write or None, what to do)} of the names that a context of this version does not have.

    :param tuple target: (3, 0, 6)
    """
    return {name: (write, cure) for name, (since, write, cure) in GONE.items() if target >= since}


def macros_gone_from(target):
    """{name: what to do} of what templates do not find in ``macros`` in this virtual environment."""
    return {name: cure for name, (since, module, cure) in GONE_MACROS.items() if target >= since and not _is_installed(module)}


def _is_installed(module):
    """By its file: to ask for a module by its name would import the packages around it."""
    return any(os.path.exists(os.path.join(place, *module.split(".")) + ".py") for place in sys.path)


def attributes_of(target):
    """{"dag_run": {names}, "ti": {names}} on the target's Airflow; empty below 3, where tasks see the database's own objects."""
    if target < (3,):
        return {}
    environment = {name: value for name, value in os.environ.items() if name in ("PATH", "LANG", "TMPDIR")}
    run = subprocess.run(
        [sys.executable, "-I", "-c", _PROBE], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=120, env=environment
    )
    if run.returncode != 0:
        return {}  # a release that builds its context in another way; the names above still hold
    return {name: set(attributes) for name, attributes in json.loads(run.stdout.decode()).items()}
