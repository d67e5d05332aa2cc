"""Video and boxes: frames as arrays, labels as a small file.

A label file holds boxes only, never a picture: JSON with

    {"source": …, "file": …, "size": [width, height], "rate": Hz, …,
     "frames": {"0": [[x, y, width, height, label, how], …], "10": …}}

in pixels of `size`, origin at the top left. A frame that is not listed was not looked at; a listed one
without boxes shows nothing. `provenance` says where a box comes from: "proposed" by a program, "confirmed"
by a person who left it as it was, "corrected" by one who did not.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np

from edgekit.core.errors import EdgekitError, did_you_mean
from edgekit.core.extras import missing
from edgekit.data.recordings import Recording

PROVENANCE = ("proposed", "confirmed", "corrected")


class Box(NamedTuple):
    """Left, top, width and height in pixels; what it holds; how the box came about."""

    x: float
    y: float
    width: float
    height: float
    label: str
    provenance: str = "proposed"


@dataclass(frozen=True)
class BoxLabels:
    """Boxes of the frames that were looked at: `frames` maps a frame's number to its boxes.

    `size` (width, height) of the pictures the boxes are measured in; `rate` in Hz; `metadata` is whatever
    else the file says.
    """

    size: tuple[int, int]
    rate: float
    frames: dict[int, tuple[Box, ...]]
    metadata: dict = field(default_factory=dict)

    def at(self, size: tuple[int, int]) -> BoxLabels:
        """The same boxes in pictures of another size (width, height)."""
        sx, sy = size[0] / self.size[0], size[1] / self.size[1]
        frames = {
            number: tuple(
                b._replace(x=b.x * sx, y=b.y * sy, width=b.width * sx, height=b.height * sy)
                for b in boxes
            )
            for number, boxes in self.frames.items()
        }
        return replace(self, size=size, frames=frames)

    def counted(self, least: float) -> dict[int, int]:
        """Frame -> number of boxes of at least `least` pixels of height."""
        return {n: sum(b.height >= least for b in boxes) for n, boxes in self.frames.items()}


def load_boxes(path: Path | str) -> BoxLabels:
    """Read a label file. Raises EdgekitError naming the frame and the box that make no sense."""
    try:
        metadata = json.loads(Path(path).read_text(encoding="utf-8"))
        size, rate = tuple(metadata.pop("size")), float(metadata.pop("rate"))
        frames = {int(number): boxes for number, boxes in metadata.pop("frames").items()}
    except (OSError, ValueError, KeyError, AttributeError, TypeError) as error:
        raise EdgekitError(f"{path} is no label file ({type(error).__name__}: {error})") from None
    read = {}
    for number, boxes in sorted(frames.items()):
        try:
            read[number] = tuple(Box(*box) for box in boxes)
        except TypeError:
            raise EdgekitError(
                f"{path}, frame {number}: a box is [x, y, width, height, label, how]"
            ) from None
        for box in read[number]:
            _check(path, number, box, size)
    return BoxLabels(size, rate, read, metadata)


def _check(path, number: int, box: Box, size) -> None:
    numbers = box[:4]
    if not all(isinstance(v, (int, float)) and np.isfinite(v) for v in numbers):
        raise EdgekitError(f"{path}, frame {number}: {list(box)} are no four numbers")
    outside = box.x < 0 or box.y < 0 or box.x + box.width > size[0] or box.y + box.height > size[1]
    if box.width <= 0 or box.height <= 0 or outside:
        raise EdgekitError(f"{path}, frame {number}: {list(box)} lies outside of {size}")
    if box.provenance not in PROVENANCE:
        raise EdgekitError(
            f"{path}, frame {number}: {box.provenance!r}.{did_you_mean(box.provenance, PROVENANCE)}"
        )


def frames(path: Path | str, size: tuple[int, int] | None = None, pick=None) -> np.ndarray:
    """The frames of a video file as (time, height, width) uint8 grey; OpenCV reads it.

    `size` (width, height) reduces them by averaging areas; `pick` is the numbers of the frames
    wanted, all if None. Raises EdgekitError if OpenCV is missing, or the file cannot be read, or
    ends before the last frame wanted.
    """
    cv2 = opencv()
    video = cv2.VideoCapture(str(path))
    wanted = None if pick is None else sorted(int(i) for i in pick)
    found: list[np.ndarray] = []
    number = 0
    while wanted is None or len(found) < len(wanted):
        if not video.grab():
            break
        if wanted is None or number == wanted[len(found)]:
            picture = cv2.cvtColor(video.retrieve()[1], cv2.COLOR_BGR2GRAY)
            if size:
                picture = cv2.resize(picture, tuple(size), interpolation=cv2.INTER_AREA)
            found.append(picture)
        number += 1
    video.release()
    if not found or (wanted is not None and len(found) < len(wanted)):
        raise EdgekitError(f"{path} cannot be read as video beyond frame {number}")
    return np.stack(found)


def downsample(recording: Recording, block: int = 2) -> Recording:
    """A smaller picture of the same: means of `block` x `block` pixels, the boxes with them."""
    from edgekit.signal.pixels import Pixels

    _, height, width = recording.samples.shape
    means = Pixels(height, width, block)(recording.samples[..., None])[..., 0]
    boxes = [
        tuple(
            b._replace(x=b.x / block, y=b.y / block, width=b.width / block, height=b.height / block)
            for b in found
        )
        for found in recording.meta["boxes"]
    ]
    samples = np.clip(np.rint(128 + 128 * means), 0, 255).astype(np.uint8)
    return replace(recording, samples=samples, meta={**recording.meta, "boxes": boxes})


def opencv():
    """OpenCV. Raises EdgekitError, saying what to install, where it is missing."""
    try:
        import cv2
    except ImportError:
        raise missing("video (but for --offline, rendered scenes) needs", "cv2") from None
    return cv2
