"""The chapters of a workspace, and what each says of itself in its notebook's metadata."""

from __future__ import annotations

import ast
import json
from dataclasses import dataclass
from pathlib import Path

from edgekit.core.errors import EdgekitError, did_you_mean
from edgekit.core.workspace import Workspace


@dataclass(frozen=True)
class Contract:
    """What a chapter takes and gives, from its notebook's metadata.

    `reads` and `writes` are names of artefacts. `evaluates`: the lines of the budget that its gate judges;
    None where it does not say. `environment`: the variables of the environment that its results depend on.
    """

    reads: tuple[str, ...]
    writes: tuple[str, ...]
    evaluates: tuple[str, ...] | None = None
    environment: tuple[str, ...] = ()


def chapters(workspace: Workspace) -> dict[str, Path]:
    """Chapter -> notebook, in order: `{"00_design": …/00_design.ipynb, …}`."""
    return {p.stem: p for p in sorted(workspace.notebooks.glob("[0-9][0-9]_*.ipynb"))}


def full_name(name: str, known: dict[str, Path]) -> str:
    """The full name of a chapter: `"train"`, `"03"` and `"03_train"` are the same.

    Raises EdgekitError for one that is not among `known`, of `chapters`.
    """
    for full in known:
        if name in (full, full[:2], full[3:]):
            return full
    raise EdgekitError(f"there is no chapter {name!r}.{did_you_mean(name, [n[3:] for n in known])}")


def contract(notebook: Path) -> Contract:
    """Raises EdgekitError for a notebook that does not say what it reads and writes."""
    try:
        metadata = json.loads(notebook.read_text(encoding="utf-8"))["metadata"]["edgekit"]
        evaluates = tuple(metadata["evaluates"]) if "evaluates" in metadata else None
        reads, writes = tuple(metadata["reads"]), tuple(metadata["writes"])
        return Contract(reads, writes, evaluates, tuple(metadata.get("environment", ())))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise EdgekitError(
            f"{notebook} says not what it reads and writes (metadata edgekit: {error})"
        ) from None


def writer(artefact: str, workspace: Workspace) -> str | None:
    """The chapter that writes an artefact; None if none does."""
    found = chapters(workspace).items()
    return next((name for name, path in found if artefact in contract(path).writes), None)


def evaluating(workspace: Workspace) -> dict[str, list[str]]:
    """Line of the budget -> the chapters that judge it, in order."""
    found: dict[str, list[str]] = {}
    for name, notebook in chapters(workspace).items():
        for key in contract(notebook).evaluates or ():
            found.setdefault(key, []).append(name)
    return found


def parameters(notebook: Path) -> set[str]:
    """The names that a notebook's `parameters` cell sets. Raises EdgekitError where it has none."""
    cell = next((c for c in _cells(notebook) if _is_parameters(c)), None)
    if cell is None:
        raise EdgekitError(f"{notebook} has no cell tagged 'parameters'")
    body = ast.parse("".join(cell["source"])).body
    targets = [t for node in body if isinstance(node, ast.Assign) for t in node.targets]
    return {t.id for t in targets if isinstance(t, ast.Name)}


def code(notebook: Path) -> list[str]:
    """The source of each code cell, that of the parameters left out. Raises EdgekitError for no notebook."""
    cells = (c for c in _cells(notebook) if c["cell_type"] == "code" and not _is_parameters(c))
    return ["".join(c["source"]) for c in cells]


def _cells(notebook: Path) -> list[dict]:
    try:
        return json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    except (OSError, ValueError, KeyError) as error:
        raise EdgekitError(f"{notebook} is no notebook ({error})") from None


def _is_parameters(cell: dict) -> bool:
    return "parameters" in cell["metadata"].get("tags", [])
