#!/usr/bin/env python3
"""Writes names.txt, the names of plugins that Ansible and the collections of its community package have.

Run it with the Python of a virtual environment that has the package `ansible`:

    python3 -m venv /tmp/names && /tmp/names/bin/pip install ansible==12.3.0 && /tmp/names/bin/python names.py

Only names, redirects and removals are taken: no text of anyone. A section `[kind collection]` holds a name a line:

    name                              a plugin
    name>collection                   renamed: the same name in another collection
    name>collection.other             renamed
    name!version collection.other     removed in that version (or after that date), and what there is instead
"""

import json
import re
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import ansible
import yaml

KINDS = ["become", "cache", "callback", "connection", "filter", "inventory", "lookup", "module", "strategy", "test", "vars"]
ROUTED = {"action": "module", "modules": "module", **{kind: kind for kind in KINDS}}
PACKAGES = Path(ansible.__file__).parent.parent
FULL_NAME = re.compile(r"\b[a-z_0-9]+\.[a-z_0-9]+\.[a-z_0-9]+\b")


def documented(kind):
    """Full names as ansible-doc lists them."""
    command = [Path(sys.executable).parent / "ansible-doc", "-t", kind, "-l", "-j"]
    return json.loads(subprocess.run(command, capture_output=True, check=True).stdout)


def routing():
    """Collection and routing table of each collection, ansible.builtin's first."""
    yield "ansible.builtin", PACKAGES / "ansible/config/ansible_builtin_runtime.yml"
    for path in sorted(PACKAGES.glob("ansible_collections/*/*/meta/runtime.yml")):
        yield ".".join(path.parts[-4:-2]), path


def main():
    names = {kind: defaultdict(dict) for kind in KINDS}
    for kind in KINDS:
        for name in documented(kind):
            namespace, collection, rest = name.split(".", 2)
            names[kind][f"{namespace}.{collection}"][rest] = ""
    for callback in ("minimal", "oneline", "tree"):
        names["callback"]["ansible.builtin"][callback] = ""
    for collection, path in routing():
        table = yaml.safe_load(path.read_text()).get("plugin_routing") or {}
        for section, kind in ROUTED.items():
            for name, entry in (table.get(section) or {}).items():
                if redirect := entry.get("redirect"):
                    if "." not in redirect:
                        redirect = f"{collection}.{redirect}"
                    if redirect != f"{collection}.{name}" and not name.endswith(".ps1"):
                        names[kind][collection][name] = f">{redirect.removesuffix(f'.{name}')}"
                elif removed := entry.get("tombstone"):
                    when = removed.get("removal_version") or removed.get("removal_date")
                    instead = [it for it in FULL_NAME.findall(removed.get("warning_text") or "") if it != f"{collection}.{name}"]
                    names[kind][collection][name] = " ".join([f"!{when}", *instead[:1]])
    lines = []
    for kind in KINDS:
        for collection in sorted(names[kind]):
            lines.append(f"[{kind} {collection}]")
            lines += [name + fact for name, fact in sorted(names[kind][collection].items())]
    Path(__file__).with_name("names.txt").write_text("\n".join(lines) + "\n")


main()
