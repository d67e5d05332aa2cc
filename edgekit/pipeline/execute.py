"""Runs the chapters headless, skips what has not changed, and can be killed at any time."""

from __future__ import annotations

import json
import logging
import os
import re
import time
import warnings
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from edgekit import usecases
from edgekit.core.errors import EdgekitError, did_you_mean
from edgekit.core.extras import how_to_get
from edgekit.core.lock import LockedError, locked
from edgekit.core.workspace import PACKAGE, Workspace
from edgekit.design import Design
from edgekit.design import load as load_design
from edgekit.design.gate import Verdicts
from edgekit.pipeline import chapters as notebooks
from edgekit.pipeline.freshness import (
    LIBRARY,
    digest,
    is_fresh,
    step_key,
    tree_hash,
)
from edgekit.pipeline.kernels import NAME, PATIENCE_S, Kernels
from edgekit.pipeline.manifest import (
    changed_artefact,
    file_hash,
    is_judged_by,
    read_manifest,
    start_manifest,
    update_manifest,
    versions,
)
from edgekit.pipeline.options import check_choice, check_owner
from edgekit.pipeline.run import Run

OPTIONS = {  # parameters that the run itself must know, not only the notebooks
    "use_case": "the first argument",
    "profile": "--profile",
    "run_dir": "--run-dir",
    "seed": "--seed",
    "offline": "--offline",
}


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
    """Run the chapters of `use_case` from `first` through `through`, in `profile` ("quick" or "full").

    `run_dir`: where to; empty: the workspace's folder for it. `say` is given each line of progress.
    A chapter is skipped when its code, its parameters, the library, the use case, the installed
    versions and its inputs are what they were when it was sealed. `parameters` overrides any notebook
    parameter by name. Returns the run's directory and one Outcome a chapter; raises EdgekitError for
    bad input and for a chapter that failed.
    """
    workspace = Workspace.find()
    chapters = notebooks.chapters(workspace)
    names = list(chapters)
    start = names.index(notebooks.full_name(first, chapters)) if first else 0
    stop = names.index(notebooks.full_name(through, chapters)) if through else len(names) - 1
    if start > stop:
        raise EdgekitError(f"{names[start]} comes after {names[stop]}: nothing to run")
    check_choice(profile, seed)
    folder = usecases.folder(use_case, workspace.folder)
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
    _check_inputs(chapters[names[start]], given, directory, workspace)
    library, case = tree_hash(PACKAGE, LIBRARY), tree_hash(folder, ("*",))
    common = digest([library, case, json.dumps(versions())])
    start_manifest(directory, use_case, profile)
    outcomes = []
    running = names[start : stop + 1]
    with _exclusive(directory), Kernels([chapters[n] for n in running], workspace) as kernels:
        for name in running:
            outcomes.append(_step(chapters[name], directory, given, common, design, kernels, say))
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
    notebook: Path,
    directory: Path,
    given: dict,
    common: str,
    design: Design,
    kernels: Kernels,
    say,
) -> Outcome:
    """Run one chapter, or skip it; one that fails before it has written anything stays sealed as it was."""
    began, name = time.monotonic(), notebook.stem
    values = {k: v for k, v in given.items() if k in notebooks.parameters(notebook)}
    key = step_key(notebook, values, common, directory)
    fresh = is_fresh(directory, notebook, key)
    if not fresh:
        _check_inputs(notebook, given, directory, kernels.workspace)
        say(f"{name} …")
        before = read_manifest(directory)["steps"].get(name)
        try:
            with kernels.of(notebook) as manager:
                _execute(notebook, values, directory, manager, say)
        except EdgekitError:
            if before and not changed_artefact(before, directory):
                update_manifest(directory, name, before)
            raise
        _seal(directory, name, values, key)
    elif not is_judged_by(directory, design):  # changed, and changed back
        update_manifest(directory, name, read_manifest(directory)["steps"][name], design)
    return Outcome(
        name,
        "skipped" if fresh else "ran",
        time.monotonic() - began,
        Verdicts.from_dicts(read_manifest(directory)["steps"][name]["verdicts"]),
    )


# ------------------------------------------------------------------------------------ inside


def _execute(notebook: Path, values: dict, directory: Path, manager, say) -> None:
    """papermill, with the executed notebook renamed into place only when it is whole."""
    import papermill
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
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            papermill.execute_notebook(
                notebook,
                temporary,
                parameters=values,
                kernel_name=NAME,
                km=manager,
                start_timeout=PATIENCE_S,
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
    except RuntimeError as error:  # of jupyter_client, while it waits for the process
        raise EdgekitError(
            f"{notebook.stem}: its Python process did not answer ({error}); run again, the chapters "
            "before are kept"
        ) from None
    os.replace(temporary, done)


def _seal(directory: Path, name: str, values: dict, key: str) -> None:
    entry = read_manifest(directory)["steps"].get(name)
    if entry is None:
        raise EdgekitError(f"{name} ended without its gate: run.gate(…) must be reached")
    parameters = {k: v for k, v in values.items() if k != "run_dir"}
    executed = file_hash(directory / "notebooks" / f"{name}.ipynb")
    entry |= {"parameters": parameters, "key": key, "notebook": executed}
    update_manifest(directory, name, entry)


def _check_inputs(notebook: Path, given: dict, directory: Path, workspace: Workspace) -> None:
    """A missing earlier chapter, or one of another seed, is better said before a kernel starts."""
    reads = notebooks.contract(notebook).reads
    run = Run(
        notebook.stem, given["use_case"], given["profile"], given["seed"], directory, reads,
        offline=given["offline"], workspace=workspace,
    )  # fmt: skip
    for name in reads:
        run.file(name)


def _check_parameters(chapters: dict[str, Path], running: list[str], given: dict) -> None:
    """papermill only warns about an unknown parameter; a typo deserves more, and one nobody takes, too."""
    owners = {name: notebooks.parameters(path) for name, path in chapters.items()}
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


def _line(outcome: Outcome) -> str:
    gate = outcome.verdicts.summary() if outcome.verdicts else "nothing to judge"
    return f"{outcome.step:<12} {outcome.action:<8}{outcome.seconds:6.1f} s   {gate}"
