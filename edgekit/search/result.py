"""What a search found, as another chapter may take it: only for the data and split it was found on."""

from __future__ import annotations

import json
from pathlib import Path

from edgekit.core.errors import EdgekitError
from edgekit.core.schema import check_version
from edgekit.pipeline.manifest import artefact_path, file_hash

SCHEMA = 1  # of found.json and of the finalists that a search keeps
SOURCE_FILES = ("field.npz", "split.json")  # what decides which groups a candidate was trained on


def source_hashes(directory: Path) -> dict[str, str]:
    """The hashes of a run's data and split, by artefact."""
    return {name: file_hash(artefact_path(directory, name)) for name in SOURCE_FILES}


def load_search_result(path: Path | str, directory: Path) -> tuple[dict, bytes]:
    """The candidate of the `found.json` at `path` and its `.tflite`, for the run in `directory`.

    Raises EdgekitError for a file that is no search's or of another format, and for one that was found on
    other data or another split: it may have been trained on what this run tests.
    """
    path = Path(path)
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        candidate, was = dict(record["found"]["candidate"]), record.get("source_hashes")
        model = path.with_name("found.tflite").read_bytes()
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise EdgekitError(f"{path} is no found.json of `edgekit search` ({error})") from None
    check_version(path, record.get("schema"), SCHEMA, "run `edgekit search` again")
    if was != source_hashes(directory):
        raise EdgekitError(
            f"{path} was found on other data or another split: run `edgekit search` on this run first"
        )
    return candidate, model
