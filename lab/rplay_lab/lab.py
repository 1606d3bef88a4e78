"""A running lab: its namespaces, its folder, and the hosts in it. Whoever opens one closes it."""

import json
import os
import secrets
import shutil
import sys
import threading
from pathlib import Path

from . import control_groups, network
from .commands import run
from .errors import LabError
from .host import Host
from .names import Names
from .places import AUTHORITY, BASE, state_of

# In a command's environment: which lab it runs in.
LAB_VARIABLE = "RPLAY_LAB"


def new_id():
    return secrets.token_hex(3)


def enter_namespaces(module, arguments):
    """Runs a module of this package inside namespaces of its own; the process stays the same one."""
    package_parent = str(Path(__file__).resolve().parents[1])
    os.environ["PYTHONPATH"] = package_parent
    command = ["unshare", "--net", "--mount", "--propagation", "private", sys.executable, "-m", module, *arguments]
    os.execvp(command[0], command)


class Lab:
    def __init__(self, lab_id):
        self.id = lab_id
        self.state = state_of(lab_id)
        self.hosts_folder = self.state / "hosts"
        self.hosts = {}
        self.names = Names()
        # Hosts come and go in threads of their own.
        self.publishing = threading.Lock()
        self.key = self.state / "key"
        self.known_hosts = self.state / "known_hosts"

    def open(self):
        """Call it inside the lab's namespaces: everything mounted or started here ends with them."""
        self.state.mkdir(parents=True, exist_ok=True)
        (self.state / "keeper").write_text(str(os.getpid()))
        self.hosts_folder.mkdir()
        run("mount", "-t", "tmpfs", "-o", "mode=0755", "rplay-lab", self.hosts_folder)
        # Otherwise two labs with a host of one name meet in systemd-nspawn's run-time folder.
        Path("/run/systemd/nspawn").mkdir(parents=True, exist_ok=True)
        run("mount", "-t", "tmpfs", "rplay-lab", "/run/systemd/nspawn")
        network.raise_bridge()
        self.names.serve(network.GATEWAY)
        run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", f"rplay-lab-{self.id}", "-f", self.key)
        self.make_etc()

    def make_etc(self):
        """In the lab /etc is an overlay: its own name server, known hosts and certificate authority."""
        folder = self.hosts_folder / ".etc"
        for part in ("upper", "work"):
            (folder / part).mkdir(parents=True)
        options = f"lowerdir=/etc,upperdir={folder / 'upper'},workdir={folder / 'work'}"
        run("mount", "-t", "overlay", "-o", options, "rplay-lab", "/etc")
        resolver = Path("/etc/resolv.conf")
        resolver.unlink(missing_ok=True)
        resolver.write_text(f"nameserver {network.GATEWAY}\n")
        machine_wide = Path("/etc/ssh/ssh_known_hosts")
        self.known_hosts.write_text(machine_wide.read_text() if machine_wide.exists() else "")
        machine_wide.unlink(missing_ok=True)
        machine_wide.parent.mkdir(exist_ok=True)
        machine_wide.symlink_to(self.known_hosts)
        bundle = Path("/etc/ssl/certs/ca-certificates.crt")
        authority = AUTHORITY / "authority.crt"
        if authority.exists() and bundle.exists():
            text = bundle.read_text() + authority.read_text()
            bundle.unlink()
            bundle.write_text(text)

    def public_key(self):
        return Path(f"{self.key}.pub").read_text().strip()

    def add_host(self, name, address, public_keys=(), layers=(), names=(), **options):
        """Prepares and starts a host, and makes it known by its names and host key, but does not wait for it."""
        host = Host(self, name, address, [*layers, BASE], **options)
        host.aliases = [name, *names]
        host.prepare([*public_keys])
        self.hosts[name] = host
        for alias in host.aliases:
            self.names.enter(alias, address)
        self.publish_host_keys()
        return host

    def move_host(self, host, address, names):
        """Gives a host that is off another address."""
        for alias in host.aliases[1:]:
            self.names.withdraw(alias)
        host.set_address(address)
        host.aliases = [host.name, *names]
        for alias in host.aliases:
            self.names.enter(alias, address)
        self.publish_host_keys()

    def publish_host_keys(self):
        """As a provider's console shows them, so that no user of the lab must switch host key checking off."""
        with self.publishing:
            self.write_known_hosts()

    def write_known_hosts(self):
        machine_wide = [line for line in self.known_hosts.read_text().splitlines() if not line.endswith(" lab")]
        of_the_lab = [
            f"{','.join([host.address, *host.aliases])} {' '.join(host.host_key.split()[:2])} lab"
            for host in list(self.hosts.values())
        ]
        fresh = self.known_hosts.with_suffix(".new")
        fresh.write_text("".join(f"{line}\n" for line in machine_wide + of_the_lab))
        fresh.replace(self.known_hosts)

    def remove_host(self, host):
        self.hosts.pop(host.name, None)
        for alias in host.aliases:
            self.names.withdraw(alias)
        self.publish_host_keys()
        host.discard()

    def describe(self, **more):
        return {
            "lab": self.id,
            "pid": os.getpid(),
            "enter": enter_command(os.getpid()),
            "user": "ubuntu",
            "key": str(self.key),
            "known_hosts": str(self.known_hosts),
            **more,
        }

    def save_description(self, **more):
        fresh = self.state / "lab.json.new"
        # The environment in it holds a password.
        fresh.touch(mode=0o600)
        fresh.write_text(json.dumps(self.describe(**more), indent=2) + "\n")
        fresh.replace(self.state / "lab.json")

    def close(self):
        """Ends every host; the mounts and the network end with the namespaces."""
        for host in list(self.hosts.values()):
            if host.is_running():
                host.process.kill()
        for host in list(self.hosts.values()):
            host.kill()
        self.hosts.clear()
        os.chdir("/")
        run("umount", "--lazy", "/etc")
        run("umount", "--lazy", "--recursive", self.hosts_folder)
        control_groups.remove_lab(self.id)
        shutil.rmtree(self.state, ignore_errors=True)


