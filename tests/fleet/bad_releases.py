"""Bad releases for a simulated fleet, given by hand as its owner would; and what no model makes a device do.

Struck bearings, and networks of one layer that are fitted in a moment. In one cohort the shafts turn faster,
so that a model can be worse there alone.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
from sqlalchemy import select, update

from edgekit import fleet, usecases
from edgekit.cloud.database import open_database
from edgekit.cloud.tables import device_states, device_weeks, rollout_devices, rollouts
from edgekit.core.workspace import Workspace
from edgekit.data import Windows
from edgekit.fleet import device_tier, simulation, week, world
from edgekit.fleet.by_hand import offer
from edgekit.fleet.loop import states
from edgekit.fleet.objects import Objects
from edgekit.rollout.waves import Policy
from tests.emulate.bearings import network

BEFORE = 3  # weeks before the release
FASTER = world.Drift("another machine", 0, 1.0)
HOME = Workspace.find().folder


def taught(X: np.ndarray, y: np.ndarray, features, grid: float, seed: int = 0) -> bytes:
    """An int8 network of one layer; `grid`: the scale of its input."""
    from sklearn.linear_model import LogisticRegression

    f = features(X).reshape(len(X), -1)
    known = LogisticRegression(max_iter=2000, C=30.0, random_state=seed).fit(f, y)
    return network(known.coef_, known.intercept_, grid, -128, 0.15)


@dataclass
class Owner:
    """Of a fleet in `folder`: `devices` over `weeks`, of whom some are `away` (by name, in which weeks).
    `ground`: the folder of another owner, whose windows and program are taken instead of made."""

    folder: Path
    devices: int = 8
    weeks: int = BEFORE + 4
    away: tuple[tuple[str, frozenset[int]], ...] = ()
    ground: Path | None = None

    def prepare(self) -> Path:
        """Make what `ground` takes; the folder."""
        simulation.prepare(self.folder, self.spec, lambda *_: self.model(), lambda _: None)
        return self.folder

    @cached_property
    def spec(self) -> world.WorldSpec:
        return world.WorldSpec(
            "bearing", offline=True, seed=1, devices=self.devices, weeks=self.weeks,
            drifting=0.0, away=0.0, folder=HOME,
        )  # fmt: skip

    @property
    def own(self) -> Path:
        """Where its database lies."""
        return self.folder / "loop"

    def load(self, spec, path, drift=True):
        """As `world.load_world`; one cohort is another kind of machine, and who is away is not reached."""
        made, gone = world.load_world(spec, path, drift), dict(self.away)
        first = made.devices[0].cohort
        return replace(made, devices=tuple(
            replace(d, drift=FASTER if d.cohort == first else None, offline=gone.get(d.name, frozenset()))
            for d in made.devices
        ))  # fmt: skip

    def model(self, kind: str = "", seed: int = 0) -> bytes:
        """ "wrong" everywhere; in the "cohort" of faster machines; by any other name, nowhere."""
        case = usecases.load("bearing", HOME)
        old = Windows.load(self.folder / "world" / "train.npz")
        fast = case.DRIFTS[FASTER.kind](old.X.copy(), 1.0, np.random.default_rng(3))
        turned = (old.y + 1) % 3
        X = np.concatenate([old.X, fast.astype(np.float32)])
        bad = kind in ("wrong", "cohort")
        y = np.concatenate([turned if kind == "wrong" else old.y, turned if bad else old.y])
        grid = float(case.features(old.X).max() / 255)
        some = np.random.default_rng(seed).permutation(len(y))[: len(y) * 9 // 10]
        return taught(X[some], y[some], case.features, grid, seed)

    def give(self, tflite: bytes) -> int:
        """As `edgekit fleet release` does; its number."""
        engine = open_database(self.own / "fleet.db")
        try:
            program = self.folder / "world" / "device.zip"
            return offer(engine, Objects(self.own / "objects"), program, tflite)
        finally:
            engine.dispose()

    def simulate(self, say, monkeypatch, plan: fleet.Plan | None = None, releases=None):
        """All weeks; `say` is called after each, and where a world is made; `releases` as given before."""
        monkeypatch.setattr(device_tier, "load_world", self.load)
        if self.ground:
            other = shutil.ignore_patterns("world.json")
            shutil.copytree(self.ground / "world", self.folder / "world", ignore=other)
        plan = plan or fleet.Plan(labels=0.0, rollout=Policy(labels=0))
        return fleet.simulate(
            "bearing",
            spec=self.spec, plan=plan, folder=self.folder, say=say,
            train=lambda *_: self.model(), releases=releases,
        )  # fmt: skip


def crash(loop, connection, number: int) -> None:
    """An hour passes: who has release `number` on trial restarts, and again, by its own agent."""
    t = rollout_devices.c
    trial = select(t.device).join(rollouts, rollouts.c.id == t.rollout)
    trial = trial.where(rollouts.c.release == number, t.state == "trial")
    known, objects = states(connection), Objects(loop.site.objects)
    for name in connection.scalars(trial).all():
        core = device_tier.boot(loop.site.program(), known[name], objects)
        while core.sequence == number:
            core.restart()
        connection.execute(
            update(device_states)
            .where(device_states.c.device == name)
            .values(flash=objects.put(core.flash, name))
        )


def injured(kind: str, number: int):
    """The loop's steps, in a world where release `number` is `hungry`, or crashes."""

    def notice(connection, loop, now):
        found = week.notice(connection, loop, now)
        w = device_weeks.c
        connection.execute(
            update(device_weeks)
            .where(w.week == now, w.release == number)
            .values(energy_mj=2 * w.energy_mj)
        )
        return found

    def deliver(connection, loop, now):
        found = week.deliver(connection, loop, now)
        crash(loop, connection, number)
        return found

    mine = {"hungry": {"notice": notice}, "crash": {"deliver": deliver}}.get(kind, {})
    return {**week.STEPS, **mine}


@dataclass(frozen=True)
class Outcome:
    """`state` of the rollout, and the `reason`. took, canaries: devices; left: those that still have the
    release at the end. longest: weeks that one was seen running it."""

    state: str
    reason: str
    took: int
    canaries: int
    longest: int
    left: int


def bad_release(owner: Owner, kind: str, monkeypatch) -> Outcome:
    """Release 2 is of this kind, given by hand after BEFORE weeks; what came of it."""
    done = 0

    def say(line: str) -> None:
        nonlocal done
        if not line.startswith("week"):
            return
        done += 1
        if done == BEFORE:
            assert owner.give(owner.model(kind, 1)) == 2

    monkeypatch.setattr(week, "STEPS", injured(kind, 2))
    found = owner.simulate(say, monkeypatch)
    with found.engine.connect() as c:
        run = c.execute(select(rollouts).where(rollouts.c.release == 2)).mappings().one()
        rows = (
            c.execute(select(rollout_devices).where(rollout_devices.c.rollout == run["id"]))
            .mappings()
            .all()
        )
        w = device_weeks.c
        ran = list(c.scalars(select(w.device).where(w.release == 2)))
        left = sum(s.release == 2 for s in states(c).values())
    return Outcome(
        run["state"], run["reason"],
        took=sum(r["tries"] > 0 or r["incidents"] > 0 for r in rows),
        canaries=sum(r["wave"] == 0 for r in rows),
        longest=max(map(ran.count, ran), default=0), left=left,
    )  # fmt: skip
