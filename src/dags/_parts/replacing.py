"""A further attempt into the same target: what an earlier one brought, and nobody touched since, makes room for what the source has now.

So do runs that went on at the target until rollback took them back: what became of them is decided on the source, where they were put
back, cleared or left. Runs that the target made itself stay, for on the source a row without tasks stands for them; unless they ran there.
"""
import json

from _parts.database import columns_of, names, quoted


class Earlier(object):
    """The exports that were imported into this target before. Rows of it are judged by them, never by a mark that could be lost."""

    def __init__(self, command, staging):
        self.staging = staging
        self.tables = command.job["tables"]
        self.manifests = [json.loads(command.storage.read_checked(reference, "the manifest of an earlier attempt").decode("utf-8"))
                          for reference in command.job["earlierManifests"]]
        self.went_on = sorted({(run["dagId"], run["runId"]) for reference in command.job["earlierRan"]
                               for run in json.loads(command.storage.read_checked(reference, "what the target ran").decode("utf-8"))["runs"]})
        self.replaced_runs = 0

    def room_for(self, staged, tasks):
        """What merge_table is to call before it judges rows of `staged`; None where nothing was brought before.

        :param tasks: the staged task instances, for a table of runs: a run that was in flight twice may look the same and have gone on.
        """
        table = staged.table
        if table["merge"] != "keyed" or table["parent"] is not None or not staged.exists:
            return None
        before = []
        for number, manifest in enumerate(self.manifests, 1):
            for entry in manifest["tables"]:
                if entry["name"] == table["name"]:
                    before.append(self.staging.load(table, entry, "before{}_{}".format(number, table["name"])))
        return (lambda cursor: self._make_room(cursor, staged, before, tasks)) if before else None

    def _make_room(self, cursor, staged, before, tasks):
        cursor.execute("CREATE TEMP TABLE mwaa_replaced (line tid) ON COMMIT DROP")
        for one in before:
            for changed in _changes(cursor, staged, tasks):
                # Locked, so that nobody queues a run between this look and its end.
                cursor.execute("INSERT INTO mwaa_replaced SELECT t0.ctid FROM {} t0 WHERE {} AND {} AND {} FOR UPDATE OF t0".format(
                    staged.target, _exists(one, "{} AND NOT {}".format(one.same(staged.table["key"], "t0"), one.differs())), _resting(staged.table), changed))
        if staged.table["name"] == "dag_run" and self.went_on:
            self._make_room_for_decided(cursor, staged, tasks)
        lines = "ctid = ANY (ARRAY(SELECT DISTINCT line FROM mwaa_replaced))"
        if staged.table["name"] == "dag_run":
            cursor.execute("CREATE TEMP TABLE mwaa_replaced_runs ON COMMIT DROP AS SELECT id, dag_id, run_id FROM dag_run WHERE {}".format(lines))
            self.replaced_runs = cursor.rowcount
            self._remove_children(cursor)
        cursor.execute("DELETE FROM {} WHERE {}".format(staged.target, lines))
        cursor.execute("DROP TABLE IF EXISTS pg_temp.mwaa_replaced_runs, pg_temp.mwaa_replaced")

    def _make_room_for_decided(self, cursor, staged, tasks):
        """Runs that rollback took back, where the source has more of them than a stand-in."""
        decided = _exists(staged, "{} AND NOT {}".format(staged.same(staged.table["key"], "t0"), staged.stands_in()))
        for changed in _changes(cursor, staged, tasks):
            cursor.execute("INSERT INTO mwaa_replaced SELECT t0.ctid FROM {} t0 WHERE (t0.dag_id, t0.run_id) IN "
                           "(SELECT * FROM unnest(%s::text[], %s::text[])) AND {} AND {} AND {} FOR UPDATE OF t0".format(
                               staged.target, decided, _resting(staged.table), changed),
                           ([run[0] for run in self.went_on], [run[1] for run in self.went_on]))

    def _remove_children(self, cursor):
        """Those that this migration brings; Airflow's own foreign keys take the rest (notes, history of tries) with the run."""
        for table in reversed(self.tables):
            there = names(columns_of(cursor, table["name"]))
            if table["parent"] is None or not there:
                continue
            link = "c.dag_id = x.dag_id AND c.run_id = x.run_id" if "run_id" in there else "c.dag_run_id = x.id"
            cursor.execute("DELETE FROM {} c USING mwaa_replaced_runs x WHERE {}".format(quoted(table["name"]), link))


def _exists(staged, condition):
    return "EXISTS (SELECT 1 FROM {} WHERE {})".format(staged.source("dag_run"), condition)


def _resting(table):
    """SQL: the row `t0` is of no DAG that is active here. A run that was queued here differs from what was brought, and stays."""
    if table["dagColumn"] is None:
        return "true"
    return "NOT EXISTS (SELECT 1 FROM dag a WHERE a.dag_id = t0.{} AND a.is_active AND NOT a.is_paused)".format(quoted(table["dagColumn"]))


def _changes(cursor, staged, tasks):
    """SQL conditions on the live row `t0`, each a way in which the source has something else now."""
    table = staged.table
    same = staged.same(table["key"], "t0")
    found = [_exists(staged, "{} AND {}".format(same, staged.differs()))]
    found += [_exists(staged, "{} AND NOT ({})".format(staged.same(key, "t0"), same)) for key in table["otherKeys"]]
    if "waiting-dag" in table["rules"].values():
        found.append("NOT " + _exists(staged, same))  # Airflow has taken it away: the DAG must not run for it again.
    if table["name"] == "dag_run" and tasks is not None:
        found.append("{} AND (t0.dag_id, t0.run_id) IN ({})".format(_exists(staged, same), _gone_on(tasks)))
    return found


def _gone_on(tasks):
    """SELECT of (dag_id, run_id): runs whose task instances are not what was exported now. Rows that cannot land say nothing."""
    same = tasks.same(tasks.table["key"], "t0")
    unfit = "".join(" AND NOT ({})".format(condition) for condition, _ in tasks.unfit())
    return ("SELECT s.dag_id, s.run_id FROM {stage} s LEFT JOIN task_instance t0 ON {same} WHERE (t0.dag_id IS NULL OR {differs}){unfit} "
            "UNION ALL SELECT t0.dag_id, t0.run_id FROM task_instance t0 WHERE NOT EXISTS (SELECT 1 FROM {stage} s WHERE {same})").format(
                stage=tasks.stage, same=same, differs=tasks.differs(), unfit=unfit)
