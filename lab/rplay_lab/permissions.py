"""What the machine must permit. Everything is tried out before anything is started, and what is missing is named."""

import os
import subprocess
import sys
import tempfile

from .commands import have

# One shell line per permission, run in throw-away namespaces that end with it.
TRIALS = [
    ("making network and mount namespaces (CAP_SYS_ADMIN)", "true"),
    ("mounting a tmpfs", "mount -t tmpfs tmpfs {folder}"),
    (
        "mounting an overlay file system (kernel: CONFIG_OVERLAY_FS)",
        "mount -t tmpfs tmpfs {folder} && cd {folder} && mkdir lower upper work root"
        " && mount -t overlay overlay -o lowerdir=lower,upperdir=upper,workdir=work root",
    ),
    (
        "making a network bridge (CAP_NET_ADMIN; kernel: CONFIG_BRIDGE)",
        "ip link add name lab0 type bridge && ip address add 198.18.0.1/15 dev lab0 && ip link set lab0 up",
    ),
    ("making a pair of network interfaces (kernel: CONFIG_VETH)", "ip link add name lab1 type veth peer name lab2"),
]

CONTROL_GROUPS = "/sys/fs/cgroup"


def missing():
    """Every permission that is missing, in words; empty where a lab can run."""
    if sys.platform != "linux":
        return ["Linux (the hosts are containers of the running kernel)"]
    if os.geteuid() != 0:
        return ["root (run it with sudo)"]
    if not have("unshare") or not have("ip"):
        # Those two come with lab/install, which checks again.
        return []
    found = [name for name, script in TRIALS if not permitted(script)]
    if not os.access(CONTROL_GROUPS, os.W_OK) or os.statvfs(CONTROL_GROUPS).f_flag & os.ST_RDONLY:
        found.append(f"writing to {CONTROL_GROUPS} (control groups for the hosts)")
    return found


def permitted(script):
    with tempfile.TemporaryDirectory(prefix="rplay-lab-") as folder:
        command = ["unshare", "--net", "--mount", "--propagation", "private", "sh", "-c", script.format(folder=folder)]
        return subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode == 0


def require():
    """Ends the command with the list of what is missing, before anything was started."""
    found = missing()
    if found:
        print("lab: this machine does not permit what a lab needs; missing:", file=sys.stderr)
        for name in found:
            print(f"  - {name}", file=sys.stderr)
        sys.exit(1)
