"""Bars of the choice without labels: on no rig worse than doing nothing, and what it wins and loses.

python -m benchmarks.adapt [--smoke] [--write]

Real shifts (MFPT, either wrist, rendered people to a video, rendered plants to photographs, simulated hearts
to patients where MIT-BIH is), simulated rigs that are easy to describe, campaigns like CWRU's, and a family
of random rigs. The rule's margin was set on random rigs 0-33 and CWRU-like campaigns 0-11, and random rigs
100-123 brought a fault of "speed found" to light; the families counted here are others, but for the three
CWRU-like campaigns of `HARD`. Each on held-out groups; some ten minutes. With `--smoke` four rigs, under a
minute.
"""

from __future__ import annotations

import sys

import numpy as np

from benchmarks import rigs
from benchmarks.bars import Bars, command
from edgekit import usecases
from edgekit.core.errors import EdgekitError
from edgekit.core.workspace import Workspace
from edgekit.learn import adapt

MOST = 1_500  # windows of each world, as in chapter 02
WORST = -3.0  # points that the choice may lose on a rig
# CWRU-like campaigns on which the surest windows mislead most, of the first forty
HARD = (3, 24, 32)
CWRU, RANDOM = range(100, 108), range(200, 216)
SHIFTS = ("activity", "people", "weeds", "ecg")


def judged(name: str, case, lab, field, seeds=(0,)) -> dict | None:
    """One line of the table: what each way of choosing scored on the field's held-out groups."""
    lab, field = (usecases.some(case, windows, MOST) for windows in (lab, field))
    try:
        splits = adapt.grouped_folds(case, field, seeds)
    except EdgekitError as error:
        print(f"  {name}: not judged ({error})")
        return None
    table = adapt.compare(lab, field, splits, case, networks=False).table.set_index("method")
    free = table[table.confidence_score.notna()].balanced_accuracy
    floor, row = table.loc[adapt.BASELINE], table.loc[adapt.CHOSEN]
    line = {
        "name": name, "lab": floor.balanced_accuracy, "lift": 100 * row.lift, "low": 100 * row.lift_low,
        "high": 100 * row.lift_high, "surest": 100 * table.lift[adapt.MOST_CONFIDENT],
        "best": 100 * (free.max() - floor.balanced_accuracy), "abstained": floor.chosen,
    }  # fmt: skip
    print(
        f"  {name}: lab only {line['lab']:.3f}; chosen {line['lift']:+.1f} points "
        f"[{line['low']:+.1f}, {line['high']:+.1f}], abstained on {line['abstained']:.0%} of folds; "
        f"surest windows {line['surest']:+.1f}, best without labels {line['best']:+.1f}",
        flush=True,
    )
    return line


def named(bars: Bars, line: dict | None) -> None:
    """A rig's own bar: what it won or lost, beside what else could have been had."""
    if line:
        figure = (
            f"{line['lift']:+.1f} [{line['low']:+.1f}, {line['high']:+.1f}], lab only {line['lab']:.3f}; "
            f"surest windows {line['surest']:+.1f}, best in hindsight {line['best']:+.1f}"
        )
        what = f"adapt, {line['name']}: points over doing nothing"
        bars.add(what, f"≥ {WORST:g}", figure, line["lift"] >= WORST)


def summed(bars: Bars, what: str, lines: list) -> None:
    """The bar of a family, and how its rigs are distributed."""
    lift, most_confident = (np.array([line[key] for line in lines]) for key in ("lift", "surest"))
    figure = (
        f"{lift.min():+.1f}; mean {lift.mean():+.1f}, {(lift > 3).sum()} of {len(lift)} win more than 3, "
        f"{(lift < -3).sum()} lose more, {(lift == 0).sum()} as they were; surest windows: worst "
        f"{most_confident.min():+.1f}, "
        f"mean {most_confident.mean():+.1f}, {(most_confident < -3).sum()} lose more than 3"
    )
    bars.add(f"adapt, {what}: the worst", f"≥ {WORST:g}", figure, lift.min() >= WORST)


def bearings(bars: Bars, smoke: bool) -> None:
    """MFPT and the simulated rigs, all against the use case's own lab."""
    case = usecases.load("bearing", Workspace.find().folder)
    lab = windows(case, case.recordings("lab", "full"), "quick")

    def tried(name, recordings, seeds=(0,)):
        return judged(name, case, lab, windows(case, recordings, "full"), seeds)

    if not smoke:
        named(bars, tried("MFPT (real)", case.recordings("field", "full"), (0, 1)))
    for name, rig in list(rigs.RIGS.items())[2:3] if smoke else rigs.RIGS.items():
        named(bars, tried(f"{name} (simulated)", rigs.campaign(*rig)))
    hard = HARD[1:] if smoke else HARD
    hard = [tried(f"CWRU-like {seed} (simulated)", rigs.cwru_like(seed)) for seed in hard]
    for line in hard:
        named(bars, line)
    misled = min(line["surest"] for line in hard)  # else these rigs are no test
    what = "adapt, CWRU-like: the surest windows are misled"
    bars.add(what, "≤ -5", f"{misled:+.1f}", misled <= -5)
    if not smoke:
        like = [tried(f"CWRU-like {s} (simulated)", rigs.cwru_like(s)) for s in CWRU]
        summed(bars, f"{len(like)} more rigs like CWRU (simulated)", like)
    family = [tried(*rigs.at_random(s)) for s in (RANDOM[:1] if smoke else RANDOM)]
    summed(bars, f"{len(family)} random rigs (simulated)", [line for line in family if line])


def shifts(bars: Bars) -> None:
    """The other use cases' own labs and fields, and one the other way round."""
    for name in SHIFTS:
        case = usecases.load(name, Workspace.find().folder)
        lab, field = (windows(case, case.recordings(d, "full"), "full") for d in ("lab", "field"))
        named(bars, judged(name, case, lab, field))
        if name == "activity":
            named(bars, judged(f"{name}, the other way", case, field, lab))


def windows(case, recordings, profile: str):
    return case.windows([case.prepare(r) for r in recordings], profile)


def main() -> int:
    bars = Bars("adapt")

    def measure(args):
        bearings(bars, args.smoke)
        if not args.smoke:
            shifts(bars)

    return command(bars, measure, smoke="four rigs, no download")


if __name__ == "__main__":
    sys.exit(main())
