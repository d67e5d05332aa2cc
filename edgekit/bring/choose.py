"""Channels, rate, kind and window of recordings that were never meant for each other, each with a reason."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np

from edgekit.bring.plan import LabelledReading, Plan
from edgekit.core.errors import EdgekitError
from edgekit.tables import column_roles, timing
from edgekit.tables.reading import Reading

ASSUMED = 100.0  # Hz, where nobody says and nobody is asked
SHORTEST = 32  # samples of a window
SLOWEST, FASTEST = 0.01, 1e7  # Hz; what is beyond is a clock misread, unless a person says so
SLOWEST_SAID = 1e-6  # Hz, where a person says it
LONGEST = 1e5  # seconds of a window that nobody asked for
SOUND_RATE = 16_000.0  # Hz; speech and most machines say what they have to say below 8 kHz
LEAST_GROUPS = 3  # of a class: one each to train, to choose and to test
BLOCKS = 6  # that a class is cut into where it has fewer groups


# ------------------------------------------------------------------------------- what fits together


def majority_kind(readings: list[Reading], excluded: dict[str, str]) -> list[Reading]:
    """Pictures or signals, whichever are more."""
    images = sum(r.image for r in readings) > len(readings) / 2
    for r in readings:
        if r.image != images:
            excluded[r.name] = (
                "is a picture among signals" if r.image else "is a signal among pictures"
            )
        elif not len(r.samples):
            excluded[r.name] = "is empty"
    kept = [r for r in readings if r.name not in excluded]
    if not kept:
        raise EdgekitError("there is no sample in these files")
    return kept


def channels(
    readings: list[Reading], wanted: str, excluded: dict[str, str]
) -> tuple[list[Reading], tuple[str, ...]]:
    """Readings with the same channels in the same order, and these."""
    if readings[0].image:
        return readings, ("grey",)
    if wanted:
        return _chosen(readings, listed(wanted), excluded)
    readings = _one_spelling(readings)
    named = [r.channels for r in readings if r.channels]
    if named and len(named) == len(readings):
        common = [c for c in named[0] if all(c in own for own in named)]
        usual = Counter(named).most_common(1)[0][0]
        # a few files that lack channels must not take them from all others
        use = list(usual) if len(common) < len(usual) and _share(named, usual) >= 0.6 else common
        if use:
            return _chosen(readings, use, excluded)
    counts = Counter(r.samples.shape[1] for r in readings)
    count = counts.most_common(1)[0][0]
    fit = [r for r in readings if r.samples.shape[1] == count]
    for r in readings:
        if r.samples.shape[1] != count:
            excluded[r.name] = f"has {r.samples.shape[1]} channels, most files have {count}"
    of_names = Counter(r.channels for r in fit if r.channels).most_common(1)
    channels = of_names[0][0] if of_names else tuple(f"ch{i + 1}" for i in range(count))
    return [replace(r, channels=channels) for r in fit], channels


def listed(wanted: str) -> list[str]:
    """The channels that an option names. Raises EdgekitError for none, or for one that stands twice."""
    names = [w.strip() for w in wanted.split(",") if w.strip()]
    if not names:
        raise EdgekitError(f"--channels {wanted!r} names none: write x,y,z or 1,2,3")
    if twice := next((n for n in names if names.count(n) > 1), None):
        raise EdgekitError(f"--channels {wanted}: {twice!r} stands twice")
    return names


def _one_spelling(readings: list[Reading]) -> list[Reading]:
    """`X` and `x`, `acc x` and `acc_x` in different files are one channel, spelled as in most of them."""
    counts = Counter(c for r in readings for c in r.channels or ())
    usual: dict[str, str] = {}
    for name, _ in counts.most_common():
        usual.setdefault("".join(column_roles.tokens(name)) or name, name)
    if len(usual) == len(counts):
        return readings
    result = []
    for r in readings:
        own = tuple(usual["".join(column_roles.tokens(c)) or c] for c in r.channels or ())
        result.append(replace(r, channels=own) if r.channels and len(set(own)) == len(own) else r)
    return result


def drop_drifting_constants(
    readings: list[Reading], channels: tuple[str, ...], warnings: list[str]
) -> tuple[list[Reading], tuple[str, ...]]:
    """Readings without the channels that never change within one of them, and change between them: the
    number of a person, of a machine, a setting. What was left out is said."""
    if readings[0].image or len(channels) < 2 or len(readings) < 2:
        return readings, channels
    firsts, still = np.array([r.samples[0] for r in readings]), np.ones(len(channels), bool)
    for r in readings:
        still &= (r.samples == r.samples[0]).all(axis=0)
        if not still.any():
            return readings, channels
    still &= (firsts != firsts[0]).any(axis=0)
    if not still.any() or still.all():
        return readings, channels
    for c in np.flatnonzero(still):
        warnings.append(
            f"{channels[c]} has one value in each recording ({len(set(firsts[:, c].tolist()))} in all), as "
            "the number of a person or a machine has: it is NO channel. If it is one, --group-from "
            "column:NAME (or its number) keeps each on one side of the split; --channels takes it."
        )
    kept = np.flatnonzero(~still)
    channels = tuple(channels[c] for c in kept)
    result = []
    for r in readings:
        meta = r.meta
        if isinstance(units := meta.get("units"), list) and len(units) == len(still):
            meta = {**meta, "units": [units[c] for c in kept]}
        result.append(replace(r, samples=r.samples[:, kept], channels=channels, meta=meta))
    return result, channels


def _share(named: list[tuple[str, ...]], channels: tuple[str, ...]) -> float:
    return sum(set(channels) <= set(own) for own in named) / len(named)


def _chosen(
    readings: list[Reading], wanted: list[str], excluded: dict[str, str]
) -> tuple[list[Reading], tuple[str, ...]]:
    """The channels of these names, or of these numbers from 1 on."""
    fit = []
    channels: tuple[str, ...] = ()  # as the first file spells them
    for r in readings:
        own = list(r.channels or (f"ch{i + 1}" for i in range(r.samples.shape[1])))
        places = [_place(own, w) for w in wanted]
        if len(set(places)) < len(places) and -1 not in places:
            raise EdgekitError(
                f"--channels {','.join(wanted)}: two of them are one channel of {r.path}"
            )
        if -1 in places:
            excluded[r.name] = (
                f"has no channel {wanted[places.index(-1)]!r}, only {', '.join(own)[:80]}"
            )
            continue
        meta = r.meta
        if isinstance(units := meta.get("units"), list) and len(units) == len(own):
            meta = {**meta, "units": [units[p] for p in places]}
        channels = channels or tuple(own[p] for p in places)
        same = places == list(range(len(own)))
        samples = r.samples if same else r.samples[:, places]
        fit.append(replace(r, samples=samples, channels=channels, meta=meta))
    if not fit:
        raise EdgekitError(f"no file has the channels {', '.join(wanted)}")
    return fit, channels


def _place(own: list[str], wanted: str) -> int:
    """Index of the channel of that name, whatever its case, or of that number from 1 on; else -1."""
    for name in (wanted, f"ch{wanted}"):
        if name in own:
            return own.index(name)
    alike = [i for i, n in enumerate(own) if column_roles.same(n, wanted)]
    if alike:
        return alike[0]
    return int(wanted) - 1 if wanted.isdigit() and 1 <= int(wanted) <= len(own) else -1


# ----------------------------------------------------------------------------------- rate, window


def rate(
    readings: list[Reading], wanted: float, assume: bool, warnings: list[str], why: dict
) -> float:
    """The rate of most recordings, in Hz; for pictures 1, one a second."""
    if readings[0].image:
        why["rate"] = "pictures have no rate; 1 stands for one a second"
        return 1.0
    if wanted:
        if not SLOWEST_SAID <= wanted <= FASTEST:
            raise EdgekitError(f"--rate {wanted:g}: give the samples a second, in Hz")
        why["rate"] = "as you said"
        return float(wanted)
    known = [r.rate for r in readings if r.rate]
    if known and not SLOWEST <= (middle := float(np.median(known))) <= FASTEST:
        raise EdgekitError(
            f"by its time stamps {readings[0].path} has {middle:.3g} samples a second, which no sensor "
            "has: is the unit of time another (--time-unit s, ms, us or ns)? If the rate is right, "
            "or time says nothing, say --rate HZ"
        )
    if not known:
        if not assume:
            raise EdgekitError(
                "nothing in the files says how many samples a second there are: say --rate HZ"
            )
        warnings.append(
            f"The rate is ASSUMED to be {ASSUMED:g} Hz: no file says it. Give --rate, and make it anew."
        )
        why["rate"] = "assumed: no file says it"
        return ASSUMED
    rate = timing.nominal(float(np.median(known)))
    low, high = f"{min(known):.6g}", f"{max(known):.6g}"
    why["rate"] = f"the files say {low}" + (f" to {high} Hz" if high != low else " Hz")
    if len(known) < len(readings):
        warnings.append(
            f"{len(readings) - len(known)} recordings do not say their rate; they are taken to have "
            f"{rate:g} Hz like the others."
        )
    return rate


def drop_implausible_rates(readings: list[Reading], excluded: dict[str, str]) -> list[Reading]:
    """Readings without those whose rate no sensor has, where most have one that can be."""
    wrong = {r.name for r in readings if r.rate and not SLOWEST <= r.rate <= FASTEST}
    if not wrong or len(wrong) > len(readings) / 2:
        return readings
    for r in readings:
        if r.name in wrong:
            excluded[r.name] = (
                f"has {r.rate:.3g} samples a second by its time stamps, which no sensor has"
            )
    return [r for r in readings if r.name not in wrong]


def snap_rate(own: float | None, rate: float) -> float:
    """A recording's own rate, made the common one where only its clock drifts."""
    if not own:
        return rate
    own = timing.nominal(own)
    return rate if abs(own / rate - 1) < 0.01 else own


