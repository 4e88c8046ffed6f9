"""Template names that went away, in the strings of DAG files and in the files that operators read as templates."""

import ast
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))  # "python -I" leaves it out
from check_sources import Finding, arguments, files_below, print_findings, python_sources, read_capped, text_of, version  # noqa: E402
from release_guards import softened  # noqa: E402
from task_context import ATTRIBUTES, OBJECTS, attributes_of, gone_from  # noqa: E402
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
    parents = source.parents()
    for node in ast.walk(source.tree):
        around = parents.get(node)
        if isinstance(around, ast.Expr) or isinstance(around, ast.JoinedStr) or (isinstance(around, ast.keyword) and around.arg in _NOT_RENDERED):
            continue
        text = text_of(node)
        if isinstance(node, ast.JoinedStr):
            text = "".join(text_of(part) or "0" for part in node.values)
        if text and ("{{" in text or "{%" in text):
            yield text, node.lineno, getattr(node, "end_lineno", node.lineno)


def own_macros(source):
    """Names that the DAGs of the file give to their templates themselves."""
    for node in ast.walk(source.tree):
        if isinstance(node, ast.keyword) and node.arg == "user_defined_macros" and isinstance(node.value, ast.Dict):
            yield from filter(None, (text_of(key) for key in node.value.keys if key is not None))


class Judge:
    """Makes the findings of templates for one target."""

    def __init__(self, target_text, source_text):
        self.target_text, target = target_text, version(target_text)
        self.gone, self.attributes = gone_from(target), attributes_of(target)
        # Airflow 1.10 had pendulum 1, whose format() took strftime's signs.
        self.checks_formats = (1,) <= version(source_text) < (2,) <= target

    def template(self, text, file, first, last, level="error"):
        """Findings of one template; the lines of its names lie between those of the string."""
        found = read_template(text)
        if found is None:
            return
        at = lambda line: min(first + line - 1, last)  # noqa: E731
        for name, line in dict.fromkeys(found.names):
            if name in self.gone:
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


def main():
    args = arguments(__doc__)
    judge, findings, mentioned = Judge(args.target, args.source), [], set()
    sources = list(python_sources(args))
    for name in {name for source in sources for name in own_macros(source)}:
        judge.gone.pop(name, None)
    for source in sources:
        for text, first, last in strings_of(source):
            findings += softened(source, judge.template(text, source.name, first, last))
        mentioned.update(os.path.basename(text.strip()) for text in map(text_of, ast.walk(source.tree)) if text and len(text) < 500)
    for path, name in files_below(args, ENDINGS):
        content = read_capped(path)
        if content is not None and (b"{{" in content or b"{%" in content):
            # A file that no DAG names is perhaps rendered by another program, dbt for one.
            level = "error" if os.path.basename(name) in mentioned else "warning"
            text = content.decode("utf-8", "replace")
            findings += judge.template(text, name, 1, text.count("\n") + 1, level)
    print_findings(findings)


if __name__ == "__main__":
    main()
