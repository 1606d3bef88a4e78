"""The process whose namespaces are the lab: it serves names, files and the cloud's API, and keeps the hosts."""

import argparse
import signal
import sys
import threading

from . import network, web
from .environment import environment_of
from .errors import LabError, report
from .lab import Lab


def main(arguments):
    parser = argparse.ArgumentParser()
    parser.add_argument("lab_id")
    add_options(parser)
    options = parser.parse_args(arguments)
    ended = threading.Event()
    for name in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        signal.signal(name, lambda *_: ended.set())
    lab = Lab(options.lab_id)
    try:
        lab.open()
        web.serve(network.GATEWAY, lab.names)
        # moto takes a second to import, and lab/hosts does without it.
        from .cloud import Cloud

        Cloud(lab, options.region, options.rds_seconds, options.throttle).serve()
        lab.save_description(environment=environment_of(lab, options.region))
        ended.wait()
    except LabError as error:
        sys.exit(report(error))
    finally:
        lab.close()


def add_options(parser):
    """The choices that lab/up and lab/demo hand on."""
    parser.add_argument("--region", default="us-east-1", help="where the key pair is known (default: %(default)s)")
    parser.add_argument(
        "--rds-seconds", type=float, default=20, metavar="N", help="a new database is `creating` so long (default: 20)"
    )
    parser.add_argument(
        "--throttle", type=share, default=0, metavar="SHARE", help="share of API calls to refuse, from 0 to 1"
    )


def share(text):
    number = float(text)
    if not 0 <= number < 1:
        raise argparse.ArgumentTypeError("a share is at least 0 and less than 1")
    return number


def option_words(options):
    return [f"--region={options.region}", f"--rds-seconds={options.rds_seconds}", f"--throttle={options.throttle}"]


if __name__ == "__main__":
    main(sys.argv[1:])
