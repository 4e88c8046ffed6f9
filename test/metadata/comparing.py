"""What arrived against the oracle: row by row, column by column."""

import collections

#: Stands where a database has no such column, or no such row.
NO_COLUMN, NO_ROW = "(no such column)", "(no such row)"
WHOLE_ROW = "(the row)"

#: One difference. `ours` and `oracle` are the values, `mine` and `theirs` the whole rows (None where there is none).
Difference = collections.namedtuple("Difference", "table key column ours oracle mine theirs")


def differences(ours, oracle):
    """Every difference between two results of rows.rows_of."""
    for table in sorted(set(ours) | set(oracle)):
        here, there = ours.get(table, {}), oracle.get(table, {})
        for key in here.keys() | there.keys():
            mine, theirs = here.get(key), there.get(key)
            if mine is None:
                yield Difference(table, key, WHOLE_ROW, NO_ROW, theirs, None, theirs)
            elif theirs is None:
                yield Difference(table, key, WHOLE_ROW, mine, NO_ROW, mine, None)
            else:
                for column in sorted(mine.keys() | theirs.keys()):
                    one, other = mine.get(column, NO_COLUMN), theirs.get(column, NO_COLUMN)
                    if one != other:
                        yield Difference(table, key, column, one, other, mine, theirs)


def unexplained(ours, oracle, pair, entries, used):
    """The differences that no entry of tolerated.py allows, as short lines; the entries that explain one are added to `used`."""
    lines = []
    for difference in differences(ours, oracle):
        entry = next((one for one in entries if one.explains(difference, pair)), None)
        if entry is None:
            lines.append(shown(difference))
        else:
            used.add(entry.name)
    return sorted(lines)


def shown(difference):
    def short(value):
        text = repr(value)
        return text if len(text) < 160 else "{} … {} characters".format(text[:120], len(text))

    return "{} {}.{}: ours {}, Airflow's {}".format(
        difference.table, short(difference.key), difference.column, short(difference.ours), short(difference.oracle)
    )
