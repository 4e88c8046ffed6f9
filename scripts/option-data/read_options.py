"""Prints what one installed Airflow release knows of its own configuration, as JSON (run by the release's own Python, 3.7 and later).

{"options": {"section.option": {"default": text or null, "sensitive": bool, "provider": text or null}},
 "asked": [options that its code reads without describing them], "renamed": [[old, new, since]], "values": [[option, pattern, flags, replacement, since]],
 "lint": [{"option", "kind": "renamed" | "removed" | "default" | "invalid" | "removed-if", ...}]}

Sources: config.yml and the providers' get_provider_info (what the documentation is made of), AirflowConfigParser.deprecated_*
(what `conf` translates), and from 3.0 on CONFIGS_CHANGES (what `airflow config lint` says).
"""
import io
import json
import os
import re
import sys

import yaml


def described():
    """[(section, option, description, provider)]"""
    import airflow
    folder = os.path.join(os.path.dirname(airflow.__file__), "config_templates")
    with open(os.path.join(folder, "config.yml")) as file:
        sections = yaml.safe_load(file)
    found = list(options_of(sections, None))
    for provider, sections in provider_sections():
        found += options_of(sections, provider)
    return found


def options_of(sections, provider):
    # Lists up to 2.5, mappings since.
    pairs = sections.items() if isinstance(sections, dict) else [(section["name"], section) for section in sections]
    for section, body in pairs:
        options = body.get("options") or {}
        for name, description in (options.items() if isinstance(options, dict) else [(option["name"], option) for option in options]):
            yield section, name, description or {}, provider


def provider_sections():
    """Since 2.7 providers bring sections of their own."""
    try:
        from airflow.providers_manager import ProvidersManager
        return sorted((name, sections) for name, sections in ProvidersManager().provider_configs)
    except (ImportError, AttributeError):
        return []


def text_of(value):
    return None if value is None else str(value)


def parser_class():
    from airflow.configuration import AirflowConfigParser
    return AirflowConfigParser


def sensitive_options():
    from airflow.configuration import conf
    return {"{}.{}".format(*pair) for pair in conf.sensitive_config_values}


def renamed(known):
    parser = parser_class()
    found = set()
    for key, old in parser.deprecated_options.items():
        if not isinstance(key, tuple):  # 1.10: section -> {new: old}
            found.update(("{}.{}".format(key, name), "{}.{}".format(key, option), None) for option, name in old.items())
            continue
        found.add(("{}.{}".format(*old[:2]), "{}.{}".format(*key), old[2]))
    for (section, option), old in getattr(parser, "many_to_one_deprecated_options", {}).items():
        for old_section, old_option, since in old:
            found.add(("{}.{}".format(old_section, old_option), "{}.{}".format(section, option), since))
    for section, (old_section, since) in getattr(parser, "deprecated_sections", {}).items():
        for option in known:
            if option.split(".", 1)[0] == section:
                found.add(("{}.{}".format(old_section, option.split(".", 1)[1]), option, since))
    return sorted(found, key=lambda one: one[:2])


def values():
    found = []
    for section, options in getattr(parser_class(), "deprecated_values", {}).items():
        for option, rule in options.items():
            pattern, replacement = rule[0], rule[1]
            if not hasattr(pattern, "pattern"):  # 1.10 compares texts
                pattern = re.compile("^{}$".format(re.escape(pattern)))
            found.append(["{}.{}".format(section, option), pattern.pattern, "i" if getattr(pattern, "flags", 0) & 2 else "", replacement, rule[2] if len(rule) > 2 else None])
    return sorted(found)


def lint():
    try:
        from airflow.cli.commands.config_command import CONFIGS_CHANGES
    except ImportError:
        return []
    found = []
    for change in CONFIGS_CHANGES:
        one = {"option": "{}.{}".format(change.config.section, change.config.option), "suggestion": change.suggestion or None, "breaking": bool(change.breaking)}
        if change.default_change:
            one.update(kind="default", old=text_of(change.old_default), new=text_of(change.new_default))
        elif change.renamed_to:
            one.update(kind="renamed", to="{}.{}".format(change.renamed_to.section, change.renamed_to.option))
        elif change.is_invalid_if is not None:
            one.update(kind="invalid", value=text_of(change.is_invalid_if))
        elif getattr(change, "remove_if_equals", None) is not None:
            one.update(kind="removed-if", value=text_of(change.remove_if_equals))
        elif change.was_removed:
            one.update(kind="removed")
        else:
            continue
        found.append({key: value for key, value in one.items() if value not in (None, False)})
    return found


def read_by_code():
    """Options that the release's own code asks for by name, described or not."""
    import airflow
    asked = re.compile(r"""\bget\w*\(\s*["'](\w+)["']\s*,\s*["'](\w+)["']""")
    found = set()
    for folder, _, files in os.walk(os.path.dirname(airflow.__file__)):
        for name in files:
            if name.endswith(".py"):
                with io.open(os.path.join(folder, name), encoding="utf-8") as file:
                    found.update("{}.{}".format(*pair) for pair in asked.findall(file.read()))
    return found


def main():
    secret = sensitive_options()
    options = {}
    for section, name, description, provider in described():
        key = "{}.{}".format(section, name)
        options[key] = {"default": text_of(description.get("default")), "sensitive": bool(description.get("sensitive")) or key in secret, "provider": provider}
    # A few are described nowhere; as options they are of interest only where another release describes them.
    asked = sorted(read_by_code() - set(options))
    json.dump({"asked": asked, "options": options, "renamed": renamed(options), "values": values(), "lint": lint()}, sys.stdout, sort_keys=True)


main()
