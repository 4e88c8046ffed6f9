"""Template names that went away, in the strings of DAG files and in the files that operators read as templates."""

import ast
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))  # "python -I" leaves it out
from check_sources import (  # noqa: E402
    Finding,
    arguments,
    files_below,
    is_aside_in,
    print_findings,
    python_sources,
    read_capped,
    text_of,
    version,
)
from release_guards import softened  # noqa: E402
from task_context import ATTRIBUTES, OBJECTS, attributes_of, gone_from, macros_gone_from  # noqa: E402
from template_names import read_template  # noqa: E402

#: What operators of Airflow and its providers name in template_ext, and what people include from there.
ENDINGS = (
    ".sql",
    ".hql",
    ".sh",
    ".bash",
    ".json",
    ".yaml",
    ".yml",
    ".html",
    ".txt",
    ".md",
    ".cql",
    ".ddl",
    ".pig",
    ".q",
    ".j2",
    ".jinja",
    ".jinja2",
    ".tmpl",
    ".tpl",
    ".xml",
    ".csv",
    ".cfg",
    ".ini",
)
#: Keyword arguments that Airflow shows and does not render.
_NOT_RENDERED = ("doc", "doc_md", "doc_rst", "doc_json", "doc_yaml", "description")


def strings_of(source):
    """Yield (text, first line, last line) of the strings that may be templates; a value put into an f-string counts as 0."""
    parents, shown = source.parents(), _names_that_are_shown(source)
    for node in ast.walk(source.tree):
        text = text_of(node)
        if isinstance(node, ast.JoinedStr):
            text = "".join(text_of(part) or "0" for part in node.values)
        if not text or not ("{{" in text or "{%" in text):
            continue
        around = parents.get(node)
        if isinstance(around, (ast.Expr, ast.JoinedStr)) or _is_shown(source, node, shown):
            continue
        yield text, node.lineno, getattr(node, "end_lineno", node.lineno)


def _is_shown(source, node, names=()):
    """Whether a text is only shown to people: it is, or goes into, documentation, or an exception's message.

    :param names: variables that hold such texts and nothing else
    """
    for around in source.ancestors(node):
        if isinstance(around, ast.keyword) and around.arg is not None:
            return around.arg in _NOT_RENDERED
        if isinstance(around, (ast.Raise, ast.Assert)):
            return True
        if isinstance(around, ast.Dict):
            keys = [key for key, value in zip(around.keys, around.values) if value is node and key is not None]
            return any(text_of(key) in _NOT_RENDERED for key in keys)
        if isinstance(around, ast.Assign):
            return all(getattr(target, "attr", None) in _NOT_RENDERED or getattr(target, "id", None) in names for target in around.targets)
        if isinstance(around, ast.stmt):
            return False
    return False


def _names_that_are_shown(source):
    """Variables of the file that it uses, and for nothing but documentation: DOC of ``doc_md=DOC``."""
    used = {}
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
            used.setdefault(node.id, []).append(node)
    return {name for name, uses in used.items() if all(_is_shown(source, use) for use in uses)}


def own_macros(source):
    """Names that the DAGs of the file give to their templates themselves: user_defined_macros={"next_ds": …}, also by a name."""
    given = [node.value for node in ast.walk(source.tree) if isinstance(node, ast.keyword) and node.arg == "user_defined_macros"]
    wanted = {value.id for value in given if isinstance(value, ast.Name)}
    if wanted:
        assigned = [node for node in ast.walk(source.tree) if isinstance(node, ast.Assign)]
        given += [node.value for node in assigned if any(isinstance(target, ast.Name) and target.id in wanted for target in node.targets)]
    names = set()
    for value in given:
        if isinstance(value, ast.Dict):
            names.update(filter(None, (text_of(key) for key in value.keys if key is not None)))
        elif isinstance(value, ast.Call) and isinstance(value.func, ast.Name) and value.func.id == "dict":
            names.update(each.arg for each in value.keywords if each.arg)
    return names


