"""The manifest of a run: what was made from what, and which of it still stands.

Chapters in notebooks and in `edgekit run` write it side by side; each change is one locked step. Beside it
lies `design.toml`, a copy of the design that the run was judged by last; the manifest holds its digest.
"""

from __future__ import annotations

import hashlib
import json
import platform
import shutil
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from edgekit.core.atomic import atomic_write
from edgekit.core.errors import EdgekitError
from edgekit.core.jsonable import to_jsonable
from edgekit.core.lock import locked
from edgekit.core.schema import check_version
from edgekit.design import Design
from edgekit.design import load as load_design

SCHEMA = 2  # 1 kept the design inside
PACKAGES = (
    "numpy",
    "scipy",
    "scikit-learn",
    "tensorflow",
    "tf-keras",
    "tensorflow-model-optimization",
    "ai-edge-litert",
    "tflite",
    "tflite-micro",
    "ziglang",
    "unicorn",
    "capstone",
)


def read_manifest(directory: Path) -> dict:
    """The run's manifest, `{}` for a new run. Raises EdgekitError if it cannot be read."""
    path = directory / "manifest.json"
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise EdgekitError(f"{path} cannot be read ({error}); delete it to start over") from None
    if not isinstance(manifest, dict) or not {"use_case", "profile", "steps"} <= set(manifest):
        raise EdgekitError(f"{path} is no manifest of a run; choose another run_dir")
    remedy = "delete it to start over, or choose another run_dir"
    check_version(path, manifest.get("schema", 1), SCHEMA, remedy)
    return manifest


def start_manifest(directory: Path, use_case: str, profile: str) -> None:
    """Write an empty manifest of a run of `use_case` in `profile` if there is none yet."""
    directory.mkdir(parents=True, exist_ok=True)
    with _exclusive(directory):
        if not (directory / "manifest.json").is_file():
            _write(
                directory, {"schema": SCHEMA, "use_case": use_case, "profile": profile, "steps": {}}
            )


def update_manifest(
    directory: Path, step: str, entry: dict | None, design: Design | None = None
) -> None:
    """Record a step as `entry`, or with None forget it. `design`: what it was judged by, now the run's.

    Raises EdgekitError where the manifest cannot be read, or the design's file says otherwise now.
    """
    with _exclusive(directory):
        manifest = read_manifest(directory)
        manifest["steps"].pop(step, None)
        if entry is not None:
            manifest["steps"][step] = entry
            manifest["steps"] = dict(sorted(manifest["steps"].items()))
        if design is not None:
            _copy_design(design, directory)
            manifest["design_digest"] = design.digest
        _write(directory, manifest)


def _copy_design(design: Design, directory: Path) -> None:
    """The file that a design was read from becomes the run's own copy.

    Raises EdgekitError where it says otherwise now.
    """
    if design.path is None:
        raise EdgekitError("a design that was read from no file judges no run")
    with atomic_write(directory / "design.toml") as temporary:
        shutil.copyfile(design.path, temporary)
        if load_design(temporary).digest != design.digest:
            raise EdgekitError(
                f"{design.path} was changed since this chapter was opened: run its cells from the first"
            )


def judged_by(directory: Path) -> Design:
    """The design that a run was judged by last: its own copy. Raises EdgekitError where that is not it."""
    path, digest = directory / "design.toml", read_manifest(directory).get("design_digest")
    if digest is None or not path.is_file():
        raise EdgekitError(f"{directory} does not say by which design it was judged: run it again")
    design = load_design(path)
    if design.digest != digest:
        raise EdgekitError(f"{path} is not the design that the run was judged by: run it again")
    return design


def changes(was: Design, now: Design) -> str:
    """What a design says otherwise than another: `"latency_ms 100 → 50, board stm32u5 → nrf5340"`."""
    before, after = was.to_dict(), now.to_dict()
    return ", ".join(
        f"{key} {before[section].get(key, 'unset')} → {after[section].get(key, 'unset')}"
        for section in before
        for key in dict.fromkeys((*before[section], *after[section]))
        if before[section].get(key) != after[section].get(key)
    )


def is_judged_by(directory: Path, design: Design) -> bool:
    """Whether this is the design that a run was judged by last, and its copy of it is intact."""
    try:
        return judged_by(directory).digest == design.digest
    except EdgekitError:
        return False


def stale_reasons(
    manifest: dict, directory: Path | None = None, by_design: bool = True
) -> dict[str, str]:
    """Chapter of `manifest` -> why its figures no longer count; "" where they do.

    A chapter stands while it was judged by the run's design, and while what it read is what its makers
    sealed last, and they stand too. With `directory`, while what it wrote still lies there unchanged;
    unless `by_design`, whatever the design.
    """
    steps, digest = manifest.get("steps", {}), manifest.get("design_digest", "")
    made = {name: (step, sha) for step, e in steps.items() for name, sha in e["outputs"].items()}
    fallen = {}  # by what was replaced: that falls on what was made from it, an earlier design does not
    for step, entry in steps.items():
        fallen[step] = changed_artefact(entry, directory) if directory else ""
        for name, sha in entry.get("inputs", {}).items():
            maker, now = made.get(name, ("", ""))
            if not maker:
                fallen[step] = fallen[step] or f"was made from {name}, which no chapter has sealed"
            elif now != sha:
                fallen[step] = fallen[step] or f"was made before {maker} was run again"
            elif fallen.get(maker):
                fallen[step] = fallen[step] or f"stands on {maker}, which {fallen[maker]}"
    if not by_design:
        return fallen
    earlier = {s for s, entry in steps.items() if entry.get("design", digest) != digest}
    return {s: "was judged by an earlier design" if s in earlier else fallen[s] for s in steps}


def artefact_path(directory: Path, name: str) -> Path:
    """Where an artefact of the run in `directory` lies."""
    return directory / "artefacts" / name


def changed_artefact(entry: dict, directory: Path) -> str:
    """Which artefact of a chapter's `entry` is gone or changed, in words; "" if none is."""
    for name, sha in entry["outputs"].items():
        path = artefact_path(directory, name)
        if not path.is_file() or file_hash(path) != sha:
            return f"no longer has the {name} that it sealed"
    return ""


def _exclusive(directory: Path):
    """Two writers would each keep the other's seals from before. Not the run's own lock: a chapter that
    `edgekit run` has started writes while that one is held."""
    return locked(directory / ".manifest.lock")


def _write(directory: Path, manifest: dict) -> None:
    manifest["python"] = platform.python_version()
    manifest["platform"] = platform.platform()
    manifest["packages"] = versions()
    with atomic_write(directory / "manifest.json") as temporary:
        temporary.write_text(
            json.dumps(to_jsonable(manifest), indent=1, allow_nan=False), encoding="utf-8"
        )


def versions() -> dict[str, str]:
    """Installed versions of the packages that results depend on."""
    found = {}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "missing"
    return found


def file_hash(path: Path) -> str:
    """SHA-256 of a file, in hex."""
    with open(path, "rb") as f:
        return hashlib.file_digest(f, "sha256").hexdigest()
