"""A recording: what one sensor said during one stretch of time, and where it comes from."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np

from edgekit.core.escape import html as escape
from edgekit.data.windows import Windows

SOURCE, TARGET = "lab", "field"  # the two domains as files, cards and use cases write them
DOMAINS = (SOURCE, TARGET)


@dataclass(frozen=True)
class Recording:
    """Samples of one continuous measurement.

    `samples` is (time, channel), or (time, height, width) for images; float32, or uint8 if given so;
    in `unit`. `rate` in Hz; `label` the class name or None when unknown or when it changes: then
    `events` say what happens where, `(first, stop, label)` in samples, a heartbeat `(r, r + 1, "V")`.
    `group` names what must not be torn apart by a split (the recording, machine, patient, camera);
    `domain` says which world it is from, one of DOMAINS: what is learned from (SOURCE) or what counts
    (TARGET); `licence` is shown to people; `simulated` is True where no sensor was there, and every figure
    that rests on the recording says so.
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
    events: tuple[tuple[int, int, str], ...] = ()
    simulated: bool = False

    def __post_init__(self):
        samples = np.asarray(self.samples)
        if samples.dtype != np.uint8:
            samples = samples.astype(np.float32, copy=False)
        if samples.ndim == 1:
            samples = samples[:, None]
        images = samples.ndim == 3 and len(self.channels) == 1
        if not images and (samples.ndim != 2 or samples.shape[1] != len(self.channels)):
            raise ValueError(
                f"{self.name}: samples {samples.shape} do not fit channels {self.channels}"
            )
        events = tuple((int(first), int(stop), str(label)) for first, stop, label in self.events)
        if any(not 0 <= first < stop <= len(samples) for first, stop, _ in events):
            raise ValueError(f"{self.name}: an event lies outside of its {len(samples)} samples")
        object.__setattr__(self, "samples", samples)
        object.__setattr__(self, "events", events)

    @property
    def units(self) -> tuple[str, ...]:
        """Of each channel: `meta["units"]`, where a sensor measures several things, else `unit` for all."""
        own = self.meta.get("units", ())
        return tuple(own) if len(own) == len(self.channels) else (self.unit,) * len(self.channels)

    @property
    def seconds(self) -> float:
        return len(self.samples) / self.rate

    def _repr_html_(self) -> str:
        said = f"{len(self.events)} events" if self.events else str(self.label)
        return (
            f"<b>{escape(self.name)}</b>: {escape(said)}, {self.seconds:.1f} s at "
            f"{self.rate:,.0f} Hz, {', '.join(map(escape, self.channels))} in {escape(self.unit)} "
            f"<small>({'simulated ' if self.simulated else ''}{escape(self.domain)}, "
            f"{escape(self.licence)})</small>"
        )


def data_origin(recordings: Iterable[Recording] | Windows) -> str:
    """`"real"`, `"simulated"` or `"partly simulated"`: what `recordings`, or Windows, say of themselves."""
    flags = np.array(
        recordings.simulated
        if isinstance(recordings, Windows)
        else [r.simulated for r in recordings],
        bool,
    )
    if not flags.any():
        return "real"
    return "simulated" if flags.all() else "partly simulated"
