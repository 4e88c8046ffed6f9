"""Runs that the target had made and not begun, before one that began: the source goes on behind that one's stand-in, so these are queued on it."""
from _parts.database import columns_of, names
from _parts.stand_ins import columns_and_values, stand_in_bytes


def queue_unbegun(cursor, dag_id, runs):
    """Queued runs without tasks: the scheduler makes a run's tasks where it does not carry the DAG's newest hash [ran, 2.7.2].

    A run of the source of the same id or logical date is left as it is, also one that a restore before has queued.

    :param runs: of protocol.ts RanOnTarget, of this DAG and of kind `unbegun`.
    """
    if not runs:
        return
    there = names(columns_of(cursor, "dag_run"))
    expressions = dict(dag_id="c.dag_id", run_id="n.run_id", execution_date="n.logical_date", run_type="n.run_type", external_trigger="false", conf="c.conf",
                       state="'queued'" if "queued_at" in there else "'running'", queued_at="now()", updated_at="now()", clear_number="0",
                       data_interval_start="n.interval_start", data_interval_end="n.interval_end", log_template_id="(SELECT max(id) FROM log_template)")
    if "queued_at" not in there:  # 1.10 takes one from the other when the run ends, and ends with an error where there is none [source, 1.10.12].
        expressions["start_date"] = "now()"
    columns, values = columns_and_values(expressions, there)
    cursor.execute(
        "INSERT INTO dag_run ({}) SELECT {} FROM (SELECT %s::text AS dag_id, %s::bytea AS conf) AS c CROSS JOIN unnest(%s::text[], %s::text[], "
        "%s::timestamptz[], %s::timestamptz[], %s::timestamptz[]) AS n(run_id, run_type, logical_date, interval_start, interval_end) "
        "ON CONFLICT DO NOTHING".format(columns, values),
        (dag_id, stand_in_bytes({}), [run["runId"] for run in runs], [run["runType"] for run in runs], [run["logicalDate"] for run in runs],
         [run["intervalStart"] for run in runs], [run["intervalEnd"] for run in runs]))
