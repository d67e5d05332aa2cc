"""What a person asked for and what was understood: the options and the plan of a new use case."""

from __future__ import annotations

from dataclasses import dataclass, field, fields

from edgekit.core.errors import EdgekitError
from edgekit.tables.reading import Reading


@dataclass(frozen=True)
class Options:
    """What a person says; empty: find out. See `edgekit new --help`."""

    rate: float = 0.0
    label_from: str = ""
    group_from: str = ""
    channels: str = ""
    time_unit: str = ""
    licence: str = ""
    normal: str = ""
    window: float = 0.0  # seconds
    without: str = ""  # classes to leave out, with commas between


@dataclass(frozen=True)
class LabelledReading(Reading):
    """A reading of which `rate` (Hz), `channels`, `label` and `group` are known."""

    rate: float = 0.0
    channels: tuple[str, ...] = ()
    label: str = ""
    group: str = ""

    @classmethod
    def of(cls, reading: Reading, rate: float, channels: tuple[str, ...]) -> LabelledReading:
        """The `reading` with the rate (Hz) and the channels that were found.

        Raises EdgekitError where it has no label or no group.
        """
        if reading.label is None or reading.group is None:
            raise EdgekitError(f"{reading.name} has no label or no group")
        known = {f.name: getattr(reading, f.name) for f in fields(reading)}
        return cls(**known | {"rate": rate, "channels": channels})


@dataclass
class Plan:
    """What was understood. `used` are the readings that are taken; `excluded` says why the others are not;
    `warnings` what a person should read first; `why` the reason for each decision."""

    kind: str
    used: list[LabelledReading]
    excluded: dict[str, str]
    classes: tuple[str, ...]
    normal: str | None
    channels: tuple[str, ...]
    unit: str
    rate: float
    window: int
    hop: int
    label_from: str
    group_from: str
    row: int | None = None
    blocks: dict[str, int] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    why: dict[str, str] = field(default_factory=dict)

    def groups(self, label: str) -> set[str]:
        return {r.group for r in self.used if r.label == label}

    @property
    def seconds(self) -> float:
        return self.window / self.rate
