"""Bars of `bearing`: what chapter 02 lifts from the lab to a rig, without labels and with ten a class.

On the MFPT rig (real) and on simulated rigs with other bearings, speeds, structures and sampling rates, some
with fewer classes. Every method on held-out recordings, several assignments to three folds. Some ten minutes.
"""

from __future__ import annotations

from benchmarks.bars import Bars
from benchmarks.rigs import DATASETS, campaign
from edgekit import usecases
from edgekit.core.workspace import Workspace
from edgekit.learn import adapt

SEEDS = range(2)


def bars(bars: Bars) -> None:
    """The real rig's two bars, then a table of the simulated ones."""
    case = usecases.load("bearing", Workspace.find().folder)
    lab = case.windows([case.prepare(r) for r in case.recordings("lab", "full")], "quick")
    field = case.windows([case.prepare(r) for r in case.recordings("field", "full")], "full")
    lifted(bars, "MFPT (measured)", lift(case, lab, field), required=True)
    for name, (rig, classes) in DATASETS.items():
        windows = case.windows([case.prepare(r) for r in campaign(rig, classes)], "full")
        lifted(bars, f"{name} (simulated)", lift(case, lab, windows), required=False)


def lift(case, lab, field) -> adapt.Comparison:
    """Chapter 02's comparison for one field, networks left out: they are slow and are not chosen."""
    return adapt.compare(lab, field, adapt.grouped_folds(case, field, SEEDS), case, networks=False)


def lifted(bars: Bars, what: str, comparison: adapt.Comparison, required: bool) -> None:
    """The two lifts. A simulated rig may also come within five points of the table's best row: where the lab
    alone is almost as good, nothing can be lifted by fifteen points."""
    table, row = comparison.table, comparison.row
    floor, top = table.balanced_accuracy.iloc[0], table.balanced_accuracy.max()
    free = row(adapt.Kind.CHOSEN).balanced_accuracy
    few = row(adapt.Kind.CHOSEN_WITH_LABELS, shots=10).balanced_accuracy
    shown = table.set_index("method")[["balanced_accuracy", "low", "high"]]
    print(shown.round(3).to_string())
    print(f"  {what}: lab {floor:.3f}, without labels {free:.3f}, ten {few:.3f}, best {top:.3f}")
    for how, got, goal in (("without a label", free, 15), ("with 10 a class", few, 25)):
        points = 100 * (got - floor)
        near = not required and got >= top - 0.05
        bars.add(
            f"bearing, {what}: lift {how}, points",
            f"≥ {goal}" if required else f"≥ {goal}, or best row - 5",
            f"{points:+.1f} ({floor:.3f} to {got:.3f}, best row {top:.3f})",
            points >= goal or near,
        )
