"""From what was read to a use case: classes, groups, channels, one rate, one window; each with its reason."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace

import numpy as np

from edgekit.bring import choose, crossed_factors, grouping, path_labels, screening
from edgekit.bring.folder import apply_label_table
from edgekit.bring.plan import LabelledReading, Options, Plan
from edgekit.core.errors import EdgekitError
from edgekit.readers.folder_contents import FolderContents
from edgekit.tables.column_roles import ReadOptions
from edgekit.tables.reading import Reading
from edgekit.tables.table import TEXTS

MOST_CLASSES = 20
NORMAL = re.compile(
    r"normal\w*|healthy|ok|good|fine|intact|baseline|background|idle|rest\w*|still|silence|silent|noise|none"
    r"|nothing|nobody|no_\w+|empty|gut|leerlauf",
    re.I,
)


def wanted(options: Options) -> ReadOptions:
    """What the readers of tables must know of a person's options."""

    def column(option: str) -> str | None:
        return (
            option.removeprefix("column:")
            if option.startswith("column:")
            else None
            if option
            else ""
        )

    return ReadOptions(
        column(options.label_from), column(options.group_from), options.time_unit,
        tuple(choose.listed(options.channels)) if options.channels else (), options.rate,
    )  # fmt: skip


def infer_plan(found: FolderContents, options: Options, assume: bool = False) -> Plan:
    """Make sense of a folder. Raises EdgekitError, with what to do, where it makes none.

    With `assume` a rate that nobody told is taken for `choose.ASSUMED` Hz, and that is said.
    """
    excluded, warnings = dict(found.failed), list(found.warnings)
    why: dict[str, str] = {}
    if np.isnan(options.window) or options.window < 0:
        raise EdgekitError(f"--window {options.window:g}: give the seconds of a window")
    readings = choose.majority_kind(apply_label_table(found), excluded)
    readings, label_from = label(readings, options.label_from, excluded, options.without, warnings)
    readings, group_from = group(readings, options.group_from, label_from, warnings)
    readings = [replace(r, meta={k: v for k, v in r.meta.items() if k != TEXTS}) for r in readings]
    readings, channels = choose.channels(readings, options.channels, excluded)
    _one_sensor(readings)
    if not options.channels:
        readings, channels = choose.drop_drifting_constants(readings, channels, warnings)
    if not options.rate:
        readings = choose.drop_implausible_rates(readings, excluded)
    image = readings[0].image
    rate = choose.rate(readings, options.rate, assume, warnings, why)
    used = [LabelledReading.of(r, choose.snap_rate(r.rate, rate), channels) for r in readings]
    used = screening.drop_unusable(used, excluded, warnings)
    classes = _classes(used)
    warnings += path_labels.alike(classes)
    kind = choose.kind(used, rate)
    rate = choose.target(used, kind, rate, why)
    rows = {r.row for r in used}
    row = rows.pop() if len(rows) == 1 else None
    plan = Plan(
        kind, used, excluded, classes, _normal(classes, options.normal), channels,
        Counter(r.unit for r in used).most_common(1)[0][0], rate, 1, 1, label_from, group_from,
        row, warnings=warnings, why=why,
    )  # fmt: skip
    if not image:
        plan.window = choose.window(plan, options.window)
        plan.hop = choose.hop(plan)
        short = [r for r in plan.used if choose.length(r, plan.rate) < plan.window]
        excluded |= {r.name: f"is shorter than a window ({plan.seconds:.3g} s)" for r in short}
        plan.used = [r for r in plan.used if r.name not in excluded]
        lasts = {"window_seconds": plan.seconds}  # so that chapter 01 asks for no more
        plan.used = [replace(r, meta={**r.meta, **lasts}) for r in plan.used]
    grouping.regroup(plan)
    return plan


# ------------------------------------------------------------------------------ labels and groups


