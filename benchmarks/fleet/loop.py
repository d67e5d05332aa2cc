"""Does the loop win back what drift takes, with few labels and few bytes, and what does a fleet cost to
simulate?

A fleet that is looked after is held against three others: one that is left alone, one in a world in which
nothing changes, and one that gets everything anew every week. Drifts are simulated, on real windows where a
use case has them. It takes an hour or two. In its part of a minute nothing can be won back, for that needs
labels, a canary and ten percent: there the budget of labels is held, and what a week costs.
"""

from __future__ import annotations

import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from sqlalchemy import select

from benchmarks.bars import SOURCES, Bars
from edgekit.cloud.tables import device_weeks, steps
from edgekit.fleet.loop import Plan
from edgekit.fleet.simulation import Simulation, simulate
from edgekit.fleet.world import WorldSpec

CASES = ("activity", "bearing", "ecg")
DEVICES, WEEKS, LAST = 20, 26, 4  # LAST: weeks at the end, over which is compared
MINUTES, LABELS, BYTES = 15.0, 0.02, 0.10
WON, WON_WITH_ERRORS = 0.80, 0.70
MANY, FEW_WEEKS = 200, 4
DRAWS = 2000


@dataclass(frozen=True)
class Fleet:
    """How large, how long, with what share of labels."""

    devices: int = DEVICES
    weeks: int = WEEKS
    last: int = LAST
    labels: float = LABELS
    profile: str = "full"
    offline: bool = False
    workers: int = 2
    drifting: float = 0.5

    def run(self, folder: Path, case: str, policy: str, drift: bool = True, error: float = 0.0):
        """(the simulation, minutes that it took)."""
        spec = WorldSpec(
            case, self.profile, self.offline, 0, self.devices, self.weeks, self.drifting,
            folder=SOURCES,
        )  # fmt: skip
        began = time.monotonic()
        done = simulate(
            case, spec=spec, plan=Plan(policy, labels=self.labels, label_error=error), drift=drift,
            folder=folder, workers=self.workers, say=lambda _: None,
        )  # fmt: skip
        return done, (time.monotonic() - began) / 60


def bars(bars: Bars, smoke: bool = False) -> None:
    """The loop beside its controls, for each use case; then what devices and workers cost."""
    if smoke:
        with tempfile.TemporaryDirectory(prefix="edgekit-fleet-") as folder:
            _short(bars, Path(folder))
        return
    for case in CASES:
        with tempfile.TemporaryDirectory(prefix="edgekit-fleet-") as folder:
            _case(bars, case, Fleet(), Path(folder))
    _cost(bars)


def _short(bars: Bars, folder: Path) -> None:
    """A few weeks of a simulated fleet; with one worker and with two nothing but the time may differ."""
    size = Fleet(devices=8, weeks=FEW_WEEKS, last=FEW_WEEKS, profile="quick", offline=True)
    loop, _ = size.run(folder, "bearing", "loop")
    alone, _ = replace(size, workers=1).run(folder, "bearing", "frozen")
    same = np.array_equal(correct(loop, size.last), correct(alone, size.last))
    bars.add(
        "bearing: answers with 2 workers and with 1", "equal", "equal" if same else "not", same
    )
    labels = loop.summary.labelled_share
    bars.add("bearing: windows labelled", f"≤ {LABELS:.0%}", f"{labels:.2%}", labels <= LABELS)
    minutes = WEEKS * DEVICES / size.devices * _notice_seconds(loop) / 60
    what = f"{DEVICES} devices x {WEEKS} weeks: minutes of observing, from {FEW_WEEKS} weeks of 8"
    bars.add(what, f"≤ {MINUTES:.0f}", f"{minutes:.1f}", minutes <= MINUTES)


