"""Operators, sensors, hooks and macros that a plugin hands to Airflow: since 2.0 they are imported from their own module.

Airflow 1.10 made them importable as ``airflow.operators.<plugin>``, and by ``airflow.operators`` itself; 2.0 does neither, and starts
without a word about it.
"""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))  # "python -I" leaves it out
from check_sources import Finding, arguments, print_findings, python_sources  # noqa: E402
from import_uses import FromImport, uses_in  # noqa: E402
from plugin_modules import plugin_names  # noqa: E402


class _Places:
    """Plugins in the shape that Use.rewritten asks for."""

    def __init__(self, plugins):
        self.plugins, self.answers = plugins, {}

    def loads(self, name):
        return False

    def best(self, name):
        return self.plugins.places.get(name)


def judge(use, plugins):
    """The finding of a statement that imports from a plugin, if it does."""
    names = [full for full in use.names if plugins.knows(full)]
    if not names or use.guarded:
        return
    places = ["%s is %s" % (full, plugins.places[full]) for full in names if full in plugins.places]
    yield Finding(
        "plugin-import-removed",
        "error",
        "Airflow does not put plugins below its own packages any more: %s." % " and ".join(names),
        use.source.name,
        use.line,
        why="Since Airflow 2.0 what a plugin hands over is ordinary Python that is imported from where it is; this import fails.",
        fix="Import it from its own module: %s. It loads from the plugins file, which lies on Python's path, and from the DAG folder; "
        "the DAG folder is the better place, because changes there need no update of the environment."
        % ("; ".join(places) or "the one where the plugin's class is defined"),
        replacement=use.rewritten(_Places(plugins)) if isinstance(use, FromImport) else None,
    )


def main():
    args = arguments(__doc__)
    plugins = plugin_names(args)
    print_findings([finding for source in python_sources(args) for use in uses_in(source) for finding in judge(use, plugins)])


if __name__ == "__main__":
    main()
