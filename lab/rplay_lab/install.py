"""`lab/install`: what the lab needs and does not find is installed or made, once, into the cache."""

import argparse
import contextlib
import fcntl
import importlib.util
import os
import sys

from . import apt_archive, authority, base_image, database_layer, mattermost, permissions, python_environment
from .commands import have, run
from .errors import LabError, run_command
from .places import AUTHORITY, BASE, CACHE, DATABASE_LAYER, PACKAGES

# A program, and the Debian package that has it.
PROGRAMS = [
    ("debootstrap", "debootstrap"),
    ("systemd-nspawn", "systemd-container"),
    ("ip", "iproute2"),
    ("unshare", "util-linux"),
    ("ssh-keygen", "openssh-client"),
    ("openssl", "openssl"),
    ("gpg", "gpg"),
    ("apt-ftparchive", "apt-utils"),
    ("curl", "curl"),
]

# Folders of the cache, in the order in which they need each other.
FOR_HOSTS = [
    (AUTHORITY, "the lab's own keys", authority.make),
    (BASE, "a Debian base without Python", base_image.make),
]
FOR_PACKAGES = [
    *FOR_HOSTS,
    (PACKAGES, "the package archive", apt_archive.make),
]
FOR_CLOUD = [
    *FOR_PACKAGES,
    (DATABASE_LAYER, "PostgreSQL for database hosts", database_layer.make),
    (python_environment.MARK, "moto", python_environment.make),
    (mattermost.TARBALL, "the Mattermost stand-in", mattermost.make),
]


def for_hosts():
    provide(FOR_HOSTS)


def for_packages():
    provide(FOR_PACKAGES)


def for_cloud():
    provide(FOR_CLOUD)


def provide(parts):
    with alone():
        install_programs()
        for place, name, make in parts:
            if not is_current(place):
                say(f"making {name} in {CACHE}")
                make()


def is_current(place):
    return place.exists() and not (place == mattermost.TARBALL and mattermost.is_outdated())


@contextlib.contextmanager
def alone():
    """Two labs that are raised at once must not fill one cache together."""
    CACHE.mkdir(parents=True, exist_ok=True)
    with open(CACHE / "lock", "w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("waiting for another lab to finish installing")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def install_programs():
    missing = [(program, package) for program, package in PROGRAMS if not have(program)]
    # Debian takes this out of Python, and without it no virtual environment has pip.
    if importlib.util.find_spec("ensurepip") is None:
        missing.append(("python3 -m venv", "python3-venv"))
    if not missing:
        return
    packages = sorted({package for _, package in missing})
    if not have("apt-get"):
        raise LabError(f"missing programs: {', '.join(program for program, _ in missing)}; install them first")
    say(f"installing {', '.join(packages)}")
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    run("apt-get", "update", env=environment)
    run("apt-get", "install", "--yes", "--no-install-recommends", *packages, env=environment)
    # Some of the trials need what has only now come.
    permissions.require()


def say(text):
    print(f"lab: {text}", file=sys.stderr, flush=True)


def main(arguments):
    parser = argparse.ArgumentParser(prog="lab/install", description="Installs and makes what the lab needs.")
    part = parser.add_mutually_exclusive_group()
    part.add_argument("--hosts-only", action="store_true", help="only what lab/hosts needs")
    part.add_argument("--packages-only", action="store_true", help="only what lab/hosts --packages needs")
    options = parser.parse_args(arguments)
    permissions.require()
    if options.hosts_only:
        for_hosts()
    elif options.packages_only:
        for_packages()
    else:
        for_cloud()
    say(f"complete: {CACHE}")
    return 0


if __name__ == "__main__":
    run_command(main)
