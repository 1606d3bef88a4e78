"""`lab/down`: ends a lab, and with it everything it has started."""

import argparse
import os
import signal
import sys

from .errors import LabError, run_command
from .lab import choose, is_keeper, running, sweep
from .network import wait_until

END_SECONDS = 30


def main(arguments):
    parser = argparse.ArgumentParser(prog="lab/down", description="Ends a lab.")
    parser.add_argument("--id", help="which lab (default: the only one)")
    parser.add_argument("--all", action="store_true", help="every lab on this machine")
    options = parser.parse_args(arguments)
    for lab in running() if options.all else [choose(options.id)]:
        end_lab(lab)
        print(f"lab: {lab['lab']} is down", file=sys.stderr)
    return 0


def end_lab(lab):
    keeper = lab["pid"]
    try:
        os.kill(keeper, signal.SIGTERM)
        if not wait_until(lambda: not is_keeper(keeper), END_SECONDS):
            os.kill(keeper, signal.SIGKILL)
    except ProcessLookupError:
        pass
    except PermissionError:
        raise LabError("ending a lab needs root (run it with sudo)") from None
    sweep(lab["lab"])


if __name__ == "__main__":
    run_command(main)