def target(readings: list[LabelledReading], kind: str, rate: float, why: dict) -> float:
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


def kind(readings: list[LabelledReading], rate: float) -> str:
    if readings[0].image:
        return "image"
    if sum(r.sound for r in readings) > len(readings) / 2 and rate >= 4000:
        return "sound"
    return "fast" if rate >= 1000 else "motion" if rate >= 10 else "slow"


def length(r: LabelledReading, rate: float) -> int:
    return int(len(r.samples) * rate / r.rate)


def window(plan: Plan, wanted: float) -> int:
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
        if not np.isfinite(wanted) or samples < SHORTEST:
            raise EdgekitError(
                f"--window {wanted:g}: give seconds, at {rate:g} Hz no less than {SHORTEST / rate:.3g} "
                f"({SHORTEST} samples)"
            )
    lengths = {
        c: np.array([length(r, rate) for r in plan.used if r.label == c]) for c in plan.classes
    }
    # most recordings of each class must fill one; those that are cut into blocks must fill several
    room = {
        c: min(float(np.quantile(n, 0.1)), float(np.sort(n)[-LEAST_GROUPS]))
        if len(n) >= LEAST_GROUPS
        else n.min() / (3 * cuts(n) - 1)
        for c, n in lengths.items()
    }
    tight = min(room, key=room.__getitem__)
    if room[tight] < samples:
        if wanted and room[tight] < 0.5 * samples:
            raise EdgekitError(
                f"--window {wanted:g}: {_room(lengths[tight], room[tight], tight, rate)}"
            )
        samples, reason = room[tight], f"as long as the short recordings of {tight!r} allow"
    if samples < SHORTEST:
        raise EdgekitError(
            f"recordings of {tight!r} are too short for a window of {SHORTEST} samples: "
            f"{_room(lengths[tight], room[tight], tight, rate)}; "
            "were they cut, or is the rate wrong (--rate)?"
        )
    if not wanted and samples / rate > LONGEST:
        raise EdgekitError(
            f"a window of {samples:.0f} samples at {rate:g} Hz would last {samples / rate:,.0f} s: say "
            "--window SECONDS if it should, or --rate HZ"
        )
    plan.why["window"] = reason
    samples = int(samples)
    return samples if samples < 128 or kind == "sound" else samples // 16 * 16


