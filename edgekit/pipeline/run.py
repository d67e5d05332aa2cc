"""A run: one use case taken through the chapters, in one directory that can be checked afterwards.

    runs/bearing-full/
      manifest.json     what was made from what: hashes, parameters, versions, figures, verdicts
      design.toml       the design that it was judged by
      artefacts/        what the chapters hand to each other
      notebooks/        the chapters as they were executed
      report.html

A chapter is *sealed* by its gate, the last cell: only then do its artefacts count as whole.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgekit import usecases
from edgekit.core.atomic import atomic_write
from edgekit.core.errors import EdgekitError, did_you_mean
from edgekit.core.escape import html as escape
from edgekit.core.figures import Figure
from edgekit.core.workspace import Workspace
from edgekit.design import Design
from edgekit.design import load as load_design
from edgekit.design.gate import Verdicts, gate
from edgekit.pipeline import artefacts
from edgekit.pipeline.chapters import chapters, contract, full_name, writer
from edgekit.pipeline.manifest import (
    artefact_path,
    changes,
    file_hash,
    judged_by,
    read_manifest,
    stale_reasons,
    start_manifest,
    update_manifest,
)
from edgekit.pipeline.options import PROFILES, check_choice, check_owner

if TYPE_CHECKING:
    from edgekit.data import Recording, Windows


class Notes(str):
    """Markdown that a notebook renders."""

    def _repr_markdown_(self) -> str:
        return str(self)


@dataclass
class Run:
    """One chapter's view of a run. Made by `open_run`; by `reopen`, what a command sees of it.

    `evaluates`: the lines of the budget that its gate judges, None where the notebook does not say. `data`:
    on which recordings its figures rest, see `record_origin`.
    """

    step: str
    use_case: str
    profile: str
    seed: int
    directory: Path
    reads: tuple[str, ...] = ()
    writes: tuple[str, ...] = ()
    evaluates: tuple[str, ...] | None = None
    offline: bool = False
    data: str = ""
    workspace: Workspace = field(default_factory=Workspace.find)
    figures: dict[str, Figure] = field(default_factory=dict)
    started: float = field(default_factory=time.monotonic)
    input_hashes: dict[str, str] = field(default_factory=dict)  # what was read, and its hash then
    field: str | None = None

    @property
    def quick(self) -> bool:
        return self.profile == "quick"

    @cached_property
    def design(self) -> Design:
        """What the workspace's design.toml says now: this chapter is judged by it, and then the run."""
        folder = usecases.folder(self.use_case, self.workspace.folder)
        return load_design(folder / "design.toml")

    @property
    def design_changed(self) -> str:
        """What the workspace's design says otherwise than the one that judged the run; "" if nothing."""
        if "design_digest" not in read_manifest(self.directory):
            return ""
        return changes(judged_by(self.directory), self.design)

    @cached_property
    def usecase(self) -> usecases.UseCase:
        case = usecases.load(self.use_case, self.workspace.folder)
        usecases.choose(case, self.sealed_target if self.field is None else self.field)
        return case

    @property
    def sealed_target(self) -> str:
        """The field that the chapter which collected the data was told to take; empty: the use case's own."""
        steps = read_manifest(self.directory).get("steps", {}).values()
        return next((f for s in steps if (f := s["parameters"].get("field"))), "")

    @property
    def notes(self) -> Notes:
        """What the use case has to say in this chapter; nothing if it says nothing."""
        return Notes(usecases.notes(self.use_case, self.workspace.folder, self.step[:2]))

    def record_origin(self, recordings: Iterable[Recording] | Windows) -> str:
        """Say on which recordings the figures of this chapter, and of those after it, rest.

        `recordings`: Recordings or Windows. Returns `"real"`, `"simulated"` or `"partly simulated"`, which
        every figure of the run then says. Raises EdgekitError where the folder's figures rest on others:
        one folder never mixes them.
        """
        from edgekit.data import data_origin

        self.data = data_origin(recordings)
        for step, entry in read_manifest(self.directory).get("steps", {}).items():
            if (other := entry.get("data", "")) not in ("", self.data):
                raise EdgekitError(
                    f"{step} in {self.directory} rests on {other} data, these recordings are {self.data}: "
                    "give them a folder of their own (run_dir), or delete that one"
                )
        return self.data

    def path(self, name: str) -> Path:
        """Where an artefact lies. Reading? Then use `load` or `file`, which check it."""
        if name not in self.reads and name not in self.writes:
            raise EdgekitError(
                f"{self.step} neither reads nor writes {name!r}."
                f"{did_you_mean(name, (*self.reads, *self.writes))}"
            )
        return artefact_path(self.directory, name)

    @contextmanager
    def writing(self, name: str) -> Iterator[Path]:
        """A temporary path that becomes the artefact when the block ends well, whole or not at all."""
        with atomic_write(self.path(name)) as temporary:
            yield temporary

    def save(self, name: str, value: Any) -> Path:
        """Write an artefact, of the type that `pipeline.artefacts` says; of one that is not named there, its
        suffix says how: .npz .npy .json .csv, else bytes or text."""
        with self.writing(name) as path:
            artefacts.write(path, value, name)
        return self.path(name)

    def file(self, name: str) -> Path:
        """The checked file of an artefact.

        Raises EdgekitError if it is missing, is not what was sealed, or rests on what has been replaced.
        """
        path = self.path(name)
        maker = writer(name, self.workspace)
        if maker is None:
            raise EdgekitError(f"no chapter of {self.workspace.notebooks} writes {name}")
        remedy = f"run {maker} first ({self._command} --through {maker[3:]})"
        if not path.is_file():
            raise EdgekitError(f"{path} is missing: {remedy}")
        if maker != self.step:
            manifest, self.input_hashes[name] = read_manifest(self.directory), file_hash(path)
            sealed = manifest.get("steps", {}).get(maker, {})
            if sealed.get("outputs", {}).get(name) != self.input_hashes[name]:
                raise EdgekitError(f"{path} is not what {maker} sealed: {remedy}")
            if (was := sealed["parameters"].get("seed")) != self.seed:
                raise EdgekitError(
                    f"{maker} ran with seed {was}, this is seed {self.seed}: {remedy}"
                )
            if why := stale_reasons(manifest, by_design=False)[maker]:
                raise EdgekitError(f"{maker} {why}: {remedy}")
        return path

    def load(self, name: str) -> Any:
        """An artefact of an earlier chapter (or of this one), as the value that was saved."""
        return artefacts.read(self.file(name))

    @property
    def _command(self) -> str:
        """What a person types to fill this very run."""
        command = f"edgekit run {self.use_case}"
        if self.profile != PROFILES[0]:
            command += f" --profile {self.profile}"
        command += " --offline" if self.offline else ""
        usual = self.workspace.run_folder(self.use_case, self.profile, self.offline)
        if self.directory.resolve() != usual.resolve():
            command += f" --run-dir {self.directory}"
        return command + (f" --seed {self.seed}" if self.seed else "")

    def gate(
        self, figures: Mapping[str, Figure | None], notes: Mapping[str, str] | None = None
    ) -> Verdicts:
        """Judge figures by the budget and seal the chapter; its last cell. Never raises for a miss.

        A figure that is None leaves its line open; `notes`, by line, say why, or what a reader must know.
        """
        if self.evaluates is not None and set(figures) != set(self.evaluates):
            raise EdgekitError(
                f"{self.step} judges {', '.join(figures) or 'nothing'}, its metadata says "
                f"{', '.join(self.evaluates) or 'nothing'}: make them agree"
            )
        missing = [name for name in self.writes if not self.path(name).is_file()]
        if missing:
            raise EdgekitError(
                f"{self.step} cannot be sealed: {', '.join(missing)} not written; run its cells in order"
            )
        inputs = {name: file_hash(self.path(name)) for name in self.reads}
        for name, now in inputs.items():
            if self.input_hashes.get(name, now) != now:
                raise EdgekitError(
                    f"{name} was written again since {self.step} read it: run its cells from the first"
                )
        data = self.combined_origin
        figures, mine = _on(data, figures), _on(data, self.figures)
        verdicts = gate(self.design.budget, figures, notes)
        entry = {
            "parameters": {
                "use_case": self.use_case,
                "profile": self.profile,
                "seed": self.seed,
                "offline": self.offline,
                **({"field": self.field} if self.field else {}),
            },
            "design": self.design.digest,
            "data": data,
            "inputs": inputs,
            "outputs": {name: file_hash(self.path(name)) for name in self.writes},
            "figures": {k: f.to_dict() for k, f in {**mine, **figures}.items() if f},
            "verdicts": verdicts.to_dicts(),
            "seconds": round(time.monotonic() - self.started, 2),
            "finished": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
        }
        update_manifest(self.directory, self.step, entry, self.design)
        return verdicts

    @property
    def combined_origin(self) -> str:
        """The data that the figures rest on: this chapter's own, or of those it reads; "" if none."""
        if self.data:
            return self.data
        steps = read_manifest(self.directory).get("steps", {})
        found = {
            e.get("data", "") for e in steps.values() if set(e["outputs"]) & set(self.reads)
        } - {""}
        return found.pop() if len(found) == 1 else "partly simulated" if found else ""

    def _repr_html_(self) -> str:
        data = f", on <b>{self.combined_origin} data</b>" if self.combined_origin else ""
        changed = self.design_changed
        if changed:
            changed = f"<br>design.toml changed since the run was judged: {escape(changed)}"
        return (
            f"<b>{escape(self.design.use_case.title)}</b>, chapter {self.step}, profile {self.profile}, "
            f"seed {self.seed}{data}<br><small>{escape(str(self.directory))}</small>{changed}"
        )


