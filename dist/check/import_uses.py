"""Where a file asks for names of Airflow: import statements at any depth, and texts that name a module to load."""

import ast
import json
import re

from check_sources import dotted, text_of
from release_guards import ABSENCE, copes

_LOADERS = ("import_module", "import_string")
_NAME = re.compile(r"^airflow(\.[A-Za-z_]\w*)+$")


class Use:
    """One statement that asks for names of Airflow.

    :ivar names: full names
    :ivar line: from 1
    :ivar guarded: whether the file copes with the names' absence
    """

    def __init__(self, source, node, names):
        self.source, self.node, self.names, self.line = source, node, names, node.lineno
        self.guarded = copes(source, node, *ABSENCE)

    def rewritten(self, moves):
        """Text that takes the place of the statement and loads on the target, None when there is none.

        :param Moves moves: knows the best place of each name
        """
        places = {
            full: full if moves.loads(full) and not moves.answers[full]["deprecated"] else moves.best(full) or (full if moves.loads(full) else None)
            for full in self.names
        }
        if None in places.values() or all(full == place for full, place in places.items()):
            return None
        return self.text(places)


class FromImport(Use):
    """``from airflow.x import A, B as C``; one with a star asks for the module."""

    def __init__(self, source, node):
        self.locals = [(node.module if alias.name == "*" else node.module + "." + alias.name, alias.name, alias.asname or alias.name) for alias in node.names]
        super().__init__(source, node, [full for full, _, _ in self.locals])

    def text(self, places):
        """The names from their new places, under the names that the file goes on using."""
        lines = {}
        for full, name, local in self.locals:
            module, last = (places[full], "*") if name == "*" else (places[full].rpartition(".")[0], places[full].rpartition(".")[2])
            lines.setdefault(module, []).append(last if last == local else "%s as %s" % (last, local))
        indent = "\n" + " " * self.node.col_offset
        return indent.join("from %s import %s" % (module, ", ".join(names)) for module, names in lines.items())

    def written(self, full, place):
        name, local = next((name, local) for each, name, local in self.locals if each == full)
        last = place.rpartition(".")[2]
        return (
            "from %s import *" % place
            if name == "*"
            else "from %s import %s" % (place.rpartition(".")[0], last if last == local else "%s as %s" % (last, local))
        )


class ModuleImport(Use):
    """``import airflow.x`` or ``import airflow.x as y``, asks for what the file takes from it: y.A.

    :param used: the names taken
    """

    def __init__(self, source, node, module, alias, used):
        self.module, self.alias = module, alias
        super().__init__(source, node, sorted({module + "." + name for name in used}) or [module])

    def text(self, places):
        """Only under a name of its own may the module be another one, and only when it has all that is used by the same names."""
        modules = {place if full == self.module else place.rpartition(".")[0] for full, place in places.items()}
        is_same = all(full == self.module or full.rpartition(".")[2] == place.rpartition(".")[2] for full, place in places.items())
        if len(modules) != 1 or not is_same or not self.alias or len(self.node.names) != 1:
            return None
        return "import %s as %s" % (modules.pop(), self.alias)

    def written(self, full, place):
        return "import %s" % (place if full == self.module else place.rpartition(".")[0])


class TextImport(Use):
    """``import_string("airflow.x.Y")``."""

    def text(self, places):
        """Names the call's text, not a statement."""
        return json.dumps(places[self.names[0]])

    def written(self, full, place):
        return json.dumps(place)


def uses_in(source):
    """Yield every use of names below "airflow" in the file."""
    chains = None
    for node in ast.walk(source.tree):
        if isinstance(node, ast.ImportFrom) and node.level == 0 and _is_airflow(node.module):
            yield FromImport(source, node)
        elif isinstance(node, ast.Import):
            for alias in node.names:
                if not _is_airflow(alias.name) or "." not in alias.name:
                    continue
                if chains is None:
                    chains = {name for name in (dotted(each) for each in ast.walk(source.tree) if isinstance(each, ast.Attribute)) if name}
                prefix = (alias.asname or alias.name) + "."
                # The first name below the module; what lies deeper are attributes of it.
                yield ModuleImport(source, node, alias.name, alias.asname, {name[len(prefix) :].split(".")[0] for name in chains if name.startswith(prefix)})
        elif isinstance(node, ast.Call) and (dotted(node.func) or "").rpartition(".")[2] in _LOADERS and node.args:
            name = text_of(node.args[0])
            if name and _NAME.match(name):
                yield TextImport(source, node, [name])


def _is_airflow(module):
    return module is not None and (module == "airflow" or module.startswith("airflow."))
