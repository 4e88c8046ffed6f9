"""What every rule shares: which files there are, how they are read, and how a finding looks.

The files are a stranger's. They are parsed, never imported; every size has a cap, and what is over it is told.
Runs in the target's virtual environment (Python 3.7 or newer) with the standard library alone.
"""

import argparse
import ast
import json
import os
import re
import sys
import warnings

from airflowignore import ignored_by_airflow
from folder_walk import MAX_FOLDERS, is_aside, may_be_dag_file, stays_inside, walk

#: Bytes. A DAG file of that size is generated data; reading it would cost more than its findings are worth.
MAX_FILE_BYTES = 1000000
#: Files below one folder. MWAA's own parser would not get through more within its interval.
MAX_FILES = 20000
#: Findings of one script. What the reader sees is far less; this only keeps a hostile repository from filling the disk.
MAX_FINDINGS = 5000
#: Characters of a text that was copied out of a file into a finding.
MAX_QUOTE = 200


def arguments(description):
    """Read the command line that all scripts share.

    :returns: namespace with source and target ("" or "2.10.3"), root (absolute), dags and plugins (absolute or None)
    """
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--source", default="", help="Airflow version of the source, empty when not known")
    parser.add_argument("--target", required=True, help="Airflow version of the target")
    parser.add_argument("--root", required=True, help="root of the repository; files are named from here")
    parser.add_argument("--dags", required=True, help="folder of the DAG files")
    parser.add_argument("--plugins", help="folder of the plugins, unpacked")
    args = parser.parse_args()
    args.root = os.path.realpath(args.root)
    # Below root, so that names come out relative even when a temporary folder is a symbolic link itself.
    args.dags = os.path.realpath(os.path.join(args.root, args.dags))
    args.plugins = os.path.realpath(os.path.join(args.root, args.plugins)) if args.plugins else None
    return args


def version(text):
    """Version as a tuple that compares: "2.10.3" is (2, 10, 3), "" is ()."""
    return tuple(int(number) for number in re.findall(r"\d+", text)[:3])


class Finding(dict):
    """One entry of CheckReport.findings; the keys are those of src/check/check-report.ts, None where there is nothing."""

    def __init__(self, code, level, what, file=None, line=None, dag_id=None, why=None, fix=None, replacement=None):
        super().__init__(code=code, level=level, file=file, line=line, dagId=dag_id, what=what, why=why, fix=fix, replacement=replacement)


class Source:
    """One Python file that parsed.

    :ivar name: from the root of the repository, with "/"
    :ivar tree: the parsed module
    :ivar text: the file as text
    """

    def __init__(self, path, name, text, tree):
        self.path, self.name, self.text, self.tree = path, name, text, tree
        self._parents = None
        self._imported = None

    def imported_parts(self):
        """Every part of the modules that the file imports: {"shared", "settings"} of ``from shared.settings import x``, with x."""
        if self._imported is None:
            self._imported = _imported_parts(self.tree)
        return self._imported

    def parents(self):
        """Each node's parent, by the node."""
        if self._parents is None:
            self._parents = {child: node for node in ast.walk(self.tree) for child in ast.iter_child_nodes(node)}
        return self._parents

    def ancestors(self, node):
        """The nodes around this one, nearest first."""
        parents = self.parents()
        while node in parents:
            node = parents[node]
            yield node


def files_below(args, endings, cut=None):
    """Yield (path, name from root) of every regular file with one of the endings in the folders of DAGs and plugins.

    :param list cut: receives a finding when a folder has more files, or more folders in it, than are looked at
    """
    seen = set()
    for folder in filter(None, [args.dags, args.plugins]):
        count, left = 0, []
        for here, files in walk(folder, args.root, left):
            paths = [os.path.join(here, file) for file in files if file.lower().endswith(endings)]
            for path in paths:
                if path in seen or not os.path.isfile(path) or (os.path.islink(path) and not stays_inside(path, (args.root, folder))):
                    continue
                count += 1
                if count <= MAX_FILES:
                    seen.add(path)
                    yield path, os.path.relpath(path, args.root).replace(os.sep, "/")
        if cut is not None and count > MAX_FILES:
            cut.append(_too_many(folder, args.root, "%d files" % MAX_FILES, "in %d files" % (count - MAX_FILES)))
        if cut is not None and left:
            cut.append(_too_many(folder, args.root, "%d folders in it" % MAX_FOLDERS, "from %s on" % os.path.relpath(left[0], args.root)))


def _too_many(folder, root, limit, where):
    return Finding(
        "file-not-read",
        "warning",
        "%s has more than %s; the rules looked into the first ones only." % (quoted(os.path.relpath(folder, root)), limit),
        why="What the rules look for was not looked for %s." % quoted(where),
        fix="Take what is no DAG out of the folder, or look through it by hand.",
    )


def is_aside_in(args, path):
    """Whether the file lies among other people's code, or hidden, in the folder of DAGs or plugins that it is in."""
    folder = next(folder for folder in filter(None, [args.plugins, args.dags]) if path.startswith(folder + os.sep))
    return is_aside(path, folder)


def read_capped(path):
    """Bytes of the file, or None when it is larger than MAX_FILE_BYTES or cannot be read."""
    try:
        with open(path, "rb") as stream:
            content = stream.read(MAX_FILE_BYTES + 1)
    except OSError:
        return None
    return None if len(content) > MAX_FILE_BYTES else content


