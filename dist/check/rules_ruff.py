"""What ruff's Airflow rules find and no rule of ours: methods, attributes and signatures that Airflow 3 changed.

ruff (from PyPI, beside the target's Airflow) reads the files as text; its rules speak of Airflow 3 alone. What it says of imports,
arguments and context names is left to the rules that try them on the target's Airflow, so that a line is told once.
"""

import json
import os
import re
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))  # "python -I" leaves it out
from check_sources import Finding, arguments, print_findings, python_sources, version  # noqa: E402
from import_uses import uses_in  # noqa: E402
from release_guards import softened  # noqa: E402
from rules_arguments import calls_in  # noqa: E402
from rules_context import tasks_in, uses_of  # noqa: E402

#: AIR303 fails when it is reached; AIR304 costs a DAG version at each parse; what AIR311, AIR312 and AIR321 name works for now.
LEVELS = {"AIR301": "warning", "AIR302": "warning", "AIR303": "error", "AIR304": "notice", "AIR311": "notice", "AIR312": "notice", "AIR321": "notice"}
RUFF_SECONDS = 300


def run_ruff(args):
    """ruff's own findings, as its JSON has them; an empty list where ruff is not installed, which the caller of the rules reports."""
    beside = os.path.join(os.path.dirname(sys.executable), "ruff")
    ruff = beside if os.path.exists(beside) else shutil.which("ruff")
    if ruff is None:
        return []
    # No file of the repository may choose what is looked at: no configuration, no "noqa", no .gitignore.
    options = ["--isolated", "--no-cache", "--preview", "--select", "AIR3", "--ignore-noqa", "--no-respect-gitignore", "--exit-zero", "--output-format", "json"]
    # In place of ruff's own list, which has "build", "venv" and more: Airflow loads DAG files from there.
    options += ["--exclude", "__pycache__,.git"]
    folders = [folder for folder in (args.dags, args.plugins) if folder]
    run = subprocess.run(
        [ruff, "check", *options, "--", *folders],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        timeout=RUFF_SECONDS,
        cwd=args.root,
    )
    return json.loads(run.stdout.decode("utf-8", "replace")) if run.returncode == 0 else []


def told_elsewhere(source):
    """Predicate (line, name) of what other rules look at in this file."""
    imported = {name for use in uses_in(source) for name in use.names}
    given = {
        (line, name)
        for call in calls_in(source)
        for name in call.keywords
        for line in range(call.node.lineno, getattr(call.node, "end_lineno", call.node.lineno) + 1)
    }
    used = {(line, name) for task in tasks_in(source) for _, name, line in uses_of(task)}
    return lambda line, name: name in imported or (line, name) in given or (line, name) in used


def judge(told, source, is_told):
    """The finding of one of ruff's, None when another rule tells it."""
    line = told["location"]["row"]
    name = re.match(r"`([^`]+)`", told["message"])
    if is_told(line, name.group(1) if name else ""):
        return None
    level = LEVELS.get(told["code"])
    if level is None:
        return None
    edits = (told["fix"] or {}).get("edits", [])
    # One edit on the line: the name alone changes. Several: an import changes with it, which is no text for this place.
    replacement = edits[0]["content"] if len(edits) == 1 and edits[0]["location"]["row"] == line and edits[0]["content"] else None
    return Finding(
        "airflow-3-usage",
        level,
        "%s (ruff %s)" % (told["message"].rstrip(";. "), told["code"]),
        source.name,
        line,
        why="It changed with Airflow 3." if level != "notice" else "It works for now; a later version removes it.",
        fix=(told["fix"] or {}).get("message") or "See %s." % told["url"],
        replacement=replacement,
    )


def main():
    args = arguments(__doc__)
    by_file = {}
    for told in run_ruff(args):
        if told["code"] in LEVELS:
            by_file.setdefault(os.path.realpath(told["filename"]), []).append(told)
    if version(args.target) < (3,):
        count = sum(len(told) for told in by_file.values())
        print_findings(
            [
                Finding(
                    "before-airflow-3",
                    "notice",
                    "Places that have to change before a migration to Airflow 3: %d in %d files." % (count, len(by_file)),
                    why="They work on this target.",
                    fix='Run "ruff check --preview --select AIR3" to see them.',
                )
            ]
            if count
            else []
        )
        return
    findings = []
    for source in python_sources(args):
        if source.path in by_file:
            is_told = told_elsewhere(source)
            findings += softened(source, filter(None, [judge(told, source, is_told) for told in by_file[source.path]]))
    print_findings(findings)


if __name__ == "__main__":
    main()
