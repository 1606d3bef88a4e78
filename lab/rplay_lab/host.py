"""One Debian host: an overlay over the base, booted by systemd-nspawn with an address in the lab's network."""

import itertools
import os
import signal
import subprocess
import threading
import uuid
from pathlib import Path

from . import network
from .commands import die_with_parent, run
from .control_groups import ControlGroup, systemd_runs
from .errors import LabError

BOOT_SECONDS = 60
END_SECONDS = 15
COUNTER = itertools.count(1)
# The first user of every host; both numbers are fixed when the base is made.
USER_ID = 1000

# A killed systemd-nspawn leaves its host running. So it gets a process namespace, whose end nothing in it survives;
# the shell is there because systemd's programs behave differently as process 1.
KEEP_NSPAWN = """\
trap 'kill -TERM $child' TERM
code=133
while [ $code = 133 ]; do
    "$@" &
    child=$!
    while kill -0 $child 2>/dev/null; do wait $child; code=$?; done
done
"""

NETWORK_UNIT = """\
[Unit]
DefaultDependencies=no
Before=network.target ssh.service

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/usr/sbin/ip address replace {address}/{prefix_length} dev host0
ExecStart=/usr/sbin/ip link set host0 up
ExecStart=/usr/sbin/ip route replace default via {gateway}

[Install]
WantedBy=multi-user.target
"""


