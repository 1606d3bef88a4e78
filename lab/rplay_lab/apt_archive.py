"""The archive of Debian packages that the lab's hosts install from: real packages, fetched beforehand, signed by the lab."""

import os
import shutil

from . import authority
from .base_image import RELEASE
from .commands import run
from .places import BASE, CACHE, PACKAGES

# What playbooks install, and what the database layer is made of.
WANTED = ["nginx", "curl", "unzip", "acl", "tree", "postgresql", "postgresql-client"]
# Further ones for a lab with a cache of its own: groups with commas between them, as not all packages go together.
GROUPS = [WANTED, *(group.split() for group in os.environ.get("RPLAY_LAB_PACKAGES", "").split(",") if group.strip())]

# nginx is in a component of its own, which no host has from the start: playbooks add it with apt_repository.
COMPONENTS = ["main", "nginx"]


def make():
    unfinished = PACKAGES.with_name("packages.unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    pool = unfinished / "debian" / "pool"
    for component in COMPONENTS:
        (pool / component).mkdir(parents=True)
    download(pool)
    index(unfinished / "debian")
    unfinished.rename(PACKAGES)


def download(pool):
    """Fetches what the base still needs for the wanted packages, with this machine's apt and its sources.

    Downloads happen here and not inside the base, because only this machine knows its proxies and certificates.
    """
    private = CACHE / "apt"
    shutil.rmtree(private, ignore_errors=True)
    for folder in ("lists/partial", "archives/partial"):
        (private / folder).mkdir(parents=True)
    options = [
        f"Dir::State={private}",
        f"Dir::State::lists={private / 'lists'}",
        f"Dir::State::status={BASE / 'var/lib/dpkg/status'}",
        f"Dir::Cache={private}",
        f"Dir::Cache::archives={private / 'archives'}",
        "APT::Sandbox::User=root",
        "APT::Install-Recommends=false",
        *sources(private),
    ]
    flags = [word for option in options for word in ("-o", option)]
    run("apt-get", *flags, "update")
    for group in GROUPS:
        run("apt-get", *flags, "--yes", "--download-only", "install", *group)
    for package in (private / "archives").glob("*.deb"):
        component = "nginx" if package.name.startswith("nginx") else "main"
        shutil.move(package, pool / component / package.name)
    shutil.rmtree(private)


def sources(private):
    """This machine's own sources, unless it is another release or the user named an archive."""
    archive = os.environ.get("RPLAY_LAB_DEBIAN_ARCHIVE")
    if not archive:
        return []
    listing = private / "sources.list"
    listing.write_text(f"deb {archive} {RELEASE} main\n")
    return [f"Dir::Etc::sourcelist={listing}", "Dir::Etc::sourceparts=-"]


def index(root):
    architecture = run("dpkg", "--print-architecture").strip()
    for component in COMPONENTS:
        binary = root / "dists" / RELEASE / component / f"binary-{architecture}"
        binary.mkdir(parents=True)
        (binary / "Packages").write_text(run("apt-ftparchive", "packages", f"pool/{component}", cwd=root))
        run("gzip", "--keep", binary / "Packages")
    release = root / "dists" / RELEASE / "Release"
    options = {
        "Origin": "rplay lab",
        "Suite": RELEASE,
        "Codename": RELEASE,
        "Architectures": architecture,
        "Components": " ".join(COMPONENTS),
    }
    flags = [word for key, value in options.items() for word in ("-o", f"APT::FTPArchive::Release::{key}={value}")]
    text = run("apt-ftparchive", *flags, "release", release.parent)
    release.write_text(text)
    authority.sign(release, release.with_name("InRelease"))
    shutil.copy(authority.AUTHORITY / "packages.asc", root / "archive-key.asc")
