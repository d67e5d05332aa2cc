"""A fleet over months: simulate("bearing", devices=20, weeks=26).

FOLDER/world/   what all policies share: windows, program, first release, key
FOLDER/loop/    fleet.db and objects of this policy; frozen/ and full/ are its controls
"""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import asdict, dataclass, replace
from hashlib import sha256
from pathlib import Path

from sqlalchemy import Connection, Engine

from edgekit import agent, packages, usecases
from edgekit.agent import firmware_file
from edgekit.cloud import provenance
from edgekit.cloud.database import open_database
from edgekit.cloud.weeks import groups_of
from edgekit.core.atomic import atomic_write_bytes
from edgekit.core.errors import EdgekitError
from edgekit.core.lock import locked
from edgekit.core.workspace import Workspace
from edgekit.data import Windows
from edgekit.design import load as load_design
from edgekit.fleet import POLICIES
from edgekit.fleet.by_hand import offer_once
from edgekit.fleet.device_sketch import save_scale
from edgekit.fleet.device_tier import SCALE, Site
from edgekit.fleet.loop import Loop, Plan
from edgekit.fleet.objects import Objects
from edgekit.fleet.origin import Origin, origin_of
from edgekit.fleet.retrain import first_release
from edgekit.fleet.status import Summary, summary
from edgekit.fleet.trainer import Trainer
from edgekit.fleet.week import run_week
from edgekit.fleet.world import WorldSpec, populate
from edgekit.labels import Queue
from edgekit.packages.release import Release
from edgekit.pipeline.run import Run
from edgekit.search.executor import executor


@dataclass(frozen=True)
class Simulation:
    """A fleet that was simulated: its `folder`, its database, by which plan, and what came of it."""

    folder: Path
    engine: Engine
    summary: Summary
    site: Site
    plan: Plan

    @property
    def use_case(self) -> usecases.UseCase:
        return usecases.load(self.site.spec.use_case, self.site.spec.folder)

    @property
    def objects(self) -> Objects:
        return Objects(self.site.objects)

    def queue(self, connection: Connection) -> Queue:
        """Its label queue, within the caller's transaction."""
        return Queue(connection, self.use_case.CLASSES, self.plan.labellers)

    def _repr_html_(self) -> str:
        return self.summary._repr_html_()


def simulate(
    use_case: str,
    *,
    devices: int = 20,
    weeks: int = 26,
    policy: str = "loop",
    profile: str = "quick",
    offline: bool = False,
    seed: int = 0,
    label_error: float = 0.0,
    drift: bool = True,
    folder: Path | str = "",
    workers: int = 1,
    scheduler: str = "",
    plan: Plan | None = None,
    spec: WorldSpec | None = None,
    train: Callable | None = None,
    run: Run | None = None,
    releases: Mapping[int, bytes] | None = None,
    say: Callable[[str], None] = print,
) -> Simulation:
    """`devices` of `use_case` over `weeks`, by `policy` (of `loop.POLICIES`); goes on where it was stopped.

    `drift` False: a world in which nothing changes, the other end of what a loop can recover. `folder`:
    where it lives, `runs/fleet/<use_case>-<profile>` unless given. `workers`, `scheduler`: as for `edgekit
    search`. `plan` and `spec` say everything, `policy`, `label_error` and the world's numbers included.
    `train`: who trains, as `loop.Loop` calls it; a process of its own unless given. `run`: a run whose
    release the fleet begins with, signed by its key; the fleet lives in its folder, and is simulated anew
    where that release has changed. `releases`: models of the owner's own, by the week (from 1) before whose
    steps they are given, as by `edgekit fleet release`; no gate is asked; with a `run` the fleet is simulated
    anew where they have changed. Raises EdgekitError for a use case that there is
    not, for a folder that holds another simulation, and for a model that the devices cannot run.
    """
    workspace = run.workspace if run else Workspace.find()
    origin = origin_of(run) if run else None
    spec = spec or WorldSpec(
        use_case, profile, offline, seed, devices, weeks, folder=workspace.folder
    )
    spec = replace(spec, begins=origin.digest) if origin else spec
    usecases.folder(spec.use_case, spec.folder)  # refuses a name before it becomes a folder's
    plan = plan or Plan(policy, label_error=label_error)
    usual = workspace.run_folder(use_case, profile, offline)
    base = run.directory / "fleet" if run else usual.parent / "fleet" / usual.name
    base = Path(folder) if folder else base
    name = plan.policy if drift else f"{plan.policy}-no-drift"
    base = base.resolve()
    own, by_hand = base / name, dict(releases or {})
    if by_hand and plan.policy != "loop":
        raise EdgekitError(f"a fleet of policy {plan.policy} rolls nothing out: simulate with loop")
    facts = {**asdict(plan), "drift": drift}
    if by_hand:
        facts["releases"] = {str(w): sha256(model).hexdigest() for w, model in by_hand.items()}
    with ExitStack() as stack:
        train = train or stack.enter_context(Trainer())
        stack.enter_context(locked(base / "world.lock"))
        if origin and not _holds(base / "world" / "world.json", _facts(spec)):
            _remove(base)
        site = prepare(base, spec, train, say, origin)
        site = replace(site, objects=own / "objects", drift=drift)
        if origin and by_hand and not _holds(own / "plan.json", facts):
            shutil.rmtree(own)
        _same(own / "plan.json", facts)
        engine = open_database(own / "fleet.db")
        stack.callback(engine.dispose)
        _note(engine, spec)
        crew = stack.enter_context(executor(workers, scheduler, base, say=say))
        loop = Loop(site, plan, engine, crew, train, say)
        began = time.monotonic()
        for week in range(spec.weeks):
            if week in by_hand:
                offer_once(engine, loop.objects, site.world / "device.zip", by_hand[week])
            say(line(week, spec.weeks, run_week(loop, week), engine, time.monotonic() - began))
    return Simulation(own, engine, summary(engine), site, plan)


