"""Which rows of a table do not move, and why: each is counted by its reason, and those that nobody chose to leave stand in a side file (design §5)."""
from _parts.activity import IN_FLIGHT
from _parts.database import quoted
from _parts.kept_runs import awaited_event, consumed_event, of_kept_run
from _parts.patterns import chooses, taken_sql

OWN_ROW = "row of mwaa-migrate itself"
#: By `metadata` of the migration file.
BEYOND_HISTORY = "older than metadata.history-days"
BEYOND_AUDIT_LOG = "older than metadata.audit-log-days"
OTHER_DAG = "of a DAG that metadata.dags leaves out"
NO_XCOM = "metadata.xcom is false"
LARGE_XCOM = "larger than metadata.xcom-max-bytes"
#: By what the rows are.
NO_VALUE = "has no {}"
NO_RUN = "belongs to no DAG run"
NO_TASK = "belongs to no task instance"
NO_DATASET = "belongs to no dataset"
NO_EVENT = "belongs to no dataset event"
REPEATED_ROW = "a newer row of the same {} moves"

#: Catalogue option → key of the job's `metadata` that switches its tables off as a whole.
SWITCHES = {"variables": "variables", "connections": "connections", "jobs": "jobs", "task-reschedule": "taskReschedule"}


class Reason(object):
    """`keeps`: SQL, true or false and never NULL, of the rows that it does not concern. `is_lost`: the row cannot move, whatever anybody chose."""

    def __init__(self, text, keeps, is_lost=False):
        self.text, self.keeps, self.is_lost = text, keeps, is_lost


def reasons_of(shape, metadata):
    """Every reason that rows of this table can have, the first that holds being the row's."""
    found = [Reason(OWN_ROW, shape.own)]
    if shape.table["secret"]:
        return found  # Read row by row (secrets_out.py).
    if shape.dag and chooses(metadata["dags"]) and not _by_dataset(shape.table):
        found.append(Reason(OTHER_DAG, taken_sql(shape.dag, metadata["dags"])))
    return found + _of_broken_rows(shape) + _of_filters(shape, metadata)


def joins_of(shape):
    """What the reasons look at beside the shape's own joins: `o` is there for a row whose key a newer one has."""
    if shape.has_unique_key or shape.table["secret"]:
        return ""
    newest = ["{} DESC NULLS LAST".format(quoted(name)) for name in (shape.table["timeColumn"], "id") if name in shape.there]
    return (" LEFT JOIN (SELECT line FROM (SELECT ctid AS line, row_number() OVER (PARTITION BY {} ORDER BY {}) AS place FROM {}) n WHERE place > 1) o "
            "ON o.line = t.ctid").format(", ".join(map(quoted, _key_here(shape))), ", ".join(newest + ["ctid DESC"]), quoted(shape.table["name"]))


def _key_here(shape):
    """The table's key in the columns that this release has for it."""
    key = [name for name in shape.table["key"] if name in shape.there]
    if "run_id" in shape.table["key"] and "run_id" not in shape.there:
        key.append("execution_date" if "execution_date" in shape.there else "dag_run_id")
    return key


def _of_broken_rows(shape):
    table, rules = shape.table, shape.table["rules"]
    needed = set(table["key"]).union(*table["otherKeys"]) if table["merge"] == "keyed" else set()
    found = [Reason(NO_VALUE.format(column.name), "t.{} IS NOT NULL".format(quoted(column.name)), True)
             for column in shape.live if column.name in needed and not column.required]
    if shape.may_lack_run:
        found.append(Reason(NO_RUN, "j.id IS NOT NULL", True))
    if shape.may_lack_task:
        found.append(Reason(NO_TASK, "p.task_id IS NOT NULL", True))
    if "by-uri" in rules.values():
        found.append(Reason(NO_DATASET, "d.id IS NOT NULL", True))
    if "by-event" in rules.values():
        found.append(Reason(NO_EVENT, "e.id IS NOT NULL", True))
    if not shape.has_unique_key:
        found.append(Reason(REPEATED_ROW.format(", ".join(_key_here(shape))), "o.line IS NULL", True))
    return found


def _of_filters(shape, metadata):
    table, option, found = shape.table, shape.table["option"], []
    time = "t." + quoted(table["timeColumn"]) if table["timeColumn"] else None
    days = metadata["auditLogDays"] if option == "audit-log" else metadata["historyDays"]
    if option == "audit-log":
        if days is not None:
            found.append(Reason(BEYOND_AUDIT_LOG, _within(time, days)))
    elif _by_dataset(table):
        found += _of_dataset_rows(shape, metadata)
    elif option in ("history", "xcom", "jobs", "task-reschedule") and days is not None:
        is_of_run = table["parentKey"] or table["name"] == "dag_run"
        found.append(Reason(BEYOND_HISTORY, of_kept_run(shape.run_link("r")) if is_of_run else _within(time, days)))
    if option == "xcom":
        parked = "EXISTS (SELECT 1 FROM dag_run r WHERE {} AND {})".format(shape.run_link("r"), IN_FLIGHT)  # It needs its XComs to go on.
        if not metadata["xcom"]:
            found.append(Reason(NO_XCOM, parked))
        elif metadata["xcomMaxBytes"] is not None:
            found.append(Reason(LARGE_XCOM, "(coalesce(octet_length(t.value), 0) <= {} OR {})".format(int(metadata["xcomMaxBytes"]), parked)))
    return found


def _by_dataset(table):
    return "by-uri" in table["rules"].values()


def _of_dataset_rows(shape, metadata):
    """A run that was made for an event names it, and the next run is given whatever came since the last one: then neither age nor DAG counts."""
    table, dags, days = shape.table, metadata["dags"], metadata["historyDays"]
    if "waiting-dag" in table["rules"].values():  # However old: the DAG has not run since.
        return [Reason(OTHER_DAG, taken_sql(shape.dag, dags))] if chooses(dags) else []
    wanted = "({{}} OR {} OR {})".format(awaited_event(), consumed_event())
    found = [Reason(OTHER_DAG, wanted.format(taken_sql(shape.dag, dags)))] if chooses(dags) else []
    if days is not None:
        found.append(Reason(BEYOND_HISTORY, wanted.format(_within("t." + quoted(table["timeColumn"]), days))))
    return found


def _within(column, days):
    """SQL: no older than so many days, or of no known time."""
    return "({0} IS NULL OR {0} >= now() - interval '{1} days')".format(column, int(days))
