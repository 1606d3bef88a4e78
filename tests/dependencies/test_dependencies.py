import pathlib
import tempfile
import unittest

import advisories
import licenses

ADVISORY = """```toml
[advisory]
id = "RUSTSEC-2024-0001"
package = "thing"
date = "2024-01-01"
{more}
[versions]
patched = [">= 1.2.3", "^0.9.4"]
unaffected = ["< 0.5"]
```

# Something
"""


class Licenses(unittest.TestCase):
    def test_expressions(self):
        allowed = ["MIT", "Apache-2.0", "Unicode-3.0", "Apache-2.0 WITH LLVM-exception"]
        for fine in ["MIT", "GPL-3.0 OR MIT", "MIT/GPL-3.0", "(MIT OR GPL-3.0) AND Unicode-3.0", "Apache-2.0 WITH LLVM-exception"]:
            self.assertIsNone(licenses.problem(fine, allowed), fine)
        for bad in [None, "", "GPL-3.0", "MIT AND GPL-3.0", "Apache-2.0 WITH Other-exception", "(MIT", "MIT OR", "MIT GPL-3.0"]:
            self.assertIsNotNone(licenses.problem(bad, allowed), bad)


    def test_files_that_somebody_has_read(self):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder, "LICENSE")
            self.assertFalse(licenses.is_file(path, 0x3610A686))
            path.write_text("hello")
            self.assertTrue(licenses.is_file(path, 0x3610A686))
            path.write_text("hello!")
            self.assertFalse(licenses.is_file(path, 0x3610A686))


class Advisories(unittest.TestCase):
    def problems(self, version, more="", ignored=(), name="thing"):
        with tempfile.TemporaryDirectory() as folder:
            place = pathlib.Path(folder, "crates/thing")
            place.mkdir(parents=True)
            (place / "RUSTSEC-2024-0001.md").write_text(ADVISORY.format(more=more))
            return advisories.check([{"name": name, "version": version}], ignored, print, folder)

    def test_versions(self):
        for vulnerable in ["0.5.0", "0.9.3", "0.10.0", "1.2.2", "1.2.3-rc.1"]:
            self.assertEqual(len(self.problems(vulnerable)), 1, vulnerable)
        for fine in ["0.4.9", "0.9.4", "0.9.12", "1.2.3", "2.0.0"]:
            self.assertEqual(self.problems(fine), [], fine)

    def test_what_is_no_problem(self):
        self.assertEqual(self.problems("1.0.0", name="other"), [])
        self.assertEqual(self.problems("1.0.0", ignored=["RUSTSEC-2024-0001"]), [])
        self.assertEqual(self.problems("1.0.0", more='withdrawn = "2024-02-01"'), [])
        self.assertEqual(self.problems("1.0.0", more='informational = "unmaintained"'), [])
        self.assertEqual(len(self.problems("1.0.0", more='informational = "unsound"')), 1)

    def test_requirements(self):
        for version, requirement, holds in [
            ("1.4.0", "^1.2", True),
            ("2.0.0", "^1.2", False),
            ("0.4.9", "^0.4.1", True),
            ("0.5.0", "^0.4.1", False),
            ("1.2.9", "~1.2.3", True),
            ("1.3.0", "~1.2.3", False),
            ("1.9.0", "~1", True),
            ("1.5.0", ">= 1.2, < 1.5.0", False),
            ("1.4.9", ">=1.2, <1.5", True),
            ("1.2.7", "=1.2", True),
            ("1.2.3", "1.2.0", True),
            ("1.2.3-rc.10", "> 1.2.3-rc.9", True),
            ("0.0.3", "^0.0.3", True),
            ("0.0.4", "^0.0.3", False),
        ]:
            self.assertEqual(advisories.satisfies(version, requirement), holds, f"{version} {requirement}")


if __name__ == "__main__":
    unittest.main()
