"""Runs one SQL text and prints its rows: the only way in which the tests' TypeScript reaches a database.

Standard input: ``{"url": …, "sql": …, "parameters": {…} | null}``; so no password stands in the process list.
Standard output: ``[[column, …], …]``, empty for a statement without a result. Several statements separated by ``;`` run in one transaction.
"""
import json
import sys

import psycopg2


def main():
    order = json.load(sys.stdin)
    connection = psycopg2.connect(order["url"])
    try:
        with connection, connection.cursor() as cursor:
            cursor.execute("SET TimeZone = 'UTC'; SET bytea_output = 'hex'; SET extra_float_digits = 3")
            cursor.execute(order["sql"], order["parameters"])
            rows = cursor.fetchall() if cursor.description else []
    finally:
        connection.close()
    json.dump(rows, sys.stdout, default=str)


main()
