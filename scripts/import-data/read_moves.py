"""Read out of installed Airflow releases where names moved to: JSON {"old path": ["new path", …]}, by parsing alone.

    python read_moves.py RUFF SITE_PACKAGES…

Airflow says it in these ways:
- dictionaries of deprecated names (``__deprecated_classes = {"module": {"Name": "airflow.new.Name"}}``, since 2.4)
- modules that only import what they had from its new place ("This module is deprecated", 2.0 to 2.3)
- classes "deprecated" in their docstring, decorator or warning, that name their successor
- lazy packages of 1.10 (``_operators = {"bash_operator": ["BashOperator"]}``)
- the table of Airflow's upgrade check from 1.10, when that package is there
ruff's AIR rules add what Airflow 3 dropped without a word, and a class that is gone but stands in one other place has moved there.
"""

import ast
import json
import os
import re
import subprocess
import sys
import tempfile

_PATH = re.compile(r"airflow(?:\.[A-Za-z_]\w*)+")
_SUCCESSOR = re.compile(
    r"(?:use|replaced by|favor of|moved to|import(?: it)? from|prefer)[\s:]+(?:the\s+)?[`'\":class:~]*(airflow(?:\.[A-Za-z_]\w*)+)", re.IGNORECASE
)

#: The same with a class of the same module: "Please use `HttpOperator` instead."
_NEAR = re.compile(r"(?:use|replaced by|favor of)[\s:]+(?:the\s+)?[`'\":class:~]*([A-Z]\w+)", re.IGNORECASE)


def modules_below(site_packages):
    """Yield (dotted module, is package, tree) of Airflow and the providers installed beside it."""
    for here, folders, files in os.walk(os.path.join(site_packages, "airflow")):
        folders[:] = sorted(name for name in folders if name not in ("example_dags", "migrations", "__pycache__", "_vendor", "www", "tests"))
        for file in sorted(files):
            if not file.endswith(".py"):
                continue
            path = os.path.join(here, file)
            module = os.path.relpath(path, site_packages)[:-3].replace(os.sep, ".")
            is_package = module.endswith(".__init__")
            with open(path, "rb") as stream:
                try:
                    yield (module[: -len(".__init__")] if is_package else module), is_package, ast.parse(stream.read())
                except SyntaxError:  # 1.10 and 2.0 hold modules with words that are reserved now
                    continue


def of_dictionaries(module, tree):
    """Pairs of {"name": "airflow.path"} below names that speak of deprecation."""
    for node in tree.body:
        targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
        names = [target.id for target in targets if isinstance(target, ast.Name)]
        if any("deprecated" in name or "moved" in name for name in names) and isinstance(node.value, ast.Dict):
            yield from _pairs(module, node.value)
        # Newer releases hand the dictionary to the function as it is.
        for call in ast.walk(node) if isinstance(node, ast.Expr) else []:
            if isinstance(call, ast.Call) and getattr(call.func, "id", "") == "add_deprecated_classes" and call.args and isinstance(call.args[0], ast.Dict):
                yield from _pairs(module, call.args[0])


def _pairs(prefix, dictionary):
    for key, value in zip(dictionary.keys, dictionary.values):
        here = prefix if isinstance(key, ast.Name) else prefix + "." + key.value if isinstance(key, ast.Constant) and isinstance(key.value, str) else None
        if here is None:
            continue
        if isinstance(value, ast.Dict):
            yield from _pairs(here, value)
        elif isinstance(value, ast.Constant) and isinstance(value.value, str) and _PATH.fullmatch(value.value) and not here.endswith("*"):
            yield here, value.value
        elif (
            isinstance(value, ast.Tuple) and len(value.elts) == 2 and all(isinstance(each, ast.Constant) and isinstance(each.value, str) for each in value.elts)
        ):
            path = ".".join(each.value for each in value.elts)  # {"Dataset": ("airflow.sdk.definitions.asset", "Asset")}
            if _PATH.fullmatch(path):
                yield here, path


