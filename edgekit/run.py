"""A run: one use case taken through the chapters, in one directory that can be checked afterwards.

    runs/bearing-full/
      manifest.json     what was made from what: hashes, parameters, versions, figures, verdicts
      artefacts/        what the chapters hand to each other
      notebooks/        the chapters as they were executed
      report.html

A chapter is *sealed* by its gate, the last cell: only then do its artefacts count as whole.
"""

from __future__ import annotations

import hashlib
import json
import math
import platform
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from types import ModuleType

import numpy as np

from edgekit import project, usecases
from edgekit.design import Design, Verdicts, gate
from edgekit.design import load as load_design
from edgekit.errors import EdgekitError, did_you_mean
from edgekit.figures import Figure
from edgekit.whole import whole

PROFILES = ("quick", "full")
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
)


class Notes(str):
    """Markdown that a notebook renders."""

    def _repr_markdown_(self) -> str:
        return str(self)


@dataclass
class Run:
    """One chapter's view of a run. Made by `open_run`."""

    step: str
    use_case: str
    profile: str
    seed: int
    directory: Path
    reads: tuple[str, ...] = ()
    writes: tuple[str, ...] = ()
    figures: dict[str, Figure] = field(default_factory=dict)
    started: float = field(default_factory=time.monotonic)

    @property
    def quick(self) -> bool:
        return self.profile == "quick"

    @cached_property
    def design(self) -> Design:
        return load_design(usecases.folder(self.use_case, project.root()) / "design.toml")

    @cached_property
    def usecase(self) -> ModuleType:
        return usecases.load(self.use_case, project.root())

    @property
    def notes(self) -> Notes:
        """What the use case has to say in this chapter; nothing if it says nothing."""
        return Notes(usecases.notes(self.use_case, project.root(), self.step[:2]))

    def path(self, name: str) -> Path:
        """Where an artefact lies. Reading? Then use `load` or `file`, which check it."""
        if name not in self.reads and name not in self.writes:
            raise EdgekitError(
                f"{self.step} neither reads nor writes {name!r}."
                f"{did_you_mean(name, (*self.reads, *self.writes))}"
            )
        return self.directory / "artefacts" / name

    @contextmanager
    def writing(self, name: str) -> Iterator[Path]:
        """A temporary path that becomes the artefact when the block ends well, whole or not at all."""
        with whole(self.path(name)) as half:
            yield half

    def save(self, name: str, value) -> Path:
        """Write an artefact; its suffix says how: .npz .npy .json .csv, else bytes or text."""
        with self.writing(name) as path:
            _write(path, value)
        return self.path(name)

    def file(self, name: str) -> Path:
        """The checked file of an artefact. Raises EdgekitError if it is missing or not what was sealed."""
        path = self.path(name)
        maker = next((c for c, nb in project.chapters().items() if name in _writes(nb)), None)
        remedy = f"run {maker} first ({self._command} --through {str(maker)[3:]})"
        if not path.is_file():
            raise EdgekitError(f"{path} is missing: {remedy}")
        if maker != self.step:
            sealed = read_manifest(self.directory).get("steps", {}).get(maker, {})
            if sealed.get("outputs", {}).get(name) != file_hash(path):
                raise EdgekitError(f"{path} is not what {maker} sealed: {remedy}")
            if (was := sealed["parameters"].get("seed")) != self.seed:
                raise EdgekitError(
                    f"{maker} ran with seed {was}, this is seed {self.seed}: {remedy}"
                )
        return path

    def load(self, name: str):
        """Read an artefact of an earlier chapter (or of this one)."""
        return _read(self.file(name))

    @property
    def _command(self) -> str:
        """What a person types to fill this very run."""
        command = f"edgekit run {self.use_case}"
        if self.profile != PROFILES[0]:
            command += f" --profile {self.profile}"
        if self.directory.resolve() != project.run_folder(self.use_case, self.profile).resolve():
            command += f" --run-dir {self.directory}"
        return command + (f" --seed {self.seed}" if self.seed else "")

    def gate(self, figures: dict[str, Figure]) -> Verdicts:
        """Judge figures by the budget and seal the chapter; its last cell. Never raises for a miss."""
        verdicts = gate(self.design, figures)
        missing = [name for name in self.writes if not self.path(name).is_file()]
        if missing:
            raise EdgekitError(
                f"{self.step} cannot be sealed: {', '.join(missing)} not written; run its cells in order"
            )
        entry = {
            "parameters": {
                "use_case": self.use_case,
                "profile": self.profile,
                "seed": self.seed,
            },
            "inputs": {name: file_hash(self.path(name)) for name in self.reads},
            "outputs": {name: file_hash(self.path(name)) for name in self.writes},
            "figures": {k: f.to_dict() for k, f in {**self.figures, **figures}.items() if f},
            "verdicts": verdicts.to_dicts(),
            "seconds": round(time.monotonic() - self.started, 2),
            "finished": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
        }
        update_manifest(self.directory, self.step, entry)
        return verdicts

    def _repr_html_(self) -> str:
        return (
            f"<b>{self.design.use_case.title}</b>, chapter {self.step}, profile {self.profile}, "
            f"seed {self.seed}<br><small>{self.directory}</small>"
        )


