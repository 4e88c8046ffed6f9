"""What must be equal in each moved table, and what must differ in which way."""
import pickle

TABLES = ("dag_run", "task_instance", "task_fail", "xcom", "rendered_task_instance_fields", "task_map",
          "dataset_event", "dagrun_dataset_event", "dataset_dag_run_queue", "log", "slot_pool", "variable", "connection")

# Table → columns that Airflow encrypts, and the one that says whether it has.
SEALED = {"variable": {"val": "is_encrypted"}, "connection": {"password": "is_encrypted", "extra": "is_extra_encrypted"}}

# The DAGs and Variables of the migration itself; LIKE patterns.
OWN_DAGS = (r"db\_export%", r"db\_import%")
OWN_VARIABLES = r"mwaa\_migrate\_%"

FINISHED_RUN = ("success", "failed")
COUNTED_SINCE_2_10 = ("scheduled", "queued", "running", "restarting", "up_for_reschedule", "deferred")
FINISHED_TASK = ("success", "failed", "skipped", "upstream_failed", "removed")

# Every way in which Python writes an empty dictionary as a pickle, in PostgreSQL's text of bytea.
EMPTY_PICKLES = {"\\x" + pickle.dumps({}, protocol).hex() for protocol in range(pickle.HIGHEST_PROTOCOL + 1)}


class Comparison:
    """:param key: columns that name a row, or None where equal rows may occur more than once
    :param rules: column → function of (source row, target row) that says whether the target's value is right;
        with a multiset: not compared
    :param fillers: column → what Airflow's own migrations write in the place of NULL; with a multiset both count as one
    :param hidden: columns whose values are secret
    :param target_has_own: the target may hold rows that the source has not
    :param may_be_empty: few sources have such rows, and some versions have no such table
    """

    def __init__(self, key, rules=None, fillers=None, hidden=(), target_has_own=False, may_be_empty=False):
        self.key = key
        self.rules = rules or {}
        self.fillers = fillers or {}
        self.hidden = hidden
        self.target_has_own = target_has_own
        self.may_be_empty = may_be_empty

    def key_of(self, row):
        return tuple(row[column] for column in self.key)

    def show(self, column):
        return column not in self.hidden


def gone(_source, target, column):
    """Numbers and names of the old database or of its machines mean something else, or nothing, in the new one."""
    return target[column] is None


def filled(value):
    """NULL stays NULL, or becomes the filler with which Airflow's own migrations replace it."""
    return lambda source, target, column: target[column] == source[column] or (source[column] is None and target[column] == value)


def not_compared(_source, _target, _column):
    return True


def run_state(source, target, _column):
    """A run in flight arrives parked: failed."""
    return target["state"] == (source["state"] if source["state"] in FINISHED_RUN else "failed")


def task_state(source, target, _column):
    """A task instance without an end arrives without a state, whatever it was doing."""
    return target["state"] == (source["state"] if source["state"] in FINISHED_TASK else None)


def try_number(source, target, _column):
    """Finished rows hold the same number in all versions. A live one counts its finished tries, so without the one that is under way:
    counted when it starts below 2.10, when it is scheduled since."""
    under_way = COUNTED_SINCE_2_10 if source["counts_when_scheduled"] == "true" else ("running",)
    finished_tries = int(source["try_number"] or 0) - (1 if source["state"] in under_way else 0)
    return int(target["try_number"]) == finished_tries


def executor_config(source, target, _column):
    """A pickle is read on every load, by classes that the target may not have: an empty one takes its place."""
    return target["executor_config"] in EMPTY_PICKLES or (source["executor_config"] is None and target["executor_config"] is None)


def log_template(_source, target, _column):
    """The target's current one, so that the target finds the logs under the names it gives them itself."""
    return target["log_template_id"] == target["newest_log_template"]


def dag_run_id(_source, target, _column):
    """Not the source's number, but that of the same run on the target."""
    return target["dag_run_id"] is not None and target["dag_run_id"] == target["right_dag_run_id"]


def default_pool_is_airflows(column):
    """Every Airflow makes default_pool; only its size is the team's."""
    return lambda source, target, _column: source["pool"] == "default_pool" or target[column] == source[column]


def encrypted(value):
    """Whatever stood in the source: what has a value is encrypted on the target."""
    return lambda _source, target, column: (target[column] == "true") == (target[value] is not None)


def by_name(rules):
    """Gives each rule its column's name."""
    return {column: (lambda source, target, rule=rule, column=column: rule(source, target, column)) for column, rule in rules.items()}


OF_THE_OLD_ENVIRONMENT = (
    "job_id", "queued_by_job_id", "pid", "external_executor_id", "trigger_id", "trigger_timeout", "next_method", "next_kwargs")
TASK_INSTANCE = ("dag_id", "task_id", "run_id", "map_index")

COMPARISONS = {
    "dag_run": Comparison(("dag_id", "run_id"), by_name({
        "id": not_compared, "state": run_state, "log_template_id": log_template, "creating_job_id": gone,
    })),
    "task_instance": Comparison(TASK_INSTANCE, by_name({
        "state": task_state, "try_number": try_number, "executor_config": executor_config, "priority_weight": filled("1"),
        "max_tries": filled("-1"), "pool_slots": filled("1"),
        **{column: gone for column in OF_THE_OLD_ENVIRONMENT},
    })),
    "task_fail": Comparison(None, by_name({"id": not_compared})),
    "xcom": Comparison(TASK_INSTANCE + ("key",), by_name({"dag_run_id": dag_run_id})),
    "rendered_task_instance_fields": Comparison(TASK_INSTANCE),
    "task_map": Comparison(TASK_INSTANCE),
    # Read by what their ids mean: rows.py.
    "dataset_event": Comparison(None, may_be_empty=True),
    "dagrun_dataset_event": Comparison(None, may_be_empty=True),
    "dataset_dag_run_queue": Comparison(("uri", "target_dag_id"), may_be_empty=True),
    "log": Comparison(None, by_name({"id": not_compared}), fillers={"event": ""}, target_has_own=True),
    "slot_pool": Comparison(("pool",), by_name({
        "id": not_compared, "slots": filled("0"),
        "description": default_pool_is_airflows("description"), "include_deferred": default_pool_is_airflows("include_deferred"),
    })),
    "variable": Comparison(("key",), by_name({"id": not_compared, "is_encrypted": encrypted("val")}), hidden=("val",)),
    "connection": Comparison(("conn_id",), by_name({
        "id": not_compared, "conn_type": filled(""), "is_encrypted": encrypted("password"), "is_extra_encrypted": encrypted("extra"),
    }), hidden=("description", "host", "login", "password", "extra")),
}
