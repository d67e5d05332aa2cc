"""What a reader makes of one file: samples, and whatever the file itself says about them."""

from __future__ import annotations

import importlib
from dataclasses import dataclass, field
from types import ModuleType

import numpy as np

from edgekit.core import escape
from edgekit.core.extras import how_to_get
from edgekit.data.recording_file import DamagedError


class UnreadableError(DamagedError):
    """Why a file cannot be used, as the end of a sentence that begins with its name."""


@dataclass(frozen=True)
class Reading:
    """One stretch of samples, (time, channel) float32 or (time, height, width) uint8.

    What the file does not say is None: `rate` (Hz), `channels`, `label`, `group`. `notes` are sentences
    about what was guessed, left out or looked odd. `row` is the length of its rows where the file was a
    stack of windows, which must be cut again where they were cut before. Texts keep every character but
    halves of one, which no file could hold; of those, escapes.
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

    def __post_init__(self):
        for name in ("path", "unit", "label", "group", "part"):
            if (text := getattr(self, name)) is not None:
                object.__setattr__(self, name, escape.encodable(text))
        if self.channels is not None:
            object.__setattr__(self, "channels", tuple(map(escape.encodable, self.channels)))
        object.__setattr__(self, "notes", tuple(map(escape.line, self.notes)))

    @property
    def image(self) -> bool:
        return self.samples.ndim == 3

    @property
    def name(self) -> str:
        return self.path + self.part


def import_reader(package: str, module: str = "") -> ModuleType:
    """A library of the extra `readers`: `module`, else `package`, which is what to install.

    Raises UnreadableError, with how to get it, where it is missing.
    """
    try:
        return importlib.import_module(module or package)
    except (ImportError, OSError):  # soundfile finds no libsndfile: OSError
        raise UnreadableError(f"needs {package} to be read: {how_to_get(package)}") from None