def _case(bars: Bars, case: str, size: Fleet, folder: Path) -> None:
    loop, minutes = size.run(folder / "a", case, "loop")
    frozen, _ = size.run(folder / "a", case, "frozen")
    steady, _ = size.run(folder / "a", case, "frozen", drift=False)
    full, _ = size.run(folder / "a", case, "full")
    fleets = {"loop": loop, "frozen": frozen, "no drift": steady, "full": full}
    table = {name: correct(done, size.last) for name, done in fleets.items()}
    shown = ", ".join(f"{name} {v.sum(0)[0] / v.sum(0)[1]:.3f}" for name, v in table.items())
    what = f"{size.devices} devices x {size.weeks} weeks, last {size.last}"
    print(f"  {case}, {what}: accuracy {shown}")
    won, low, high = share_won(table)
    figure = f"{won:.0%} ({low:.0%} to {high:.0%})"
    bars.add(f"{case}: won back of what drift took", f"≥ {WON:.0%}", figure, won >= WON)
    labels = loop.summary.labelled_share
    bars.add(f"{case}: windows labelled", f"≤ {LABELS:.0%}", f"{labels:.2%}", labels <= LABELS)
    down, whole = loop.summary.bytes_down, full.summary.bytes_down
    figure = f"{down / whole:.1%} ({down:,} of {whole:,} B)"
    bars.add(f"{case}: bytes of full updates", f"≤ {BYTES:.0%}", figure, down <= BYTES * whole)
    bars.add(f"{case}: minutes", f"≤ {MINUTES:.0f}", f"{minutes:.1f}", minutes <= MINUTES)
    fooled, _ = size.run(folder / "b", case, "loop", error=0.10)
    won, low, high = share_won(table | {"loop": correct(fooled, size.last)})
    figure = f"{won:.0%} ({low:.0%} to {high:.0%})"
    what = f"{case}: won back with every tenth label wrong"
    bars.add(what, f"≥ {WON_WITH_ERRORS:.0%}", figure, won >= WON_WITH_ERRORS)


def correct(done: Simulation, last: int) -> np.ndarray:
    """(devices, 2): right and judged windows of each over the last weeks."""
    w = device_weeks.c
    found: dict[str, np.ndarray] = {}
    with done.engine.connect() as connection:
        rows = connection.execute(select(w.device, w.week, w.right, w.judged)).all()
    first = max(r.week for r in rows) - last + 1
    for row in rows:
        own = found.setdefault(row.device, np.zeros(2))
        own += (row.right, row.judged) if row.week >= first else 0
    return np.array([found[name] for name in sorted(found)])


def share_won(table: dict[str, np.ndarray]) -> tuple[float, float, float]:
    """(loop - frozen) / (no drift - frozen), and its 95 % interval: devices are drawn anew."""
    rng = np.random.default_rng(0)
    drawn = rng.integers(len(table["loop"]), size=(DRAWS, len(table["loop"])))

    def share(rows) -> np.ndarray:
        sums = {name: v[rows].sum(axis=-2) for name, v in table.items()}
        own, without, best = (
            sums[n][..., 0] / sums[n][..., 1] for n in ("loop", "frozen", "no drift")
        )
        return (own - without) / np.maximum(best - without, 1e-9)

    low, high = np.percentile(share(drawn), [2.5, 97.5])
    return float(share(np.arange(len(table["loop"])))), float(low), float(high)


def _cost(bars: Bars) -> None:
    """What a week of many devices takes, and how much two workers help."""
    seconds = {}
    for devices, workers in ((DEVICES, 1), (MANY, 1), (MANY, 2)):
        size = Fleet(devices, FEW_WEEKS, FEW_WEEKS, workers=workers)
        with tempfile.TemporaryDirectory(prefix="edgekit-fleet-") as folder:
            done, _ = size.run(Path(folder), "bearing", "loop")
            seconds[devices, workers] = _notice_seconds(done)
        each = 1000 * seconds[devices, workers] / devices
        print(f"  {devices} devices, {workers} workers: {each:.0f} ms a device-week (measured)")
    minutes = WEEKS * seconds[MANY, 2] / 60
    what = f"{MANY} devices x {WEEKS} weeks: minutes, from {FEW_WEEKS} weeks"
    bars.add(what, "≤ 90", f"{minutes:.0f}", minutes <= 90)
    faster = seconds[MANY, 1] / seconds[MANY, 2]
    bars.add("2 workers: times as fast", "≥ 1.7", f"{faster:.2f}", faster >= 1.7)


def _notice_seconds(done: Simulation) -> float:
    """Of a week of all devices, the median: the first ones compile and load."""
    t = steps.c
    with done.engine.connect() as connection:
        rows = connection.execute(select(t.week, t.seconds).where(t.name == "notice")).all()
    return float(np.median([r.seconds for r in rows if r.week]))
