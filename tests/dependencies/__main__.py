"""`python3 tests/dependencies`: whether everything that is linked may be: where it comes from, its licenses, versions that are not
pinned to anything, and known vulnerabilities. What may be is said in `deny.toml`, which `cargo deny` reads, too: the same checks
take a second here, and need no program that takes ten minutes to build.
"""

import json
import pathlib
import subprocess
import sys
import tomllib

import advisories
import licenses

REPOSITORY = pathlib.Path(__file__).resolve().parent.parent.parent
REGISTRY = "registry+https://github.com/rust-lang/crates.io-index"


def main():
    rules = tomllib.loads((REPOSITORY / "deny.toml").read_text())
    packages = packages_of(rules["graph"]["targets"])
    problems = [problem for package in packages for problem in check(package, rules)]
    problems += advisories.check(packages, rules.get("advisories", {}).get("ignore", []), say)
    for problem in problems:
        say(f"error: {problem}")
    say(f"{len(packages)} packages, {len(problems)} problems")
    return 1 if problems else 0


def packages_of(targets):
    """What is linked on one of the targets, as `cargo metadata` describes it."""
    found = {}
    for target in targets:
        command = ["cargo", "metadata", "--format-version", "1", "--locked", "--all-features", "--filter-platform", target]
        metadata = json.loads(subprocess.run(command, cwd=REPOSITORY, stdout=subprocess.PIPE, check=True).stdout)
        used = {node["id"] for node in metadata["resolve"]["nodes"]}
        found |= {package["id"]: package for package in metadata["packages"] if package["id"] in used}
    return sorted(found.values(), key=lambda package: (package["name"], package["version"]))


def check(package, rules):
    name = f"{package['name']} {package['version']}"
    own = pathlib.Path(package["manifest_path"]).is_relative_to(REPOSITORY)
    if package["source"] not in (None, REGISTRY) or package["source"] is None and not own:
        yield f"{name} comes from {package['source'] or package['manifest_path']}, which is neither crates.io nor this repository"
    if reason := licenses.problem(license_of(package, rules), rules["licenses"]["allow"]):
        yield f"{name}: {reason}"
    for dependency in package["dependencies"]:
        if own and dependency["req"] == "*" and not dependency.get("path"):
            yield f"{name} takes any version of {dependency['name']}"


def license_of(package, rules):
    """The license that a package names, or what deny.toml says of the file it names in place of one."""
    folder = pathlib.Path(package["manifest_path"]).parent
    for rule in rules["licenses"].get("clarify", []):
        files = rule["license-files"]
        if rule["crate"] == package["name"] and all(licenses.is_file(folder / file["path"], file["hash"]) for file in files):
            return rule["expression"]
    return package["license"]


def say(text):
    print(text, flush=True)


if __name__ == "__main__":
    sys.exit(main())
