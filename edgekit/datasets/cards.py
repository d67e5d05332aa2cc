"""Data cards: what a data set is, who made it, under which licence, and what is wrong with it."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path

from edgekit.core.errors import EdgekitError, did_you_mean
from edgekit.core.escape import html as escape
from edgekit.core.html_table import TABLE
from edgekit.core.workspace import Workspace, shipped

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
        return f"{TABLE}{rows}</table>"


def card(name: str, folder: Path | str | None = None) -> Card:
    """The card `data/<name>.toml` of `folder`, of the workspace else, or of the kit.

    Raises EdgekitError when absent or incomplete.
    """
    folders = [Path(folder)] if folder else [Workspace.find().data, shipped("data")]
    path = next((p for f in folders if (p := f / f"{name}.toml").is_file()), None)
    if path is None:
        known = sorted({p.stem for f in folders for p in f.glob("*.toml")})
        raise EdgekitError(
            f"there is no data card {name!r} in {folders[0]}.{did_you_mean(name, known)}"
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


def _html(value) -> str:
    if isinstance(value, list) and any(len(str(v)) > 30 for v in value):
        return "<ul>" + "".join(f"<li>{escape(str(v))}</li>" for v in value) + "</ul>"
    if isinstance(value, list):
        return escape(", ".join(f"{v:,}" if isinstance(v, int) else str(v) for v in value))
    return escape(str(value))