class Judge:
    """Makes the findings of templates for one target."""

    def __init__(self, target_text, source_text):
        self.target_text, target = target_text, version(target_text)
        self.gone, self.attributes, self.gone_macros = gone_from(target), attributes_of(target), macros_gone_from(target)
        # Airflow 1.10 had pendulum 1, whose format() took strftime's signs.
        self.checks_formats = (1,) <= version(source_text) < (2,) <= target

    def template(self, text, file, first, last, level="error", own=()):
        """Findings of one template; the lines of its names lie between those of the string.

        :param own: names that its DAGs give to it
        """
        found = read_template(text)
        if found is None:
            return
        at = lambda line: min(first + line - 1, last)  # noqa: E731
        for name, line in dict.fromkeys(found.names):
            if name in self.gone and name not in own:
                write, cure = self.gone[name]
                yield Finding(
                    "template-name-removed",
                    level,
                    "The template name %s does not exist on Airflow %s." % (name, self.target_text),
                    file,
                    at(line),
                    why="The task fails when it renders the template.",
                    fix=cure,
                    replacement=write,
                )
        for name, attribute, line in dict.fromkeys(found.attributes):
            known = self.attributes.get(OBJECTS.get(name, ""))
            if known and attribute not in known:
                yield Finding(
                    "template-attribute-removed",
                    level,
                    "%s.%s does not exist in a template of Airflow %s." % (name, attribute, self.target_text),
                    file,
                    at(line),
                    why="The task fails when it renders the template: since Airflow 3 it gets a copy of the run with few fields, not the database's object.",
                    fix=ATTRIBUTES.get(
                        attribute, "It has %s." % ", ".join(sorted(each for each in known if not each.startswith(("_", "model_")) and each.islower())[:20])
                    ),
                    replacement="dag_run.logical_date" if attribute == "execution_date" else None,
                )
        for name, attribute, line in dict.fromkeys(found.attributes):
            if name == "macros" and attribute in self.gone_macros and name not in own:
                yield Finding(
                    "template-attribute-removed",
                    level,
                    "macros.%s does not exist in a template of Airflow %s." % (attribute, self.target_text),
                    file,
                    at(line),
                    why="The task fails when it renders the template.",
                    fix=self.gone_macros[attribute],
                )
        for line in dict.fromkeys(found.formats) if self.checks_formats else []:
            yield Finding(
                "date-format-changed",
                "warning",
                'format("%…") of a date gives another text on Airflow 2 and later.',
                file,
                at(line),
                why="Airflow 1.10 had pendulum 1, where format() took strftime's signs; now they are copied as they are.",
                fix="Write strftime in place of format.",
            )


def _module_of(source):
    return os.path.basename(source.name)[: -len(".py")]


def main():
    args = arguments(__doc__)
    judge, findings = Judge(args.target, args.source), []
    # Name of a file → what the DAG files that mention it give to their templates, each a set.
    mentioned = {}
    sources = list(python_sources(args))
    macros = {}
    for source in sources:
        macros.setdefault(_module_of(source), set()).update(own_macros(source))
    for source in sources:
        # A DAG made by a function of another file has the macros from there.
        own = own_macros(source).union(*(macros[part] for part in source.imported_parts() if part in macros))
        for text, first, last in strings_of(source):
            findings += softened(source, judge.template(text, source.name, first, last, own=own))
        for text in filter(None, map(text_of, ast.walk(source.tree))):
            if len(text) < 500:
                mentioned.setdefault(os.path.basename(text.strip()), []).append(own)
    for path, name in files_below(args, ENDINGS, findings):
        if is_aside_in(args, path) and os.path.basename(name) not in mentioned:
            continue
        content = read_capped(path)
        if content is not None and (b"{{" in content or b"{%" in content):
            # A file that no DAG names is perhaps rendered by another program, dbt for one.
            users = mentioned.get(os.path.basename(name))
            text = content.decode("utf-8", "replace")
            own = set.intersection(*users) if users else ()
            findings += judge.template(text, name, 1, text.count("\n") + 1, "error" if users else "warning", own)
    print_findings(findings)


if __name__ == "__main__":
    main()
