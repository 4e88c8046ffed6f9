"""Imports of Airflow that are gone or have moved on the target, with what to write in their place.

What loads is not looked up in a table: each name is tried on the target's real Airflow (import_probe.py), also names that a DAG
imports only when a task runs, which no loading of the file would find. The table (import_moves.json, made from real releases) only
says where a name might have gone, and a replacement is given only when it loads on the target.
"""

import json
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)  # "python -I" leaves it out
from check_sources import Finding, arguments, print_findings, python_sources, quoted  # noqa: E402
from import_moves import CURES, Moves, distribution_of  # noqa: E402
from import_uses import uses_in  # noqa: E402
from plugin_modules import plugin_names  # noqa: E402


def judge(use, moves, plugins, target):
    """The findings of one use: a statement is told once, however many of its names are gone."""
    removed, missing, moved = [], [], []
    # A file that copes with the absence of a name has another way; the loader tells when that one fails.
    for full in [] if use.guarded else use.names:
        answer = moves.answers.get(full)
        if answer is None or plugins.knows(full):
            continue
        if answer["loads"]:
            if answer["deprecated"]:
                moved.append(full)
        elif moves.best(full) is None and moves.with_provider(full):
            missing.append(full)
        else:
            removed.append(full)
    for full in missing:
        yield _provider_missing(use, full, moves)
    if removed:
        yield _removed(use, removed, moves, target)
    elif moved:
        yield _deprecated(use, moved, moves, target)


def _removed(use, names, moves, target):
    why = "The file does not load, or the task fails that runs the import."
    cure = next((CURES[full] for full in names if full in CURES), None)
    fix = cure or _moved_to(names, moves) or "Airflow %s has nothing in its place: %s" % (target, quoted(moves.answers[names[0]]["error"]))
    return Finding(
        "import-removed",
        "error",
        "%s cannot be imported on Airflow %s." % (" and ".join(names), target),
        use.source.name,
        use.line,
        why=why,
        fix=fix,
        replacement=use.rewritten(moves),
    )


def _provider_missing(use, full, moves):
    place = moves.with_provider(full)
    distribution = distribution_of(place)
    moved = "" if place == full else ' Then write "%s".' % use.written(full, place)
    return Finding(
        "provider-missing",
        "error",
        "%s is in %s, which is not installed on the target." % (full, distribution),
        use.source.name,
        use.line,
        why="Neither MWAA's image nor the requirements file brings it.",
        fix="Add %s to the requirements file.%s" % (distribution, moved),
    )


def _deprecated(use, names, moves, target):
    return Finding(
        "import-deprecated",
        "notice",
        "Deprecated on Airflow %s, and removed by a later version: %s." % (target, " and ".join(names)),
        use.source.name,
        use.line,
        fix=_moved_to(names, moves),
        replacement=use.rewritten(moves),
    )


def _moved_to(names, moves):
    places = ["%s is now %s" % (full, moves.best(full)) for full in names if moves.best(full)]
    return "; ".join(places) + "." if places else None


def main():
    args = arguments(__doc__)
    findings = []
    with open(os.path.join(HERE, "import_moves.json"), encoding="utf-8") as stream:
        table = json.load(stream)
    uses = [use for source in python_sources(args, unread=findings) for use in uses_in(source)]
    plugins = plugin_names(args)
    moves = Moves.asked(table, {full for use in uses for full in use.names})
    for use in uses:
        findings += judge(use, moves, plugins, args.target)
    print_findings(findings)


if __name__ == "__main__":
    main()