def python_sources(args, unread=None):
    """Yield a Source for each Python file that Airflow looks at, or that one of those imports.

    :param list unread: receives a finding for each file that could not be parsed, and each line of .airflowignore that takes too long. One
        script reports them, the others pass nothing.
    """
    slow = []
    is_ignored = ignored_by_airflow(args, slow)
    waiting, imported = [], set()
    for path, name in files_below(args, (".py",), unread):
        if is_aside_in(args, path) and (is_ignored(path) or not may_be_dag_file(read_capped(path) or b"")):
            continue
        if is_ignored(path):
            waiting.append((path, name))
            continue
        source = _parsed(path, name, unread)
        if source is not None:
            imported |= source.imported_parts()
            yield source
    # Helpers are often kept from Airflow by name; what a DAG file imports is read all the same.
    found = True
    while found:
        found = [(path, name) for path, name in waiting if set(name[: -len(".py")].split("/")[-2:]) & imported]
        waiting = [each for each in waiting if each not in found]
        for path, name in found:
            source = _parsed(path, name, unread)
            if source is not None:
                imported |= source.imported_parts()
                yield source
    if unread is not None:
        unread += [_slow_line(args, *each) for each in slow]


def _slow_line(args, file, line, text):
    what = quoted(text) if text else "Trying the lines that are left"
    return Finding(
        "ignore-line-slow",
        "error",
        "%s takes longer than anybody waits: Airflow tries it with the path of every file, and lists no DAG before it has." % what,
        os.path.relpath(file, args.root).replace(os.sep, "/"),
        line,
        why="Repetitions inside of repetitions, like (a+)+ or *a*a*a*, have more ways to fit a path than can be tried; the rules went on without this line.",
        fix="Write the line without them.",
    )


def _imported_parts(tree):
    modules = [node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    modules += [alias.name for node in ast.walk(tree) if isinstance(node, (ast.Import, ast.ImportFrom)) for alias in node.names]
    return {part for module in modules for part in module.split(".") if part}


def _parsed(path, name, unread):
    content = read_capped(path)
    if content is None:
        problem = Finding(
            "file-not-read",
            "warning",
            "The file is larger than %d bytes or cannot be read." % MAX_FILE_BYTES,
            name,
            why="No rule looked into it.",
            fix="Move the data out of the Python file, or look through it by hand.",
        )
    else:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # SyntaxWarning of a stranger's file would go to stderr with its text
                tree = ast.parse(content, filename=name)
            return Source(path, name, content.decode("utf-8", "replace"), tree)
        except SyntaxError as error:
            problem = _unparsable(name, content, error)
        except (ValueError, RecursionError, MemoryError) as error:
            problem = Finding(
                "file-not-read",
                "warning",
                "The file could not be parsed: %s." % type(error).__name__,
                name,
                why="No rule looked into it.",
                fix="Look through it by hand.",
            )
    if unread is not None:
        unread.append(problem)
    return None


def _unparsable(name, content, error):
    return Finding(
        "syntax-error",
        "error" if may_be_dag_file(content) else "warning",
        "Python %d.%d cannot parse the file: %s" % (*sys.version_info[:2], quoted(error.msg)),
        name,
        line=error.lineno if error.lineno and error.lineno > 0 else None,
        why="That is the Python of the target. None of the file's DAGs appears there.",
        fix="Write it so that this Python parses it.",
    )


def quoted(text):
    """A text of a stranger, cut and on one line; whoever shows it escapes it."""
    text = " ".join(str(text).split())
    return text if len(text) <= MAX_QUOTE else text[: MAX_QUOTE - 1] + "…"


def dotted(node):
    """ "a.b.c" of a Name or a chain of attributes, None of anything else."""
    names = []
    while isinstance(node, ast.Attribute):
        names.append(node.attr)
        node = node.value
    if not isinstance(node, ast.Name):
        return None
    return ".".join([node.id, *reversed(names)])


def imported_names(tree, package=None):
    """What a local name means by the file's imports: {"PO": "airflow.operators.python.PythonOperator"}.

    :param package: where the file lies, "my_plugin"; without it relative imports are left out
    """
    names = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            module = node.module if node.level == 0 else _absolute(node, package)
            for alias in node.names if module else []:
                names[alias.asname or alias.name] = module + "." + alias.name
        elif isinstance(node, ast.Import):
            for alias in node.names:
                if alias.asname:
                    names[alias.asname] = alias.name
                else:
                    names[alias.name.split(".")[0]] = alias.name.split(".")[0]
    return names


def _absolute(node, package):
    parts = (package or "").split(".")
    if not package or node.level > len(parts):
        return None
    return ".".join([*parts[: len(parts) - node.level + 1], *([node.module] if node.module else [])])


def meaning(node, names):
    """Full dotted path of a name or attribute chain by the file's imports, None when it is none."""
    path = dotted(node)
    if path is None:
        return None
    first, _, rest = path.partition(".")
    return names.get(first, first) + ("." + rest if rest else "")


def text_of(node):
    """The text of a string literal, None of anything else. Python 3.7 knows ast.Str, newer ones ast.Constant."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    return node.s if type(node).__name__ == "Str" else None


def keyword(call, name):
    """The value of a keyword argument, None when the call does not have it."""
    return next((each.value for each in call.keywords if each.arg == name), None)


def print_findings(findings):
    """Print the JSON object that the caller reads: findings, the worst first, and how many the cap leaves out, which matter least."""
    rank = {"error": 0, "warning": 1, "notice": 2}
    ordered = sorted(findings, key=lambda each: (rank[each["level"]], each["file"] or "", each["line"] or 0, each["code"], each["what"]))
    json.dump({"findings": ordered[:MAX_FINDINGS], "cut": max(0, len(ordered) - MAX_FINDINGS)}, sys.stdout)
    sys.stdout.write("\n")
