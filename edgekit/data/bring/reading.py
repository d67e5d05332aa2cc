"""What a reader makes of one file: samples, and whatever the file itself says about them."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from edgekit.data.format import DamagedError


class UnreadableError(DamagedError):
    """Why a file cannot be used, as the end of a sentence that begins with its name."""


@dataclass(frozen=True)
class Reading:
    """One stretch of samples, (time, channel) float32 or (time, height, width) uint8.

    What the file does not say is None: `rate` (Hz), `channels`, `label`, `group`. `notes` are sentences
    about what was guessed, left out or looked odd. `row` is the length of its rows where the file was a
    stack of windows, which must be cut again where they were cut before.
    """

    path: str
    samples: np.ndarray
    rate: float | None = None
    channels: tuple[str, ...] | None = None
    unit: str = ""
    label: str | None = None
    group: str | None = None
    part: str = ""
    sound: bool = False
    row: int | None = None
    meta: dict = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @property
    def image(self) -> bool:
        return self.samples.ndim == 3

    @property
    def name(self) -> str:
        return self.path + self.part
