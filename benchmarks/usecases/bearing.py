"""Bars of `bearing`: what chapter 02 lifts from the lab to a rig, without labels and with ten a class.

On the MFPT rig (real) and on simulated rigs with other bearings, speeds, structures and sampling rates, some
with fewer classes. Every method on held-out recordings, several deals of three folds. Some ten minutes.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from benchmarks.bars import Bars
from edgekit import project, usecases
from edgekit.data import simulate
from edgekit.data.physics import Bearing
from edgekit.learn import adapt

SEEDS = range(2)
FIELD = simulate.FIELD
RIGS = {  # name: rig, classes
    "6205 at 1,730-1,797 rpm, 12 kHz": (
        replace(FIELD, geometry=simulate.SKF_6205, rate=12_000.0, shaft_hz=29.4, shaft_spread=0.02,
                resonances=(1_400.0, 2_700.0, 3_500.0), level=0.07, snr_db=3.0, gear=19),
        ("normal", "inner", "outer"),
    ),
    "6203 at 1,500 rpm, 64 kHz": (
        replace(FIELD, geometry=Bearing(8, 6.75, 29.05), rate=64_000.0, shaft_hz=25.0, level=0.2,
                resonances=(900.0, 2_200.0, 3_800.0, 9_000.0), gear=41),
        ("normal", "inner", "outer"),
    ),
    "6207 at 1,200 rpm, 48 kHz": (
        replace(FIELD, geometry=Bearing(9, 11.0, 53.5), rate=48_000.0, shaft_hz=20.0, slope=0.0,
                resonances=(2_050.0, 3_000.0, 4_100.0), damping=0.035, snr_db=2.0),
        ("normal", "inner", "outer"),
    ),
    "ER16K at 2,100 rpm, 42 kHz": (
        replace(FIELD, geometry=Bearing(9, 7.94, 38.52), rate=42_000.0, shaft_hz=35.0, tones=0.8,
                shaft_spread=0.04, resonances=(1_800.0, 2_600.0, 4_400.0)),
        ("normal", "inner", "outer"),
    ),
    "6203 at 900 rpm, no healthy recording": (
        replace(FIELD, geometry=Bearing(8, 6.75, 29.05), rate=64_000.0, shaft_hz=15.0,
                resonances=(1_100.0, 2_400.0, 3_300.0)),
        ("inner", "outer"),
    ),
}  # fmt: skip


def bars(bars: Bars) -> None:
    """The real rig's two bars, then a table of the simulated ones."""
    case = usecases.load("bearing", project.root())
    lab = case.windows([case.prepare(r) for r in case.recordings("lab", "full")], "quick")
    field = case.windows([case.prepare(r) for r in case.recordings("field", "full")], "full")
    lifted(bars, "MFPT (measured)", lift(case, lab, field), required=True)
    for name, (rig, classes) in RIGS.items():
        windows = case.windows([case.prepare(r) for r in campaign(rig, classes)], "full")
        lifted(bars, f"{name} (simulated)", lift(case, lab, windows), required=False)


def lift(case, lab, field):
    """Chapter 02's table for one field, networks left out: they are slow and are not chosen."""
    return adapt.compare(lab, field, adapt.deal(case, field, SEEDS), case, networks=False)


def campaign(rig, classes):
    """Eight recordings a class over loads, speeds and severities, as `simulate.field` makes them."""
    recordings = []
    for c, label in enumerate(classes):
        rng = np.random.default_rng([7, c])
        for i in range(8):
            shaft = rig.shaft_hz * (1 + rig.shaft_spread * rng.uniform(-1, 1))
            recordings.append(
                simulate.simulate(
                    label, 4.0, rig, seed=500 + 10 * c + i, shaft_hz=shaft, load=i / 7,
                    severity=rng.uniform(0.7, 1.4), domain="field", name=f"rig-{label}-{i}",
                )
            )  # fmt: skip
    return recordings


def lifted(bars: Bars, what: str, table, required: bool) -> None:
    """The two lifts. A simulated rig may also come within five points of the oracle: where the lab alone is
    almost as good as field labels, nothing can be lifted by fifteen points."""
    rows = table.set_index("method")
    floor, top = (rows.balanced_accuracy[m] for m in ("lab only", "field labels (oracle)"))
    free = rows.balanced_accuracy["chosen without labels"]
    few = rows.balanced_accuracy["chosen + 10 per class"]
    print(rows[["balanced_accuracy", "low", "high"]].round(3).to_string())
    print(f"  {what}: lab {floor:.3f}, without labels {free:.3f}, ten {few:.3f}, oracle {top:.3f}")
    for how, got, goal in (("without a label", free, 15), ("with 10 a class", few, 25)):
        points = 100 * (got - floor)
        near = not required and got >= top - 0.05
        bars.add(
            f"bearing, {what}: lift {how}, points",
            f"≥ {goal}" if required else f"≥ {goal}, or oracle - 5",
            f"{points:+.1f} ({floor:.3f} to {got:.3f}, oracle {top:.3f})",
            points >= goal or near,
        )