def open_run(
    step: str, use_case: str = "bearing", profile: str = "quick", run_dir: str = "", seed: int = 0
) -> Run:
    """The run that a notebook works in. Raises EdgekitError for an unknown use case or profile.

    `run_dir` empty means `runs/<use_case>-<profile>` of the project. A chapter that is opened is no
    longer sealed: what it wrote before counts again when its gate has been reached.
    """
    check_choice(profile, seed)
    usecases.folder(use_case, project.root())
    directory = Path(run_dir).expanduser() if run_dir else project.run_folder(use_case, profile)
    notebook = project.chapters()[project.chapter(step)]
    terms = project.contract(notebook)
    check_owner(directory, use_case, profile)
    run = Run(
        notebook.stem,
        use_case,
        profile,
        seed,
        directory,
        tuple(terms["reads"]),
        tuple(terms["writes"]),
    )
    _ = run.design, run.usecase  # a broken file is better said now than in the middle
    for name in run.reads:
        run.file(name)
    start_manifest(directory, use_case, profile)
    update_manifest(directory, run.step, None)
    return run


def check_choice(profile: str, seed: int) -> None:
    """Raises EdgekitError for an unknown profile, and for a seed that not every library takes."""
    if profile not in PROFILES:
        raise EdgekitError(f"there is no profile {profile!r}.{did_you_mean(profile, PROFILES)}")
    if isinstance(seed, bool) or not isinstance(seed, int) or not 0 <= seed < 2**31:
        raise EdgekitError(f"seed must be a whole number from 0 to 2147483647, not {seed!r}")


def check_owner(directory: Path, use_case: str, profile: str) -> None:
    """Raises EdgekitError if the directory holds a run of something else."""
    manifest = read_manifest(directory)
    if manifest and (manifest["use_case"], manifest["profile"]) != (use_case, profile):
        raise EdgekitError(
            f"{directory} holds a run of {manifest['use_case']}, {manifest['profile']}; "
            "choose another run_dir"
        )


# -------------------------------------------------------------------------------------- manifest


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
    if not (directory / "manifest.json").is_file():
        _write_manifest(directory, {"use_case": use_case, "profile": profile, "steps": {}})


def update_manifest(directory: Path, step: str, entry: dict | None) -> None:
    """Record a step, or with None forget it."""
    manifest = read_manifest(directory)
    manifest["steps"].pop(step, None)
    if entry is not None:
        manifest["steps"][step] = entry
        manifest["steps"] = dict(sorted(manifest["steps"].items()))
    _write_manifest(directory, manifest)


def _write_manifest(directory: Path, manifest: dict) -> None:
    manifest["python"] = platform.python_version()
    manifest["platform"] = platform.platform()
    manifest["packages"] = versions()
    with whole(directory / "manifest.json") as half:
        half.write_text(json.dumps(_plain(manifest), indent=1, allow_nan=False), encoding="utf-8")


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


# ------------------------------------------------------------------------------------- artefacts


def _writes(notebook: Path) -> list[str]:
    return project.contract(notebook)["writes"]


def _plain(value):
    """JSON has no NaN and knows no NumPy."""
    if isinstance(value, dict):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(v) for v in value]
    if isinstance(value, np.ndarray):
        return _plain(value.tolist())
    if isinstance(value, np.generic):
        value = value.item()
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _write(path: Path, value) -> None:
    kind = path.suffix
    if kind == ".npz" and hasattr(value, "save"):
        value.save(path)
    elif kind == ".npz":
        with open(path, "wb") as f:
            np.savez(f, **value)
    elif kind == ".npy":
        with open(path, "wb") as f:
            np.save(f, value, allow_pickle=False)
    elif kind == ".json":
        path.write_text(json.dumps(_plain(value), indent=1, allow_nan=False), encoding="utf-8")
    elif kind == ".csv":
        value.to_csv(path, index=False)
    elif isinstance(value, str):
        path.write_text(value, encoding="utf-8")
    else:
        path.write_bytes(value)


def _read(path: Path):
    kind = path.suffix
    if kind == ".npz":
        with np.load(path, allow_pickle=False) as f:
            arrays = dict(f)
        if {"X", "y", "origin"} <= set(arrays):
            from edgekit.data.windows import Windows

            return Windows.load(path)
        return arrays
    if kind == ".npy":
        return np.load(path, allow_pickle=False)
    if kind == ".json":
        return json.loads(path.read_text(encoding="utf-8"))
    if kind == ".csv":
        import pandas

        return pandas.read_csv(path)
    return path.read_bytes()
