"""moto in a virtual environment of the lab's own, from whatever index this machine's pip is set to."""

import shutil
import sys

from .commands import run
from .places import PYTHON_ENVIRONMENT

REQUIREMENTS = ["moto[ec2,rds,server]>=5.1,<6"]
MARK = PYTHON_ENVIRONMENT / "complete"
PYTHON = PYTHON_ENVIRONMENT / "bin" / "python"


def make():
    shutil.rmtree(PYTHON_ENVIRONMENT, ignore_errors=True)
    run(sys.executable, "-m", "venv", PYTHON_ENVIRONMENT)
    run(PYTHON, "-m", "pip", "install", "--quiet", *REQUIREMENTS)
    MARK.touch()
