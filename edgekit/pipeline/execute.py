"""Runs the chapters headless, skips what has not changed, and can be killed at any time."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import re
import tempfile
import time
import warnings
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from edgekit import usecases
from edgekit.core import workspace
from edgekit.core.errors import EdgekitError, did_you_mean
from edgekit.core.extras import how_to_get, remedy
from edgekit.core.lock import LockedError, locked
from edgekit.design import Design
from edgekit.design import load as load_design
from edgekit.design.gate import Verdicts
from edgekit.pipeline.manifest import (
    file_hash,
    read_manifest,
    start_manifest,
    update_manifest,
    versions,
)
from edgekit.pipeline.run import Run, check_choice, check_owner

OPTIONS = {  # parameters that the run itself must know, not only the notebooks
    "use_case": "the first argument",
    "profile": "--profile",
    "run_dir": "--run-dir",
    "seed": "--seed",
    "offline": "--offline",
}
SOCKET_NAME = 103  # bytes: the longest on macOS; Linux takes four more
LIBRARY = ("*.py", "*.toml", "*.h", "*.c", "*.ld", "*.S")  # what the results depend on


@dataclass(frozen=True)
class Outcome:
    """What became of one chapter: `ran` or `skipped`, in how many seconds, and its verdicts."""

    step: str
    action: str
    seconds: float
    verdicts: Verdicts


def execute(
    use_case: str,
    profile: str = "quick",
    run_dir: str | Path = "",
    seed: int = 0,
    first: str = "",
    through: str = "",
    offline: bool = False,
    parameters: dict | None = None,
    say: Callable[[str], None] = print,
) -> tuple[Path, list[Outcome]]:
    """Run the chapters from `first` through `through`.

    A chapter is skipped when its code, its parameters, the library, the use case, the installed
    versions and its inputs are what they were when it was sealed. `parameters` overrides any notebook
    parameter by name. Returns the run's directory and one Outcome a chapter; raises EdgekitError for
    bad input and for a chapter that failed.
    """
    chapters = workspace.chapters()
    names = list(chapters)
    start = names.index(workspace.chapter(first)) if first else 0
    stop = names.index(workspace.chapter(through)) if through else len(names) - 1
    if start > stop:
        raise EdgekitError(f"{names[start]} comes after {names[stop]}: nothing to run")
    check_choice(profile, seed)
    folder = usecases.folder(use_case, workspace.root())
    design = load_design(folder / "design.toml")
    directory = Path(run_dir or workspace.run_folder(use_case, profile, offline)).resolve()
    given = {
        "use_case": use_case,
        "profile": profile,
        "seed": seed,
        "run_dir": str(directory),
        "offline": offline,
        **(parameters or {}),
    }
    _check_parameters(chapters, names[start : stop + 1], parameters or {})
    check_owner(directory, use_case, profile)
    _check_inputs(chapters[names[start]], given, directory)
    common = _digest(
        [
            tree_hash(Path(__file__).resolve().parents[1], LIBRARY),
            tree_hash(folder, ("*",)),
            json.dumps(versions()),
        ]
    )
    start_manifest(directory, use_case, profile)
    outcomes = []
    with _exclusive(directory):
        for name in names[start : stop + 1]:
            outcomes.append(_step(chapters[name], directory, given, common, design, say))
            say(_line(outcomes[-1]))
    return directory, outcomes


@contextmanager
def _exclusive(directory: Path):
    """Two runs in one directory would take each other's files for their own."""
    try:
        with locked(directory / ".lock", wait=False):
            yield
    except LockedError:
        raise EdgekitError(
            f"another run is at work in {directory}; wait for it, or choose another --run-dir"
        ) from None


def _step(
    notebook: Path, directory: Path, given: dict, common: str, design: Design, say
) -> Outcome:
    """Run one chapter, or skip it; one that fails before it has written anything stays sealed as it was."""
    began, name = time.monotonic(), notebook.stem
    values = {k: v for k, v in given.items() if k in notebook_parameters(notebook)}
    key = step_key(notebook, values, common, directory)
    fresh = is_fresh(directory, notebook, key)
    if not fresh:
        _check_inputs(notebook, given, directory)
        say(f"{name} …")
        before = read_manifest(directory)["steps"].get(name)
        try:
            _execute(notebook, values, directory, say)
        except EdgekitError:
            if before and _outputs_intact(directory, before):
                update_manifest(directory, name, before)
            raise
        _seal(directory, name, values, key)
    elif (
        read_manifest(directory).get("design_digest") != design.digest
    ):  # changed, and changed back
        update_manifest(directory, name, read_manifest(directory)["steps"][name], design)
    return Outcome(
        name,
        "skipped" if fresh else "ran",
        time.monotonic() - began,
        Verdicts.from_dicts(read_manifest(directory)["steps"][name]["verdicts"]),
    )


