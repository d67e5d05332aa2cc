"""Where things are: the project's root, its notebooks, its runs."""

from __future__ import annotations

import json
import os
from pathlib import Path

from edgekit.core.errors import EdgekitError, did_you_mean


def root(start: Path | None = None) -> Path:
    """The nearest folder upwards that holds `notebooks/`; else the checkout edgekit was installed from.

    Raises EdgekitError when there is neither.
    """
    here = (start or Path.cwd()).resolve()
    for folder in (here, *here.parents, Path(__file__).resolve().parents[2]):
        if (folder / "notebooks" / "00_design.ipynb").is_file():
            return folder
    raise EdgekitError(f"no notebooks/ in or above {here}; go to your copy of the project first")


def chapters(start: Path | None = None) -> dict[str, Path]:
    """Chapter -> notebook, in order: `{"00_design": …/00_design.ipynb, …}`."""
    return {p.stem: p for p in sorted((root(start) / "notebooks").glob("[0-9][0-9]_*.ipynb"))}


def chapter(name: str, start: Path | None = None) -> str:
    """The full name of a chapter: `"train"`, `"03"` and `"03_train"` are the same."""
    names = list(chapters(start))
    for full in names:
        if name in (full, full[:2], full[3:]):
            return full
    raise EdgekitError(f"there is no chapter {name!r}.{did_you_mean(name, [n[3:] for n in names])}")


def contract(notebook: Path) -> dict:
    """From a notebook's metadata: `{"reads": [...], "writes": [...], "evaluates": (...), …}`.

    `evaluates` are the lines of the budget that its gate judges; None where it does not say. `environment`:
    the variables of the environment that its results depend on.
    """
    try:
        metadata = json.loads(notebook.read_text(encoding="utf-8"))["metadata"]["edgekit"]
        evaluates = tuple(metadata["evaluates"]) if "evaluates" in metadata else None
        known = {"evaluates": evaluates, "environment": metadata.get("environment", [])}
        return {"reads": metadata["reads"], "writes": metadata["writes"], **known}
    except (OSError, ValueError, KeyError) as error:
        raise EdgekitError(
            f"{notebook} says not what it reads and writes (metadata edgekit: {error})"
        ) from None


def evaluates(start: Path | None = None) -> dict[str, list[str]]:
    """Line of the budget -> the chapters that judge it, in order."""
    found = {}
    for name, notebook in chapters(start).items():
        for key in contract(notebook)["evaluates"] or ():
            found.setdefault(key, []).append(name)
    return found


def run_folder(use_case: str, profile: str, offline: bool = False) -> Path:
    """Where a run lives unless it is told otherwise; `EDGEKIT_RUNS` moves all of them."""
    runs = os.environ.get("EDGEKIT_RUNS")
    parent = Path(runs).expanduser() if runs else root() / "runs"
    return parent / f"{use_case}-{profile}{'-offline' if offline else ''}"
