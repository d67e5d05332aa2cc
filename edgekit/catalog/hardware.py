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
from edgekit.core.errors import EdgekitError, did_you_mean
from edgekit.core.figures import Figure, number

if TYPE_CHECKING:
    import pandas as pd


class _Entry:
    """What boards, links and batteries share: figures by name, and how a notebook shows them."""

    UNITS: ClassVar[dict[str, str]] = {}
    OPTIONAL: ClassVar[frozenset[str]] = frozenset()  # figures that an entry has or has not
    name: str
    unchecked: tuple[str, ...]

    @property
    def figures(self) -> dict[str, Figure]:
        """The figures that are known, by field name."""
        known = {name: getattr(self, name) for name in self.UNITS}
        return {name: figure for name, figure in known.items() if figure is not None}

    @property
    def unknown(self) -> tuple[str, ...]:
        """The names of the figures that the catalogue does not have."""
        asked = (name for name in self.UNITS if name not in self.OPTIONAL)
        return tuple(name for name in asked if getattr(self, name) is None)

    def value(self, name: str) -> float:
        """The number behind a figure; NaN where it is unknown."""
        figure: Figure | None = getattr(self, name)
        return float("nan") if figure is None else figure.value

    def _repr_html_(self) -> str:
        rows = []
        for name, unit in self.UNITS.items():
            figure, label = getattr(self, name), escape(name.rsplit("_", 1)[0].replace("_", " "))
            if figure is None and name in self.OPTIONAL:
                continue
            if figure is None:
                rows.append(f"<tr><td>{label}</td><td>unknown</td><td></td><td></td></tr>")
                continue
            shown = temperature(figure) if unit == "°C" else str(figure)
            flag = " (unchecked)" if name in self.unchecked else ""
            rows.append(
                f"<tr><td>{label}</td><td><b>{escape(shown)}</b></td>"
                f"<td>{escape(figure.provenance)}{flag}</td><td>{escape(figure.source)}</td></tr>"
            )
        return f"<b>{escape(self.name)}</b> {self._lead()}<table>{''.join(rows)}</table>"

    def _lead(self) -> str:
        return ""


_Kind = TypeVar("_Kind", bound=_Entry)


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
class Board(_Entry):
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
class Link(_Entry):
    """A way to send bytes. Energy and time of a message: `edgekit.select.message_energy_mj`.

    `duty_limit` is the law's, `fair_use_s_per_day` and `downlinks_per_day` what a public network asks of its
    users; `session_mj` and `session_s` come once a message, unless it stays connected, which draws
    `connected_mw`; `fixed_mj` and `setup_s` come with each packet.
    """

    key: str
    name: str
    cost: str
    unchecked: tuple[str, ...]
    max_payload_bytes: Figure | None = None
    overhead_bytes: Figure | None = None
    bytes_per_s: Figure | None = None
    setup_s: Figure | None = None
    tx_power_mw: Figure | None = None
    fixed_mj: Figure | None = None
    session_s: Figure | None = None
    session_mj: Figure | None = None
    connected_mw: Figure | None = None
    sleep_power_uw: Figure | None = None
    spreading_factor: Figure | None = None
    duty_limit: Figure | None = None
    fair_use_s_per_day: Figure | None = None
    downlinks_per_day: Figure | None = None
    channels: Figure | None = None
    round_trip_s: Figure | None = None
    loss: Figure | None = None
    price_eur_month: Figure | None = None

    UNITS: ClassVar[dict[str, str]] = {
        "max_payload_bytes": "bytes",
        "overhead_bytes": "bytes",
        "bytes_per_s": "bytes/s",
        "setup_s": "s",
        "tx_power_mw": "mW",
        "fixed_mj": "mJ",
        "session_s": "s",
        "session_mj": "mJ",
        "connected_mw": "mW",
        "sleep_power_uw": "µW",
        "spreading_factor": "",
        "duty_limit": "",
        "fair_use_s_per_day": "s/day",
        "downlinks_per_day": "/day",
        "channels": "",
        "round_trip_s": "s",
        "loss": "",
        "price_eur_month": "€/month",
    }
    OPTIONAL: ClassVar[frozenset[str]] = frozenset(
        ("setup_s", "session_s", "session_mj", "connected_mw", "sleep_power_uw", "spreading_factor",
         "duty_limit", "fair_use_s_per_day", "downlinks_per_day", "channels")
    )  # fmt: skip

    @property
    def share(self) -> float:
        """The part of the time it may be on the air; 1 where no rule limits it."""
        return 1.0 if self.duty_limit is None else self.duty_limit.value

    def _lead(self) -> str:
        return f"<small>{escape(self.cost)}</small>"


@dataclass(frozen=True)
class Battery(_Entry):
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


@dataclass(frozen=True)
class Tier(_Entry):
    """What stands behind the devices: a gateway on the site ("fog"), rented machines ("cloud")."""

    key: str
    name: str
    unchecked: tuple[str, ...]
    gmacs: Figure | None = None
    service_ms: Figure | None = None
    round_trip_s: Figure | None = None
    price_eur_month: Figure | None = None
    power_w: Figure | None = None
    eur_per_kwh: Figure | None = None
    vcpu_eur_hour: Figure | None = None
    storage_eur_gb_month: Figure | None = None

    UNITS: ClassVar[dict[str, str]] = {
        "gmacs": "GMAC/s",
        "service_ms": "ms",
        "round_trip_s": "s",
        "price_eur_month": "€/month",
        "power_w": "W",
        "eur_per_kwh": "€/kWh",
        "vcpu_eur_hour": "€/h",
        "storage_eur_gb_month": "€/GB and month",
    }
    OPTIONAL: ClassVar[frozenset[str]] = frozenset(UNITS) - {"gmacs", "service_ms"}


def temperature(figure: Figure) -> str:
    """A range in words; of a figure without one, its value."""
    low, high = (figure.value if end is None else end for end in (figure.low, figure.high))
    return f"{number(low)} to {number(high)} °C"


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
