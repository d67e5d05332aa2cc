"""From what was read to a use case: classes, groups, channels, one rate, one window; each with its reason."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field, replace

import numpy as np

from edgekit.data.bring import names, timing
from edgekit.data.bring.folder import Found, with_sheet
from edgekit.data.bring.reading import Reading
from edgekit.errors import EdgekitError

MOST_CLASSES = 20
ASSUMED = 100.0  # Hz, where nobody says and nobody is asked
NORMAL = re.compile(
    r"normal\w*|healthy|ok|good|fine|intact|baseline|background|idle|rest\w*|still|silence|silent|noise|none"
    r"|nothing|nobody|no_\w+|empty|gut|leerlauf",
    re.I,
)
LEAST_GROUPS = 3  # of a class: one each to train, to choose and to test
BLOCKS = 6  # that a class is cut into where it has fewer groups
SHORTEST = 32  # samples of a window
SOUND_RATE = 16_000.0  # Hz; speech and most machines say what they have to say below 8 kHz


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

    With `assume` a rate that nobody told is taken for ASSUMED Hz, and that is said.
    """
    left, said, why = dict(found.failed), [], {}
    readings = _of_one_kind(with_sheet(found), left)
    readings, label_from = label(readings, options.label_from, left)
    readings, group_from = group(readings, options.group_from, label_from)
    readings, channels = _channels(readings, options.channels, left)
    image = readings[0].image
    rate = _rate(readings, options.rate, assume, said, why)
    readings = [replace(r, rate=_near(r.rate, rate)) for r in readings]
    classes = _classes(readings)
    kind = _kind(readings, rate)
    rate = _target(readings, kind, rate, why)
    rows = {r.row for r in readings}
    row = rows.pop() if len(rows) == 1 else None
    plan = Plan(
        kind, readings, left, classes, _normal(classes, options.normal), channels,
        Counter(r.unit for r in readings).most_common(1)[0][0], rate, 1, 1, label_from, group_from,
        row, said=said, why=why,
    )  # fmt: skip
    if not image:
        plan.window = _window(plan, options.window)
        plan.hop = _hop(plan)
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
    try:
        return tuple(sorted(kinds, key=float))
    except ValueError:
        return tuple(sorted(kinds))


def _normal(classes: tuple[str, ...], wanted: str) -> str | None:
    if wanted and wanted not in classes:
        raise EdgekitError(f"--normal {wanted}: the classes are {', '.join(classes)}")
    return wanted or next((c for c in classes if NORMAL.fullmatch(c)), None)


# ------------------------------------------------------------------------------- what fits together


def _of_one_kind(readings: list[Reading], left: dict[str, str]) -> list[Reading]:
    """Pictures or signals, whichever are more."""
    images = sum(r.image for r in readings) > len(readings) / 2
    for r in readings:
        if r.image != images:
            left[r.name] = "is a picture among signals" if r.image else "is a signal among pictures"
        elif not len(r.samples):
            left[r.name] = "is empty"
    kept = [r for r in readings if r.name not in left]
    if not kept:
        raise EdgekitError("there is no sample in these files")
    return kept


def _channels(readings: list[Reading], wanted: str, left: dict[str, str]):
    """Readings with the same channels in the same order."""
    if readings[0].image:
        return readings, ("grey",)
    if wanted:
        return _chosen(readings, [w.strip() for w in wanted.split(",") if w.strip()], left)
    named = [r for r in readings if r.channels]
    if named and len(named) == len(readings):
        common = [c for c in named[0].channels if all(c in r.channels for r in named)]
        usual = Counter(r.channels for r in named).most_common(1)[0][0]
        # a few files that lack channels must not take them from all others
        use = usual if len(common) < len(usual) and _share(named, usual) >= 0.6 else tuple(common)
        if use:
            return _chosen(readings, list(use), left)
    counts = Counter(r.samples.shape[1] for r in readings)
    count = counts.most_common(1)[0][0]
    fit = [r for r in readings if r.samples.shape[1] == count]
    for r in readings:
        if r.samples.shape[1] != count:
            left[r.name] = f"has {r.samples.shape[1]} channels, most files have {count}"
    of_names = Counter(r.channels for r in fit if r.channels).most_common(1)
    channels = of_names[0][0] if of_names else tuple(f"ch{i + 1}" for i in range(count))
    return [replace(r, channels=channels) for r in fit], channels


