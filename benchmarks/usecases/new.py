"""Own data: folders that nobody prepared, from `edgekit new` to a signed update, in minutes.

The folders are made by the tests' writers in formats that people have: German CSV of several persons,
WAV of a machine in class folders (one file broken), one CSV a class from a slow sensor, Edge Impulse JSON,
pictures.
"""

from __future__ import annotations

import contextlib
import io
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.bars import Bars
from edgekit.core.workspace import Workspace
from edgekit.pipeline import artefacts
from edgekit.pipeline.manifest import artefact_path
from tests.bring import folders

FOLDERS = {
    "German CSV, 5 persons, 50 Hz": (folders.imu, {"persons": 5, "seconds": 40}),
    "WAV, 22 kHz, a broken file": (folders.machine, {"files": 5, "seconds": 5}),
    "one CSV a class, 1 Hz": (folders.slow, {"hours": 1.5}),
    "Edge Impulse JSON, 62.5 Hz": (folders.impulse, {"files": 5, "seconds": 20}),
    "pictures, 60 × 60": (folders.pictures, {"files": 60}),
}
GOAL = 5.0  # minutes


def bars(bars: Bars) -> None:
    """A bar a folder: minutes of `edgekit new` and `edgekit run` together."""
    with tempfile.TemporaryDirectory(prefix="edgekit-") as folder:
        home = Path(folder) / "project"
        shutil.copytree(Workspace.find().folder / "notebooks", home / "notebooks")
        for i, (what, (make, how)) in enumerate(FOLDERS.items()):
            name = f"own{i}"
            with contextlib.redirect_stdout(io.StringIO()):
                source = make(Path(folder) / name, **how)
            began, busy = time.monotonic(), _busy()
            code = _edgekit(home, "new", name, "--from", str(source), "--yes")
            code = code or _edgekit(home, "run", name)
            minutes = (time.monotonic() - began) / 60
            shown = f"{minutes:.1f} min ({_busy() - busy:.1f} of a core), {_said(home, name, code)}"
            met = code == 0 and minutes <= GOAL
            bars.add(f"new + run, quick: {what}", f"≤ {GOAL:g} min", shown, met)


def _edgekit(home: Path, *command: str) -> int:
    env = {**os.environ, "EDGEKIT_RUNS": str(home / "runs")}
    done = subprocess.run(
        [sys.executable, "-m", "edgekit", *command],
        cwd=home,
        env=env,
        capture_output=True,
        text=True,
    )
    if done.returncode:
        print(done.stdout[-500:], done.stderr[-500:], sep="\n")
    return done.returncode


def _busy() -> float:
    """Minutes that a core was busy for this process's children: on a crowded machine the fairer figure."""
    spent = os.times()
    return (spent.children_user + spent.children_system) / 60


def _said(home: Path, name: str, code: int) -> str:
    """Balanced accuracy of the deployed int8 network on held-out groups, if the run got there."""
    path = artefact_path(home / "runs" / f"{name}-quick", "model.json")
    if code or not path.is_file():
        return f"exit {code}"
    score = artefacts.read(path).test
    return f"{score.balanced_accuracy:.3f} on {score.groups} held-out groups"
