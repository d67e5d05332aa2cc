"""What lies in the folder of a fleet, for the commands that are given it: its database, what it noted."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from edgekit.core.errors import EdgekitError

DATABASES = ("fleet.db", "loop/fleet.db")  # in the folder of a fleet
WORLDS = ("world", "../world")  # beside the database: what is simulated


def database_of(run: str) -> str:
    """Path or URL. Raises EdgekitError where there is none; none is made."""
    if "://" in run:
        return run
    path = Path(run)
    for found in (path, *(path / name for name in DATABASES)):
        if found.is_file():
            return str(found)
    raise EdgekitError(f"{run} holds no fleet: `edgekit fleet simulate` makes one")


def fact(file: Path, key: str) -> Any:
    """Of what a simulation noted about itself; None where nothing of the kind is there."""
    try:
        return json.loads(file.read_text("utf-8"))[key]
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None