def enter_command(keeper):
    """What to put before a command so that it runs inside the lab, in the caller's folder."""
    return [
        "nsenter", f"--target={keeper}", "--net", "--mount",
        "sh", "-c", 'cd "$1" && shift && exec "$@"', "enter",
    ]  # fmt: skip


def running():
    """The descriptions of the labs that run; what is left of others is swept away."""
    root = state_of("")
    found = []
    for folder in sorted(root.iterdir()) if root.is_dir() else []:
        try:
            keeper = int((folder / "keeper").read_text())
            if is_keeper(keeper):
                if (folder / "lab.json").exists():
                    found.append(json.loads((folder / "lab.json").read_text()))
                continue
        except (OSError, ValueError):
            pass
        sweep(folder.name)
    return found


def is_keeper(pid):
    """Process numbers are used again, so the number alone proves nothing."""
    try:
        return b"rplay_lab" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False


def sweep(lab_id):
    """A lab whose keeper was killed has lost its hosts and namespaces with it; its folders are all that is left."""
    control_groups.remove_lab(lab_id)
    shutil.rmtree(state_of(lab_id), ignore_errors=True)


def choose(lab_id):
    """The lab that is meant: the one named, or the only one with a cloud (plain hosts come and go with their tests)."""
    labs = [lab for lab in running() if lab["lab"] == lab_id or (not lab_id and "environment" in lab)]
    if not labs:
        raise LabError(f"no lab {lab_id} is running" if lab_id else "no lab is running (lab/up raises one)")
    if len(labs) > 1:
        raise LabError(f"several labs are running, say which with --id: {', '.join(lab['lab'] for lab in labs)}")
    return labs[0]
