"""Where a name of Airflow went, and which of its places load on the target."""

import json
import os
import subprocess
import sys

from check_sources import quoted

HERE = os.path.dirname(os.path.abspath(__file__))
#: Seconds. The slowest release takes 5 s for its own start and some hundred names on an idle core.
PROBE_SECONDS = 300
#: Names tried at most: a repository does not import more of Airflow than Airflow has in ordinary use.
MAX_NAMES = 3000
#: Providers whose name has two parts below airflow.providers.
_FAMILIES = ("apache", "atlassian", "cncf", "common", "dbt", "microsoft")
_SESSION = "Read metadata by Airflow's REST API or by airflow.sdk; tasks of Airflow 3 get no database session."
_SUBDAG = "Put the inner DAG's tasks into a TaskGroup, or start a DAG of its own with TriggerDagRunOperator."
#: Names whose successor is no import but another way of writing.
CURES = {
    "airflow.utils.dates.days_ago": 'Write the start date as a date: datetime(2024, 1, 1, tzinfo=timezone.utc), or pendulum.today("UTC").add(days=-N).',
    "airflow.utils.dates.date_range": "Write the dates with datetime and timedelta.",
    "airflow.utils.decorators.apply_defaults": "Remove the decorator: since 2.1 BaseOperator applies default_args by itself.",
    "airflow.operators.subdag.SubDagOperator": _SUBDAG,
    "airflow.operators.subdag_operator.SubDagOperator": _SUBDAG,
    "airflow.operators.SubDagOperator": _SUBDAG,
    "airflow.utils.db.create_session": _SESSION,
    "airflow.utils.db.provide_session": _SESSION,
}


def probe(names):
    """Ask the target's Airflow about the names: {name: answer of import_probe.py}."""
    return ask_target("import_probe.py", sorted(names)[:MAX_NAMES]) if names else {}


def ask_target(script, question):
    """Run a probe beside this file in the same virtual environment. Nothing of the user's is imported.

    :returns: its answer, from JSON
    :raises RuntimeError: when Airflow itself does not start, with what it said last
    """
    # Without the options of whoever runs the rules: a secrets backend, for one, cannot be imported here.
    environment = {name: value for name, value in os.environ.items() if name in ("PATH", "LANG", "TMPDIR", "TZ")}
    run = subprocess.run(
        [sys.executable, "-I", "-B", os.path.join(HERE, script)],
        input=json.dumps(question).encode(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        timeout=PROBE_SECONDS,
        env=environment,
    )
    if run.returncode != 0:
        raise RuntimeError("Airflow of the target does not start: %s" % quoted(run.stderr.decode("utf-8", "replace")[-400:]))
    return json.loads(run.stdout.decode())


def distribution_of(name):
    """ "airflow.providers.cncf.kubernetes.operators.pod.X" is in "apache-airflow-providers-cncf-kubernetes"."""
    return "apache-airflow-providers-" + "-".join(_provider_of(name).split(".")[2:]).replace("_", "-")


def _provider_of(name):
    """ "airflow.providers.cncf.kubernetes" of a name in it, None of a name outside of the providers."""
    parts = name.split(".")
    if parts[:2] != ["airflow", "providers"] or len(parts) < 4:
        return None
    return ".".join(parts[:4] if parts[2] in _FAMILIES else parts[:3])


class Moves:
    """Where names went.

    :param dict table: import_moves.json
    :param dict answers: of the target, by name; grows while more names are tried
    """

    def __init__(self, table):
        self.table, self.answers = table, {}
        self._modules = {}
        for old in table:
            self._modules.setdefault(old.rpartition(".")[0], []).append(old)

    @classmethod
    def asked(cls, table, names):
        """Moves for these names, after the target was asked about them and every place they may have gone to."""
        moves = cls(table)
        wanted = set(names)
        # Twice, because Airflow's own warnings name places that the table does not know.
        for _ in range(2):
            wanted = ({place for name in names for place in moves.places(name)} | wanted) - set(moves.answers)
            moves.answers.update(probe(wanted))
        return moves

    def places(self, name):
        """Every place the name may have gone to, over any number of moves, nearest first."""
        if name in CURES:
            return []
        seen, waiting = {name: True}, [name]
        while waiting:
            here = waiting.pop(0)
            for new in [*self._told(here), *self.table.get(here, []), *self._of_module(here)]:
                # The public place of what the SDK defines somewhere below.
                public = ["airflow.sdk." + new.rpartition(".")[2]] if new.startswith("airflow.sdk.") else []
                for place in [*public, new]:
                    if place not in seen:
                        seen[place] = True
                        waiting.append(place)
        return [new for new in seen if new != name]

    def _told(self, name):
        """Places of Airflow's own warning. Old releases name only the module that took over; the name in it stayed."""
        last = name.rpartition(".")[2]
        told = self.answers.get(name, {}).get("successors", [])
        is_class = last[:1].isupper()
        return [new if new.rpartition(".")[2][:1].isupper() or not is_class else new + "." + last for new in told]

    def _of_module(self, name):
        """The modules that took over most names of this one; none when something of it has no successor."""
        children = self._modules.get(name, [])
        if any(child in CURES for child in children):
            return []
        places = {}
        for child in children:
            for module in {new.rpartition(".")[0] for new in self.table[child]}:
                places[module] = places.get(module, 0) + 1
        return [module for module, count in places.items() if count * 2 > len(children)]

    def loads(self, name):
        return self.answers.get(name, {}).get("loads", False)

    def best(self, name):
        """The place to write: one that loads and is not deprecated itself, else one that loads. None: there is none."""
        loading = [new for new in self.places(name) if self.loads(new)]
        # A module that loads may be one whose names have all moved on; importing it says nothing of that.
        loading.sort(key=lambda new: new in self._modules)
        return next((new for new in loading if not self.answers[new]["deprecated"]), loading[0] if loading else None)

    def with_provider(self, name):
        """The place that would load if its provider, of which nothing is installed, were there. None: there is none."""
        for new in [name, *self.places(name)]:
            provider = _provider_of(new)
            if provider is not None and self.answers.get(new, {}).get("missing") in (provider, provider.rpartition(".")[0]):
                return new
        return None
