"""Airflow's own upgrade check, on the bridge release 1.10.15: print what it says of the files as findings.

Runs in a virtual environment of its own with Python 3.7, apache-airflow 1.10.15 and apache-airflow-upgrade-check 1.4.0. One of its
rules loads the DAGs, so it needs the same care as loading them: no credential in the environment, limits by the caller.

Only rules about files are run. Those about connections, options and the database look at an environment, and here is none.
"""

import contextlib
import json
import os
import re
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))  # "python -I" leaves it out
from check_sources import Finding, arguments, quoted, read_capped  # noqa: E402

#: Class of the upgrade check → level. Imports are told more exactly by rules_imports.py, on the target itself.
RULES = {
    "AirflowMacroPluginRemovedRule": "error",
    "ChainBetweenDAGAndOperatorNotAllowedRule": "error",
    "BaseOperatorMetaclassRule": "warning",
    "DbApiRule": "error",
    "ProperlyImportConfFromAirflow": "error",
    "ImportChangesRule": "notice",
    "NoAdditionalArgsInOperatorsRule": "error",
    "UseCustomSQLAInterfaceClassRule": "warning",
}
WHY = "Airflow 2 does not take it."
FIX = "Change it before the migration; most of it may already be written the new way on 1.10.15."


def read_message(rule, message, args):
    """One message of the upgrade check as a finding; it names files by their full paths, and lines now and then."""
    text = quoted(message)
    found = re.search(r"(%s[^\s`'\",:)]*)" % re.escape(args.dags), message)
    path = found.group(1).rstrip(".") if found else None
    line = re.search(r"\(?line[: ]+(\d+)", message)
    file = os.path.relpath(path, args.root).replace(os.sep, "/") if path else None
    number = int(line.group(1)) if line else _line_of_import(path, message) if path and rule == "ImportChangesRule" else None
    # The path says nothing that the finding's file does not.
    text = re.sub(r"DAG file `\S+` with", "a task with", text)
    what = re.sub(r"\.? ?(Affected file|in file): \S+", "", text.replace(args.root + os.sep, ""), flags=re.IGNORECASE).strip()
    return Finding(
        "upgrade-check",
        RULES[rule],
        "Airflow's upgrade check: %s" % what,
        file,
        number or None,
        why="Airflow 2 does not take it.",
        fix="Change it while still on 1.10.15, where both ways work.",
    )


def _line_of_import(path, message):
    """The first line that names the module of "Using `module.Class` should be replaced by …"."""
    name = re.search(r"`([\w.]+)`", message)
    content = read_capped(path) if name else None
    lines = content.decode("utf-8", "replace").splitlines() if content else []
    module = name.group(1).rpartition(".")[0] if name else ""
    return next((number for number, line in enumerate(lines, 1) if module and module in line), None)


def main():
    args = arguments(__doc__)
    home = os.environ["AIRFLOW_HOME"]
    os.environ.update(
        AIRFLOW__CORE__DAGS_FOLDER=args.dags,
        AIRFLOW__CORE__PLUGINS_FOLDER=args.plugins or os.path.join(home, "no-plugins"),
        AIRFLOW__CORE__LOAD_EXAMPLES="False",
    )
    os.environ["AIRFLOW__CORE__SQL_ALCHEMY_CONN"] = "sqlite:///" + os.path.join(home, "bridge.db")
    # Whatever a DAG prints while it is loaded must not stand in the answer.
    answer = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    found, failed = [], []
    with contextlib.redirect_stdout(sys.stderr):
        import airflow.upgrade.rules

        for rule in (cls() for cls in airflow.upgrade.rules.get_rules() if cls.__name__ in RULES):
            name = type(rule).__name__
            try:
                # Asked for the same message by several ways now and then.
                messages = dict.fromkeys(map(str, rule.check() or []))
                found += [read_message(name, message, args) for message in messages if not message.startswith("Please install")]
            except Exception as error:  # noqa: B902 - a rule that fails on somebody's file is told and the others go on
                failed.append("%s (%s)" % (name, type(error).__name__))
    json.dump({"findings": found, "failed": failed, "rules": len(RULES) - len(failed)}, answer)
    answer.flush()


if __name__ == "__main__":
    main()
