"""The lab's name server: A records that the lab enters and withdraws, and nothing beyond the lab."""

import socket
import struct
import threading

TYPE_A = 1
ANY = 255
NO_SUCH_NAME = 3
FLAGS_OF_AN_ANSWER = 0x8580


class Names:
    def __init__(self):
        self.addresses = {}

    def enter(self, name, address):
        self.addresses[name.lower().rstrip(".")] = address

    def withdraw(self, name):
        self.addresses.pop(name.lower().rstrip("."), None)

    def serve(self, address, port=53):
        server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        server.bind((address, port))
        threading.Thread(target=self.answer_all, args=[server], daemon=True).start()

    def answer_all(self, server):
        while True:
            query, asker = server.recvfrom(4096)
            try:
                server.sendto(self.answer(query), asker)
            except (OSError, struct.error, IndexError, UnicodeDecodeError):
                continue

    def answer(self, query):
        name, end = read_name(query, 12)
        kind = struct.unpack_from("!H", query, end)[0]
        address = self.addresses.get(name)
        question = query[12 : end + 4]
        records = b""
        if address and kind in (TYPE_A, ANY):
            # A name that points at its place in the question; no caching, names come and go with the hosts.
            records = struct.pack("!HHHLH", 0xC00C, TYPE_A, 1, 0, 4) + socket.inet_aton(address)
        flags = FLAGS_OF_AN_ANSWER | (0 if address else NO_SUCH_NAME)
        header = query[:2] + struct.pack("!HHHHH", flags, 1, 1 if records else 0, 0, 0)
        return header + question + records


def read_name(message, at):
    labels = []
    while message[at]:
        length = message[at]
        labels.append(message[at + 1 : at + 1 + length].decode("ascii").lower())
        at += 1 + length
    return ".".join(labels), at + 1
