"""Reads generated CloudFormation and Terraform with other people's parsers and prints what stands in them as JSON: {file: value}."""

import json
import sys

import hcl2
import yaml


class Loader(yaml.SafeLoader):
    """PyYAML reads YAML 1.1, as CloudFormation does."""


def text_of(literal):
    """A quoted HCL template without expressions: its escapes are JSON's, and a doubled sign before a brace is one."""
    return json.loads(literal, strict=False).replace("$${", "${").replace("%%{", "%{")


def plain(value):
    """hcl2 gives quoted texts with their quotes, expressions as ``${…}``, and marks blocks."""
    if isinstance(value, dict):
        return {plain(name): plain(one) for name, one in value.items() if not name.startswith("__")}
    if isinstance(value, list):
        return [plain(one) for one in value]
    if isinstance(value, str) and value.startswith('"'):
        return text_of(value)
    return value


result = {}
for name in sys.argv[1:]:
    with open(name, encoding="utf-8", newline="") as file:
        result[name] = plain(hcl2.load(file)) if name.endswith(".tf") else yaml.load(file, Loader)
print(json.dumps(result))