def _room(lengths: np.ndarray, room: float, label: str, rate: float) -> str:
    """How long the recordings of a class are, and what a split leaves of that."""
    sizes = np.sort(lengths)
    said = f"{sizes[0]:,}" + (f" to {sizes[-1]:,}" if sizes[-1] > sizes[0] else "")
    said = f"the {len(sizes)} of {label!r} have {said} samples at {rate:g} Hz ({sizes[0] / rate:.3g} s)"
    if len(sizes) < LEAST_GROUPS:
        said += (
            f", and cut into blocks for training, choosing and testing {room:.0f} samples are left"
        )
    return said


def cuts(lengths: np.ndarray) -> int:
    """Blocks of each recording of a class that has too few: BLOCKS in all, or LEAST_GROUPS if need be."""
    many, least = -(-BLOCKS // len(lengths)), -(-LEAST_GROUPS // len(lengths))
    return many if lengths.min() / (3 * many - 1) >= SHORTEST else least


def hop(plan: Plan) -> int:
    """Half a window, or less where a class would have few windows; more where there would be thousands."""
    if plan.row:
        return plan.window
    total = {c: sum(length(r, plan.rate) for r in plan.used if r.label == c) for c in plan.classes}
    rare = min(total.values()) / plan.window  # windows of the rarest class without overlap
    overlap = int(np.clip(np.ceil(60 / max(rare, 1)), 2, 8))
    hop = max(1, plan.window // overlap)
    count = sum(total.values()) / hop
    if count > 8000:
        hop = int(hop * count / 8000)
    plan.why["hop"] = f"about {sum(total.values()) / hop:,.0f} windows in all"
    return hop
