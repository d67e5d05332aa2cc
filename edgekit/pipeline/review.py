"""What a run can answer for now: one design, the chapters that stand, and every line of the budget once."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from edgekit import usecases
from edgekit.core.errors import EdgekitError
from edgekit.core.figures import Figure
from edgekit.core.workspace import Workspace
from edgekit.design import Design
from edgekit.design import load as load_design
from edgekit.design.gate import Verdicts, overall
from edgekit.pipeline.chapters import evaluating
from edgekit.pipeline.manifest import changes, judged_by, read_manifest, stale_reasons


@dataclass(frozen=True)
class Review:
    """A run, held against the design that its figures were judged by: its own copy of it.

    `gates`: the verdicts of the chapters that stand. `stale`: chapter -> why its figures no longer count.
    `verdicts`: every line of the budget, kept, missed or not judged. `data`: what the figures rest on.
    `changed`: what design.toml says otherwise since, "" if nothing.
    """

    manifest: dict
    design: Design
    gates: dict[str, Verdicts]
    stale: dict[str, str]
    verdicts: Verdicts
    data: str
    changed: str

    @property
    def figures(self) -> dict[tuple[str, str], Figure]:
        """(chapter, name) -> what the chapters that stand found."""
        return {
            (step, key): Figure.from_dict(figure)
            for step, told in self.manifest["steps"].items()
            if step not in self.stale
            for key, figure in told["figures"].items()
        }


def review(directory: Path) -> Review:
    """Read a run's directory. Raises EdgekitError if it holds no finished chapter."""
    manifest = read_manifest(directory)
    if not manifest.get("steps"):
        raise EdgekitError(f"{directory} holds no finished chapter; start with `edgekit run`")
    stale = {step: why for step, why in stale_reasons(manifest, directory).items() if why}
    gates = {
        name: Verdicts.from_dicts(step["verdicts"])
        for name, step in manifest["steps"].items()
        if name not in stale
    }
    workspace, design = Workspace.find(), judged_by(directory)
    now = _now(manifest["use_case"], workspace)
    data = {manifest["steps"][name].get("data", "") for name in gates} - {""}
    return Review(
        manifest,
        design,
        gates,
        stale,
        overall(design.budget, gates, evaluating(workspace)),
        data.pop() if len(data) == 1 else "partly simulated" if data else "",
        "the use case's design.toml is gone, or cannot be read"
        if now is None
        else changes(design, now),
    )


def _now(use_case: str, workspace: Workspace) -> Design | None:
    """What design.toml says today, if it is still there and can be read."""
    try:
        return load_design(usecases.folder(use_case, workspace.folder) / "design.toml")
    except EdgekitError:
        return None