def _share(readings: list[Reading], channels: tuple[str, ...]) -> float:
    return sum(set(channels) <= set(r.channels) for r in readings) / len(readings)


def _chosen(readings: list[Reading], wanted: list[str], left: dict[str, str]):
    """The channels of these names, or of these numbers from 1 on."""
    fit = []
    for r in readings:
        own = list(r.channels or (f"ch{i + 1}" for i in range(r.samples.shape[1])))
        places = [
            own.index(w) if w in own else int(w) - 1 if w.isdigit() and int(w) <= len(own) else -1
            for w in wanted
        ]
        if -1 in places:
            left[r.name] = (
                f"has no channel {wanted[places.index(-1)]!r}, only {', '.join(own)[:80]}"
            )
            continue
        meta = r.meta
        if isinstance(units := meta.get("units"), list) and len(units) == len(own):
            meta = {**meta, "units": [units[p] for p in places]}
        channels = tuple(own[p] for p in places)
        fit.append(replace(r, samples=r.samples[:, places], channels=channels, meta=meta))
    if not fit:
        raise EdgekitError(f"no file has the channels {', '.join(wanted)}")
    return fit, fit[0].channels


# ----------------------------------------------------------------------------------- rate, window


def _rate(
    readings: list[Reading], wanted: float, assume: bool, said: list[str], why: dict
) -> float:
    """The rate of most recordings, in Hz; for pictures 1, one a second."""
    if readings[0].image:
        why["rate"] = "pictures have no rate; 1 stands for one a second"
        return 1.0
    if wanted:
        if not 1e-4 <= wanted <= 1e7:
            raise EdgekitError(f"--rate {wanted:g}: give the samples a second, in Hz")
        why["rate"] = "as you said"
        return float(wanted)
    known = [r.rate for r in readings if r.rate]
    if not known:
        if not assume:
            raise EdgekitError(
                "nothing in the files says how many samples a second there are: say --rate HZ"
            )
        said.append(
            f"The rate is ASSUMED to be {ASSUMED:g} Hz: no file says it. Give --rate, and make it anew."
        )
        why["rate"] = "assumed: no file says it"
        return ASSUMED
    rate = timing.nominal(float(np.median(known)))
    why["rate"] = f"the files say {min(known):.6g} to {max(known):.6g} Hz"
    if len(known) < len(readings):
        said.append(
            f"{len(readings) - len(known)} recordings do not say their rate; they are taken to have "
            f"{rate:g} Hz like the others."
        )
    return rate


def _near(own: float | None, rate: float) -> float:
    """A recording's own rate, made the common one where only its clock drifts."""
    if not own:
        return rate
    own = timing.nominal(own)
    return rate if abs(own / rate - 1) < 0.01 else own


def _target(readings: list[Reading], kind: str, rate: float, why: dict) -> float:
    rates = Counter(r.rate for r in readings)
    if len(rates) > 1:
        enough = sorted(rates)[int(0.1 * len(rates))]
        low = min(r for r in rates if r >= enough)
        if kind != "image" and low < rate:
            why["rate"] += "; the lowest, so that no recording has more to say than another"
            rate = low
    if kind == "sound" and rate > SOUND_RATE:
        why["rate"] += f"; {SOUND_RATE / 1000:g} kHz say enough"
        rate = SOUND_RATE
    return rate


def _kind(readings: list[Reading], rate: float) -> str:
    if readings[0].image:
        return "image"
    if sum(r.sound for r in readings) > len(readings) / 2 and rate >= 4000:
        return "sound"
    return "fast" if rate >= 1000 else "motion" if rate >= 10 else "slow"


def _length(r: Reading, rate: float) -> int:
    return int(len(r.samples) * rate / r.rate)