def prepare(
    base: Path,
    spec: WorldSpec,
    train: Callable,
    say: Callable[[str], None] = print,
    origin: Origin | None = None,
) -> Site:
    """The world's folder: windows, first release (that of `origin`, if there is one), program. What is
    there is not made again."""
    world = base / "world"
    _same(world / "world.json", _facts(spec))
    site = Site(spec, world, base)
    if origin:
        site = replace(site, step=origin.step, keys=origin.keys)
        atomic_write_bytes(world / "device.zip", origin.device)
    if not (world / "pool.npz").is_file():
        say("world: windows of devices, and others for the first release")
        first, pool = populate(spec, origin)
        first.save(world / "train.npz")
        pool.save(world / "pool.npz")
    if not (world / "device.zip").is_file():
        say("world: the first release, trained and built")
        case = usecases.load(spec.use_case, spec.folder)
        design = load_design(usecases.folder(spec.use_case, spec.folder) / "design.toml")
        tflite = train(first_release, site, spec.seed)
        release = Release(
            tflite, case.features, case.SENSITIVITY, spec.use_case, design.board.key,
            signature=design.updates["signature"], encryption=design.updates["encryption"],
        )  # fmt: skip
        signer = packages.run_key(world, design.updates["signature"])
        program = agent.firmware(release, [signer.public])
        atomic_write_bytes(world / "device.zip", firmware_file.to_bytes(program))
    if not (world / SCALE).is_file():
        built, old = site.program(), Windows.load(world / "train.npz")
        save_scale(world / SCALE, built.host(built.firmware.release.image, old.X).inputs)
    return site


def _note(engine: Engine, spec: WorldSpec) -> None:
    """What the dashboard says of its figures: drifts are simulated, of real windows, too."""
    with engine.begin() as connection:
        provenance.note(
            connection,
            use_case=spec.use_case,
            data="simulated" if spec.offline else "partly simulated",
            accuracy=("measured", "windows that nothing was trained on; the simulation knows them"),
            energy=(
                "estimated",
                "emulated instructions of its inferences at the board's active power",
            ),
        )


def _facts(spec: WorldSpec) -> dict:
    return {**asdict(spec), "folder": ""}


def _text(facts: dict) -> str:
    return json.dumps(facts, indent=1, sort_keys=True, default=str)


def _holds(path: Path, facts: dict) -> bool:
    """Whether nothing, or these facts, stand in the file."""
    return not path.is_file() or path.read_text(encoding="utf-8") == _text(facts)


def _remove(base: Path) -> None:
    """A fleet of a release that was replaced: it can be simulated again."""
    for name in ("world", *(f"{p}{end}" for p in POLICIES for end in ("", "-no-drift"))):
        shutil.rmtree(base / name, ignore_errors=True)


def _same(path: Path, facts: dict) -> None:
    """Raises EdgekitError where the file holds other facts: a folder is one simulation's."""
    if not path.is_file():
        atomic_write_bytes(path, _text(facts).encode())
    elif not _holds(path, facts):
        raise EdgekitError(
            f"{path.parent} holds another simulation: name another folder, or remove that one"
        )


def line(week: int, weeks: int, found: dict[str, dict], engine: Engine, seconds: float) -> str:
    """What a week came to."""
    with engine.connect() as connection:
        groups = list(groups_of(connection, [week]))
    right, judged = (sum(getattr(g, name) for g in groups) for name in ("right", "judged"))
    accuracy = f"accuracy {right / judged:.3f}" if judged else "nobody reached"
    parts = [f"week {week + 1}/{weeks}", accuracy, f"{len(found['notice']['drifted'])} drifted"]
    if labels := found.get("label", {}).get("labels"):
        parts.append(f"{labels} labels")
    if gated := found.get("gate"):
        verdict = "passed" if gated["passed"] else "; ".join(gated["reasons"])
        parts.append(f"release {gated['candidate']} {verdict}")
    if outcomes := found.get("deliver", {}).get("outcomes"):
        parts.append(", ".join(f"{n} {what}" for what, n in sorted(outcomes.items())))
    return " · ".join([*parts, f"{seconds:.0f} s"])
