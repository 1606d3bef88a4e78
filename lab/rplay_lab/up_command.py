"""`lab/up`: starts the keeper of a new lab and returns once its cloud answers."""

import argparse
import os
import subprocess
import sys
from pathlib import Path

from . import install, keeper, permissions
from .errors import LabError, end_on_signals, run_command
from .lab import new_id, running, sweep
from .network import wait_until
from .places import state_of
from .python_environment import PYTHON

START_SECONDS = 90


def main(arguments):
    parser = argparse.ArgumentParser(prog="lab/up", description="Raises a lab and prints its id.")
    keeper.add_options(parser)
    options = parser.parse_args(arguments)
    permissions.require()
    end_on_signals()
    install.for_cloud()
    lab_id = raise_lab(keeper.option_words(options))
    print(lab_id)
    print(f"lab: up; lab/shell gives a shell in it, lab/down --id {lab_id} ends it", file=sys.stderr)
    return 0


def raise_lab(keeper_options):
    running()  # Sweeps away what labs that were killed have left.
    lab_id = new_id()
    state_of(lab_id).mkdir(parents=True)
    log = state_of(lab_id) / "log"
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[1])}
    command = [
        "unshare", "--net", "--mount", "--propagation", "private",
        PYTHON, "-m", "rplay_lab.keeper", lab_id, *keeper_options,
    ]  # fmt: skip
    with open(log, "wb") as output:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True, env=environment
        )
    ready = state_of(lab_id) / "lab.json"
    try:
        wait_until(lambda: ready.exists() or process.poll() is not None, START_SECONDS)
        if not ready.exists():
            raise LabError(f"the lab did not come up: {log.read_text()[-2000:].strip()}")
    except BaseException:
        end(process)
        sweep(lab_id)
        raise
    return lab_id


def end(process):
    process.terminate()
    try:
        process.wait(15)
    except subprocess.TimeoutExpired:
        process.kill()


if __name__ == "__main__":
    run_command(main)
