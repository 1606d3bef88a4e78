#!/usr/bin/env python3
"""Writes reference.json: the settings of ansible-core and the options of its plugins, as facts.

    python3 reference.py ANSIBLE_CONFIG > reference.json

ANSIBLE_CONFIG is the program `ansible-config`. Its prose stays behind: descriptions of settings are in descriptions.txt."""

import json
import os
import subprocess
import sys

PROSE = {"description", "name", "why", "alternatives", "alternative", "default_description", "collection_name"}


def facts(value, inside=None):
    if isinstance(value, dict):
        listed = inside in ("env", "ini", "vars", "keyword", "cli")
        kept = {
            key: facts(item, key)
            for key, item in value.items()
            if key not in PROSE or listed and key == "name"
        }
        return kept
    if isinstance(value, list):
        return [facts(item, inside) for item in value]
    return value


def run(*arguments):
    environment = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", "ANSIBLE_HOME": "/nonexistent"}
    return json.loads(subprocess.run([sys.argv[1], *arguments], check=True, stdout=subprocess.PIPE, env=environment).stdout)


def main():
    listed = run("list", "-t", "all", "-f", "json")
    plugins = listed.pop("PLUGINS")
    del listed["GALAXY_SERVERS"]
    # `dump` has plugins in the order in which they are found.
    order = {}
    for part in run("dump", "-t", "all", "-f", "json"):
        for name, found in part.items():
            if name.endswith("_PLUGINS"):
                order[name.removesuffix("_PLUGINS")] = [next(iter(plugin)) for plugin in found]
    ordered = {}
    for kind, names in order.items():
        rest = [name for name in plugins[kind] if name not in names]
        ordered[kind.lower()] = {name: facts(plugins[kind][name]) for name in names + rest}
    out = {"base": {name: facts(definition) for name, definition in listed.items()}, "plugins": ordered}
    print("{" + ",\n".join(f"{json.dumps(part)}: {lines(content)}" for part, content in out.items()) + "}")


def lines(content):
    """One option a line."""
    if not any(key in content for key in ("env", "ini", "vars", "default", "type", "required", "keyword", "cli")):
        return "{\n" + ",\n".join(f"{json.dumps(key)}: {lines(value)}" for key, value in content.items()) + "}"
    return json.dumps(content)


main()
