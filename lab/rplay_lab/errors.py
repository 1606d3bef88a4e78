"""How a lab command ends early: with a message for what the user can act on, and in good order on a signal."""

import signal
import sys


class LabError(Exception):
    """Something the user can act on; printed as `lab: …`."""


def report(error):
    print(f"lab: {error}", file=sys.stderr)
    return 1


def end_on_signals():
    """So that `finally` runs, also where the command was started in the background, with SIGINT ignored."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda number, _: sys.exit(128 + number))


def run_command(main):
    """Runs an entry point and turns what a user can act on into an exit code."""
    try:
        sys.exit(main(sys.argv[1:]))
    except LabError as error:
        sys.exit(report(error))
    except KeyboardInterrupt:
        sys.exit(130)
