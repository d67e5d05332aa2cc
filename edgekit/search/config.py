"""Which run a search belongs to: all that a process needs to know to take part in it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from edgekit import usecases
from edgekit.core.errors import EdgekitError
from edgekit.core.workspace import Workspace
from edgekit.pipeline.freshness import tree_hash
from edgekit.pipeline.manifest import artefact_path, file_hash, read_manifest
from edgekit.pipeline.options import check_choice, check_owner
from edgekit.pipeline.run import Run

FILES = ("field.npz", "split.json", "teacher.h5")  # of the run; the last one if it is there


@dataclass(frozen=True)
class SearchConfig:
    """Everything that a process needs to know to take part in a search; it can be sent to another one.

    `directory` is the run's, `root` the workspace's: both are paths that every worker must see.
    """

    use_case: str
    profile: str
    seed: int
    directory: str
    root: str
    stamp: str = ""  # a hash of the data, the split, the teacher and the use case's files

    @property
    def folder(self) -> Path:
        """Where the search keeps its own files."""
        return Path(self.directory) / "search"


def search_config(
    use_case: str, profile: str = "quick", seed: int = 0, run_dir: str = ""
) -> SearchConfig:
    """The SearchConfig of a run of `use_case`: of `run_dir`, or of the folder where `edgekit run` puts it.

    Raises EdgekitError for an unknown use case, a bad profile or seed, or the run of another use case.
    """
    check_choice(profile, seed)
    workspace = Workspace.find()
    usecases.folder(use_case, workspace.folder)
    directory = Path(run_dir).expanduser() if run_dir else workspace.run_folder(use_case, profile)
    check_owner(directory, use_case, profile)
    artefacts = [artefact_path(directory, name) for name in FILES]
    parts = [file_hash(path) if path.is_file() else "" for path in artefacts]
    parts.append(tree_hash(usecases.folder(use_case, workspace.folder), ("*",)))
    stamp = hashlib.sha256(" ".join(parts).encode()).hexdigest()[:16]
    return SearchConfig(
        use_case, profile, seed, str(directory.resolve()), str(workspace.folder), stamp
    )


def run_of(
    config: SearchConfig, reads: tuple[str, ...] = FILES, writes: tuple[str, ...] = ()
) -> Run:
    """The run that is searched in, of the search's own workspace; `reads`, `writes`: its artefacts."""
    c, workspace = config, Workspace(Path(config.root))
    where = Path(c.directory)
    return Run("search", c.use_case, c.profile, c.seed, where, reads, writes, workspace=workspace)


def check_run(config: SearchConfig) -> None:
    """Raises EdgekitError, in one line, if the run has no data to search with."""
    manifest = read_manifest(Path(config.directory))
    if "01_collect" not in manifest.get("steps", {}):
        command = f"edgekit run {config.use_case} --through train"
        command += f" --profile {config.profile}" if config.profile != "quick" else ""
        command += f" --seed {config.seed}" if config.seed else ""
        usual = Workspace(Path(config.root)).run_folder(config.use_case, config.profile)
        if Path(config.directory) != usual.resolve():
            command += f" --run-dir {config.directory}"
        raise EdgekitError(f"{config.directory} holds no data yet: run `{command}` first")
    run = run_of(config)
    for name in FILES[:2]:
        run.file(name)
