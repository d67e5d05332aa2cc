"""The design: a use case's question, budget, hardware and duty cycle, read from design.toml and checked."""

from __future__ import annotations

import hashlib
import json
import tomllib
from dataclasses import MISSING, asdict, dataclass, fields, replace
from math import isfinite
from pathlib import Path
from typing import Any, get_args, get_type_hints

from edgekit import catalog
from edgekit.core.errors import EdgekitError, did_you_mean
from edgekit.core.escape import html as escape
from edgekit.design.budget import LINES, Budget, renamed

SIGNATURES = ("EdDSA", "ES256", "ES256-joint", "ES256-fast")  # what `packages.verifiers` knows
SAMPLES_LEAVE = ("always", "flagged", "never")
ENCRYPTIONS = ("A128KW",)  # what `packages.encryption` knows


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


@dataclass(frozen=True)
class Flows:
    """What could leave a device, and what must not: for `select.place`. What is not given is not judged.

    `window_bytes`: the samples of one inference; `feature_bytes`: what the network takes of them;
    `flagged_share` of the windows are asked about again, `kept_share` are kept for training. `devices` share
    one gateway. `offline_hours`: how long it must decide without a network. `samples_leave`: "always",
    "flagged" (only windows that are asked about) or "never".
    """

    window_bytes: int | None = None
    feature_bytes: int | None = None
    flagged_share: float = 0
    kept_share: float = 0
    devices: int = 1
    offline_hours: float = 0
    samples_leave: str = "always"


SECTIONS: dict[str, type] = {
    "use_case": UseCase,
    "budget": Budget,
    "hardware": Hardware,
    "duty": Duty,
    "flows": Flows,
}


@dataclass(frozen=True)
class Design:
    """A checked design.toml. `board`, `link` and `battery` are entries of the catalogue."""

    use_case: UseCase
    budget: Budget
    hardware: Hardware
    duty: Duty
    flows: Flows = Flows()
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
        """How devices check and read updates, as `packages.Release` takes it."""
        return {k: getattr(self.hardware, k) or "" for k in ("signature", "encryption")}

    def at(self, **duty: Any) -> Design:
        """The same design under another duty cycle: `design.at(inferences_per_hour=60)`."""
        return replace(self, duty=replace(self.duty, **duty))

    def to_dict(self) -> dict[str, dict[str, Any]]:
        """Plain values, as in the file; limits that are not set are left out."""
        sections = {name: asdict(getattr(self, name)) for name in SECTIONS}
        return {
            name: {
                k: list(v) if isinstance(v, tuple) else v
                for k, v in section.items()
                if v is not None
            }
            for name, section in sections.items()
            if name != "flows" or self.flows != Flows()  # a file need not have it
        }

    @classmethod
    def from_dict(cls, sections: dict[str, Any], where: str = "the design that was kept") -> Design:
        """What `to_dict` gave. Raises EdgekitError, `where` in front, as `load` does."""
        for name in sections:
            if name not in SECTIONS:
                hint = did_you_mean(name, SECTIONS)
                raise EdgekitError(f"{where}: unknown section [{name}].{hint}")
        return cls(**{name: _section(where, name, sections) for name in SECTIONS})

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
    """Read and check the design.toml at `path`. Raises EdgekitError with the file, the key and what to do."""
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
    design = replace(Design.from_dict(content, str(path)), path=path)
    if not design.budget.limits:
        raise EdgekitError(
            f"{path}: [budget] sets no limit; give at least one of {', '.join(LINES)}"
        )
    for what, known in (("signature", SIGNATURES), ("encryption", ENCRYPTIONS)):
        if (value := getattr(design.hardware, what)) is not None and value not in known:
            raise EdgekitError(
                f"{path}: [hardware] {what}: there is no {value!r}; there are {', '.join(known)}"
            )
    if (leave := design.flows.samples_leave) not in SAMPLES_LEAVE:
        raise EdgekitError(
            f"{path}: [flows] samples_leave is {leave!r}, not one of {', '.join(SAMPLES_LEAVE)}"
        )
    for what in ("board", "link", "battery"):
        try:
            getattr(design, what)
        except EdgekitError as error:
            raise EdgekitError(f"{path}: [hardware] {what}: {error}") from None
    return design


def _section(where: str, name: str, content: dict[str, Any]) -> Any:
    kind, values = SECTIONS[name], content.get(name)
    if values is None and kind is Flows:
        return Flows()
    if values is None:
        raise EdgekitError(f"{where}: section [{name}] is missing")
    if not isinstance(values, dict):
        raise EdgekitError(f"{where}: {name} must be a section, written [{name}]")
    known, hints = {field.name: field for field in fields(kind)}, get_type_hints(kind)
    for key in values:
        if key not in known:
            hint = renamed(key) or did_you_mean(key, known)
            raise EdgekitError(f"{where}: [{name}] has an unknown key {key!r}.{hint}")
    for key, field in known.items():
        if key not in values and field.default is MISSING:
            raise EdgekitError(f"{where}: [{name}] {key} is missing")
    try:
        if kind is not Budget:  # whose lines check themselves
            values = {key: _value(key, hints[key], value) for key, value in values.items()}
        return kind(**values)
    except EdgekitError as error:
        raise EdgekitError(f"{where}: [{name}] {error}") from None


def _value(key: str, hint: Any, value: Any) -> Any:
    if str in (hint, *get_args(hint)):
        if not isinstance(value, str) or not value.strip():
            raise EdgekitError(f"{key} must be a text, not {value!r}")
        return value
    whole = int in (hint, *get_args(hint))
    if isinstance(value, bool) or not isinstance(value, int if whole else (int, float)):
        raise EdgekitError(f"{key} must be a {'whole ' if whole else ''}number, not {value!r}")
    if not value >= 0 or not isfinite(value):
        raise EdgekitError(f"{key} must not be negative, infinite or NaN, it is {value!r}")
    return value
