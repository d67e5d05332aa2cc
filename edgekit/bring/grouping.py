"""Groups that a split can keep apart: as they were found where that does, else finer ones, said loudly."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from edgekit.bring import choose, screening
from edgekit.bring.plan import Plan
from edgekit.core.errors import EdgekitError
from edgekit.data.splits import by_group, folds_by_group
from edgekit.data.windows import Windows

LEAST_WINDOWS = 4  # of a group, where files are that short
MOST_GROUPS = 60  # of a class, where files are that short


def _neighbours(plan: Plan) -> None:
    """Short files, a picture or a second of sound each: those that follow each other by name become one
    group. Bursts and takes do, so this errs on the honest side."""
    if plan.group_from != "file" or plan.row or len({r.path for r in plan.used}) < len(plan.used):
        return  # parts of one file are one group, see regroup
    count = [
        len(r.samples)
        if r.image
        else 1 + max(0, choose.length(r, plan.rate) - plan.window) // plan.hop
        for r in plan.used
    ]
    size = -(-LEAST_WINDOWS // max(1, int(np.median(count))))
    if size < 2:
        return
    group: dict[str, str] = {}
    for c in plan.classes:
        mine = sorted(r.name for r in plan.used if r.label == c)
        together = max(1, min(size, len(mine) // choose.LEAST_GROUPS), -(-len(mine) // MOST_GROUPS))
        group |= {name: mine[i // together * together] for i, name in enumerate(mine)}
    plan.used = screening.together([replace(r, group=group[r.name]) for r in plan.used])
    plan.group_from = "file, short ones with their neighbours by name"


def regroup(plan: Plan) -> None:
    """Each class needs LEAST_GROUPS groups, and a split must exist; else finer groups, then blocks."""
    _neighbours(plan)
    if _splits(plan):
        return
    if _poor(plan):
        return
    if plan.group_from != "file":
        finer = screening.together([replace(r, group=f"{r.group}/{r.path}") for r in plan.used])
        coarse, plan.used = plan.used, finer
        plan.warnings.append(
            f"Groups from {plan.group_from} are too few to train, choose and test on different ones: "
            "files were taken as groups instead. The same person or machine is then on both sides, "
            "so the score is OPTIMISTIC."
        )
        plan.group_from = f"{plan.group_from}, then file"
        if _splits(plan):
            return
        if all(len({r.group for r in plan.used if r.label == c}) == len(
            {r.group for r in coarse if r.label == c}) for c in plan.classes):  # fmt: skip
            plan.warnings.pop()
    if len({r.path for r in plan.used}) < len(plan.used) and not any(
        "OPTIMISTIC" in s for s in plan.warnings
    ):
        plan.warnings.append(
            "There are too few files to train, choose and test on different ones: each stretch of a file was "
            "taken as a group. Stretches of one recording resemble each other, so the score is OPTIMISTIC: "
            "it says how well these recordings are recognized, not the next one. If a column says who "
            "or what was recorded, say --group-from column:NAME; else record more."
        )
        plan.group_from = f"{plan.group_from}, then stretch".removeprefix("file, then stretch, ")
    plan.used = screening.together([replace(r, group=r.name) for r in plan.used])
    short = [c for c in plan.classes if len(plan.groups(c)) < choose.LEAST_GROUPS]
    for c in short:
        mine = np.array([choose.length(r, plan.rate) for r in plan.used if r.label == c])
        plan.blocks[c] = (
            choose.cuts(mine) if plan.kind != "image" else -(-choose.BLOCKS // len(mine))
        )
    if short:
        plan.warnings.append(
            f"{', '.join(short)}: fewer than {choose.LEAST_GROUPS} recordings. They were CUT INTO BLOCKS "
            "with a gap between, and each block counts as a group. Blocks of one recording resemble each "
            "other, so the score is OPTIMISTIC: it says how well this recording is recognized, not "
            "the next one. Record more."
        )


def _poor(plan: Plan) -> bool:
    """Where some classes only have too few groups: theirs are made finer, the others' split stays honest.

    Returns whether that does; what it costs is said, and how to leave the class out.
    """
    poor = [c for c in plan.classes if len(plan.groups(c)) < choose.LEAST_GROUPS]
    if not poor or len(plan.classes) - len(poor) < 2:
        return False
    before, blocks = plan.used, {}
    for c in poor:
        mine = [r for r in plan.used if r.label == c]
        if len({r.name for r in mine}) >= choose.LEAST_GROUPS:
            plan.used = screening.together(
                [replace(r, group=f"{r.group}/{r.name}") if r.label == c else r for r in plan.used]
            )
        elif plan.kind != "image":
            blocks[c] = choose.cuts(np.array([choose.length(r, plan.rate) for r in mine]))
    if not _splits(plan, blocks):
        plan.used = before
        return False
    plan.blocks |= blocks
    for c in poor:
        seen = sorted({r.group for r in before if r.label == c})
        how = "was CUT INTO BLOCKS" if c in blocks else "had each recording taken as a group"
        plan.warnings.append(
            f"{c!r} was seen in {len(seen)} group{'s' * (len(seen) > 1)} only ({', '.join(seen)[:60]}): "
            f"it {how}, so the score of this class is OPTIMISTIC; the others keep an honest split. "
            f"--without {c} leaves it out; better, record it elsewhere too."
        )
    return True


def _splits(plan: Plan, blocks: dict[str, int] | None = None) -> bool:
    """Can whole groups be dealt into train, val and test, and into three folds, with every class in each?"""
    blocks = blocks or {}
    if any(len(plan.groups(c)) < choose.LEAST_GROUPS for c in plan.classes if c not in blocks):
        return False
    rows = [
        (plan.classes.index(r.label), r.group if count == 1 else f"{r.group}, block {i + 1}")
        for r in plan.used
        for count in (blocks.get(r.label, 1),)
        for i in range(count)
    ]
    y, group = np.array([k for k, _ in rows]), np.array([g for _, g in rows])
    some = np.zeros((len(y), 1, 1), np.float32)
    stub = Windows(some, y, plan.classes, group, group, np.array([f"{g}@0" for g in group]), 1.0)
    try:
        by_group(stub, seed=0)
        folds_by_group(stub, 3, seed=0)
    except EdgekitError:
        return False
    return True
