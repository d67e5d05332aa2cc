"""What a report shows of a run's artefacts: the model's card, every variant that was tried, files to take."""

from __future__ import annotations

from html import escape
from pathlib import Path

from edgekit.core.errors import EdgekitError
from edgekit.pipeline import artefacts
from edgekit.pipeline.artefacts import ARTEFACTS, REPORT
from edgekit.pipeline.manifest import artefact_path

TABLES = {"model.json": "The model that is deployed", "ledger.json": "Every variant that was tried"}


def sections(directory: Path, fallen: set[str]) -> str:
    """The sections of the artefacts that are there, those of the chapters in `fallen` left out; HTML."""
    there = {
        name: artefact_path(directory, name)
        for name, artefact in ARTEFACTS.items()
        if REPORT in artefact.readers and artefact.writer not in fallen
    }
    there = {name: path for name, path in there.items() if path.is_file()}
    tables = "".join(_table(title, there[name]) for name, title in TABLES.items() if name in there)
    return tables + _files({name: path for name, path in there.items() if name not in TABLES})


def _table(title: str, path: Path) -> str:
    try:
        shown = artefacts.read(path)._repr_html_()
    except EdgekitError as error:
        shown = f'<p class="note">{escape(str(error))}</p>'
    return (
        f"<section><details><summary>{title}</summary>"
        f'<div class="table">{shown}</div></details></section>'
    )


def _files(paths: dict[str, Path]) -> str:
    rows = "".join(
        f'<tr><td><a href="artefacts/{name}">{name}</a></td><td>{path.stat().st_size:,} bytes</td>'
        f"<td>{escape(ARTEFACTS[name].holds)}</td></tr>"
        for name, path in paths.items()
    )
    return f"<section><h2>To take along</h2><table>{rows}</table></section>" if rows else ""
