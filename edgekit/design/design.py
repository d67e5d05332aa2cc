"""The budget that every stage is judged by: reads design.toml. `design.gate` holds figures against it."""

from __future__ import annotations

import hashlib
import json
import tomllib
from dataclasses import MISSING, asdict, dataclass, fields, replace
from pathlib import Path

from edgekit import catalog
from edgekit.core.errors import EdgekitError, did_you_mean
from edgekit.core.escape import html as escape
from edgekit.core.figures import number

# How a line of the budget is judged: the figure stays below it (upper), reaches or covers it.
SENSES = {
    "latency_ms": "upper",
    "flash_bytes": "upper",
    "ram_bytes": "upper",
    "ota_bytes": "upper",
    "power_mw": "upper",
    "accuracy_loss": "upper",
    "accuracy_floor": "lower",
    "battery_years": "lower",
    "size_ratio": "lower",
    "temperature_c": "covers",
}
SIGNS = {"upper": "≤", "lower": "≥", "covers": "covers"}
UNITS = {  # the first is the one that is shown; the others are taken as the same
    "latency_ms": ("ms",),
    "flash_bytes": ("bytes", "byte", "B"),
    "ram_bytes": ("bytes", "byte", "B"),
    "ota_bytes": ("bytes", "byte", "B"),
    "power_mw": ("mW",),
    "battery_years": ("years", "year", "a"),
    "temperature_c": ("°C",),
}
FRACTIONS = ("accuracy_floor", "accuracy_loss")
SIGNATURES = ("EdDSA", "ES256", "ES256-joint", "ES256-fast")  # what `ota.verifiers` knows
ENCRYPTIONS = ("A128KW",)  # what `ota.cipher` knows


@dataclass(frozen=True)
class Budget:
    """The limits; None where the design sets none.

    `flash_bytes` and `ram_bytes` hold the whole program that ships: features, network, update agent,
    cryptography, and in flash two slots for the model; not what a board adds, a radio's stack or an RTOS.
    `accuracy_floor` is balanced accuracy of the deployed model on the honest split; `accuracy_loss`
    the most it may lose against the teacher, as a fraction (0.02 is two points); `size_ratio` the
    least teacher/deployed size; `ota_bytes` the most an update may weigh; `power_mw` an average.
    """

    latency_ms: float | None = None
    flash_bytes: int | None = None
    ram_bytes: int | None = None
    battery_years: float | None = None
    temperature_c: tuple[float, float] | None = None
    accuracy_floor: float | None = None
    accuracy_loss: float | None = None
    size_ratio: float | None = None
    ota_bytes: int | None = None
    power_mw: float | None = None

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><td>{key}</td><td>{SIGNS[SENSES[key]]} <b>{limit_text(key, limit)}</b></td></tr>"
            for key, limit in asdict(self).items()
            if limit is not None
        )
        return f"<table>{rows}</table>"


@dataclass(frozen=True)
class UseCase:
    name: str
    title: str
    question: str


@dataclass(frozen=True)
class Hardware:
    """Keys of the catalogue; `sensor` and `os` are what the application asks of a kit, a board.

    `signature`, one of SIGNATURES, is how a device checks who signed an update, which costs it time or flash.
    None: by the algorithm of whatever key it trusts. `encryption`, of ENCRYPTIONS, is how it reads updates
    that are encrypted for it; None: it reads none.
    """

    board: str
    battery: str
    link: str
    sensor: str | None = None
    os: str | None = None
    signature: str | None = None
    encryption: str | None = None


@dataclass(frozen=True)
class Duty:
    """How often the device wakes and talks. `macs_per_inference` is a guess before the model."""

    inferences_per_hour: float
    messages_per_day: float = 0
    message_bytes: int = 0
    sensor_power_mw: float = 0
    sensor_seconds_per_inference: float = 0
    macs_per_inference: float | None = None


SECTIONS = {"use_case": UseCase, "budget": Budget, "hardware": Hardware, "duty": Duty}


