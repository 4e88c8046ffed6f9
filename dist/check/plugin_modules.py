"""Plugins, read without running them: which operators they hand to Airflow, and where those are defined.

Airflow 1.10 made a plugin's operators and macros importable as ``airflow.operators.<plugin>``; since 2.0 they are imported from their own module.
"""

import ast
import os

from check_sources import dotted, imported_names, python_sources, text_of

#: Attribute of AirflowPlugin → package below airflow that 1.10 put it into. Since 2.0 macros are there for templates alone.
PACKAGES = {"operators": "operators", "sensors": "sensors", "hooks": "hooks", "executors": "executors", "macros": "macros"}


class Plugins:
    """What the plugins register.

    :ivar places: {"airflow.operators.mine.MyOperator": "my_package.operators.MyOperator"}
    :ivar packages: {"airflow.operators.mine"}
    """

    def __init__(self, places, packages):
        self.places, self.packages = places, packages

    def knows(self, name):
        """Whether the name, or the package it is in, comes from a plugin."""
        return name in self.places or any(name == package or name.startswith(package + ".") for package in self.packages)


def plugin_names(args):
    """Read every plugin class of the folders of plugins and DAGs."""
    places, packages = {}, set()
    for source in python_sources(args):
        if "AirflowPlugin" not in source.text:
            continue
        module = module_of(source.path, args)
        package = module if source.path.endswith("__init__.py") else (module or "").rpartition(".")[0]
        names = imported_names(source.tree, package)
        for node in ast.walk(source.tree):
            if not isinstance(node, ast.ClassDef) or not any((dotted(base) or "").endswith("AirflowPlugin") for base in node.bases):
                continue
            values = {target.id: each.value for each in node.body if isinstance(each, ast.Assign) for target in each.targets if isinstance(target, ast.Name)}
            plugin = text_of(values["name"]) if "name" in values else None
            if not plugin:
                continue
            for attribute, below in PACKAGES.items():
                if attribute not in values:
                    continue
                packages.add("airflow.%s.%s" % (below, plugin))
                # "executors" and the others all come as lists of names.
                for each in getattr(values[attribute], "elts", []):
                    name = dotted(each)
                    if name:
                        last = name.rpartition(".")[2]
                        place = _meant(name, names) or ("%s.%s" % (module, last) if module else last)
                        places["airflow.%s.%s.%s" % (below, plugin, last)] = place
                        # 1.10 put them into the package itself, too.
                        places["airflow.%s.%s" % (below, last)] = place
    return Plugins(places, packages)


def _meant(name, names):
    first, _, rest = name.partition(".")
    return names[first] + ("." + rest if rest else "") if first in names else None


def module_of(path, args):
    """Name under which a file is imported: both folders are on Python's path. None when it cannot be imported by name."""
    for folder in filter(None, [args.plugins, args.dags]):
        relative = os.path.relpath(path, folder)
        if not relative.startswith(".."):
            parts = relative[: -len(".py")].split(os.sep)
            parts = parts[:-1] if parts[-1] == "__init__" else parts
            return ".".join(parts) if parts and all(part.isidentifier() for part in parts) else None
    return None