def _window(plan: Plan, wanted: float) -> int:
    """Samples of a window: what the kind of signal asks for, and no more than recordings have."""
    rate, kind = plan.rate, plan.kind
    if plan.row:
        plan.why["window"] = "as the stack of windows was cut"
        return plan.row
    samples, reason = {
        "sound": (min(16_384, rate), "a second: a word, a bark, a turn of most machines"),
        "fast": (
            float(np.clip(2 ** round(np.log2(0.25 * rate)), 512, 4096)),
            "some turns of a shaft",
        ),
        "motion": (float(np.clip(2.5 * rate, 64, 512)), "about one repetition of a movement"),
        "slow": (64.0, "enough to see a trend"),
    }[kind]
    if wanted:
        samples, reason = wanted * rate, "as you said"
    lengths = {
        c: np.array([_length(r, rate) for r in plan.used if r.label == c]) for c in plan.classes
    }
    # most recordings of each class must fill one; those that are cut into blocks must fill several
    room = {
        c: float(np.quantile(n, 0.1)) if len(n) >= LEAST_GROUPS else n.min() / (3 * _cuts(n) - 1)
        for c, n in lengths.items()
    }
    tight = min(room, key=room.get)
    if room[tight] < samples:
        if wanted and room[tight] < 0.5 * samples:
            raise EdgekitError(
                f"--window {wanted:g}: recordings of {tight!r} have {room[tight] / rate:.3g} s only"
            )
        samples, reason = room[tight], f"as long as the short recordings of {tight!r} allow"
    if samples < SHORTEST:
        raise EdgekitError(
            f"recordings of {tight!r} are too short: {room[tight]:.0f} samples at {rate:g} Hz, a window "
            f"needs {SHORTEST}; were they cut, or is the rate wrong?"
        )
    plan.why["window"] = reason
    samples = int(samples)
    return samples if samples < 128 or kind == "sound" else samples // 16 * 16


def _cuts(lengths: np.ndarray) -> int:
    """Blocks of each recording of a class that has too few: BLOCKS in all, or LEAST_GROUPS if need be."""
    many, least = -(-BLOCKS // len(lengths)), -(-LEAST_GROUPS // len(lengths))
    return many if lengths.min() / (3 * many - 1) >= SHORTEST else least


def _hop(plan: Plan) -> int:
    """Half a window, or less where a class would have few windows; more where there would be thousands."""
    if plan.row:
        return plan.window
    total = {c: sum(_length(r, plan.rate) for r in plan.used if r.label == c) for c in plan.classes}
    rare = min(total.values()) / plan.window  # windows of the rarest class without overlap
    overlap = int(np.clip(np.ceil(60 / max(rare, 1)), 2, 8))
    hop = max(1, plan.window // overlap)
    count = sum(total.values()) / hop
    if count > 8000:
        hop = int(hop * count / 8000)
    plan.why["hop"] = f"about {sum(total.values()) / hop:,.0f} windows in all"
    return hop


# ----------------------------------------------------------------------- groups that can be split


def _regroup(plan: Plan) -> None:
    """Each class needs LEAST_GROUPS groups, and a split must exist; else finer groups, then blocks."""
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
    short = [c for c in plan.classes if len(plan.groups(c)) < LEAST_GROUPS]
    for c in short:
        mine = np.array([_length(r, plan.rate) for r in plan.used if r.label == c])
        plan.blocks[c] = _cuts(mine) if plan.kind != "image" else -(-BLOCKS // len(mine))
    if short:
        plan.said.append(
            f"{', '.join(short)}: fewer than {LEAST_GROUPS} recordings. They were CUT INTO BLOCKS with a "
            "gap between, and each block counts as a group. Blocks of one recording resemble each "
            "other, so the score is OPTIMISTIC: it says how well this recording is recognized, not "
            "the next one. Record more."
        )


def _splits(plan: Plan) -> bool:
    """Can whole groups be dealt into train, val and test, and into three folds, with every class in each?"""
    from edgekit.data.splits import by_group, folds_by_group
    from edgekit.data.windows import Windows

    if any(len(plan.groups(c)) < LEAST_GROUPS for c in plan.classes):
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
