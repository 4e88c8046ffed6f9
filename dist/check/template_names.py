"""Names that a Jinja template asks its context for, by parsing it with the target's own Jinja; nothing is rendered."""

from jinja2 import Environment, meta, nodes
from jinja2.exceptions import TemplateError


class Template:
    """One template.

    :ivar names: [(name, line from 1)] that come from the context
    :ivar attributes: [(object, attribute, line)] of ``dag_run.conf``
    :ivar formats: [line] of a call of ``x.format("%…")``
    """

    def __init__(self, names, attributes, formats):
        self.names, self.attributes, self.formats = names, attributes, formats


def read_template(text):
    """Parse a template. None: it is none that Jinja can parse, or has nothing in it."""
    if "{{" not in text and "{%" not in text:
        return None
    try:
        # Operators add "do" and loop controls now and then; unknown blocks then do not hide the rest.
        tree = Environment(extensions=["jinja2.ext.do", "jinja2.ext.loopcontrols"]).parse(text)
        free = meta.find_undeclared_variables(tree)
    except (TemplateError, RecursionError, ValueError, AssertionError):
        return None
    names = [(node.name, node.lineno) for node in tree.find_all(nodes.Name) if node.ctx == "load" and node.name in free]
    attributes = [
        (node.node.name, node.attr, node.lineno) for node in tree.find_all(nodes.Getattr) if isinstance(node.node, nodes.Name) and node.node.name in free
    ]
    calls = [node for node in tree.find_all(nodes.Call) if isinstance(node.node, nodes.Getattr) and node.node.attr == "format" and node.args]
    formats = [node.lineno for node in calls if isinstance(node.args[0], nodes.Const) and "%" in str(node.args[0].value)]
    return Template(names, attributes, formats)
