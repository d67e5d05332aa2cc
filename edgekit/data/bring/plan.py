"""From what was read to a use case: classes, groups, channels, one rate, one window; each with its reason."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field, replace

import numpy as np

from edgekit.data.bring import choose, names
from edgekit.data.bring.folder import Found, with_sheet
from edgekit.data.bring.reading import Reading
from edgekit.errors import EdgekitError

MOST_CLASSES = 20
LEAST_WINDOWS = 4  # of a group, where files are that short
MOST_GROUPS = 60  # of a class, where files are that short
NORMAL = re.compile(
    r"normal\w*|healthy|ok|good|fine|intact|baseline|background|idle|rest\w*|still|silence|silent|noise|none"
    r"|nothing|nobody|no_\w+|empty|gut|leerlauf",
    re.I,
)


@dataclass(frozen=True)
class Options:
    """What a person says; empty: find out. See `edgekit new --help`."""

    rate: float = 0.0
    label_from: str = ""
    group_from: str = ""
    channels: str = ""
    time_unit: str = ""
    licence: str = ""
    normal: str = ""
    window: float = 0.0  # seconds


@dataclass
class Plan:
    """What was understood. `used` are readings with label, group, channels and rate; `left` says why the
    others are not; `said` what a person should read first; `why` the reason for each decision."""

    kind: str
    used: list[Reading]
    left: dict[str, str]
    classes: tuple[str, ...]
    normal: str | None
    channels: tuple[str, ...]
    unit: str
    rate: float
    window: int
    hop: int
    label_from: str
    group_from: str
    row: int | None = None
    blocks: dict[str, int] = field(default_factory=dict)
    said: list[str] = field(default_factory=list)
    why: dict[str, str] = field(default_factory=dict)

    def groups(self, label: str) -> set[str]:
        return {r.group for r in self.used if r.label == label}

    @property
    def seconds(self) -> float:
        return self.window / self.rate


def understand(found: Found, options: Options, assume: bool = False) -> Plan:
    """Make sense of a folder. Raises EdgekitError, with what to do, where it makes none.

    With `assume` a rate that nobody told is taken for `choose.ASSUMED` Hz, and that is said.
    """
    left, said, why = dict(found.failed), list(found.said), {}
    readings = choose.of_one_kind(with_sheet(found), left)
    readings, label_from = label(readings, options.label_from, left)
    readings, group_from = group(readings, options.group_from, label_from)
    readings, channels = choose.channels(readings, options.channels, left)
    image = readings[0].image
    rate = choose.rate(readings, options.rate, assume, said, why)
    readings = [replace(r, rate=choose.near(r.rate, rate)) for r in readings]
    classes = _classes(readings)
    said += names.alike(classes)
    kind = choose.kind(readings, rate)
    rate = choose.target(readings, kind, rate, why)
    rows = {r.row for r in readings}
    row = rows.pop() if len(rows) == 1 else None
    plan = Plan(
        kind, readings, left, classes, _normal(classes, options.normal), channels,
        Counter(r.unit for r in readings).most_common(1)[0][0], rate, 1, 1, label_from, group_from,
        row, said=said, why=why,
    )  # fmt: skip
    if not image:
        plan.window = choose.window(plan, options.window)
        plan.hop = choose.hop(plan)
        short = [r for r in plan.used if choose.length(r, plan.rate) < plan.window]
        left |= {r.name: f"is shorter than a window ({plan.seconds:.3g} s)" for r in short}
        plan.used = [r for r in plan.used if r.name not in left]
    _regroup(plan)
    return plan


# ------------------------------------------------------------------------------ labels and groups


def label(readings: list[Reading], wanted: str, left: dict[str, str]):
    """Readings with a label, and where it is from. Raises EdgekitError where there are no two classes."""
    column = wanted.startswith(("column:", "file:"))
    inside = sum(r.label is not None for r in readings)
    if column or (not wanted and inside >= 0.5 * len(readings)):
        where = wanted or "the files themselves"
    else:
        where = wanted or names.find_label([r.path for r in readings])
        if where is None:
            raise EdgekitError(
                "nothing tells the classes apart: put each class into a folder of its own, call the files "
                "label.something.csv, add a column `label` or a labels.csv (file,label), or say "
                "--label-from"
            )
        readings = [replace(r, label=names.word(r.path, where, "label")) for r in readings]
    known = [r for r in readings if r.label]
    for r in readings:
        if not r.label:
            left[r.name] = "has no label"
    kinds = sorted({r.label for r in known})
    if len(kinds) < 2:
        raise EdgekitError(
            f"there is {'one class only: ' + repr(kinds[0]) if kinds else 'no label'} (from {where}); "
            "a classifier needs two. --label-from says where else to look"
        )
    if len(kinds) > MOST_CLASSES:
        raise EdgekitError(
            f"{where} gives {len(kinds)} labels ({', '.join(kinds[:3])}, …), more than {MOST_CLASSES}: "
            "--label-from says where else to look"
        )
    return known, where


def group(readings: list[Reading], wanted: str, label_from: str):
    """Readings with a group, and where it is from; by default one group a file."""
    inside = all(r.group is not None for r in readings)
    if wanted.startswith("column:") or (not wanted and inside):
        where = wanted or "the files themselves"
        if not inside:
            raise EdgekitError(f"--group-from {wanted}: not every file has it")
        return readings, where
    where = wanted or names.find_group([r.path for r in readings], label_from) or "file"
    grouped = [replace(r, group=names.word(r.path, where, "group")) for r in readings]
    if lost := next((r.path for r in grouped if not r.group), None):
        raise EdgekitError(f"--group-from {where}: {lost} has no such part")
    return grouped, where


def _classes(readings: list[Reading]) -> tuple[str, ...]:
    """Sorted by number where they are numbers, else by name."""
    kinds = {r.label for r in readings}
    number = re.compile(
        r"[+-]?\d+(\.\d+)?", re.ASCII
    )  # and not what float() takes besides, "nan" say
    if all(map(number.fullmatch, kinds)):
        return tuple(sorted(kinds, key=lambda k: (float(k), k)))
    return tuple(sorted(kinds))


def _normal(classes: tuple[str, ...], wanted: str) -> str | None:
    if wanted and wanted not in classes:
        raise EdgekitError(f"--normal {wanted}: the classes are {', '.join(classes)}")
    return wanted or next((c for c in classes if NORMAL.fullmatch(c)), None)


# ----------------------------------------------------------------------- groups that can be split


def _neighbours(plan: Plan) -> None:
    """Short files, a picture or a second of sound each: those that follow each other by name become one
    group. Bursts and takes do, so this errs on the honest side."""
    if plan.group_from != "file" or plan.row:
        return
    count = [
        len(r.samples)
        if r.image
        else 1 + max(0, choose.length(r, plan.rate) - plan.window) // plan.hop
        for r in plan.used
    ]
    size = -(-LEAST_WINDOWS // max(1, int(np.median(count))))
    if size < 2:
        return
    group = {}
    for c in plan.classes:
        mine = sorted(r.name for r in plan.used if r.label == c)
        together = max(1, min(size, len(mine) // choose.LEAST_GROUPS), -(-len(mine) // MOST_GROUPS))
        group |= {name: mine[i // together * together] for i, name in enumerate(mine)}
    plan.used = [replace(r, group=group[r.name]) for r in plan.used]
    plan.group_from = "file, short ones with their neighbours by name"


def _regroup(plan: Plan) -> None:
    """Each class needs LEAST_GROUPS groups, and a split must exist; else finer groups, then blocks."""
    _neighbours(plan)
    if _splits(plan):
        return
    if plan.group_from != "file":
        finer = [replace(r, group=f"{r.group}/{r.path}") for r in plan.used]
        coarse, plan.used = plan.used, finer
        plan.said.append(
            f"Groups from {plan.group_from} are too few to train, choose and test on different ones: "
            "files were taken as groups instead. The same person or machine is then on both sides, "
            "so the score is OPTIMISTIC."
        )
        plan.group_from = f"{plan.group_from}, then file"
        if _splits(plan):
            return
        if all(len({r.group for r in plan.used if r.label == c}) == len(
            {r.group for r in coarse if r.label == c}) for c in plan.classes):  # fmt: skip
            plan.said.pop()
    plan.used = [replace(r, group=r.name) for r in plan.used]
    short = [c for c in plan.classes if len(plan.groups(c)) < choose.LEAST_GROUPS]
    for c in short:
        mine = np.array([choose.length(r, plan.rate) for r in plan.used if r.label == c])
        plan.blocks[c] = (
            choose.cuts(mine) if plan.kind != "image" else -(-choose.BLOCKS // len(mine))
        )
    if short:
        plan.said.append(
            f"{', '.join(short)}: fewer than {choose.LEAST_GROUPS} recordings. They were CUT INTO BLOCKS "
            "with a gap between, and each block counts as a group. Blocks of one recording resemble each "
            "other, so the score is OPTIMISTIC: it says how well this recording is recognized, not "
            "the next one. Record more."
        )


def _splits(plan: Plan) -> bool:
    """Can whole groups be dealt into train, val and test, and into three folds, with every class in each?"""
    from edgekit.data.splits import by_group, folds_by_group
    from edgekit.data.windows import Windows

    if any(len(plan.groups(c)) < choose.LEAST_GROUPS for c in plan.classes):
        return False
    y = np.array([plan.classes.index(r.label) for r in plan.used])
    group = np.array([r.group for r in plan.used])
    some = np.zeros((len(y), 1, 1), np.float32)
    stub = Windows(some, y, plan.classes, group, group, np.array([f"{g}@0" for g in group]), 1.0)
    try:
        by_group(stub, seed=0)
        folds_by_group(stub, 3, seed=0)
    except EdgekitError:
        return False
    return True
