"""Known vulnerabilities, by the database of RustSec: a copy is kept and brought up to date when the network allows."""

import os
import pathlib
import re
import subprocess
import time
import tomllib

DATABASE = "https://github.com/RustSec/advisory-db"
PATIENCE = 120
# A copy that is older than this says little about today.
FRESH_DAYS = 14


def check(packages, ignored, say, database=None):
    """Problems, a text each. Without a database the packages are not checked, which is said and is no problem of theirs."""
    folder = database or copy(say)
    if folder is None:
        return []
    known = read(folder)
    return [
        problem
        for package in packages
        for advisory in known.get(package["name"], [])
        if advisory["id"] not in ignored and (problem := applies(advisory, package))
    ]


def copy(say):
    """The folder of the database's copy, brought up to date; none if there never was a way to it."""
    cache = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "rplay-tests"
    folder = cache / "advisory-db"
    cache.mkdir(parents=True, exist_ok=True)
    if folder.is_dir():
        reason = git("-C", folder, "pull", "--quiet", "--ff-only")
    else:
        reason = git("clone", "--quiet", "--depth", "1", DATABASE, folder)
    if not folder.is_dir():
        say(f"advisories: NOT CHECKED: {DATABASE} can't be reached from here ({reason})")
        return None
    if reason:
        # Fetched last, or when it was made.
        seen = max(path.stat().st_mtime for path in (folder / ".git/FETCH_HEAD", folder / ".git/HEAD") if path.exists())
        days = int((time.time() - seen) / 86400)
        old = "" if days <= FRESH_DAYS else ", too old to say much"
        say(f"advisories: checked against a copy of {days} days ago{old}, since {DATABASE} can't be reached ({reason})")
    else:
        say("advisories: checked against today's database")
    return folder


def git(*words):
    """Why git failed; none if it did not."""
    environment = {**os.environ, "GIT_TERMINAL_PROMPT": "0"}
    try:
        done = subprocess.run(["git", *map(str, words)], env=environment, capture_output=True, text=True, timeout=PATIENCE)
    except (OSError, subprocess.TimeoutExpired) as err:
        return str(err)
    return None if done.returncode == 0 else (done.stderr.strip().splitlines() or ["git failed"])[-1]


def read(folder):
    """Advisories by the name of their crate."""
    found = {}
    for path in sorted(pathlib.Path(folder, "crates").glob("*/*.md")):
        match = re.search(r"^```toml\n(.*?)^```", path.read_text(), re.S | re.M)
        if match:
            document = tomllib.loads(match.group(1))
            advisory = document["advisory"] | {"versions": document.get("versions", {})}
            if "withdrawn" not in advisory:
                found.setdefault(path.parent.name, []).append(advisory)
    return found


def applies(advisory, package):
    # What is only not maintained any more can't be used against anybody.
    if advisory.get("informational") not in (None, "unsound"):
        return None
    version = package["version"]
    harmless = advisory["versions"].get("patched", []) + advisory["versions"].get("unaffected", [])
    if any(satisfies(version, requirement) for requirement in harmless):
        return None
    return f"{package['name']} {version}: {advisory['id']}, https://rustsec.org/advisories/{advisory['id']}.html"


def satisfies(version, requirement):
    """Whether a version is one that a requirement of Cargo (`>=1.2.3, <2`, `^0.4.1`) means."""
    return all(compares(parse(version), part.strip()) for part in requirement.split(","))


def compares(version, part):
    operator, numbers = re.fullmatch(r"(>=|<=|>|<|=|\^|~|)\s*v?([0-9A-Za-z.+*-]+)", part).groups()
    if numbers == "*":
        return True
    bound = parse(numbers)
    given = len(numbers.partition("-")[0].partition("+")[0].split("."))
    match operator:
        case ">=":
            return version >= bound
        case "<=":
            return version <= bound
        case ">":
            return version > bound
        case "<":
            return version < bound
        case "=":
            return version == bound if given == 3 else version[0][:given] == bound[0][:given]
    # ^ holds the first number that is not zero, ~ the one before the last that is given.
    first = next((at for at in range(given) if bound[0][at]), given - 1)
    held = first + 1 if operator != "~" else max(given - 1, 1)
    return version >= bound and version[0][:held] == bound[0][:held]


def parse(text):
    """Something that compares as versions do: the numbers, and a release after its candidates."""
    numbers, _, candidate = text.partition("+")[0].partition("-")
    numbers = [int(number) for number in numbers.split(".") if number != "*"]
    words = [(0, int(word), "") if word.isdigit() else (1, 0, word) for word in candidate.split(".")] if candidate else []
    return (tuple(numbers + [0] * (3 - len(numbers))), not candidate, words)
