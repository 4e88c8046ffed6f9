"""Which arguments the target's own classes take: the truth about operator arguments that went away.

Takes JSON {"airflow.path.Class": [keyword, …]} on stdin, prints {"airflow.path.Class": {"refused": [keyword, …], "positional": number or null}}.
Like import_probe.py it imports Airflow and its providers, and nothing of the user's.
"""

import inspect
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))  # "python -I" leaves it out
from import_probe import in_airflow, load  # noqa: E402


def ask(calls):
    """The answers of all classes that can be told; one with a constructor that cannot be read is left out."""
    answers = {}
    for path, keywords in calls.items():
        try:
            found = load(path)
            answers[path] = refused(found, keywords)
        except Exception:  # noqa: B902, S112 - what does not load or cannot be inspected is another rule's matter, or nobody's
            continue
    return answers


def refused(called, keywords):
    """Keywords that no constructor of the class takes, and how many arguments may be given by position.

    Operators hand their ``**kwargs`` up, so a keyword has to be named by some constructor on the way. One that is taken out of
    ``kwargs`` by hand is a text in its code.
    """
    if not inspect.isclass(called):
        return _of_function(called, keywords)
    taken, positional = set(), None
    for each in called.__mro__:
        function = each.__dict__.get("__init__")
        if function is None or each is object:
            continue
        function = inspect.unwrap(function)
        parameters = inspect.signature(function).parameters.values()
        taken |= {one.name for one in parameters} | {text for text in _texts(function.__code__) if text.isidentifier()}
        if positional is None:
            positional = _positional(parameters) - 1
        if not any(one.kind is one.VAR_KEYWORD for one in parameters):
            break
    return {"refused": [each for each in keywords if each not in taken], "positional": positional}


def _of_function(called, keywords):
    parameters = inspect.signature(called).parameters.values()
    is_open = any(one.kind is one.VAR_KEYWORD for one in parameters)
    return {"refused": [] if is_open else [each for each in keywords if each not in {one.name for one in parameters}], "positional": _positional(parameters)}


def _positional(parameters):
    if any(one.kind is one.VAR_POSITIONAL for one in parameters):
        return 1000
    return sum(1 for one in parameters if one.kind in (one.POSITIONAL_ONLY, one.POSITIONAL_OR_KEYWORD))


def _texts(code):
    """Texts in a function's code, with those of the functions in it."""
    for constant in code.co_consts:
        if isinstance(constant, str):
            yield constant
        elif isinstance(constant, tuple):
            yield from (each for each in constant if isinstance(each, str))
        elif hasattr(constant, "co_consts"):
            yield from _texts(constant)


if __name__ == "__main__":
    in_airflow(ask)
