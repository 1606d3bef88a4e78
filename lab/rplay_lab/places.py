"""Where the lab keeps things: the cache that survives it, and the state that ends with it."""

import os
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]

CACHE = Path(os.environ.get("RPLAY_LAB_CACHE") or Path.home() / ".cache" / "rplay-lab")
BASE = CACHE / "base"
DATABASE_LAYER = CACHE / "database-layer"
PACKAGES = CACHE / "packages"
PYTHON_ENVIRONMENT = CACHE / "python"
DOWNLOADS = CACHE / "downloads"
AUTHORITY = CACHE / "authority"

STATE = Path(os.environ.get("RPLAY_LAB_STATE") or "/run/rplay-lab")


def state_of(lab_id):
    return STATE / lab_id
