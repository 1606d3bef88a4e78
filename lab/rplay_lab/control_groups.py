"""A control group of its own for each host.

systemd-nspawn puts a host into the group it was started from, so two hosts started from one group would both take it
for their root and remove each other's services.
"""

import os
import time
from pathlib import Path


def systemd_runs():
    return Path("/run/systemd/system").is_dir()


def hierarchies():
    """The groups this process is in, of the two hierarchies that systemd manages: its own of version 1, and version 2."""
    own_groups = {}
    for line in Path("/proc/self/cgroup").read_text().splitlines():
        _, controllers, group = line.split(":", 2)
        own_groups[controllers] = group.lstrip("/")
    for line in Path("/proc/mounts").read_text().splitlines():
        _, place, kind, options = line.split()[:4]
        if kind == "cgroup2":
            yield Path(place) / own_groups.get("", "")
        elif kind == "cgroup" and "name=systemd" in options.split(","):
            yield Path(place) / own_groups.get("name=systemd", "")


class ControlGroup:
    """Where systemd runs it makes a scope per host itself, and there is nothing to do."""

    def __init__(self, lab_id, host):
        lab_groups = [] if systemd_runs() else [group / f"rplay-lab-{lab_id}" for group in hierarchies()]
        self.folders = [folder / host for folder in lab_groups]

    def make(self):
        for folder in self.folders:
            folder.mkdir(parents=True, exist_ok=True)

    def enter(self):
        """For `preexec_fn`."""
        for folder in self.folders:
            (folder / "cgroup.procs").write_text(str(os.getpid()))

    def remove(self):
        for folder in self.folders:
            remove_tree(folder)


def remove_tree(folder):
    """Control groups go from the leaves up, and only once the kernel has let go of their last process."""
    for group, _, _ in os.walk(folder, topdown=False):
        for _ in range(50):
            try:
                os.rmdir(group)
                break
            except FileNotFoundError:
                break
            except OSError:
                time.sleep(0.02)


def remove_lab(lab_id):
    if systemd_runs():
        return
    for group in hierarchies():
        remove_tree(group / f"rplay-lab-{lab_id}")
