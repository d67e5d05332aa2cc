"""Is the data what it should be? Downloads against their stamps, cards against their fields, own files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from edgekit.core.errors import EdgekitError
from edgekit.core.workspace import Workspace, shipped
from edgekit.data import recording_file
from edgekit.datasets import sources
from edgekit.datasets.cards import card

UNSTATED = ("not stated", "unknown", "unspecified", "")


@dataclass(frozen=True)
class Finding:
    """`what` was looked at, its `state` in a few words, and how bad it is: "ok", "warning" or "wrong"."""

    what: str
    state: str
    severity: str = "ok"

    def __str__(self) -> str:
        return f"{self.severity:<6}{self.what:<28} {self.state}"


def check(cache: Path | str | None = None, root: Path | None = None) -> list[Finding]:
    """Everything: each source in the cache, each card of `data/`, the recordings of your use cases.

    Wrong: a download that is not what was stamped, a source without a card, a card that lacks a field, a
    recording that cannot be read. To mind: a licence that nobody stated, a download that was broken off.
    """
    root = root or Workspace.find().folder
    cache = Path(cache) if cache else sources.cache_folder()
    found, cards = [], _cards(root)
    for name, source in sources.sources().items():
        found += _source(name, source, cache, cards)
    for _, path in sorted(cards.items()):
        found.append(_card(path))
    for folder in sorted((root / "usecases").glob("*/recordings")):
        found.append(_recordings(folder, root))
    return found


def _cards(root: Path) -> dict[str, Path]:
    """Name -> card: those of the workspace, and of the kit's those that it has not."""
    return {p.stem: p for f in (shipped("data"), root / "data") for p in f.glob("*.toml")}


def _source(name: str, source, cache: Path, cards: dict[str, Path]) -> list[Finding]:
    what, folder = f"source {name}", cache / source.slug
    found = []
    if sources.cached(source, cache):
        found.append(Finding(what, f"here and whole; {source.licence}"))
    elif folder.exists():
        text = "is not what was downloaded: `edgekit data get` fetches it anew"
        found.append(Finding(what, text, "wrong"))
    else:
        found.append(Finding(what, f"not downloaded, {source.size / 1e6:.0f} MB; {source.licence}"))
    if (cache / f"{source.file}.part").exists():
        text = "a download was broken off; `edgekit data get` resumes it"
        found.append(Finding(what, text, "warning"))
    if not source.licence.strip():
        found.append(Finding(what, "states no licence", "wrong"))
    if name not in cards:
        found.append(Finding(what, f"has no card: write data/{name}.toml", "wrong"))
    return found


def _card(path: Path) -> Finding:
    what = f"card {path.stem}"
    try:
        fields = card(path.stem, path.parent)
    except EdgekitError as error:
        return Finding(what, str(error), "wrong")
    licence = str(fields["licence"]).strip()
    if licence.lower() in UNSTATED:
        return Finding(what, f"complete, but its licence is {licence or 'empty'!r}", "warning")
    open_ = [k for k in ("who", "intended_use") if str(fields[k]).startswith("not stated")]
    if open_:
        return Finding(what, f"{' and '.join(open_)} still to be written", "warning")
    return Finding(what, "complete")


def _recordings(folder: Path, root: Path) -> Finding:
    name = folder.parent.name
    what, count = f"use case {name}", 0
    for path in sorted(folder.rglob("*.npz")):
        try:
            recording_file.load(path)
        except EdgekitError as error:
            return Finding(what, str(error), "wrong")
        count += 1
    if not (root / "data" / f"{name}.toml").is_file():
        return Finding(what, f"has no card: write data/{name}.toml", "wrong")
    return Finding(what, f"{count} recordings, all readable")