def of_importers(module, tree):
    """Pairs of 1.10's lazy packages: ``_operators = {"bash_operator": ["BashOperator"]}`` of airflow.operators made airflow.operators.BashOperator."""
    for node in tree.body:
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Dict) and dotted_targets(node) & {"_operators", "_hooks", "_sensors"}:
            for key, value in zip(node.value.keys, node.value.values):
                for name in value.elts if isinstance(value, ast.List) and isinstance(key, ast.Constant) else []:
                    yield "%s.%s" % (module, name.value), "%s.%s.%s" % (module, key.value, name.value)


def dotted_targets(node):
    return {target.id for target in node.targets if isinstance(target, ast.Name)}


def of_disappearance(before, after):
    """Pairs of classes that a release does not have any more where the one before had them, and has once elsewhere.

    :param before: full names of the classes of one release
    :param after: those of the next
    """
    places = {}
    for name in after:
        places.setdefault(name.rpartition(".")[2], []).append(name)
    installed = {_owner(name) for name in after}
    for name in sorted(before - after):
        found = places.get(name.rpartition(".")[2], [])
        # Not when the whole provider is merely not installed; a name's only place, or the only one with the same owner.
        same = [place for place in found if _owner(place) == _owner(name)]
        if _owner(name) in installed and (len(same) == 1 or len(found) == 1):
            yield name, (same if len(same) == 1 else found)[0]


def _owner(name):
    parts = name.split(".")
    return ".".join(parts[:3]) if parts[1] == "providers" else "airflow"


def of_shims(module, tree):
    """Pairs of a module that says it is deprecated and imports its names from elsewhere."""
    said = (ast.get_docstring(tree) or "").lower()
    if "deprecated" not in said[:400] or "module" not in said[:400]:
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("airflow.") and node.level == 0:
            for alias in node.names:
                if (
                    alias.name != "*"
                    and "deprecat" not in alias.name.lower()
                    and not alias.name.startswith("RemovedIn")
                    and node.module != "airflow.exceptions"
                ):
                    yield module + "." + (alias.asname or alias.name), node.module + "." + alias.name


def of_definitions(module, tree):
    """Pairs of classes and functions that name the path of their successor where they say that they are deprecated."""
    here = {node.name: module + "." + node.name for node in tree.body if isinstance(node, ast.ClassDef)}
    for node in tree.body:
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("airflow.") and node.level == 0:
            here.update({alias.asname or alias.name: node.module + "." + alias.name for alias in node.names})
    for node in tree.body:
        if not isinstance(node, (ast.ClassDef, ast.FunctionDef)):
            continue
        texts = [ast.get_docstring(node) or ""]
        for decorator in node.decorator_list:
            if "deprecated" in ast.dump(decorator).lower():
                texts += ["deprecated " + each.value for each in ast.walk(decorator) if isinstance(each, ast.Constant) and isinstance(each.value, str)]
        constructor = (
            [each for each in node.body if isinstance(each, ast.FunctionDef) and each.name == "__init__"] if isinstance(node, ast.ClassDef) else [node]
        )
        for call in (each for function in constructor for each in ast.walk(function)):
            if isinstance(call, ast.Call) and ast.dump(call.func).endswith("attr='warn', ctx=Load())") and call.args:
                texts += [
                    each.value
                    for each in ast.walk(call.args[0])
                    if isinstance(each, ast.Constant) and isinstance(each.value, str) and "class is deprecated" in each.value
                ]
        for text in texts:
            flat = " ".join(text.split())
            if "deprecated" not in flat.lower()[:120]:
                continue
            found, near = _SUCCESSOR.search(flat), _NEAR.search(flat)
            if found:
                new = found.group(1)
                same_kind = new.rpartition(".")[2][:1].isupper() == node.name[:1].isupper()
                yield module + "." + node.name, new if same_kind else new + "." + node.name
                break
            if near and near.group(1) in here and near.group(1) != node.name:
                yield module + "." + node.name, here[near.group(1)]
                break


