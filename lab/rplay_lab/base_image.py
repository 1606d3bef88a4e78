"""The layer below every host: Debian 12 with systemd and sshd, without Python. Made once, then read-only."""

import os
import platform
import shutil

from .commands import have, run
from .errors import LabError
from .places import AUTHORITY, BASE

RELEASE = "bookworm"
PACKAGES = [
    "systemd", "systemd-sysv", "dbus", "openssh-server", "sudo", "ca-certificates", "iproute2", "procps",
    "tzdata", "xz-utils", "bzip2", "zstd", "gnupg", "netbase",
]  # fmt: skip

# They would hold dpkg's lock in the middle of a play, or wait for a console that nobody sits at.
MASKED_UNITS = [
    "apt-daily.timer", "apt-daily-upgrade.timer", "dpkg-db-backup.timer", "e2scrub_all.timer", "fstrim.timer",
    "console-getty.service", "getty@tty1.service",
]  # fmt: skip

# `ubuntu` is what cloud images have; `operator` is for trying out what a sudo that asks for a password does.
OPERATOR_PASSWORD = "operator-password"
SUDOERS = "ubuntu ALL=(ALL) NOPASSWD:ALL\noperator ALL=(ALL) ALL\n"

APT_SOURCE = "deb [signed-by=/usr/share/keyrings/rplay-lab.asc] http://packages.lab.test/debian {release} main\n"


def archive_address():
    """The Debian archive that this machine installs from, or the one named in RPLAY_LAB_DEBIAN_ARCHIVE."""
    named = os.environ.get("RPLAY_LAB_DEBIAN_ARCHIVE")
    if named:
        return named
    if not have("apt-get"):
        raise LabError("this machine has no apt; name a Debian archive in RPLAY_LAB_DEBIAN_ARCHIVE")
    listing = run(
        "apt-get", "indextargets", "--format", "$(REPO_URI)",
        "Created-By: Packages", f"Codename: {RELEASE}", "Component: main",
    )  # fmt: skip
    addresses = listing.split()
    if not addresses:
        raise LabError(f"no source of Debian {RELEASE} among this machine's; name one in RPLAY_LAB_DEBIAN_ARCHIVE")
    return addresses[0]


def make():
    """Debootstraps, strips and sets up; the folder gets its name only when it is complete."""
    if platform.machine() not in ("x86_64", "aarch64"):
        raise LabError(f"no lab for machines of kind {platform.machine()}")
    unfinished = BASE.with_name("base.unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    run(
        "debootstrap", "--variant=minbase", f"--include={','.join(PACKAGES)}", RELEASE, unfinished, archive_address()
    )
    refuse_python(unfinished)
    add_users(unfinished)
    for unit in MASKED_UNITS:
        (unfinished / "etc/systemd/system" / unit).symlink_to("/dev/null")
    for key in (unfinished / "etc/ssh").glob("ssh_host_*"):
        key.unlink()
    use_lab_packages(unfinished)
    trust_lab_authority(unfinished)
    unfinished.rename(BASE)


def refuse_python(root):
    """The whole point of the lab's hosts; a package that drags Python in must not go unnoticed."""
    for folder in ("usr/bin", "usr/local/bin", "usr/sbin"):
        found = sorted(path.name for path in (root / folder).glob("*python*"))
        if found:
            raise LabError(f"the base has a Python interpreter: {', '.join(found)}")


def add_users(root):
    # Debian has a group `operator` of its own.
    for user, number, group in (("ubuntu", "1000", ["--user-group"]), ("operator", "1001", ["--gid", "operator"])):
        run("chroot", root, "useradd", "--create-home", "--shell", "/bin/bash", "--uid", number, *group, user)
    run("chroot", root, "chpasswd", input=f"operator:{OPERATOR_PASSWORD}\n", stdin=None)
    sudoers = root / "etc/sudoers.d/lab"
    sudoers.write_text(SUDOERS)
    sudoers.chmod(0o440)


def use_lab_packages(root):
    """A host knows the lab's archive and no other."""
    shutil.copy(AUTHORITY / "packages.asc", root / "usr/share/keyrings/rplay-lab.asc")
    (root / "etc/apt/sources.list").write_text(APT_SOURCE.format(release=RELEASE))
    shutil.rmtree(root / "var/lib/apt/lists")
    (root / "var/lib/apt/lists/partial").mkdir(parents=True)
    run("chroot", root, "apt-get", "clean")


def trust_lab_authority(root):
    shutil.copy(AUTHORITY / "authority.crt", root / "usr/local/share/ca-certificates/rplay-lab.crt")
    run("chroot", root, "update-ca-certificates")
