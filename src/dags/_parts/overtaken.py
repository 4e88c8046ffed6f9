"""What restore did not do: runs of a DAG that somebody had unpaused before it came there. And its record, by which a second restore knows the first.

S3, `<attempt>/restore/settled.json`: {"dagIds": [...], "overtaken": [...]}: DAGs of which everything that the target ran is settled, written when
all are, and protocol.ts RestoreData's overtaken. What is in flight of such a DAG later, a person has queued again.
"""
import json

from _parts.activity import IN_FLIGHT


def read_settled(command):
    """As settled.json, empty where no restore has come to its end."""
    body = command.storage.read_if_there(command.prefix + "restore/settled.json")
    return json.loads(body.decode("utf-8")) if body is not None else {"dagIds": [], "overtaken": []}


def write_settled(command, dag_ids, overtaken):
    command.storage.write_json(command.prefix + "restore/settled.json", {"dagIds": sorted(dag_ids), "overtaken": overtaken})


def overtaken_runs(cursor, dag_id, ran):
    """Of a DAG that is unpaused: runs that go on here though they went on at the target, and unbegun ones that nobody has queued here.

    None of a DAG that a try before has put back, for that has ended the former and queued the latter.

    :param ran: runs of protocol.ts RanOnTarget, of this DAG.
    """
    resumed = [run["runId"] for run in ran if run["kind"] == "resumed"]
    unbegun = [run for run in ran if run["kind"] == "unbegun"]
    cursor.execute(
        "SELECT r.run_id, 'resumed' FROM dag_run r WHERE r.dag_id = %s AND r.run_id = ANY(%s) AND {} UNION ALL "
        "SELECT n.run_id, 'unbegun' FROM unnest(%s::text[], %s::timestamptz[]) AS n(run_id, logical_date) WHERE NOT EXISTS (SELECT 1 FROM dag_run r "
        "WHERE r.dag_id = %s AND (r.run_id = n.run_id OR r.execution_date = n.logical_date)) ORDER BY 2, 1".format(IN_FLIGHT),
        (dag_id, resumed, [run["runId"] for run in unbegun], [run["logicalDate"] for run in unbegun], dag_id))
    return [{"dagId": dag_id, "runId": row[0], "kind": row[1]} for row in cursor.fetchall()]
