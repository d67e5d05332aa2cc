"""What a search found, as another chapter may take it: only for the data and split it was found on."""

from __future__ import annotations

import json
from pathlib import Path

from edgekit.core.errors import EdgekitError
from edgekit.pipeline.artefacts import artefact_path
from edgekit.pipeline.manifest import file_hash

SOURCE_FILES = ("field.npz", "split.json")  # what decides whom a candidate has heard


def source_hashes(directory: Path) -> dict[str, str]:
    """The hashes of a run's data and split, by artefact."""
    return {name: file_hash(artefact_path(directory, name)) for name in SOURCE_FILES}


def load_search_result(path: Path | str, directory: Path) -> tuple[dict, bytes]:
    """The candidate of a `found.json` and its `.tflite`, for the run in `directory`.

    Raises EdgekitError for a file that is no search's, and for one that was found on other data or another
    split: it may have heard what this run tests.
    """
    path = Path(path)
    try:
        facts = json.loads(path.read_text(encoding="utf-8"))
        candidate, was = dict(facts["found"]["candidate"]), facts.get("source_hashes")
        model = path.with_name("found.tflite").read_bytes()
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise EdgekitError(f"{path} is no found.json of `edgekit search` ({error})") from None
    if was != source_hashes(directory):
        raise EdgekitError(
            f"{path} was found on other data or another split: run `edgekit search` on this run first"
        )
    return candidate, model
