"""A number that is shown to a person, and where it comes from."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from math import nan
from numbers import Real
from typing import Any

from edgekit.core.escape import html as escape

PROVENANCES = ("measured", "emulated", "estimated", "published")
DATA = ("", "real", "simulated", "partly simulated")


@dataclass(frozen=True)
class Figure:
    """One number with its unit, its provenance and its source.

    `provenance` is one of `measured` (counted here, on this machine or on these files), `emulated`
    (read off the compiled binary on an emulated core), `estimated` (a model or a rule of thumb) and
    `published` (somebody else's figure, named in `source`). `low` and `high` bound the value where a
    range is all that is known. `data` says on which recordings the figure rests, one of DATA; a run fills
    it in from what its recordings say of themselves. Raises ValueError for an unknown provenance or data.
    """

    value: float
    unit: str
    provenance: str
    source: str
    low: float | None = None
    high: float | None = None
    data: str = ""

    def __post_init__(self) -> None:
        for name in ("value", "low", "high"):
            given = getattr(self, name)
            if not isinstance(given, Real) and (name == "value" or given is not None):
                raise ValueError(f"the {name} of a figure is a number, not {given!r}")
        if self.provenance not in PROVENANCES:
            raise ValueError(f"provenance {self.provenance!r} is none of {', '.join(PROVENANCES)}")
        if self.data not in DATA:
            raise ValueError(f"data {self.data!r} is none of {', '.join(filter(None, DATA))}")

    @property
    def origin(self) -> str:
        """The provenance and the data in words: `"measured on simulated data"`."""
        return f"{self.provenance} on {self.data} data" if self.data else self.provenance

    def __str__(self) -> str:
        text = f"{number(self.value)} {self.unit}".strip()
        if self.low is not None and self.high is not None:
            text += f" ({number(self.low)}–{number(self.high)})"
        return text

    def _repr_html_(self) -> str:
        return (
            f"<b>{escape(str(self))}</b> "
            f"<small>{escape(self.origin)}: {escape(self.source)}</small>"
        )

    def to_dict(self) -> dict[str, Any]:
        values = {k: v for k, v in asdict(self).items() if v is not None}
        return values if self.data else {k: v for k, v in values.items() if k != "data"}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Figure:
        """What `to_dict` gave, also by way of JSON, which has no NaN and writes null."""
        return cls(**{**values, "value": nan if values["value"] is None else values["value"]})


def measured(
    value: float,
    unit: str,
    source: str,
    low: float | None = None,
    high: float | None = None,
    data: str = "",
) -> Figure:
    """`value` in `unit`, counted here as `source` says.

    `low` and `high` bound it; `data`, one of DATA, says on which recordings it rests. Raises ValueError as
    `Figure` does.
    """
    return Figure(value, unit, "measured", source, low, high, data)


def emulated(
    value: float,
    unit: str,
    source: str,
    low: float | None = None,
    high: float | None = None,
    data: str = "",
) -> Figure:
    """`value` in `unit`, read off the binary on the emulated core that `source` names.

    `low`, `high`, `data` and errors as for `measured`.
    """
    return Figure(value, unit, "emulated", source, low, high, data)


def estimated(
    value: float,
    unit: str,
    source: str,
    low: float | None = None,
    high: float | None = None,
    data: str = "",
) -> Figure:
    """`value` in `unit` by a model or a rule of thumb, named in `source`.

    `low`, `high`, `data` and errors as for `measured`.
    """
    return Figure(value, unit, "estimated", source, low, high, data)


def published(
    value: float,
    unit: str,
    source: str,
    low: float | None = None,
    high: float | None = None,
    data: str = "",
) -> Figure:
    """`value` in `unit` of somebody else, named in `source`.

    `low`, `high`, `data` and errors as for `measured`.
    """
    return Figure(value, unit, "published", source, low, high, data)


def number(value: float | None) -> str:
    """`value` in four significant digits, thousands separated; whole numbers stay whole, None is a dash."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if value is None or value != value:
        return "–"
    if float(value).is_integer() and abs(value) < 1e15:
        return f"{int(value):,}"
    return f"{value:,.0f}" if abs(value) >= 10_000 else f"{value:.4g}"
