"""The layer that turns the base into a database host: PostgreSQL, installed once from the lab's own packages."""

import shutil
import subprocess

from .commands import run
from .errors import LabError
from .places import BASE, CACHE, DATABASE_LAYER, PACKAGES

# Runs in namespaces of its own, so that a failure leaves no mount behind.
SCRIPT = """
set -e
mount -t overlay overlay -o "lowerdir=$1,upperdir=$2/upper,workdir=$2/work" "$2/root"
mkdir -p "$2/root/mnt/packages"
mount --bind "$3" "$2/root/mnt/packages"
mount -t proc proc "$2/root/proc"
echo 'deb [trusted=yes] file:/mnt/packages/debian bookworm main' > "$2/lab.list"
touch "$2/root/mnt/lab.list"
mount --bind "$2/lab.list" "$2/root/mnt/lab.list"
# The services of the layer start when a host boots, not while it is made.
printf '#!/bin/sh\\nexit 101\\n' > "$2/root/usr/sbin/policy-rc.d"
chmod 755 "$2/root/usr/sbin/policy-rc.d"
options="-o Dir::Etc::sourcelist=/mnt/lab.list -o Dir::Etc::sourceparts=- -o APT::Install-Recommends=false -o APT::Sandbox::User=root"
chroot "$2/root" env DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8 LANG=C.UTF-8 apt-get $options update
chroot "$2/root" env DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8 LANG=C.UTF-8 apt-get $options --yes install postgresql postgresql-client
chroot "$2/root" apt-get clean
rm "$2/root/usr/sbin/policy-rc.d"
rm -rf "$2"/root/var/lib/apt/lists/*
umount "$2/root/mnt/lab.list" "$2/root/mnt/packages" "$2/root/proc"
rm -r "$2/root/mnt/lab.list" "$2/root/mnt/packages"
umount "$2/root"
"""


def make():
    unfinished = CACHE / "database.unfinished"
    shutil.rmtree(unfinished, ignore_errors=True)
    for part in ("upper", "work", "root"):
        (unfinished / part).mkdir(parents=True)
    finished = subprocess.run(
        ["unshare", "--mount", "--propagation", "private", "sh", "-c", SCRIPT, "layer", BASE, unfinished, PACKAGES],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    if finished.returncode != 0:
        raise LabError(f"installing PostgreSQL into a layer failed: {finished.stdout.strip()[-2000:]}")
    (unfinished / "upper").rename(DATABASE_LAYER)
    run("rm", "-rf", unfinished)
