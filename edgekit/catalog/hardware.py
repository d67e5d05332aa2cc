"""Reads boards.toml, links.toml and batteries.toml into frozen values; each number is a Figure."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cache
from html import escape
from importlib import resources
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from edgekit.catalog.calibration import calibrations
from edgekit.catalog.entry import Entry
from edgekit.catalog.network import Link, Tier
from edgekit.core.errors import EdgekitError, did_you_mean
from edgekit.core.figures import Figure

if TYPE_CHECKING:
    import pandas as pd


_Kind = TypeVar("_Kind", bound=Entry)


@dataclass(frozen=True, repr=False)
class Kit:
    """Something that can be bought: a board, with or without an enclosure, sensors and radios."""

    name: str
    enclosure: bool
    sensors: tuple[str, ...]
    links: tuple[str, ...]
    source: str
    checked: bool

    def __repr__(self) -> str:
        return self.name


@dataclass(frozen=True)
class Board(Entry):
    """A board or chip. `kind` is mcu, mpu, npu (a controller with an accelerator) or fpga.

    `temperature_c` carries its range in `low` and `high`. `calibration_chip` names the entry of
    calibrations.toml of this very chip, `calibration_proxy` that of another one with this core and flash on
    the chip; `calibration` is its factor. `unchecked` names the figures that were quoted without the
    document at hand.
    """

    key: str
    name: str
    maker: str
    core: str
    kind: str
    os: str
    runtimes: tuple[str, ...]
    has_fpu: bool
    has_dsp: bool
    npu: str | None
    kits: tuple[Kit, ...]
    note: str
    unchecked: tuple[str, ...]
    calibration_chip: str | None
    calibration_proxy: str | None
    clock_mhz: Figure | None = None
    flash_kb: Figure | None = None
    ram_kb: Figure | None = None
    active_power_mw: Figure | None = None
    sleep_power_uw: Figure | None = None
    temperature_c: Figure | None = None
    calibration: Figure | None = None
    cycles_per_mac: Figure | None = None

    UNITS: ClassVar[dict[str, str]] = {
        "clock_mhz": "MHz",
        "flash_kb": "KB",
        "ram_kb": "KB",
        "active_power_mw": "mW",
        "sleep_power_uw": "µW",
        "temperature_c": "°C",
        "calibration": "",
        "cycles_per_mac": "cycles",
    }

    def _lead(self) -> str:
        traits = [self.maker, self.kind, self.core, f"OS: {self.os}", self.npu]
        return f"<small>{escape(' · '.join(filter(None, traits)))}. {escape(self.note)}</small>"


@dataclass(frozen=True)
class Battery(Entry):
    """A battery, or the mains (`mains` true, no capacity)."""

    key: str
    name: str
    mains: bool
    rechargeable: bool
    unchecked: tuple[str, ...]
    capacity_mah: Figure | None = None
    voltage: Figure | None = None
    self_discharge_pct_year: Figure | None = None
    temperature_c: Figure | None = None
    max_pulse_ma: Figure | None = None
    usable: Figure | None = None

    UNITS: ClassVar[dict[str, str]] = {
        "capacity_mah": "mAh",
        "voltage": "V",
        "self_discharge_pct_year": "%/year",
        "temperature_c": "°C",
        "max_pulse_ma": "mA",
        "usable": "",
    }

    @property
    def energy_mwh(self) -> float:
        """Usable energy in mWh; NaN where unknown, infinite on the mains."""
        if self.mains:
            return float("inf")
        return self.value("capacity_mah") * self.value("voltage") * self.value("usable")

    @property
    def peak_mw(self) -> float:
        """The power a pulse may draw, in mW; infinite on the mains."""
        return float("inf") if self.mains else self.value("max_pulse_ma") * self.value("voltage")


def boards() -> MappingProxyType[str, Board]:
    """The boards by key."""
    return _read("boards.toml", "boards", Board)


def links() -> MappingProxyType[str, Link]:
    """The links by key."""
    return _read("links.toml", "links", Link)


def batteries() -> MappingProxyType[str, Battery]:
    """The batteries by key."""
    return _read("batteries.toml", "batteries", Battery)


def tiers() -> MappingProxyType[str, Tier]:
    """The gateway ("fog") and the machines behind it ("cloud")."""
    return _read("tiers.toml", "tiers", Tier)


def board(key: str) -> Board:
    """The board of that key; EdgekitError with the nearest name where there is none."""
    return _lookup(key, boards(), "board")


def link(key: str) -> Link:
    """The link of that key; EdgekitError with the nearest name where there is none."""
    return _lookup(key, links(), "link")


def battery(key: str) -> Battery:
    """The battery of that key; EdgekitError with the nearest name where there is none."""
    return _lookup(key, batteries(), "battery")


def table() -> pd.DataFrame:
    """The boards, one a row; NaN where a figure is unknown."""
    import pandas as pd

    rows = [
        {
            "board": b.key,
            "name": b.name,
            "kind": b.kind,
            "core": b.core,
            "clock_mhz": b.value("clock_mhz"),
            "flash_kb": b.value("flash_kb"),
            "ram_kb": b.value("ram_kb"),
            "active_mw": b.value("active_power_mw"),
            "sleep_uw": b.value("sleep_power_uw"),
            "coldest_c": b.temperature_c.low if b.temperature_c else None,
            "hottest_c": b.temperature_c.high if b.temperature_c else None,
            "npu": b.npu or "",
            "unknown": ", ".join(n for n in b.unknown if n != "calibration"),
            "unchecked": ", ".join(b.unchecked),
        }
        for b in boards().values()
    ]
    return pd.DataFrame(rows).set_index("board")


def _lookup(key: str, known: Mapping[str, _Kind], what: str) -> _Kind:
    if key not in known:
        raise EdgekitError(f"There is no {what} {key!r}.{did_you_mean(key, known)}")
    return known[key]


@cache
def _read(file: str, section: str, kind: type[_Kind]) -> MappingProxyType[str, _Kind]:
    text = resources.files("edgekit.catalog").joinpath(file).read_text(encoding="utf-8")
    content = tomllib.loads(text)
    sources, cores = content["sources"], content.get("cores", {})
    entries: dict[str, _Kind] = {}
    make: Any = kind
    for key, entry in content[section].items():
        values = dict(entry)
        if kind is Board:
            values["kind"] = values.pop("class")
            values |= cores.get(values["core"], {})
            values["runtimes"] = tuple(values["runtimes"])
            values["kits"] = tuple(_kit(kit, sources) for kit in values["kits"])
            own, like = values.get("calibration_chip"), values.get("calibration_proxy")
            if chip := own or like:
                values["calibration"] = calibrations()[chip].figure(other_chip=not own)
        names = {field.name for field in fields(make)}
        figures = {
            n: _figure(values.pop(n), kind.UNITS[n], sources)
            for n in kind.UNITS
            if isinstance(values.get(n), dict)
        }
        entries[key] = make(
            key=key,
            unchecked=tuple(name for name, (_, checked) in figures.items() if not checked),
            **{n: default for n, default in _DEFAULTS.items() if n in names and n not in values},
            **values,
            **{name: figure for name, (figure, _) in figures.items()},
        )
    return MappingProxyType(entries)


_DEFAULTS = {
    "npu": None,
    "note": "",
    "mains": False,
    "rechargeable": False,
    "calibration_chip": None,
    "calibration_proxy": None,
}


def _figure(
    entry: dict[str, Any], unit: str, sources: dict[str, dict[str, Any]]
) -> tuple[Figure, bool]:
    source = sources[entry["source"]]
    figure = Figure(
        entry["value"] if "value" in entry else entry["high"],
        unit,
        source.get("provenance", "published"),
        source["title"],
        entry.get("low"),
        entry.get("high"),
    )
    return figure, source["checked"]


def _kit(entry: dict[str, Any], sources: dict[str, dict[str, Any]]) -> Kit:
    return Kit(
        entry["name"],
        entry["enclosure"],
        tuple(entry["sensors"]),
        tuple(entry["links"]),
        sources[entry["source"]]["title"],
        sources[entry["source"]]["checked"],
    )
