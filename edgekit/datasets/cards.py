"""Data cards: what a data set is, who made it, under which licence, and what is wrong with it."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path

from edgekit.core import workspace
from edgekit.core.errors import EdgekitError, did_you_mean
from edgekit.core.escape import html as escape

FIELDS = (
    "title",
    "what",
    "who",
    "licence",
    "domain",
    "labels",
    "channels",
    "rate_hz",
    "units",
    "collection",
    "splits",
    "intended_use",
    "flaws",
)


@dataclass(frozen=True)
class Card:
    """One card; `fields` in the order of FIELDS, `flaws` a list of sentences."""

    name: str
    fields: dict

    def __getitem__(self, field: str):
        return self.fields[field]

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><th>{escape(key.replace('_', ' '))}</th><td>{_html(value)}</td></tr>"
            for key, value in self.fields.items()
        )
        return f"<table>{rows}</table>"


def card(name: str, folder: Path | str | None = None) -> Card:
    """The card `data/<name>.toml` of the project. Raises EdgekitError when absent or incomplete."""
    folder = Path(folder) if folder else _cards()
    path = folder / f"{name}.toml"
    if not path.is_file():
        known = sorted(p.stem for p in folder.glob("*.toml"))
        raise EdgekitError(
            f"there is no data card {name!r} in {folder}.{did_you_mean(name, known)}"
        )
    try:
        fields = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise EdgekitError(f"{path} is no valid TOML ({error})") from None
    if missing := [f for f in FIELDS if f not in fields]:
        raise EdgekitError(f"{path} lacks {', '.join(missing)}; a card says all of it")
    if unknown := [f for f in fields if f not in FIELDS]:
        raise EdgekitError(
            f"{path}: unknown field {unknown[0]!r}.{did_you_mean(unknown[0], FIELDS)}"
        )
    return Card(name, {f: fields[f] for f in FIELDS})


def _cards() -> Path:
    """`data/` of the current project, or of the checkout that this file belongs to."""
    here = workspace.root() / "data"
    return here if any(here.glob("*.toml")) else Path(__file__).parents[2] / "data"


def _html(value) -> str:
    if isinstance(value, list) and any(len(str(v)) > 30 for v in value):
        return "<ul>" + "".join(f"<li>{escape(str(v))}</li>" for v in value) + "</ul>"
    if isinstance(value, list):
        return escape(", ".join(f"{v:,}" if isinstance(v, int) else str(v) for v in value))
    return escape(str(value))