def label(
    readings: list[Reading], wanted: str, excluded: dict[str, str], without: str, warnings: list[str]
) -> tuple[list[Reading], str]:  # fmt: skip
    """Readings with a label, and where it is from; classes `without` are left out, doubts join `warnings`.

    Raises EdgekitError where there are no two classes.
    """
    column = wanted.startswith(("column:", "file:"))
    inside = sum(r.label is not None for r in readings)
    paths = [r.path for r in readings]
    only = {r.label for r in readings} if inside == len(readings) else ()
    by_name = path_labels.find_label(paths) if not wanted and len(only) == 1 else None
    if by_name:
        warnings.append(
            f"The files themselves have one label only, {next(iter(only))!r}: {by_name} was taken instead."
        )
    where: str | None
    if column or (not wanted and inside >= 0.5 * len(readings) and not by_name):
        where = wanted or "the files themselves"
    else:
        where, doubt = (
            (wanted, "") if wanted else crossed_factors.label(paths, path_labels.find_label(paths))
        )
        where = where or crossed_factors.digits(paths)
        if doubt:
            warnings.append(doubt)
        if where is None:
            raise EdgekitError(_unlabelled(readings))
        readings = [replace(r, label=path_labels.word(r.path, where, "label")) for r in readings]
    known = [r for r in readings if r.label]
    for r in readings:
        if not r.label:
            excluded[r.name] = "has no label"
    kinds = sorted({r.label for r in known if r.label})
    for name in filter(None, (w.strip() for w in without.split(","))):
        if name not in kinds:
            raise EdgekitError(
                f"--without {name}: the classes are {', '.join(kinds[:MOST_CLASSES])}"
            )
        excluded |= {
            r.name: f"is of class {name!r}, which --without leaves out"
            for r in known
            if r.label == name
        }
        known, kinds = [r for r in known if r.label != name], [k for k in kinds if k != name]
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


def _one_sensor(readings: list[Reading]) -> None:
    """Raises EdgekitError where the files of several sensors would pass for recordings of one."""
    if several := path_labels.sensors([r.path for r in readings]):
        raise EdgekitError(
            f"the files are of different sensors ({', '.join(several[:6])}), and all recordings must be of "
            "the same: put those of one sensor into a folder of their own, or join what was measured at "
            "the same times into one table, a column for each"
        )


def _unlabelled(readings: list[Reading]) -> str:
    """What to do where nothing tells the classes apart; columns of text that may, or the one class."""
    texts: dict[str, list[str]] = {}
    for r in readings:
        for column, words in r.meta.get(TEXTS, {}).items():
            texts[column] = list(dict.fromkeys([*texts.get(column, []), *words]))
    if texts:
        flags = " or of 0 and 1" * any(set(w) == {"0", "1"} for w in texts.values())
        shown = "; ".join(f"{c!r} ({', '.join(w[:4])})" for c, w in list(texts.items())[:4])
        return (
            f"nothing says which column is the label. There are columns of text{flags}: {shown}. Say "
            f"--label-from column:{next(iter(texts))}, or where else to look"
        )
    if only := _only_class([r.path for r in readings]):
        return (
            f"there is one class only: {only!r} by the files' names; a classifier needs two. Add recordings "
            "of another, or say --label-from"
        )
    return (
        "nothing tells the classes apart: put each class into a folder of its own, call the files "
        "label.something.csv, add a column `label` or a labels.csv (file,label), or say --label-from"
    )


def _only_class(paths: list[str]) -> str | None:
    """The one word that all names begin with, `normal_1.csv` say, or the one folder."""
    places = [path_labels.words(p) for p in paths]
    for where in ("folder:1", "name:1"):
        kinds = {path_labels.plain(p.get(where, "")) for p in places}
        if (
            len(kinds) == 1
            and len(paths) > 1
            and not path_labels.COUNTER.fullmatch(only := kinds.pop())
        ):
            return only
    return None


def group(
    readings: list[Reading], wanted: str, label_from: str, warnings: list[str]
) -> tuple[list[Reading], str]:
    """Readings with a group, and where it is from; by default one group a file."""
    inside = all(r.group is not None for r in readings)
    if wanted.startswith("column:") or (not wanted and inside):
        if lost := next((r.name for r in readings if r.group is None), None):
            raise EdgekitError(f"--group-from {wanted}: not every file has it ({lost} has not)")
        return readings, wanted or "the files themselves"
    paths = [r.path for r in readings]
    found = wanted or path_labels.find_group(paths, label_from)
    if not found:
        found, doubt = crossed_factors.group(paths, [r.label or "" for r in readings], label_from)
        if doubt:
            warnings.append(doubt)
    where = found or "file"
    grouped = [replace(r, group=path_labels.word(r.path, where, "group")) for r in readings]
    if lost := next((r.path for r in grouped if not r.group), None):
        raise EdgekitError(f"--group-from {where}: {lost} has no such part")
    return grouped, where


def _classes(readings: list[LabelledReading]) -> tuple[str, ...]:
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