def of_upgrade_check(site_packages):
    """Pairs of apache-airflow-upgrade-check, which keeps them as tuples (new path, old path, …)."""
    path = os.path.join(site_packages, "airflow", "upgrade", "rules", "renamed_classes.py")
    if not os.path.exists(path):
        return
    with open(path, "rb") as stream:
        tree = ast.parse(stream.read())
    for node in ast.walk(tree):
        if isinstance(node, ast.Tuple) and len(node.elts) >= 2:
            texts = [each.value for each in node.elts[:2] if isinstance(each, ast.Constant) and isinstance(each.value, str)]
            if len(texts) == 2 and all(_PATH.fullmatch(text) for text in texts):
                yield texts[1], texts[0]  # (new, old) there


def of_ruff(ruff, folders):
    """Pairs that ruff's AIR rules know for names of these releases; asked by a file that imports and uses each of them."""
    names = set()
    for site_packages in folders:
        for module, _, tree in modules_below(site_packages):
            if not module.startswith("airflow.providers"):
                names.update(module + "." + name for name in _top_level(tree))
    lines, used = [], []
    for number, name in enumerate(sorted(names)):
        module, _, last = name.rpartition(".")
        lines.append("from %s import %s as name%d" % (module, last, number))
        used.append("name%d()" % number)
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "names.py")
        with open(path, "w") as stream:
            stream.write("\n".join(lines + used) + "\n")
        run = subprocess.run(
            [ruff, "check", "--isolated", "--no-cache", "--preview", "--select", "AIR3", "--output-format", "full", path], stdout=subprocess.PIPE, check=False
        )
    # Only the full output carries the help of a finding without a fix.
    for told in re.split(r"\n(?=airflow3\d?-)", "\n" + run.stdout.decode()):
        old = re.match(r"airflow3\d?-[\w-]+: (?:\[\*\] )?`(airflow\.[\w.]+)`", told)
        help_text = told.rpartition("\nhelp: ")[2].partition("\n")[0]
        apart = re.search(r"`(\w+)`(?: has been moved to| from) `(airflow\.[\w.]+)`", help_text)
        whole = re.search(r"[Uu]se `(airflow\.[\w.]+)`", help_text)
        if old and (apart or whole):
            yield old.group(1), apart.group(2) + "." + apart.group(1) if apart else whole.group(1)


def _top_level(tree):
    for node in tree.body:
        if isinstance(node, (ast.ClassDef, ast.FunctionDef)):
            yield node.name
        elif isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("airflow"):
            yield from (alias.asname or alias.name for alias in node.names if alias.name != "*")
        elif isinstance(node, (ast.Assign, ast.AnnAssign)):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            for target in targets:
                if isinstance(target, ast.Name) and not target.id.startswith("__"):
                    yield target.id
                if isinstance(target, ast.Name) and "lazy_imports" in target.id and isinstance(node.value, ast.Dict):
                    yield from (key.value for key in node.value.keys if isinstance(key, ast.Constant))


def main():
    ruff, *folders = sys.argv[1:]
    seen = {}
    for old, new in of_ruff(ruff, folders):
        seen.setdefault(old, {})[new] = True
    before = set()
    for site_packages in folders:
        found, after = list(of_upgrade_check(site_packages)), set()
        for module, _, tree in modules_below(site_packages):
            found += [*of_dictionaries(module, tree), *of_importers(module, tree), *of_shims(module, tree), *of_definitions(module, tree)]
            after.update(module + "." + node.name for node in tree.body if isinstance(node, ast.ClassDef) and node.name[0].isupper())
        found += of_disappearance(before, after)
        before = after
        for old, new in found:
            if old != new:
                seen.setdefault(old, {})[new] = True  # in order of the releases given, no pair twice
    json.dump({old: list(news) for old, news in sorted(seen.items())}, sys.stdout, indent=0)


if __name__ == "__main__":
    main()
