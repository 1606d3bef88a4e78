"""The case `original-style` with rplay, in a lab of its own: RPLAY=target/release/rplay python3 -m unittest discover lab/tests"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import unittest
import warnings
from pathlib import Path

LAB = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(LAB))

from rplay_lab import recap  # noqa: E402
from rplay_lab.down_command import end_lab  # noqa: E402
from rplay_lab.lab import choose  # noqa: E402
from rplay_lab.python_environment import PYTHON  # noqa: E402
from rplay_lab.shell_command import inside  # noqa: E402
from rplay_lab.up_command import raise_lab  # noqa: E402

RPLAY = os.environ.get("RPLAY")


@unittest.skipUnless(RPLAY, "RPLAY does not name the program to test")
class OriginalStyleTest(unittest.TestCase):
    def setUp(self):
        # The lab goes on when the object that started it is gone.
        warnings.simplefilter("ignore", ResourceWarning)
        self.lab = choose(raise_lab([]))
        self.addCleanup(end_lab, self.lab)
        folder = tempfile.mkdtemp(prefix="rplay-original-style-")
        self.addCleanup(shutil.rmtree, folder)
        self.case = Path(folder) / "case"
        shutil.copytree(LAB / "cases" / "original-style", self.case)

    def run_inside(self, *words):
        command, environment = inside(self.lab, words, folder=self.case)
        return subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True)

    def instances(self):
        command, environment = inside(self.lab, [str(PYTHON), "-B", "-m", "rplay_lab.instances"])
        environment = {**environment, "PYTHONPATH": str(LAB)}
        return json.loads(subprocess.check_output(command, env=environment, text=True))

    def play(self):
        ended = self.run_inside(os.path.abspath(RPLAY), "site.yml")
        counts = recap.read(ended.stdout)
        self.assertEqual(ended.returncode, 0, ended.stdout + ended.stderr)
        self.assertEqual(recap.total(counts, "failed") + recap.total(counts, "unreachable"), 0, ended.stdout)
        return ended

    def test_it_runs_as_it_stands(self):
        ended = self.play()
        self.assertIn("count_tag", ended.stderr)
        self.assertIn(".rds.", (self.case / "group_vars" / "rdsname").read_text())
        [instance] = self.instances()
        page = self.run_inside("curl", "--silent", "--include", f"http://{instance['name']}/").stdout
        self.assertIn("<p>page views: ", page)
        # What this playbook has always done: its count_tag never matches, so every run starts another machine.
        self.play()
        self.assertEqual(len(self.instances()), 2)


if __name__ == "__main__":
    unittest.main()
