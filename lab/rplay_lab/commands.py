"""Running other programs, with their errors told in the lab's own words."""

import ctypes
import os
import shutil
import signal
import subprocess

from .errors import LabError

PR_SET_PDEATHSIG = 1
LIBC = ctypes.CDLL(None, use_errno=True)


def run(*command, **options):
    """Runs a command to its end; its output is shown only when it fails."""
    options.setdefault("stdin", subprocess.DEVNULL)
    finished = subprocess.run(
        [str(word) for word in command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **options
    )
    if finished.returncode != 0:
        raise LabError(f"`{command[0]}` failed ({finished.returncode}): {finished.stdout.strip()[-2000:]}")
    return finished.stdout


def have(program):
    # Tools of the administrator are not on every user's PATH, root's included when it came through su.
    return shutil.which(program, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin") is not None


def die_with_parent():
    """For `preexec_fn`: the child is killed when the thread that started it ends, even by SIGKILL."""
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
