"""`lab/hosts N`: plain hosts without a cloud, for tests. Runs until its standard input closes or a signal comes."""

import argparse
import json
import sys

from . import install, network, permissions, web
from .base_image import OPERATOR_PASSWORD
from .errors import LabError, end_on_signals, run_command
from .lab import Lab, enter_namespaces, new_id, running


def main(arguments):
    parser = argparse.ArgumentParser(prog="lab/hosts", description="Boots plain Debian hosts without Python.")
    parser.add_argument("count", type=int, help="how many hosts")
    parser.add_argument("--disk", default="1g", help="size of each host's disk (default: %(default)s)")
    parser.add_argument("--packages", action="store_true", help="with the package archive for them to install from")
    parser.add_argument("--inside", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if not options.inside:
        permissions.require()
        install.for_packages() if options.packages else install.for_hosts()
        running()  # Sweeps away what labs that were killed have left.
        enter_namespaces("rplay_lab.hosts_command", [*arguments, "--inside", new_id()])
    end_on_signals()
    lab = Lab(options.inside)
    try:
        lab.open()
        if options.packages:
            web.serve(network.GATEWAY, lab.names)
        boot_all(lab, options)
        show(lab)
        obey(lab)
    finally:
        lab.close()
    return 0


def boot_all(lab, options):
    for number in range(options.count):
        lab.add_host(
            f"h{number + 1}", network.address_of_plain_host(number), [lab.public_key()], disk=options.disk
        ).boot()
    for host in lab.hosts.values():
        host.wait()


def show(lab):
    hosts = [{"name": host.name, "address": host.address} for host in lab.hosts.values()]
    operator = {"user": "operator", "sudo_password": OPERATOR_PASSWORD}
    description = lab.describe(hosts=hosts, operator=operator)
    lab.save_description(hosts=hosts, operator=operator)
    print(json.dumps(description), flush=True)


def obey(lab):
    """Each line read is an order about one host; each gets one line of JSON in reply."""
    for line in sys.stdin:
        words = line.split()
        try:
            if len(words) != 2 or words[0] not in ORDERS or words[1] not in lab.hosts:
                raise LabError(f"expected one of {', '.join(ORDERS)} and a host's name, got: {line.strip()}")
            ORDERS[words[0]](lab.hosts[words[1]])
            reply = {"done": line.strip()}
        except LabError as error:
            reply = {"error": str(error)}
        print(json.dumps(reply), flush=True)


def start(host):
    host.boot()
    host.wait()


def change_host_key(host):
    """The lab goes on publishing the old key, so to every client the host looks like another one in its place."""
    host.kill()
    host.make_host_key()
    start(host)


ORDERS = {"kill": lambda host: host.kill(), "start": start, "rekey": change_host_key}

if __name__ == "__main__":
    run_command(main)
