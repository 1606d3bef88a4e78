"""The lab's own network: a bridge inside the lab's network namespace, with the addresses of RFC 2544."""

import socket
import time

from .commands import run

BRIDGE = "lab0"
# The range set aside for benchmarks: no machine on the Internet has such an address.
NETWORK = "198.18.0.0/15"
PREFIX_LENGTH = 15
GATEWAY = "198.18.0.1"


def raise_bridge():
    run("ip", "link", "set", "lo", "up")
    run("ip", "link", "add", "name", BRIDGE, "type", "bridge")
    run("ip", "address", "add", f"{GATEWAY}/{PREFIX_LENGTH}", "dev", BRIDGE)
    run("ip", "link", "set", BRIDGE, "up")


def address_of_plain_host(number):
    """198.18.1.1 and on; the cloud's instances get theirs from 198.18.16.0 on, at random."""
    return f"198.18.{1 + number // 250}.{1 + number % 250}"


def answers(address, port, greeting=b""):
    """Whether a server there accepts a connection and begins with the greeting."""
    try:
        with socket.create_connection((address, port), timeout=1) as connection:
            return connection.recv(64).startswith(greeting) if greeting else True
    except OSError:
        return False


def has_interface(name):
    return any(interface == name for _, interface in socket.if_nameindex())


def wait_until(question, seconds, pause=0.05):
    deadline = time.monotonic() + seconds
    while not question():
        if time.monotonic() > deadline:
            return False
        time.sleep(pause)
    return True
