"""Which DAG runs an export moves under `history-days` and `dags`, found once per snapshot: whatever belongs to a run looks it up (design §5).

As conditions on each row they would be judged for every row of every table, and what lies behind a run in flight by a search in
its DAG's whole history each time.
"""
from _parts.activity import IN_FLIGHT, run_type_of
from _parts.database import columns_of
from _parts.datasets import DATASET_TRIGGERED
from _parts.patterns import chooses, taken_sql

#: Temporary tables of the export's session.
KEPT_RUNS = "mwaa_migrate_kept_runs"
AWAITED = "mwaa_migrate_awaited"


def has_run_filter(metadata):
    """Whether find_kept_runs has anything to find."""
    return metadata["historyDays"] is not None or chooses(metadata["dags"])


def make_kept_runs(cursor):
    """The empty tables: a snapshot that only reads may fill a temporary table, but not make one."""
    cursor.execute("CREATE TEMP TABLE {} AS SELECT id, dag_id, run_id, execution_date FROM dag_run WITH NO DATA".format(KEPT_RUNS))
    for number, key in enumerate(("id", "dag_id, run_id", "dag_id, execution_date")):
        cursor.execute("CREATE UNIQUE INDEX {0}_{1} ON {0} ({2})".format(KEPT_RUNS, number, key))
    cursor.execute("CREATE TEMP TABLE {} (dataset_id integer PRIMARY KEY, since timestamptz NOT NULL)".format(AWAITED))


def find_kept_runs(cursor, days, dags):
    """Fill both, in the snapshot. A run of a DAG that `dags` takes (patterns.py) moves when any of these is so:

    - its logical date is within `days` (None: whenever it was);
    - it is in flight;
    - it is the newest automated one of its type: the scheduler computes the next run from it, and everything from start_date would run again;
    - it lies behind a scheduled run in flight: when that ends, the scheduler goes on from *its* interval and makes every later one that
      has no run [ran, 2.10.3];
    - it is the one before a run in flight, of any type or of the automated ones: a task with depends_on_past looks for itself there
      (prev_dagrun_dep.py: DAGs with catchup ask for the second, others for the first).
    """
    run_type = run_type_of(cursor, "r")
    # Sorted and passed through once: no row searches among the others, and no plan depends on what the planner believes of them.
    cursor.execute(
        "INSERT INTO {kept} SELECT id, dag_id, run_id, execution_date FROM (SELECT w.*, "
        "min(execution_date) FILTER (WHERE flies AND run_type = 'scheduled') OVER (PARTITION BY dag_id) AS flies_since, "
        "row_number() OVER (PARTITION BY dag_id, run_type ORDER BY execution_date DESC) AS place, "
        "lag(flies) OVER (PARTITION BY dag_id ORDER BY execution_date DESC) AS next_flies, "
        "min(execution_date) FILTER (WHERE flies) OVER later AS next_flying, "
        "min(execution_date) FILTER (WHERE is_automated) OVER later AS next_automated "
        "FROM (SELECT r.id, r.dag_id, r.run_id, r.execution_date, {type} AS run_type, {type} <> 'manual' AS is_automated, {flies} AS flies "
        "FROM dag_run r WHERE {taken}) w "
        "WINDOW later AS (PARTITION BY dag_id ORDER BY execution_date DESC ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)) x "
        "WHERE flies OR next_flies OR {recent} OR execution_date > flies_since "
        "OR (is_automated AND (place = 1 OR next_flying <= coalesce(next_automated, 'infinity')))".format(
            kept=KEPT_RUNS, type=run_type, flies=IN_FLIGHT, taken=taken_sql("r.dag_id", dags),
            recent="true" if days is None else "execution_date >= now() - interval '{} days'".format(int(days))))
    cursor.execute("ANALYZE {}".format(KEPT_RUNS))
    if columns_of(cursor, "dag_schedule_dataset_reference"):
        # Airflow's own rule: the next dataset-triggered run of a DAG is given the events since its newest one.
        cursor.execute(
            "INSERT INTO {} SELECT c.dataset_id, min(coalesce(n.newest, '-infinity')) FROM dag_schedule_dataset_reference c LEFT JOIN "
            "(SELECT dag_id, max(execution_date) AS newest FROM dag_run WHERE run_type = '{}' GROUP BY dag_id) n ON n.dag_id = c.dag_id "
            "WHERE {} GROUP BY c.dataset_id".format(AWAITED, DATASET_TRIGGERED, taken_sql("c.dag_id", dags)))
        cursor.execute("ANALYZE {}".format(AWAITED))


def of_kept_run(link):
    """SQL: the row belongs to a run that moves; `link` ties it to that run `r`."""
    return "EXISTS (SELECT 1 FROM {} r WHERE {})".format(KEPT_RUNS, link)


def awaited_event():
    """SQL over dataset_event `t`: a run that is still to be made will be given it."""
    return "t.timestamp > (SELECT a.since FROM {} a WHERE a.dataset_id = t.dataset_id)".format(AWAITED)


def consumed_event():
    """SQL over dataset_event `t`: a run that moves was made for it."""
    return "EXISTS (SELECT 1 FROM dagrun_dataset_event l JOIN {} r ON r.id = l.dag_run_id WHERE l.event_id = t.id)".format(KEPT_RUNS)