class Host:
    def __init__(self, lab, name, address, layers, hostname=None, disk="1g"):
        self.lab = lab
        self.number = next(COUNTER)
        self.name = name
        self.address = address
        self.layers = layers
        self.hostname = hostname or name
        self.folder = lab.hosts_folder / name
        self.disk = disk
        self.upper = self.folder / "upper"
        self.log = lab.state / f"{name}.log"
        self.process = None
        self.is_off = False
        self.watcher = None
        self.control_group = ControlGroup(lab.id, name)

    def prepare(self, public_keys):
        """Makes the disk and everything on it that differs from the base."""
        self.folder.mkdir(parents=True)
        run("mount", "-t", "tmpfs", "-o", f"size={self.disk},mode=0755", "rplay-lab", self.folder)
        for part in ("upper", "work", "root"):
            (self.folder / part).mkdir()
        self.write("etc/hostname", self.hostname + "\n")
        self.write("etc/machine-id", uuid.uuid4().hex + "\n")
        self.write("etc/resolv.conf", f"nameserver {network.GATEWAY}\n")
        self.set_address(self.address)
        self.authorize(public_keys)
        self.make_host_key()
        layers = ":".join(str(layer) for layer in self.layers)
        options = f"lowerdir={layers},upperdir={self.upper},workdir={self.folder / 'work'}"
        run("mount", "-t", "overlay", "-o", options, "rplay-lab", self.folder / "root")
        # The lists are empty; a fresh date on their folder would tell cache_valid_time that they are not.
        os.utime(self.folder / "root/var/lib/apt/lists", (0, 0))

    def set_address(self, address):
        """Takes effect with the next boot."""
        self.address = address
        self.write("etc/hosts", f"127.0.0.1 localhost\n{address} {self.hostname}\n")
        unit = NETWORK_UNIT.format(address=address, prefix_length=network.PREFIX_LENGTH, gateway=network.GATEWAY)
        self.enable_unit("lab-network.service", unit)

    def write(self, path, text, mode=0o644, owner=0):
        """Writes a file before the host boots; folders that the base does not have belong to the same owner."""
        target = self.upper / path
        self.make_folders(target.parent, owner)
        target.write_text(text)
        target.chmod(mode)
        os.chown(target, owner, owner)

    def make_folders(self, folder, owner):
        for parent in [*reversed(folder.parents), folder]:
            if parent.is_relative_to(self.upper) and not parent.exists():
                parent.mkdir()
                self.copy_folder_rights(parent, owner)

    def copy_folder_rights(self, folder, owner):
        """A folder of the upper layer hides the rights of the one below it, so it must have the same."""
        for layer in self.layers:
            below = layer / folder.relative_to(self.upper)
            if below.is_dir():
                status = below.stat()
                folder.chmod(status.st_mode & 0o7777)
                os.chown(folder, status.st_uid, status.st_gid)
                return
        os.chown(folder, owner, owner)

    def enable_unit(self, name, text):
        self.write(f"etc/systemd/system/{name}", text)
        wants = self.upper / "etc/systemd/system/multi-user.target.wants"
        self.make_folders(wants, 0)
        if not (wants / name).is_symlink():
            (wants / name).symlink_to(f"../{name}")

    def authorize(self, public_keys):
        for home, owner in (("home/ubuntu", USER_ID), ("home/operator", USER_ID + 1)):
            self.write(f"{home}/.ssh/authorized_keys", "".join(f"{key}\n" for key in public_keys), 0o600, owner)
            (self.upper / home / ".ssh").chmod(0o700)

    def make_host_key(self):
        """Also gives a host a new key, as long as it is not running."""
        key = self.folder / "host_key"
        key.unlink(missing_ok=True)
        run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", self.hostname, "-f", key)
        self.write("etc/ssh/ssh_host_ed25519_key", key.read_text(), 0o600)
        self.host_key = Path(f"{key}.pub").read_text().strip()
        self.write("etc/ssh/ssh_host_ed25519_key.pub", self.host_key + "\n")

    def boot(self):
        """Starts the host without waiting for it."""
        self.control_group.make()
        started = threading.Event()
        self.watcher = threading.Thread(target=self.run_until_end, args=[started], daemon=True)
        self.watcher.start()
        started.wait()

    def run_until_end(self, started):
        # The thread lives as long as the host does: a host is killed when the thread that started it ends.
        machine = f"{self.lab.id}-{self.number}"
        command = [
            "unshare", "--pid", "--fork", "--kill-child", "--mount-proc", "sh", "-c", KEEP_NSPAWN, "host",
            "systemd-nspawn", "--quiet", "--boot", "--register=no", "--directory", str(self.folder / "root"),
            "--machine", machine, f"--network-bridge={network.BRIDGE}",
            "--link-journal=no", "--resolv-conf=off", "--timezone=off", "--console=pipe",
        ]  # fmt: skip
        if not systemd_runs():
            command.append("--keep-unit")
        try:
            with open(self.log, "ab") as log:
                self.process = subprocess.Popen(
                    command,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    start_new_session=True,
                    preexec_fn=self.enter_group,
                )
        finally:
            started.set()
        self.process.wait()
        # The interface goes with the last process; a host of this name can't boot again before.
        network.wait_until(lambda: not network.has_interface(f"vb-{machine}"), END_SECONDS)
        self.control_group.remove()

    def enter_group(self):
        die_with_parent()
        self.control_group.enter()

    def is_running(self):
        return self.process is not None and self.process.poll() is None

    def answers(self):
        return network.answers(self.address, 22, b"SSH-")

    def wait(self):
        """Waits until sshd answers."""
        network.wait_until(lambda: not self.is_running() or self.answers(), BOOT_SECONDS)
        if not self.is_running() or not self.answers():
            raise LabError(f"host {self.name} did not come up; its console: {self.log}")

    def shut_down(self):
        """An orderly shutdown, as the power button gives it."""
        if self.is_running():
            pid = self.process.pid
            # Not unshare but its child, the first process of the host's process namespace, passes the signal on.
            children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
            for child in children:
                os.kill(int(child), signal.SIGTERM)
            self.watcher.join(END_SECONDS)
        self.kill()

    def kill(self):
        """The power cut."""
        if self.process is not None:
            self.process.kill()
            self.watcher.join()

    def discard(self):
        """Gives the disk back."""
        self.kill()
        for mount in (self.folder / "root", self.folder):
            run("umount", "--lazy", mount)
        self.folder.rmdir()
