"""Reads the recap at the end of a run: host by host, the counts by their names."""

import re

LINE = re.compile(r"^(\S+)\s*:\s+(ok=\d+.*)$")
COLOR = re.compile(r"\x1b\[[0-9;]*m")


def read(output):
    _, found, tail = COLOR.sub("", output).rpartition("PLAY RECAP")
    hosts = {}
    for line in tail.splitlines() if found else []:
        match = LINE.match(line)
        if match:
            counts = (word.split("=") for word in match.group(2).split())
            hosts[match.group(1)] = {name: int(count) for name, count in counts}
    return hosts


def total(recap, name):
    return sum(counts.get(name, 0) for counts in recap.values())
