"""Dataset events by what they are, for the ids of datasets and events mean nothing in another database (Airflow 2.4 to 2.11)."""
import re

from _parts.database import literal
from _parts.owed_queue import uri_here

#: What tells one event of a dataset from another; where even that is equal, their number in the order of what they carry.
EVENT_IDENTITY = ("timestamp", "source_dag_id", "source_task_id", "source_run_id", "source_map_index")

#: SQL: every event of an environment with its dataset's URI and its number among equals.
KNOWN_EVENTS = (
    "SELECT x.id, u.uri, {0}, row_number() OVER (PARTITION BY x.dataset_id, {0} ORDER BY md5(x.extra::text) COLLATE \"C\", x.id) AS number "
    "FROM dataset_event x JOIN dataset u ON u.id = x.dataset_id").format(", ".join("x." + column for column in EVENT_IDENTITY))

#: Airflow 3 calls it asset_triggered.
DATASET_TRIGGERED = "dataset_triggered"

#: The user and password of a URI, as Airflow 2.9 and later find them when they drop them: in any scheme but the user's own (x-…).
CREDENTIALS = "^((?![Xx]-)[A-Za-z][A-Za-z0-9+.-]*://)[^/?#]*@"


def drops_credentials(target_version):
    """Whether the target's Airflow knows its datasets without them: then they need not leave the source. `target_version`: e.g. "2.10.3"."""
    return tuple(int(number) for number in target_version.split(".")[:2]) >= (2, 9)


def uri_that_moves(uri, target_version):
    return re.sub(CREDENTIALS, r"\1", uri) if drops_credentials(target_version) else uri


def uri_that_moves_sql(expression, target_version):
    """SQL: the same of a column."""
    return "regexp_replace({}, {}, '\\1')".format(expression, literal(CREDENTIALS)) if drops_credentials(target_version) else expression


def same_event(alias):
    """SQL: the staged row `s`, its URI as in `u`, means the event `alias` of KNOWN_EVENTS. Staged as texts: the target's table has no such columns."""
    types = {"timestamp": "timestamptz", "source_map_index": "integer"}
    tests = ["{0}.uri = u.here".format(alias), "{0}.timestamp = s.timestamp::timestamptz".format(alias),
             "{0}.number = s.event_number::bigint".format(alias)]
    return " AND ".join(tests + ["{0}.{1} IS NOT DISTINCT FROM s.{1}::{2}".format(alias, column, types.get(column, "text"))
                                 for column in EVENT_IDENTITY[1:]])


def name_uris(cursor, stage, uris):
    """Make table `uris` (uri, here): what each URI of the staged rows is on the target, whose Airflow may write it otherwise."""
    cursor.execute("SELECT DISTINCT dataset_uri FROM {}".format(stage))
    found = [row[0] for row in cursor.fetchall()]
    cursor.execute("DROP TABLE IF EXISTS {}".format(uris))
    cursor.execute("CREATE UNLOGGED TABLE {} AS SELECT * FROM unnest(%s::text[], %s::text[]) AS n(uri, here)".format(uris),
                   (found, [uri_here(uri) for uri in found]))


def add_datasets(cursor, uris):
    """Datasets that no DAG file of the target has named yet. Airflow finds them by their URI when it parses one that does."""
    cursor.execute("INSERT INTO dataset (uri, extra, created_at, updated_at) SELECT n.here, '{{}}', now(), now() FROM "
                   "(SELECT DISTINCT here FROM {}) n WHERE NOT EXISTS (SELECT 1 FROM dataset d WHERE d.uri = n.here) "
                   "ON CONFLICT DO NOTHING".format(uris))