def step_key(notebook: Path, values: dict, common: str, directory: Path) -> str:
    """One hash over all that a chapter's results depend on; empty if an input is missing."""
    cells = [c for c in _cells(notebook) if c["cell_type"] == "code"]
    code = ["".join(c["source"]) for c in cells if "parameters" not in _tags(c)]
    inputs = [directory / "artefacts" / name for name in workspace.contract(notebook)["reads"]]
    if not all(path.is_file() for path in inputs):
        return ""
    shown = {k: v for k, v in values.items() if k != "run_dir"}
    named = [Path(v) for v in shown.values() if isinstance(v, str) and v and Path(v).is_file()]
    around = {v: os.environ.get(v, "") for v in workspace.contract(notebook)["environment"]}
    parts = [common, json.dumps([shown, around], sort_keys=True), *code]
    return _digest([*parts, *map(file_hash, [*inputs, *named])])


def is_fresh(directory: Path, notebook: Path, key: str) -> bool:
    """True if the chapter was sealed under this key and its artefacts still are what it sealed."""
    entry = read_manifest(directory).get("steps", {}).get(notebook.stem, {})
    if not key or entry.get("key") != key:
        return False
    if not (directory / "notebooks" / notebook.name).is_file():
        return False
    return _outputs_intact(directory, entry)


def _outputs_intact(directory: Path, entry: dict) -> bool:
    """Whether what a chapter sealed still lies there."""
    paths = {directory / "artefacts" / n: h for n, h in entry["outputs"].items()}
    return all(path.is_file() and file_hash(path) == h for path, h in paths.items())


def tree_hash(folder: Path, patterns: tuple[str, ...]) -> str:
    """One hash over the names and contents of the files that match, hidden and cached ones left out."""
    files = {
        path
        for pattern in patterns
        for path in folder.rglob(pattern)
        if path.is_file() and not _ignored(path.relative_to(folder))
    }
    return _digest(f"{p.relative_to(folder).as_posix()} {file_hash(p)}" for p in sorted(files))


def _ignored(path: Path) -> bool:
    return any(part.startswith(".") or part == "__pycache__" for part in path.parts)


def notebook_parameters(notebook: Path) -> set[str]:
    """The names that a notebook's `parameters` cell sets."""
    import ast

    cell = next((c for c in _cells(notebook) if "parameters" in _tags(c)), None)
    if cell is None:
        raise EdgekitError(f"{notebook} has no cell tagged 'parameters'")
    body = ast.parse("".join(cell["source"])).body
    return {t.id for node in body if isinstance(node, ast.Assign) for t in node.targets}


# ------------------------------------------------------------------------------------ inside


