"""The pedestrians: a video of a campus as a small camera would give it, with boxes confirmed by a person."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from edgekit.data.recordings import TARGET, Recording
from edgekit.data.video import BoxLabels, frames
from edgekit.datasets.sources import sources

SIZE = (384, 288)  # width, height of a frame
BLOCK = 50  # frames of one recording, 5 s


def load(folder: Path | str, labels: BoxLabels) -> list[Recording]:
    """The labelled frames of `vtest.avi`, in a folder that `fetch("pedestrians")` returned.

    One Recording for each BLOCK of frames that holds labels: samples (time, 288, 384) uint8 grey, at
    the rate of the labelled frames; `group` is the block, `meta["boxes"]` the boxes of each of its
    frames, in its pixels; `meta["frames"]` the frames' numbers in the file.
    """
    small, numbers = labels.at(SIZE), sorted(labels.frames)
    step = min(np.diff(numbers), default=1)
    pictures = frames(Path(folder) / "vtest.avi", SIZE, numbers)
    recordings = []
    for block in sorted({n // BLOCK for n in numbers}):
        rows = [i for i, n in enumerate(numbers) if n // BLOCK == block]
        name = f"pedestrians-{block:02d}"
        recordings.append(
            Recording(
                name=name,
                samples=pictures[rows],
                rate=labels.rate / float(step),
                label=None,
                group=name,
                domain=TARGET,
                channels=("grey",),
                unit="grey value",
                licence=sources()["pedestrians"].licence,
                source="pedestrians",
                meta={
                    "boxes": [small.frames[numbers[i]] for i in rows],
                    "frames": [numbers[i] for i in rows],
                },
            )
        )
    return recordings
