"""Where a file copes with several releases of Airflow: it asks for the release, or catches what an older or newer one raises."""

import ast
import functools
import re

from check_sources import dotted, text_of

#: Names by which files ask: __version__, AIRFLOW_V_3_0_PLUS of the providers, TYPE_CHECKING, IS_AIRFLOW_3, AF3; not "conversion".
_ASKS = re.compile(r"(?<!con)version|AIRFLOW_V|^TYPE_CHECKING$|(?:^|_)(?:airflow|af)_?v?[123](?![0-9])", re.IGNORECASE)
#: Names whose value comes from Airflow's release.
_RELEASE = re.compile(r"^__version__$|AIRFLOW_V|airflow_version|^AIRFLOW_?[123]", re.IGNORECASE)
#: Where a name of Airflow is looked for: find_spec("airflow.sdk"), version("apache-airflow").
_LOOKS = ("find_spec", "version", "get_distribution", "hasattr", "get_provider_info")
#: What a file catches that copes with the absence of a name.
ABSENCE = ("ImportError", "ModuleNotFoundError", "Exception", "BaseException", "")
#: Rounds of names that come from names: VERSION, MAJOR of it, IS_3 of that.
_ROUNDS = 4


def copes(source, node, *exceptions):
    """Whether the node stands where the file knows that it may fail.

    That is: in a try, or a ``with suppress``, for one of the exceptions ("": for all), or in a branch of a question for the release.
    """
    known = set(exceptions)
    child = node
    for around in source.ancestors(node):
        if isinstance(around, ast.Try) and (child in around.body or child in around.handlers) and _caught_by(around) & known:
            return True
        if isinstance(around, (ast.With, ast.AsyncWith)) and child in around.body and _suppressed_by(around) & known:
            return True
        if _is_branch(around, child, source):
            return True
        child = around
    return False


def softened(source, findings):
    """The findings of a file; those in a branch of a question for the release become notices, because nobody knows here who takes it."""
    lines = _branch_lines(source)
    for finding in findings:
        if finding["line"] in lines and finding["level"] != "notice":
            finding = type(finding)(
                finding["code"],
                "notice",
                finding["what"],
                finding["file"],
                finding["line"],
                finding["dagId"],
                why="The file asks for the release before it gets here. Where the target takes this branch: %s" % (finding["why"] or "it fails."),
                fix=finding["fix"],
                replacement=finding["replacement"],
            )
        yield finding


def _is_branch(around, child, source):
    return isinstance(around, (ast.If, ast.IfExp)) and child is not around.test and _asks(around.test, _release_names(source))


@functools.lru_cache(maxsize=2)
def _branch_lines(source):
    lines = set()
    for node in ast.walk(source.tree):
        if isinstance(node, (ast.If, ast.IfExp)) and _asks(node.test, _release_names(source)):
            branches = [*node.body, *node.orelse] if isinstance(node, ast.If) else [node.body, node.orelse]
            lines.update(inner.lineno for branch in branches for inner in ast.walk(branch) if hasattr(inner, "lineno"))
            # The lines of a long string too, where the finding stands in the middle of it.
            for inner in (inner for branch in branches for inner in ast.walk(branch) if text_of(inner) and "\n" in text_of(inner)):
                lines.update(range(inner.lineno, (getattr(inner, "end_lineno", None) or inner.lineno) + 1))
    return lines


@functools.lru_cache(maxsize=2)
def _release_names(source):
    """Names of the file that hold the release, or what follows from it: IS_3 = Version(airflow.__version__) >= Version("3")."""
    names = set()
    assigned = []
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Assign):
            assigned += [(target.id, node.value) for target in node.targets if isinstance(target, ast.Name)]
        elif isinstance(node, ast.AnnAssign) and node.value is not None and isinstance(node.target, ast.Name):
            assigned.append((node.target.id, node.value))
        elif isinstance(node, ast.ImportFrom) and (node.module or "") in ("airflow", "airflow.version"):
            names.update(alias.asname or alias.name for alias in node.names if "version" in alias.name)
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            # def is_airflow_3(): return …
            assigned += [(node.name, inner.value) for inner in node.body if isinstance(inner, ast.Return) and inner.value is not None]
        elif isinstance(node, ast.Try) and _caught_by(node) & set(ABSENCE[:2]):
            # try: from airflow.sdk import x; HAS_SDK = True / except ImportError: HAS_SDK = False
            statements = [*node.body, *node.orelse, *(each for handler in node.handlers for each in handler.body)]
            flags = [each for each in statements if isinstance(each, ast.Assign) and _is_constant(each.value)]
            names.update(target.id for each in flags for target in each.targets if isinstance(target, ast.Name))
    for _ in range(_ROUNDS):
        more = {name for name, value in assigned if name not in names and _tells_release(value, names)}
        if not more:
            break
        names |= more
    return frozenset(names)


def _identifiers(node):
    for inner in ast.walk(node):
        if isinstance(inner, ast.Name):
            yield inner.id
        elif isinstance(inner, ast.Attribute):
            yield inner.attr


def _asks(test, names):
    return any(each in names or _ASKS.search(each) for each in _identifiers(test)) or _looks_for_airflow(test)


def _tells_release(value, names):
    return any(each in names or _RELEASE.search(each) for each in _identifiers(value)) or _looks_for_airflow(value)


def _looks_for_airflow(node):
    calls = (inner for inner in ast.walk(node) if isinstance(inner, ast.Call) and (dotted(inner.func) or "").rpartition(".")[2] in _LOOKS)
    return any((text_of(given) or dotted(given) or "").startswith(("airflow", "apache-airflow")) for call in calls for given in call.args)


def _is_constant(node):
    return isinstance(node, ast.Constant) or type(node).__name__ in ("NameConstant", "Num", "Str")


def _caught_by(attempt):
    return {name for handler in attempt.handlers for name in ([""] if handler.type is None else _names_of(handler.type))}


def _suppressed_by(block):
    calls = (item.context_expr for item in block.items if isinstance(item.context_expr, ast.Call))
    return {name for call in calls if (dotted(call.func) or "").rpartition(".")[2] == "suppress" for given in call.args for name in _names_of(given)}


def _names_of(node):
    return [(dotted(kind) or "").rpartition(".")[2] for kind in (node.elts if isinstance(node, ast.Tuple) else [node])]
