"""The tarball at the download site: a small program of ours in the layout of the real Mattermost's release."""

import io
import os
import tarfile
import time

from .commands import have, run
from .errors import LabError
from .places import CACHE, DOWNLOADS, REPOSITORY

SOURCE = REPOSITORY / "lab" / "mattermost"
TARBALL = DOWNLOADS / "mattermost.tar.gz"


def is_outdated():
    """The tarball is built from the repository, and so must follow its source."""
    made = TARBALL.stat().st_mtime
    return any(path.stat().st_mtime > made for path in SOURCE.rglob("*") if path.is_file())


def make():
    if not have("cargo"):
        raise LabError("cargo is missing (the Mattermost stand-in is a Rust program, like rplay itself)")
    target = CACHE / "mattermost-target"
    # Fully static: it must run on any host, whatever C library this machine has.
    environment = {**os.environ, "CARGO_TARGET_DIR": str(target), "RUSTFLAGS": "-C target-feature=+crt-static"}
    run("cargo", "build", "--quiet", "--release", "--locked", "--target", host_triple(), cwd=SOURCE, env=environment)
    program = target / host_triple() / "release" / "mattermost"
    TARBALL.parent.mkdir(parents=True, exist_ok=True)
    unfinished = TARBALL.with_suffix(".unfinished")
    pack(program, unfinished)
    unfinished.rename(TARBALL)


def host_triple():
    """Naming the target keeps the static flag away from build scripts and procedural macros."""
    for line in run("rustc", "-vV").splitlines():
        if line.startswith("host: "):
            return line.removeprefix("host: ")
    raise LabError("rustc does not say which machine it builds for")


def pack(program, tarball):
    with tarfile.open(tarball, "w:gz") as archive:
        for folder in ("mattermost", "mattermost/bin", "mattermost/config", "mattermost/data", "mattermost/logs"):
            archive.addfile(entry(folder, tarfile.DIRTYPE, 0o755))
        add(archive, "mattermost/bin/mattermost", program.read_bytes(), 0o755)
        # The name that releases before 5.0 had.
        old_name = entry("mattermost/bin/platform", tarfile.SYMTYPE, 0o777)
        old_name.linkname = "mattermost"
        archive.addfile(old_name)
        add(archive, "mattermost/config/config.json", (SOURCE / "config.json").read_bytes(), 0o600)
        add(archive, "mattermost/README.md", (SOURCE / "README.md").read_bytes(), 0o644)


def add(archive, name, content, mode):
    file = entry(name, tarfile.REGTYPE, mode)
    file.size = len(content)
    archive.addfile(file, io.BytesIO(content))


def entry(name, kind, mode):
    member = tarfile.TarInfo(name)
    member.type = kind
    member.mode = mode
    member.mtime = int(time.time())
    # What a release's files have: neither root nor anybody on the target.
    member.uid = member.gid = 2000
    return member