def open_run(
    step: str,
    use_case: str = "bearing",
    profile: str = "quick",
    run_dir: str = "",
    seed: int = 0,
    offline: bool = False,
    field: str | None = None,
) -> Run:
    """The run that the notebook of chapter `step` works in.

    Raises EdgekitError for an unknown use case (`use_case`), profile or field.

    `field` names another field than the use case's own, where it knows one; None: the one that the run's
    data came from. `run_dir` empty means `runs/<use_case>-<profile>` of the workspace, with `-offline` behind
    it for a run on simulated data alone. To open a sealed chapter and look changes nothing; what is written
    over no longer is what was sealed, and the next chapter says so.
    """
    check_choice(profile, seed)
    workspace = Workspace.find()
    usecases.folder(use_case, workspace.folder)
    usual = workspace.run_folder(use_case, profile, offline)
    directory = Path(run_dir).expanduser() if run_dir else usual
    known = chapters(workspace)
    notebook = known[full_name(step, known)]
    says = contract(notebook)
    check_owner(directory, use_case, profile)
    run = Run(
        notebook.stem,
        use_case,
        profile,
        seed,
        directory,
        says.reads,
        says.writes,
        says.evaluates,
        offline,
        workspace=workspace,
        field=field,
    )
    _ = run.design, run.usecase  # a broken file is better said now than in the middle
    for name in run.reads:
        run.file(name)
    start_manifest(directory, use_case, profile)
    return run


def reopen(directory: Path, step: str, reads: tuple[str, ...]) -> Run:
    """A run as its folder says it is, for a command that reads artefacts of the chapter `step`.

    Its `design` is the one that it was judged by. Raises EdgekitError where that chapter is not sealed.
    """
    known = read_manifest(directory)
    sealed = known.get("steps", {}).get(step)
    if sealed is None:
        raise EdgekitError(f"{directory} has no chapter {step}: `edgekit run` it through that")
    asked = sealed.get("parameters", {})
    if "seed" not in asked:
        raise EdgekitError(f"{directory} does not say with which seed it ran: run {step} again")
    run = Run(
        step,
        known["use_case"],
        known["profile"],
        asked["seed"],
        directory,
        reads,
        offline=asked.get("offline", False),
    )
    run.design = judged_by(directory)
    return run


def _on(data: str, figures: Mapping[str, Figure | None]) -> dict[str, Figure | None]:
    """The figures with the data that they rest on; what others published rests on theirs."""
    return {
        key: replace(f, data=data) if f and not f.data and f.provenance != "published" else f
        for key, f in figures.items()
    }
