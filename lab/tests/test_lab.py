"""The parts of the lab that can be tested without raising one: python3 -m unittest discover lab/tests"""

import struct
import sys
import unittest
from pathlib import Path
from unittest import mock

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from rplay_lab import database, permissions, recap  # noqa: E402
from rplay_lab.names import Names  # noqa: E402


def query(name, kind=1):
    labels = b"".join(bytes([len(label)]) + label.encode() for label in name.split("."))
    return struct.pack("!HHHHHH", 7, 0x0100, 1, 0, 0, 0) + labels + struct.pack("!BHH", 0, kind, 1)


class NamesTest(unittest.TestCase):
    def setUp(self):
        self.names = Names()
        self.names.enter("Db.Lab.Test", "198.18.0.9")

    def check(self, question, status, records):
        _, flags, _, count, _, _ = struct.unpack_from("!HHHHHH", self.names.answer(question))
        self.assertEqual((flags & 0xF, count), (status, len(records)))
        for record in records:
            self.assertTrue(self.names.answer(question).endswith(record))

    def test_known_name_in_any_case(self):
        self.check(query("db.LAB.test"), 0, [bytes([198, 18, 0, 9])])

    def test_known_name_has_no_other_kind_of_record(self):
        self.check(query("db.lab.test", kind=28), 0, [])

    def test_unknown_name(self):
        self.check(query("elsewhere.test"), 3, [])

    def test_withdrawn_name(self):
        self.names.withdraw("db.lab.test")
        self.check(query("db.lab.test"), 3, [])


class RecapTest(unittest.TestCase):
    def test_counts_by_host(self):
        output = "changed: [a]\n\nPLAY RECAP ****\n\x1b[0;33ma\x1b[0m  : ok=2  changed=1  unreachable=0  failed=0\nb : ok=1 changed=2\n"
        counts = recap.read(output)
        self.assertEqual(counts["a"], {"ok": 2, "changed": 1, "unreachable": 0, "failed": 0})
        self.assertEqual(recap.total(counts, "changed"), 3)

    def test_no_recap(self):
        self.assertEqual(recap.read("a : ok=2 changed=1"), {})


class DatabaseTest(unittest.TestCase):
    def test_quotes_do_not_end_a_literal(self):
        self.assertEqual(database.literal("s3c'ret"), "'s3c''ret'")
        self.assertEqual(database.identifier('a"b'), '"a""b"')


class PermissionsTest(unittest.TestCase):
    def test_without_root_nothing_else_is_tried(self):
        with mock.patch("os.geteuid", return_value=1000), mock.patch.object(permissions, "permitted") as permitted:
            self.assertEqual(permissions.missing(), ["root (run it with sudo)"])
            permitted.assert_not_called()

    def test_each_missing_permission_is_named(self):
        with mock.patch("os.geteuid", return_value=0), mock.patch.object(permissions, "permitted", return_value=False):
            names = " ".join(permissions.missing())
        for word in ("CAP_SYS_ADMIN", "CONFIG_OVERLAY_FS", "CONFIG_BRIDGE", "CONFIG_VETH"):
            self.assertIn(word, names)


if __name__ == "__main__":
    unittest.main()
