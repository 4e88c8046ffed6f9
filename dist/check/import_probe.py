"""Try names on the Airflow of this virtual environment: the truth about what can be imported there.

Takes a JSON list of dotted names below "airflow" on stdin, prints {name: answer}. Nothing of the user's is imported: it runs with
``python -I`` in an empty folder, and names outside of Airflow are refused.
"""

import importlib
import io
import json
import os
import re
import sys
import tempfile
import warnings

#: Airflow's own ways of naming the successor: "Please use `x`", "Please use 'x'", "import it from `x`", "moved to x".
_SUCCESSOR = re.compile(r"(?:use|from|to)[\s:]+[`'\"]*(airflow\.[A-Za-z0-9_.]+[A-Za-z0-9_])")


def probe(name, by_module):
    """One answer: {"loads": bool, "missing": module that is not there or None, "error": text or None, "deprecated": bool, "successors": [dotted name]}.

    :param dict by_module: what Python said when it first imported a module; it says so only once
    """
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        module = name.rpartition(".")[0]
        loads, missing, error = _load(name)
    spoken = [str(w.message) for w in caught if issubclass(w.category, (DeprecationWarning, FutureWarning, PendingDeprecationWarning)) and _is_own(name, w)]
    about_name = [text for text in spoken if name.rpartition(".")[2] in text]
    by_module.setdefault(module, [text for text in spoken if text not in about_name])
    own = about_name or by_module[module]
    successors = [found for text in own for found in _SUCCESSOR.findall(text) if found != name]
    return {"loads": loads, "missing": missing, "error": error, "deprecated": bool(own), "successors": list(dict.fromkeys(successors))}


def _is_own(name, warning):
    """A warning that was raised by an import inside of Airflow is about that import, not about this name."""
    message = str(warning.message)
    if "deprecated" not in message.lower() and "moved" not in message.lower():
        return False
    from_here = warning.filename == __file__ or warning.filename == importlib.__file__ or "importlib" in warning.filename
    module, _, last = name.rpartition(".")
    return from_here or (module in message and last in message)


def _load(name):
    module, _, attribute = name.rpartition(".")
    try:
        parent = importlib.import_module(module)
    except Exception as failure:  # noqa: B902 - a module of a provider may fail in any way; that is the answer
        return (False, *_told(failure))
    try:
        getattr(parent, attribute)
        return True, None, None
    except AttributeError:
        pass
    except Exception as failure:  # noqa: B902 - a lazy import behind __getattr__
        return (False, *_told(failure))
    try:
        importlib.import_module(name)
        return True, None, None
    except Exception as failure:  # noqa: B902
        return (False, *_told(failure))


def _told(failure):
    """(module that is missing, text): a missing module may be the cause of the error that is raised in its place."""
    seen = failure
    while seen is not None:
        if isinstance(seen, ModuleNotFoundError) and seen.name:
            return seen.name, str(failure)[:300]
        seen = seen.__cause__ or seen.__context__
    return None, ("%s: %s" % (type(failure).__name__, failure))[:300]


def load(name):
    """The object of that name.

    :raises ImportError: when it does not load
    """
    module, _, attribute = name.rpartition(".")
    return getattr(importlib.import_module(module), attribute)


def in_airflow(answer):
    """Read a question as JSON from stdin, print the answer as JSON; Airflow is started between the two, in an empty home of its own."""
    question = json.load(sys.stdin)
    stdout, sys.stdout = sys.stdout, io.StringIO()  # Airflow greets; only the answer may reach the caller
    with tempfile.TemporaryDirectory() as home:
        os.environ.update(
            AIRFLOW_HOME=home,
            AIRFLOW__CORE__PLUGINS_FOLDER=os.path.join(home, "none"),
            AIRFLOW__CORE__LOAD_EXAMPLES="False",
            AIRFLOW__CORE__UNIT_TEST_MODE="False",
            HOME=home,
        )
        os.chdir(home)
        # Before any record of warnings: Airflow sets its own filters when it starts.
        import airflow.models  # noqa: F401

        json.dump(answer(question), stdout)


def ask(names):
    """Answers for a list of names."""
    by_module = {}
    return {name: probe(name, by_module) for name in names if isinstance(name, str) and re.match(r"^airflow(\.[A-Za-z_]\w*)+$", name)}


if __name__ == "__main__":
    in_airflow(ask)
