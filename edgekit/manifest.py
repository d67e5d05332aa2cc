"""The manifest of a run: what was made from what, and which of it still stands.

Chapters in notebooks and in `edgekit run` write it side by side; each change is one locked step.
"""

from __future__ import annotations

import hashlib
import json
import math
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy as np

from edgekit.design import Design
from edgekit.errors import EdgekitError
from edgekit.lock import locked
from edgekit.whole import whole

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
    return manifest


def start_manifest(directory: Path, use_case: str, profile: str) -> None:
    """Write an empty manifest if there is none yet."""
    directory.mkdir(parents=True, exist_ok=True)
    with _alone(directory):
        if not (directory / "manifest.json").is_file():
            _write(directory, {"use_case": use_case, "profile": profile, "steps": {}})


def update_manifest(
    directory: Path, step: str, entry: dict | None, design: Design | None = None
) -> None:
    """Record a step, or with None forget it. `design`: the one that it was judged by, now the run's."""
    with _alone(directory):
        manifest = read_manifest(directory)
        manifest["steps"].pop(step, None)
        if entry is not None:
            manifest["steps"][step] = entry
            manifest["steps"] = dict(sorted(manifest["steps"].items()))
        if design is not None:
            manifest["design"], manifest["design_digest"] = design.to_dict(), design.digest
        _write(directory, manifest)


def standing(manifest: dict) -> dict[str, str]:
    """Chapter -> why its figures no longer count; "" where they do.

    A chapter stands while it was judged by the run's design, and while what it read is what its makers
    sealed last, and they stand too.
    """
    steps, found = manifest.get("steps", {}), {}
    made = {name: (step, sha) for step, e in steps.items() for name, sha in e["outputs"].items()}
    digest = manifest.get("design_digest", "")
    for step, entry in steps.items():
        found[step] = ""
        if entry.get("design", digest) != digest:
            found[step] = "was judged by an earlier design"
        for name, sha in entry["inputs"].items():
            maker, now = made.get(name, ("", ""))
            if not maker:
                found[step] = found[step] or f"was made from {name}, which no chapter has sealed"
            elif now != sha:
                found[step] = found[step] or f"was made before {maker} was run again"
            elif found.get(maker):
                found[step] = found[step] or f"stands on {maker}, which {found[maker]}"
    return found


def _alone(directory: Path):
    """Two writers would each keep the other's seals from before. Not the run's own lock: a chapter that
    `edgekit run` has started writes while that one is held."""
    return locked(directory / ".manifest.lock")


def _write(directory: Path, manifest: dict) -> None:
    manifest["python"] = platform.python_version()
    manifest["platform"] = platform.platform()
    manifest["packages"] = versions()
    with whole(directory / "manifest.json") as half:
        half.write_text(json.dumps(plain(manifest), indent=1, allow_nan=False), encoding="utf-8")


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


def plain(value):
    """For JSON, which has no NaN and knows no NumPy."""
    if isinstance(value, dict):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(v) for v in value]
    if isinstance(value, np.ndarray):
        return plain(value.tolist())
    if isinstance(value, np.generic):
        value = value.item()
    return None if isinstance(value, float) and not math.isfinite(value) else value
