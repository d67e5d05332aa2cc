"""The papers of a release, beside the report: `model-card.md` and `sbom.cdx.json`."""

from __future__ import annotations

from pathlib import Path

from edgekit.core.atomic import atomic_write
from edgekit.core.errors import EdgekitError
from edgekit.pipeline import artefacts
from edgekit.pipeline.manifest import artefact_path
from edgekit.pipeline.review import Review, review
from edgekit.view.model_card import model_card
from edgekit.view.sbom import bill_of_materials

NEEDS = ("model.json", "field.npz", "split.json", "device.zip")


def ready(directory: Path) -> bool:
    """Whether the run has got as far as a program, which the papers are about."""
    return all(artefact_path(directory, name).is_file() for name in NEEDS)


def write_papers(directory: Path, found: Review | None = None) -> list[Path]:
    """Write both into the run's `directory`; their paths.

    found: the review of that run, if there is one already. Raises EdgekitError where it has no program yet
    (chapter 05 makes it), and where the extra `ota` is missing.
    """
    found = found or review(directory)
    sbom = directory / "sbom.cdx.json"
    card = write_card(directory, found)
    firmware = artefacts.read(artefact_path(directory, "device.zip"))
    with atomic_write(sbom) as half:
        half.write_text(bill_of_materials(firmware, 1), encoding="utf-8")
    return [card, sbom]


def write_card(directory: Path, found: Review) -> Path:
    """Write the model card alone; its path. Raises EdgekitError where the run has no program yet."""
    paths = {name: artefact_path(directory, name) for name in NEEDS}
    for name, path in paths.items():
        if not path.is_file():
            use_case = found.manifest["use_case"]
            raise EdgekitError(
                f"{name} is missing: edgekit run {use_case} --through export makes it"
            )
    card, field, split = (artefacts.read(paths[name]) for name in NEEDS[:3])
    page = directory / "model-card.md"
    with atomic_write(page) as half:
        half.write_text(model_card(found, card, field, split), encoding="utf-8")
    return page
