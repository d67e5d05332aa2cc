"""What a fleet begins with: the release of a run, as chapter 05 built it, and what it was made of."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from edgekit.data import Windows
from edgekit.pipeline.run import Run


@dataclass(frozen=True)
class Origin:
    """`device`: the bytes of device.zip; `step`: which of the use case's inputs it computes; `keys`: the
    folder of the run, whose key signs. `made_of`: the windows of the target domain that the release was
    trained and chosen on; `others`: those that it never met."""

    device: bytes
    step: str
    keys: Path
    made_of: Windows
    others: Windows

    @property
    def digest(self) -> str:
        """SHA-256 of the program, hex."""
        return hashlib.sha256(self.device).hexdigest()


def origin_of(run: Run) -> Origin:
    """Of a run whose chapter 05 is done. Raises EdgekitError where it is not, or rests on what was
    replaced."""
    field, split = run.load("field.npz"), run.load("split.json")
    made_of = np.setdiff1d(np.arange(len(field)), split.test)
    device = run.file("device.zip").read_bytes()
    step = run.load("model.json").input
    return Origin(device, step, run.directory, field[made_of], field[split.test])
