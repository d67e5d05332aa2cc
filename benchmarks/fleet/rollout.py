"""Four bad models and a good one, released on purpose; and how often a good one is taken back for nothing."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import pytest

from benchmarks.bars import Bars
from benchmarks.fleet.rollout_fleets import SPEEDS, DrawnFleet, Models, RealFleet, pools
from edgekit import rollout as ro
from tests.fleet.bad_releases import Outcome, Owner, bad_release
from tests.rollout import fleets

BAD = {
    "cohort": "worse on one cohort only",
    "wrong": "right on self-test, wrong in the field",
    "hungry": "twice the energy",
    "crash": "crash loop after an hour",
}
AWAY = 0.05  # of device-weeks
BEFORE, WEEKS = 6, 12  # weeks of history; of the rollout
TWO = 2  # weeks in which the fleet is back


def roll_out(fleet: fleets.Fleet, kind: str, seed: int, ill_in: str = "") -> Outcome:
    """Release 2 is of this kind; weeks pass."""
    rng = np.random.default_rng(seed)
    engine, fleet.seed = fleets.database(), seed
    week = fleets.history(fleet, BEFORE)
    fleet.faults[2], fleet.ill_in[2] = kind, ill_in
    with engine.begin() as connection:
        fleets.add_release(connection, 2)
        rollout = ro.begin(connection, 2, fleet.cohorts, week, seed=seed)
    ran: dict[str, int] = {}
    for week in range(BEFORE, BEFORE + WEEKS):
        seen = {d for d in fleet.cohorts if rng.random() > AWAY}
        with engine.begin() as connection:
            fleets.week_of(connection, fleet, week, seen)
            if not ro.open_rollouts(connection):
                break
        for d in seen:
            ran[d] = ran.get(d, 0) + (fleet.runs(d) == 2)
    with engine.begin() as connection:
        run, rows = fleets.state(connection, rollout), fleets.rows(connection, rollout)
    engine.dispose()
    left = sum(fleet.runs(d) == 2 for d in fleet.cohorts)
    canaries = sum(r["wave"] == 0 for r in rows.values())
    took = len(fleet.took.get(2, ()))
    return Outcome(run["state"], run["reason"], took, canaries, max(ran.values()), left)


def bars(bars: Bars, smoke: bool = False) -> None:
    real(bars, 24 if smoke else 48)
    if not smoke:  # minutes
        loop(bars)
    drawn(bars, 10 if smoke else 200)


def real(bars: Bars, devices: int) -> None:
    """Real int8 models, signed packages, the agent's C; the answers are the emulated core's."""
    models = Models(150)
    pool = pools(models, 150)
    names = list(SPEEDS)
    cohorts = {f"{names[i % 4]}-{i:02d}": names[i % 4] for i in range(devices)}
    for kind, what in {**BAD, "": "a good model"}.items():
        fleet = RealFleet(cohorts, models=models, pool=pool)
        fleet.release(2, kind)
        found = roll_out(fleet, kind, seed=0)
        shown = f"{found.took} of {devices} devices took it, {found.canaries} canaries"
        if not kind:
            good = found.state == "done" and found.left >= devices - 2
            bars.add(f"{what} arrives", "everywhere", f"{found.left} of {devices} devices", good)
            continue
        held = found.state == "aborted" and found.took <= found.canaries
        bars.add(f"{what}: reaches", "≤ canaries", f"{shown}; {found.reason[:70]}", held)
        back = found.left == 0 and found.longest <= TWO
        bars.add(f"{what}: back", "2 weeks", f"{found.longest} week(s), {found.left} left", back)


def loop(bars: Bars) -> None:
    """The weekly loop itself, and its devices' agents on the emulated core; the model is given by hand."""
    for kind, what in BAD.items():
        with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
            found = bad_release(Owner(Path(folder)), kind, patch)
        held = found.state == "aborted" and 0 < found.took <= found.canaries
        shown = f"{found.took} of 8 devices took it, {found.canaries} canaries; {found.reason[:70]}"
        bars.add(f"weekly loop, {what}: reaches", "≤ canaries", shown, held)
        back = found.left == 0 and found.longest <= TWO
        shown = f"{found.longest} week(s), {found.left} left"
        bars.add(f"weekly loop, {what}: back", "2 weeks", shown, back)


def drawn(bars: Bars, seeds: int) -> None:
    """Many fleets of 30 devices in four cohorts, drawn."""
    cohorts = {f"d{i:02d}": f"c{i % 4}" for i in range(30)}
    for label, plant in (("1 % of devices drift a week", 0.0), ("all change at once", 0.25)):
        found = []
        for s in range(seeds):  # in the canaries' week, and in each of the three after it
            fleet = DrawnFleet(cohorts, seed=s, plant=plant, plant_from=BEFORE + 1 + s % 4)
            found.append(roll_out(fleet, "", s))
        lost = sum(f.state == "aborted" for f in found)
        late = sum(f.state == "running" for f in found)
        shown = f"{lost} of {seeds}, {late} still under way after {WEEKS} weeks"
        bars.add(f"good releases taken back, {label}", "≤ 5 %", shown, lost <= 0.05 * seeds)
    for kind, what in BAD.items():
        fault, ill_in = ("wrong", "c1") if kind == "cohort" else (kind, "")
        found = [roll_out(DrawnFleet(cohorts, seed=s), fault, s, ill_in) for s in range(seeds)]
        spread = sum(f.took > f.canaries for f in found)
        late = sum(f.left > 0 or f.longest > TWO for f in found)
        shown = f"{spread} of {seeds} spread, {late} not back in two weeks"
        bars.add(f"drawn fleets: {what}", "0, 0", shown, spread == late == 0)
