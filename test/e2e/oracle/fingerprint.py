"""One hash per moved table over every row and its ``xmin``, the transaction that wrote it: a row rewritten with equal values changes it.

Standard input: ``{"url": …}``. Standard output: ``{table: {"rows": n, "hash": …}}``.
Rows of the migration's own DAGs and Variables do not count.
"""
import json
import sys

import psycopg2
from psycopg2 import sql

from rows import MEANT
from tables import OWN_DAGS, OWN_VARIABLES, TABLES

SELECT = """
SELECT count(*), md5(coalesce(string_agg(md5(t.xmin::text || ' ' || t::text), '' ORDER BY md5(t.xmin::text || ' ' || t::text)), ''))
FROM {} t WHERE {}"""


def main():
    order = json.load(sys.stdin)
    connection = psycopg2.connect(order["url"])
    answer = {}
    with connection.cursor() as cursor:
        cursor.execute("SET TimeZone = 'UTC'")
        for table in TABLES:
            cursor.execute(sql.SQL(SELECT).format(sql.Identifier(table), sql.SQL(without_own(table))))
            rows, digest = cursor.fetchone()
            answer[table] = {"rows": rows, "hash": digest}
    connection.close()
    json.dump(answer, sys.stdout)


def without_own(table):
    if table == "variable":
        return f"t.key NOT LIKE '{OWN_VARIABLES}'"
    if table in ("slot_pool", "connection") or table in MEANT:
        return "true"
    return " AND ".join(f"(t.dag_id IS NULL OR t.dag_id NOT LIKE '{pattern}')" for pattern in OWN_DAGS)


main()