@dataclass(frozen=True)
class Design:
    """A checked design.toml. `board`, `link` and `battery` are entries of the catalogue."""

    use_case: UseCase
    budget: Budget
    hardware: Hardware
    duty: Duty
    path: Path | None = None

    @property
    def name(self) -> str:
        return self.use_case.name

    @property
    def board(self) -> catalog.Board:
        return catalog.board(self.hardware.board)

    @property
    def link(self) -> catalog.Link:
        return catalog.link(self.hardware.link)

    @property
    def battery(self) -> catalog.Battery:
        return catalog.battery(self.hardware.battery)

    @property
    def sensor(self) -> str | None:
        return self.hardware.sensor

    @property
    def os(self) -> str | None:
        return self.hardware.os

    @property
    def updates(self) -> dict[str, str]:
        """How devices check and read updates, as `ota.Release` takes it."""
        return {k: getattr(self.hardware, k) or "" for k in ("signature", "encryption")}

    def at(self, **duty) -> Design:
        """The same design under another duty cycle: `design.at(inferences_per_hour=60)`."""
        return replace(self, duty=replace(self.duty, **duty))

    def to_dict(self) -> dict:
        """Plain values, as in the file; limits that are not set are left out."""
        sections = {name: asdict(getattr(self, name)) for name in SECTIONS}
        return {
            name: {
                k: list(v) if isinstance(v, tuple) else v
                for k, v in section.items()
                if v is not None
            }
            for name, section in sections.items()
        }

    @classmethod
    def from_dict(cls, sections: dict) -> Design:
        """What `to_dict` gave, checked by nobody: the run that keeps it had checked the file."""
        values = {name: dict(section) for name, section in sections.items()}
        if span := values["budget"].get("temperature_c"):
            values["budget"]["temperature_c"] = tuple(span)
        return cls(**{name: kind(**values[name]) for name, kind in SECTIONS.items()})

    @property
    def digest(self) -> str:
        """SHA-256 over what the file says, whatever its comments and its order, in hex."""
        text = json.dumps(self.to_dict(), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()

    def _repr_html_(self) -> str:
        return (
            f"<b>{escape(self.use_case.title)}</b>: {escape(self.use_case.question)}<br>"
            f"{escape(self.board.name)} · {escape(self.link.name)} · {escape(self.battery.name)}"
            f"{self.budget._repr_html_()}"
        )


# ------------------------------------------------------------------------------------- reading


def load(path: str | Path) -> Design:
    """Read and check a design.toml. Raises EdgekitError with the file, the key and what to do."""
    path = Path(path)
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise EdgekitError(
            f"{path}: there is no such file; every use case needs a design.toml"
        ) from None
    except UnicodeDecodeError as error:
        raise EdgekitError(f"{path}: not UTF-8 text (byte {error.start})") from None
    except OSError as error:
        raise EdgekitError(f"{path}: cannot be read ({error.strerror})") from None
    except tomllib.TOMLDecodeError as error:
        raise EdgekitError(f"{path}: not valid TOML: {' '.join(str(error).split())}") from None
    for name in content:
        if name not in SECTIONS:
            raise EdgekitError(f"{path}: unknown section [{name}].{did_you_mean(name, SECTIONS)}")
    design = Design(**{name: _section(path, name, content) for name in SECTIONS}, path=path)
    if not any(limit is not None for limit in asdict(design.budget).values()):
        raise EdgekitError(
            f"{path}: [budget] sets no limit; give at least one of {', '.join(SENSES)}"
        )
    for what, known in (("signature", SIGNATURES), ("encryption", ENCRYPTIONS)):
        if (value := getattr(design.hardware, what)) is not None and value not in known:
            raise EdgekitError(
                f"{path}: [hardware] {what}: there is no {value!r}; there are {', '.join(known)}"
            )
    for what in ("board", "link", "battery"):
        try:
            getattr(design, what)
        except EdgekitError as error:
            raise EdgekitError(f"{path}: [hardware] {what}: {error}") from None
    return design


def _section(path: Path, name: str, content: dict):
    kind, values = SECTIONS[name], content.get(name)
    if values is None:
        raise EdgekitError(f"{path}: section [{name}] is missing")
    if not isinstance(values, dict):
        raise EdgekitError(f"{path}: {name} must be a section, written [{name}]")
    known = {field.name: field for field in fields(kind)}
    for key in values:
        if key not in known:
            raise EdgekitError(
                f"{path}: [{name}] has an unknown key {key!r}.{did_you_mean(key, known)}"
            )
    for key, field in known.items():
        if key not in values and field.default is MISSING:
            raise EdgekitError(f"{path}: [{name}] {key} is missing")
    return kind(
        **{k: _value(f"{path}: [{name}] {k}", k, known[k].type, v) for k, v in values.items()}
    )


def _value(where: str, key: str, annotation: str, value):
    if annotation.startswith("tuple"):
        return _range(where, value)
    if annotation.startswith("str"):
        if not isinstance(value, str) or not value.strip():
            raise EdgekitError(f"{where} must be a text, not {value!r}")
        return value
    whole = annotation.startswith("int")
    if isinstance(value, bool) or not isinstance(value, int if whole else (int, float)):
        raise EdgekitError(f"{where} must be a {'whole ' if whole else ''}number, not {value!r}")
    if not 0 <= value < float("inf"):
        raise EdgekitError(f"{where} must not be negative, infinite or NaN, it is {value!r}")
    if key in FRACTIONS and value > 1:
        raise EdgekitError(
            f"{where} is a fraction between 0 and 1 (0.02 is two points), not {value!r}"
        )
    return value


def _range(where: str, value) -> tuple[float, float]:
    numbers = isinstance(value, list) and all(
        isinstance(v, (int, float)) and not isinstance(v, bool) and abs(v) < 1000 for v in value
    )
    if not numbers or len(value) != 2 or value[0] >= value[1]:
        raise EdgekitError(f"{where} must be [coldest, hottest], not {value!r}")
    return tuple(value)


def limit_text(key: str, limit) -> str:
    unit = UNITS.get(key, ("",))[0]
    text = " to ".join(number(v) for v in limit) if isinstance(limit, tuple) else number(limit)
    return f"{text} {unit}".strip()
