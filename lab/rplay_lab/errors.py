"""The one exception that ends a lab command with a message instead of a traceback."""

import sys


class LabError(Exception):
    """Something the user can act on; printed as `lab: …`."""


def report(error):
    print(f"lab: {error}", file=sys.stderr)
    return 1


def run_command(main):
    """Runs an entry point and turns what a user can act on into an exit code."""
    try:
        sys.exit(main(sys.argv[1:]))
    except LabError as error:
        sys.exit(report(error))
    except KeyboardInterrupt:
        sys.exit(130)
