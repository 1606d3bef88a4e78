"""`lab/demo`: builds rplay, raises a lab, runs playbooks/site.yml twice in it, and checks what came of it."""

import argparse
import json
import os
import subprocess
import sys

from . import install, keeper, permissions, recap
from .commands import have
from .down_command import end_lab
from .errors import LabError, end_on_signals, run_command
from .lab import choose
from .places import REPOSITORY
from .python_environment import PYTHON
from .shell_command import inside
from .up_command import end as stop
from .up_command import raise_lab

PLAYBOOK = "playbooks/site.yml"
PYTHON_SEARCH = "ls /usr/bin/*python* /usr/local/bin/*python* /usr/lib/python3 /opt/*/bin/python* 2>/dev/null"


def main(arguments):
    parser = argparse.ArgumentParser(
        prog="lab/demo",
        description=f"Runs {PLAYBOOK} twice in a new lab and checks the result. "
        "What is not an option of its own is handed to rplay, such as -e web_instance_count=3.",
    )
    keeper.add_options(parser)
    parser.add_argument("--keep", action="store_true", help="leave the lab running")
    parser.add_argument("--rplay", metavar="PROGRAM", help="use this rplay instead of building one")
    options, for_rplay = parser.parse_known_args(arguments)
    permissions.require()
    end_on_signals()
    install.for_cloud()
    rplay = os.path.abspath(options.rplay) if options.rplay else build()
    lab = choose(raise_lab(keeper.option_words(options)))
    try:
        return Demo(lab, [rplay, *for_rplay, PLAYBOOK]).show()
    finally:
        if options.keep:
            print(f"lab: kept; lab/shell --id {lab['lab']} gives a shell in it", file=sys.stderr)
        else:
            end_lab(lab)


def build():
    if not have("cargo"):
        raise LabError("cargo is missing; install Rust first")
    print("lab: building rplay", file=sys.stderr, flush=True)
    if subprocess.run(["cargo", "build", "--release", "--workspace"], cwd=REPOSITORY).returncode != 0:
        raise LabError("building rplay failed")
    target = os.environ.get("CARGO_TARGET_DIR") or os.path.join(REPOSITORY, "target")
    return os.path.join(REPOSITORY, target, "release", "rplay")


class Demo:
    def __init__(self, lab, command):
        self.lab = lab
        self.command = command
        self.holds = True

    def show(self):
        first, recap_of_first = self.play("first run")
        self.check("the first run succeeds", first == 0)
        self.check("failed=0 unreachable=0", self.is_clean(recap_of_first))
        instances = self.instances()
        self.check("there are web servers", bool(instances))
        for instance in instances:
            self.check_server(instance)
        second, recap_of_second = self.play("second run")
        self.check("the second run succeeds", second == 0 and self.is_clean(recap_of_second))
        self.check("the second run changes nothing", recap.total(recap_of_second, "changed") == 0)
        self.check("the same instances", instances == self.instances())
        print("\neverything holds" if self.holds else "\nnot everything holds", flush=True)
        return 0 if self.holds else 1

    def play(self, title):
        heading(title)
        command, environment = inside(self.lab, self.command, folder=REPOSITORY)
        process = subprocess.Popen(
            command, cwd=REPOSITORY, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True
        )
        lines = []
        try:
            for line in process.stdout:
                lines.append(line)
                print(line, end="", flush=True)
            return process.wait(), recap.read("".join(lines))
        finally:
            if process.poll() is None:
                stop(process)

    def is_clean(self, counts):
        return bool(counts) and recap.total(counts, "failed") == 0 and recap.total(counts, "unreachable") == 0

    def check_server(self, instance):
        heading(f"{instance['id']}, through nginx")
        page = self.output("curl", "--silent", "--show-error", "--include", f"http://{instance['name']}/")
        print(page)
        self.check("the page is served by nginx", "server: nginx" in page.lower() and " 200 " in page.splitlines()[0])
        self.check("with data from the database", "<p>page views: " in page)
        ping = self.output("curl", "--silent", f"http://{instance['name']}/api/v4/system/ping?get_server_status=true")
        self.check("Mattermost reaches its database", '"database_status":"OK"' in ping.replace(" ", ""))
        python = self.output("ssh", "-o", "BatchMode=yes", "-i", self.lab["key"], f"ubuntu@{instance['name']}", PYTHON_SEARCH)
        self.check("no Python on the host", python == "")

    def instances(self):
        return json.loads(self.output(str(PYTHON), "-B", "-m", "rplay_lab.instances") or "[]")

    def output(self, *words):
        command, environment = inside(self.lab, words)
        finished = subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
        return finished.stdout

    def check(self, claim, holds):
        print(f"{'ok' if holds else 'NOT OK'}: {claim}", flush=True)
        self.holds = self.holds and holds


def heading(text):
    print(f"\n--- {text} ---\n", flush=True)


if __name__ == "__main__":
    run_command(main)
