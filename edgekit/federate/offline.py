"""Flower without a word to the outside: no telemetry, no update check, no installing of dependencies."""

from __future__ import annotations

import os
from pathlib import Path

SILENT = {
    "FLWR_TELEMETRY_ENABLED": "0",
    "FLWR_DISABLE_UPDATE_CHECK": "1",
    "FLWR_DISABLE_RUNTIME_DEPENDENCY_INSTALLATION": "1",
    "RAY_USAGE_STATS_ENABLED": "0",  # of Flower's simulation
}


def silence(folder: Path | None = None) -> dict[str, str]:
    """Set Flower's variables in this process, before `flwr` is imported, and return them for others.

    `folder` is where it keeps its state; in process it has none, so that there need not be one.
    """
    variables = {**SILENT, **({"FLWR_HOME": str(folder)} if folder else {})}
    os.environ.update(variables)
    return variables
