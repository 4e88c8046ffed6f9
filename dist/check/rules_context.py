"""Names of a task's context that went away, in the Python functions that receive it."""

import ast
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))  # "python -I" leaves it out
from check_sources import Finding, arguments, imported_names, keyword, meaning, print_findings, python_sources, text_of, version  # noqa: E402
from release_guards import softened  # noqa: E402
from task_context import ATTRIBUTES, OBJECTS, attributes_of, gone_from  # noqa: E402

_CALLBACKS = (
    "python_callable",
    "execution_date_fn",
    "on_failure_callback",
    "on_success_callback",
    "on_retry_callback",
    "on_execute_callback",
    "on_skipped_callback",
    "pre_execute",
    "post_execute",
)
_METHODS = ("execute", "pre_execute", "post_execute", "poke", "on_kill", "choose_branch", "execute_complete")
#: "kwargs" of any function may be anything; these names are the context by habit of Airflow's own documentation.
_CONTEXTS = ("context", "kwargs", "_kwargs", "ctx", "_context", "ti_context")


class Task:
    """A function that Airflow calls with the context.

    :ivar is_injected: whether parameters are filled from the context by their names
    :ivar given: parameters that the DAG gives values itself
    """

    def __init__(self, function, is_injected, given):
        self.function, self.is_injected, self.given = function, is_injected, given


def tasks_in(source):
    """Every function of the file that receives the context."""
    names = imported_names(source.tree)
    callables, given, called = {}, {}, {}
    for node in ast.walk(source.tree):
        if not isinstance(node, ast.Call):
            continue
        for each in node.keywords:
            if each.arg in _CALLBACKS and isinstance(each.value, ast.Name):
                callables[each.value.id] = each.arg == "python_callable" or callables.get(each.value.id, False)
                options = keyword(node, "op_kwargs")
                if isinstance(options, ast.Dict):
                    given.setdefault(each.value.id, set()).update(filter(None, (text_of(key) for key in options.keys if key is not None)))
        if isinstance(node.func, ast.Name):
            # A task function called with arguments gets those.
            called.setdefault(node.func.id, set()).update({each.arg for each in node.keywords} | {"*"} if node.args else {each.arg for each in node.keywords})
    for node in ast.walk(source.tree):
        if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            continue
        is_decorated = any(_is_task(decorator, names) for decorator in node.decorator_list)
        is_method = node.name in _METHODS and isinstance(source.parents().get(node), ast.ClassDef)
        if is_decorated:
            own = called.get(node.name, set())
            yield Task(node, True, {each.arg for each in node.args.args} if "*" in own else own)
        elif node.name in callables or is_method or any(_is_current_context(each) for each in ast.walk(node)):
            yield Task(node, callables.get(node.name, False) and not is_method, given.get(node.name, set()))


def _is_task(decorator, names):
    path = meaning(decorator.func if isinstance(decorator, ast.Call) else decorator, names) or ""
    return path.startswith(("airflow.decorators.task", "airflow.sdk.task", "airflow.decorators.python_task")) and not path.endswith("task_group")


def uses_of(task):
    """Yield (kind, name, line): "key" of context["name"], "get" of context.get("name"), "parameter", or ("attribute", "ti.name", line)."""
    function = task.function
    parameters = [each.arg for each in [*function.args.args, *function.args.kwonlyargs]]
    contexts = set(_CONTEXTS) & {*parameters, *([function.args.kwarg.arg] if function.args.kwarg else [])}
    if function.args.kwarg:
        contexts.add(function.args.kwarg.arg)
    for node in ast.walk(function):
        if isinstance(node, ast.Assign) and _is_current_context(node.value):
            contexts.update(each.id for each in node.targets if isinstance(each, ast.Name))
    if task.is_injected:
        for each in [*function.args.args, *function.args.kwonlyargs]:
            if each.arg not in task.given:
                yield "parameter", each.arg, each.lineno
    for node in ast.walk(function):
        if isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Load):
            # Python 3.8 and older wrap the key.
            key = text_of(getattr(node.slice, "value", node.slice) if type(node.slice).__name__ == "Index" else node.slice)
            if _is_context(node.value, contexts) and key:
                yield "key", key, node.lineno
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in ("get", "pop") and node.args:
            if _is_context(node.func.value, contexts) and text_of(node.args[0]):
                yield "get", text_of(node.args[0]), node.lineno
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load):
            owner = _context_object(node.value, contexts, parameters)
            if owner:
                yield "attribute", owner + "." + node.attr, node.lineno


def _is_context(node, contexts):
    return (isinstance(node, ast.Name) and node.id in contexts) or _is_current_context(node)


def _is_current_context(node):
    """``get_current_context()``, which gives any function the context."""
    return isinstance(node, ast.Call) and getattr(node.func, "attr", getattr(node.func, "id", "")) == "get_current_context"


def _context_object(node, contexts, parameters):
    """ "ti" of ``ti``, ``context["ti"]`` and ``kwargs["task_instance"]``, None of anything else."""
    if isinstance(node, ast.Name):
        return OBJECTS.get(node.id) if node.id in parameters else None
    if isinstance(node, ast.Subscript) and _is_context(node.value, contexts):
        return OBJECTS.get(text_of(getattr(node.slice, "value", node.slice) if type(node.slice).__name__ == "Index" else node.slice) or "")
    return None


def judge(source, task, gone, attributes, target):
    """Findings of one function."""
    for kind, name, line in dict.fromkeys(uses_of(task)):
        if kind == "attribute":
            owner, _, attribute = name.partition(".")
            if attribute not in attributes.get(owner, {attribute}):
                yield Finding(
                    "context-attribute-removed",
                    "error",
                    "%s does not exist in a task of Airflow %s." % (name, target),
                    source.name,
                    line,
                    why="The task fails: since Airflow 3 it gets a copy of the run with few fields, not the database's object.",
                    fix=ATTRIBUTES.get(attribute),
                )
        elif name in gone:
            why = {
                "key": "The task fails with a KeyError.",
                "get": "The task goes on with None in its place.",
                "parameter": "Nothing fills the parameter: the task fails, or goes on with its default.",
            }[kind]
            write, cure = gone[name]
            # Only a plain name of the context can take another's place in Python.
            replacement = write if write and write.isidentifier() and kind != "parameter" else None
            yield Finding(
                "context-name-removed",
                # Words that a function of one's own may well have a parameter for.
                "warning" if kind == "parameter" and name in ("conf", "test_mode", "end_date", "tables") else "error",
                "The context of a task has no %s on Airflow %s." % (name, target),
                source.name,
                line,
                why=why,
                fix=cure,
                replacement=replacement and '"%s"' % replacement,
            )


def main():
    args = arguments(__doc__)
    gone, attributes = gone_from(version(args.target)), attributes_of(version(args.target))
    findings = []
    for source in python_sources(args):
        for task in tasks_in(source):
            findings += softened(source, judge(source, task, gone, attributes, args.target))
    print_findings(findings)


if __name__ == "__main__":
    main()
