"""The weekly loop as a process that is killed, and its rows beside those of one that nobody disturbed."""

from __future__ import annotations

import random
import sqlite3
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import select

from edgekit.cloud import tables
from edgekit.cloud.database import open_database
from edgekit.core.errors import EdgekitError
from edgekit.fleet.desk import Process

SEED, LABELS = (
    1,
    0.2,
)  # seed, share of labels: so many that candidates are trained within a few weeks
PROGRESS_S = 20.0  # in which a loop finishes a step, or is killed in the midst of a long one
INTO_S = 1.5  # seconds into what comes after that step
ALL_S = 1800.0
# of each table what says the same of every run: no time of the day
KEPT = {
    "steps": ("week", "name", "result"),
    "device_weeks": (),
    "device_states": (),
    "releases": (),
    "rollouts": (),
    "rollout_devices": (),
    "samples": (),
    "labels": ("sample", "annotator", "label"),
}


@dataclass
class FleetLoop:
    """`edgekit fleet simulate` of few simulated bearings in `folder`, with the database that it keeps."""

    folder: Path
    devices: int = 4
    weeks: int = 8
    process: Process | None = None
    killed_at: list[int] = field(default_factory=list)  # steps that were done

    @property
    def database(self) -> Path:
        return self.folder / "loop" / "fleet.db"

    @property
    def objects(self) -> Path:
        """Where its models and windows lie, and the service's."""
        return self.database.with_name("objects")

    def start(self) -> None:
        """Begin, or go on."""
        self._begun = self.steps()
        words = ["-m", "edgekit", "fleet", "simulate", "bearing", "--offline"]
        words += ["--devices", str(self.devices), "--weeks", str(self.weeks)]
        words += ["--labels", str(LABELS), "--seed", str(SEED), "--folder", str(self.folder)]
        self.folder.mkdir(parents=True, exist_ok=True)
        self.process = Process(words, self.folder / "simulate.log")

    def kill(self) -> None:
        """At once."""
        if self.process:
            self.process.kill()

    def strike(self, rng: random.Random) -> bool:
        """Wait until a step is done since its start, or one takes long, and a moment more: so that a kill
        finds the loop at work, and seldom an interpreter that loads its modules. False: it is done."""
        until = time.monotonic() + PROGRESS_S
        while time.monotonic() < until and self.steps() == self._begun and self._alive():
            time.sleep(0.05)
        time.sleep(rng.uniform(0.0, INTO_S))
        self.killed_at += [self.steps()] if self._alive() else []
        return self._alive()

    def finish(self) -> FleetLoop:
        """Wait until all weeks are done. Raises EdgekitError where it fails, or takes for ever."""
        assert self.process is not None
        until = time.monotonic() + ALL_S
        while self._alive() and time.monotonic() < until:
            time.sleep(0.2)
        if self.process.process.poll() != 0:
            raise EdgekitError(f"the loop did not end well: {self.process.log} says why")
        return self

    def _alive(self) -> bool:
        return self.process is not None and self.process.process.poll() is None

    def steps(self) -> int:
        """Steps that are done."""
        try:
            with sqlite3.connect(f"file:{self.database}?mode=ro", uri=True, timeout=30) as db:
                return int(db.execute("SELECT count(*) FROM steps").fetchone()[0])
        except sqlite3.OperationalError:  # not there yet
            return 0

    def rows(self) -> dict[str, Counter[str]]:
        """By table, its rows."""
        engine = open_database(self.database)
        found = {}
        with engine.connect() as connection:
            for name, wanted in KEPT.items():
                table = getattr(tables, name)
                columns = [table.c[c] for c in wanted] or [table]
                found[name] = Counter(map(repr, connection.execute(select(*columns))))
        engine.dispose()
        return found


def differences(loop: FleetLoop, undisturbed: FleetLoop) -> tuple[int, int, int]:
    """Rows of the undisturbed loop, how many of them `loop` lacks, and how many it has besides or twice."""
    own, theirs = loop.rows(), undisturbed.rows()
    total = sum(n.total() for n in theirs.values())
    lost = sum((theirs[name] - own[name]).total() for name in KEPT)
    return total, lost, sum((own[name] - theirs[name]).total() for name in KEPT)
