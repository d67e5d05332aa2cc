"""A recording: what one sensor said during one stretch of time, and where it comes from."""

from __future__ import annotations

from dataclasses import dataclass, field
from html import escape

import numpy as np


@dataclass(frozen=True)
class Recording:
    """Samples of one continuous measurement.

    `samples` is float32, (time, channel), in `unit`; `rate` in Hz; `label` the class name or None
    when unknown; `group` names what must not be torn apart by a split (the recording, machine,
    patient, camera); `domain` says which world it is from, `"lab"` or `"field"`; `licence` is shown
    to people.
    """

    name: str
    samples: np.ndarray
    rate: float
    label: str | None
    group: str
    domain: str
    channels: tuple[str, ...] = ("signal",)
    unit: str = "g"
    licence: str = "unknown"
    source: str = ""
    meta: dict = field(default_factory=dict)

    def __post_init__(self):
        samples = np.asarray(self.samples, np.float32)
        if samples.ndim == 1:
            samples = samples[:, None]
        if samples.ndim != 2 or samples.shape[1] != len(self.channels):
            raise ValueError(
                f"{self.name}: samples {samples.shape} do not fit channels {self.channels}"
            )
        object.__setattr__(self, "samples", samples)

    @property
    def seconds(self) -> float:
        return len(self.samples) / self.rate

    def _repr_html_(self) -> str:
        return (
            f"<b>{escape(self.name)}</b>: {escape(str(self.label))}, {self.seconds:.1f} s at "
            f"{self.rate:,.0f} Hz, {', '.join(map(escape, self.channels))} in {escape(self.unit)} "
            f"<small>({escape(self.domain)}, {escape(self.licence)})</small>"
        )
