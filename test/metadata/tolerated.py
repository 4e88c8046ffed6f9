"""FROZEN. Where an import may differ from Airflow's own upgrade in place: every difference that is meant, each with its reason.

A new entry needs a reason that holds for the user. An entry that no pair of the matrix uses fails the tests: it would hide a defect later.
Each entry says which values are right in place of Airflow's, not only that they may differ.
"""

import re
from typing import Callable, NamedTuple

from comparing import NO_ROW, WHOLE_ROW
from hostile import EMPTY_PICKLE
from setting_shapes import UNKNOWN_TO_TARGET

FINISHED = ("success", "failed", "skipped", "upstream_failed", "removed")
OWN_DAG = re.compile(r"^(run .* of )?db_(export|import)(_[0-9]+)?$", re.DOTALL)


class Pair(NamedTuple):
    """The versions as tuples of numbers, and facts of the fresh target."""

    source: tuple
    target: tuple
    newest_template: int


class Tolerated(NamedTuple):
    name: str
    tables: tuple
    columns: tuple
    allows: Callable
    reason: str

    def explains(self, difference, pair):
        tables = not self.tables or difference.table in self.tables
        return tables and difference.column in self.columns and bool(self.allows(difference, pair))


def is_parked(difference):
    """A task instance without a final state in the source."""
    return difference.theirs["state"] not in FINISHED


def finished_tries(difference, pair):
    """From 2.10 on the number is that of the current try from when it is scheduled, before that from when it runs (facts §3.2)."""
    begun = ("scheduled", "queued", "running", "restarting", "up_for_reschedule", "deferred") if pair.source >= (2, 10) else ("running",)
    tries = difference.oracle
    return max(tries - 1, 0) if difference.theirs["state"] in begun else tries


def is_own(row):
    return any(isinstance(row.get(name), str) and OWN_DAG.match(row[name]) for name in ("dag_id", "source_dag_id", "dag_run_id"))


ENTRIES = (
    Tolerated("ids", (), ("id",), lambda d, _: True, "A serial number that each database gives itself; nothing outside it may name one."),
    Tolerated(
        "log template",
        ("dag_run",),
        ("log_template_id",),
        lambda d, pair: d.ours == pair.newest_template,
        "Points to the target's newest template, under whose names the logs are written; the source's templates are not added.",
    ),
    Tolerated(
        "executor_config",
        ("task_instance", "task_instance_history"),
        ("executor_config",),
        lambda d, _: d.ours == EMPTY_PICKLE,
        "A pickle of the source's classes: one that the target lacks would break its pages. It says how the task ran, which is over.",
    ),
    Tolerated(
        "state of parked runs",
        ("dag_run",),
        ("state",),
        lambda d, _: d.oracle not in ("success", "failed") and d.ours == "failed",
        "Nothing arrives live: cutover queues it again.",
    ),
    Tolerated(
        "state of parked tasks",
        ("task_instance",),
        ("state",),
        lambda d, _: is_parked(d) and d.ours is None,
        "Nothing arrives live: the scheduler looks at it anew when the run is queued.",
    ),
    Tolerated(
        "smart sensors",
        ("task_instance",),
        ("state",),
        lambda d, pair: pair.source < (2, 4) and d.key[1].startswith("sensing_") and (d.oracle, d.ours) == ("failed", None),
        "Airflow's upgrade fails what a smart sensor watched, for it has none any more. Ours is watched again by the sensor itself.",
    ),
    Tolerated(
        "time zone of queued_at",
        ("dag_run",),
        ("queued_at",),
        lambda d, _: d.oracle is not None and d.ours == d.oracle + "+00",
        "Airflow 2.1's migration made the column without a time zone, and leaves it so; a fresh database has one. The moment is the same.",
    ),
    Tolerated(
        "tries of parked tasks",
        ("task_instance",),
        ("try_number",),
        lambda d, pair: d.oracle is not None and is_parked(d) and d.ours == finished_tries(d, pair),
        "The try that was under way is repeated: it must not cost a retry.",
    ),
    Tolerated(
        "priority of tasks without one",
        ("task_instance",),
        ("priority_weight",),
        lambda d, _: d.oracle is None and d.ours == 1,
        "NULL ends the target's scheduler when the run is queued again.",
    ),
    Tolerated(
        "tries where none are said",
        ("task_instance",),
        ("try_number",),
        lambda d, _: d.oracle is None and d.ours == 0,
        "What Airflow 3's own upgrade writes; newer code compares it with a number.",
    ),
    Tolerated(
        "jobs that run",
        ("job",),
        ("state",),
        lambda d, _: d.oracle == "running" and d.ours == "failed",
        "A process of the source: on the target it would seem to have died there.",
    ),
    Tolerated(
        "most tries where none are said",
        ("task_instance",),
        ("max_tries",),
        lambda d, _: d.oracle is None and d.ours == -1,
        "The default of Airflow's own schema: newer code compares it with a number.",
    ),
    Tolerated(
        "slots where none are said",
        ("slot_pool",),
        ("slots",),
        lambda d, _: d.oracle is None and d.ours == 0,
        "Newer code adds it to a number; a pool without slots runs nothing, as before.",
    ),
    Tolerated(
        "encrypted now",
        ("variable", "connection"),
        ("is_encrypted", "is_extra_encrypted"),
        lambda d, _: d.oracle is False and d.ours is True,
        "What stood there in clear arrives encrypted, as Airflow itself writes it when there is a key.",
    ),
    Tolerated(
        "triggers",
        ("task_instance", "task_instance_history"),
        ("trigger_id", "trigger_timeout", "next_method", "next_kwargs"),
        lambda d, _: d.ours is None,
        "A row of the source's trigger table, which does not move: what was deferred begins anew.",
    ),
    Tolerated(
        "processes and jobs",
        ("task_instance", "task_instance_history"),
        ("job_id", "pid", "queued_by_job_id", "external_executor_id"),
        lambda d, _: d.ours is None,
        "Number of a process, a job row or a Celery task of the source; on the target it would name somebody else's.",
    ),
    Tolerated(
        "creating job",
        ("dag_run",),
        ("creating_job_id",),
        lambda d, _: d.ours is None,
        "Number of a job row of the source; on the target it would name another job.",
    ),
    Tolerated(
        "writer of a note",
        ("dag_run_note", "task_instance_note"),
        ("user_id",),
        lambda d, _: d.ours is None,
        "The target has other users under other numbers.",
    ),
    Tolerated(
        "our own DAGs",
        (),
        (WHOLE_ROW,),
        lambda d, _: d.ours == NO_ROW and is_own(d.theirs),
        "What a migration leaves of itself in the source is no history of the workload.",
    ),
    Tolerated(
        "waiting DAGs that the target lacks",
        ("dataset_dag_run_queue",),
        (WHOLE_ROW,),
        lambda d, _: d.ours == NO_ROW and d.theirs["target_dag_id"] == UNKNOWN_TO_TARGET,
        "Airflow's own key demands the DAG. Rejected with this reason.",
    ),
    Tolerated(
        "what the source cannot decrypt",
        ("variable", "connection"),
        (WHOLE_ROW,),
        lambda d, _: d.ours == NO_ROW and "unreadable" in d.theirs.values(),
        "No Airflow can read it; reported by name.",
    ),
)
