"""What the matrix has shown, pair by pair, for docs/reference/compatibility.md (scripts/compatibility.mjs)."""

import json
import pathlib

import pairs
import tolerated


class Results:
    """Kept in memory until the run ends; written where all pairs have passed and a file is named."""

    def __init__(self):
        self.pairs = []

    def add(self, source, target, manifest, data, seconds):
        """One pair that agreed with the oracle in every row."""
        tables = {table["name"]: {"rows": table["rows"], "leftOut": sum(table["leftOut"].values())} for table in manifest["tables"]}
        for name, table in data["tables"].items():
            tables[name].update(inserted=table["inserted"], rejected=table["rejected"])
        not_moved = {entry["table"]: entry["reason"] for entry in manifest["notMoved"]}
        self.pairs.append(
            {
                "source": source,
                "target": target,
                "seconds": round(seconds, 1),
                "tables": tables,
                "notMoved": not_moved,
                "columnsLeft": data["columnsLeft"],
            }
        )

    def write(self, file):
        entries = [{"name": one.name, "tables": one.tables, "columns": one.columns, "reason": one.reason} for one in tolerated.ENTRIES]
        said = {"sources": pairs.SOURCES, "targets": pairs.TARGETS, "pairs": self.pairs, "tolerated": entries}
        pathlib.Path(file).write_text(json.dumps(said, indent=1) + "\n")
