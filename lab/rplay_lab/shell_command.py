"""`lab/shell`: a command inside the lab, in the caller's folder. It takes this process's place, signals included."""

import argparse
import os

from .environment import merged_with_own
from .errors import run_command
from .lab import choose


def main(arguments):
    parser = argparse.ArgumentParser(prog="lab/shell", description="Runs a command, or a shell, inside a lab.")
    parser.add_argument("--id", help="which lab (default: the only one)")
    parser.add_argument("command", nargs=argparse.REMAINDER, metavar="COMMAND")
    options = parser.parse_args(arguments)
    words = options.command[1:] if options.command[:1] == ["--"] else options.command
    command, environment = inside(choose(options.id), words or [os.environ.get("SHELL", "/bin/sh")])
    os.execvpe(command[0], command, environment)


def inside(lab, words, folder=None):
    """The command line and environment that run these words in the lab."""
    return [*lab["enter"], str(folder or os.getcwd()), *words], merged_with_own(lab.get("environment", {}))


if __name__ == "__main__":
    run_command(main)