def _execute(notebook: Path, values: dict, directory: Path, say) -> None:
    """papermill, with the executed notebook renamed into place only when it is whole."""
    import papermill
    from jupyter_client.kernelspec import NoSuchKernel
    from nbclient.exceptions import DeadKernelError
    from papermill.exceptions import PapermillExecutionError

    from edgekit.datasets.download_notice import NoticeForwarder

    logging.getLogger("papermill").setLevel(logging.ERROR)
    done = directory / "notebooks" / notebook.name
    done.parent.mkdir(parents=True, exist_ok=True)
    temporary = done.with_name(f"{notebook.stem}.running.ipynb")
    failed = done.with_name(f"{notebook.stem}.failed.ipynb")
    failed.unlink(missing_ok=True)
    update_manifest(directory, notebook.stem, None)
    try:
        with warnings.catch_warnings(), tempfile.TemporaryDirectory() as sockets:
            warnings.simplefilter("ignore")
            papermill.execute_notebook(
                notebook,
                temporary,
                parameters=values,
                cwd=notebook.parent,
                kernel_name="python3",
                extra_arguments=["--IPKernelApp.log_level=CRITICAL"],  # a slow exit is no error
                config=_connection(sockets),
                stdout_file=NoticeForwarder(say),
                progress_bar={
                    "desc": f"  {notebook.stem}",
                    "leave": False,
                    "delay": 1,
                    "disable": None,
                },
            )
    except PapermillExecutionError as error:
        temporary.replace(failed)
        reason = f"{error.ename}: {error.evalue}".splitlines()[0]
        if error.ename == "ModuleNotFoundError":
            module = re.search(r"No module named '([\w.]+)'", error.evalue)
            reason += f": {how_to_get(module[1])}" if module else ""
        if error.ename == "EdgekitError":
            raise EdgekitError(f"{notebook.stem}: {error.evalue}") from None
        raise EdgekitError(
            f"{notebook.stem} failed in cell {error.exec_count}: {reason} (see {failed})"
        ) from None
    except DeadKernelError:
        raise EdgekitError(
            f"{notebook.stem}: its Python process died, perhaps out of memory; run again, the "
            "chapters before are kept"
        ) from None
    except NoSuchKernel:
        raise EdgekitError(f"Jupyter finds no kernel 'python3': {remedy('notebooks')}") from None
    os.replace(temporary, done)


def _connection(folder: str):
    """Settings of the kernel's connection: by files in `folder`, where the system has such sockets.

    Ports are searched first and taken later: of two runs that start at once, one finds its port gone.
    """
    from traitlets.config import Config

    file = str(Path(folder) / "kernel.json")  # names the sockets too: kernel.json-1 to -5
    if os.name == "nt" or len(os.fsencode(file)) + 2 > SOCKET_NAME:
        return Config()
    return Config(KernelManager={"transport": "ipc", "connection_file": file})


def _seal(directory: Path, name: str, values: dict, key: str) -> None:
    entry = read_manifest(directory)["steps"].get(name)
    if entry is None:
        raise EdgekitError(f"{name} ended without its gate: run.gate(…) must be reached")
    parameters = {k: v for k, v in values.items() if k != "run_dir"}
    executed = file_hash(directory / "notebooks" / f"{name}.ipynb")
    entry |= {"parameters": parameters, "key": key, "notebook": executed}
    update_manifest(directory, name, entry)


def _check_inputs(notebook: Path, given: dict, directory: Path) -> None:
    """A missing earlier chapter, or one of another seed, is better said before a kernel starts."""
    reads = tuple(workspace.contract(notebook)["reads"])
    run = Run(
        notebook.stem, given["use_case"], given["profile"], given["seed"], directory, reads,
        offline=given["offline"],
    )  # fmt: skip
    for name in reads:
        run.file(name)


def _check_parameters(chapters: dict[str, Path], running: list[str], given: dict) -> None:
    """papermill only warns about an unknown parameter; a typo deserves more, and one nobody takes, too."""
    owners = {name: notebook_parameters(path) for name, path in chapters.items()}
    known = set().union(*owners.values())
    for name in given:
        if name in OPTIONS:
            raise EdgekitError(f"-p {name}=…: {OPTIONS[name]} says that")
        if name not in known:
            raise EdgekitError(
                f"no chapter has a parameter {name!r}.{did_you_mean(name, sorted(known))}"
            )
        if not any(name in owners[chapter] for chapter in running):
            of = ", ".join(chapter for chapter in chapters if name in owners[chapter])
            raise EdgekitError(f"-p {name}=…: only {of} takes it, and that does not run here")


def _cells(notebook: Path) -> list[dict]:
    try:
        return json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    except (OSError, ValueError, KeyError) as error:
        raise EdgekitError(f"{notebook} is no notebook ({error})") from None


def _tags(cell: dict) -> list[str]:
    return cell["metadata"].get("tags", [])


def _digest(parts) -> str:
    digest = hashlib.sha256()
    for part in parts:
        data = part.encode()
        digest.update(len(data).to_bytes(8, "little") + data)
    return digest.hexdigest()


def _line(outcome: Outcome) -> str:
    gate = outcome.verdicts.summary() if outcome.verdicts else "nothing to judge"
    return f"{outcome.step:<12} {outcome.action:<8}{outcome.seconds:6.1f} s   {gate}"
