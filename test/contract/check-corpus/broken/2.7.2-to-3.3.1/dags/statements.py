"""Statements that the marts share."""

import sqlalchemy as sa

orders = sa.table("orders", sa.column("id"), sa.column("total"))


def sum_of_orders():
    return str(sa.select([sa.func.sum(orders.c.total)]))
