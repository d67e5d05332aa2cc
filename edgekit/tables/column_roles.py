"""What the name of a column says that it is for: time, label, somebody's or something's identity, a count."""

from __future__ import annotations

import functools
import itertools
import re
import tomllib
from dataclasses import dataclass
from importlib import resources

import numpy as np

WORDS = tomllib.loads(
    resources.files(__package__).joinpath("words.toml").read_text(encoding="utf-8")
)
(
    CLOCKS, BESIDE_CLOCKS, LABELS, WEAK_LABELS, LABEL_SUFFIX, PERSON, MACHINE, SESSION, GENERIC, ID_SUFFIX,
    COUNTS, FIELDS, VALUES, SENSORS, SENSOR_WORDS, PLACES, FAULTS, STAMPS, ORIGINS,
) = (
    frozenset(WORDS[name].split())
    for name in (
        "clocks", "times", "labels", "weak_labels", "label_suffix", "person", "machine", "session", "generic",
        "id_suffix", "counts", "fields", "values", "sensors", "sensor_words", "places",
        "faults", "stamps", "origins",
    )
)  # fmt: skip


@functools.lru_cache(4096)
def tokens(name: str) -> list[str]:
    """The words of a name in lower case: `ParticipantID`, `participant_id` and `participant id` are alike.

    >>> tokens("SubjectNo"), tokens("x-axis"), tokens("Subject #")
    (['subject', 'no'], ['x', 'axis'], ['subject', '#'])
    """
    apart = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name)
    found = re.findall(r"[^\W\d_]+|\d+|#", apart.lower())
    split = []
    for word in found:  # participantid
        tail = re.fullmatch(r"(\w{3,}?)(ids?|no|nr|num|name|code)", word)
        known = PERSON | MACHINE | SESSION | LABELS
        split += [tail[1], tail[2]] if tail and word not in known and tail[1] in known else [word]
    return split


def plain_words(name: str) -> list[str]:
    """The `tokens` of a name that are no numbers: `acc_1` and `acc 2` are both `acc`."""
    return [w for w in tokens(name) if not w.isdigit()]


def axis_names(name: str, count: int) -> tuple[str, ...]:
    """Names of the `count` channels of one sensor: x, y and z where there are three, else numbers from 1.

    >>> axis_names("acc", 3), axis_names("emg", 2), axis_names("t", 1)
    (('acc_x', 'acc_y', 'acc_z'), ('emg_1', 'emg_2'), ('t',))
    """
    if count == 1:
        return (name,)
    return tuple(f"{name}_{'xyz'[i] if count == 3 else i + 1}" for i in range(count))


def parts(name: str) -> list[str]:
    """The words of a name as they are written."""
    return [p for p in re.split(r"[\W_]+|(?<=[a-z])(?=[A-Z])", name) if p] or [name]


def same(a: str, b: str) -> bool:
    """Whether two names are one, but for case and what stands between their words."""
    return a.strip().casefold() == b.strip().casefold() or (
        tokens(a) == tokens(b) != [] or "".join(tokens(a)) == "".join(tokens(b)) != ""
    )


def is_time(name: str) -> bool:
    words = plain_words(name)
    return bool(words) and set(words) <= BESIDE_CLOCKS | CLOCKS and bool(set(words) & CLOCKS)


def stamp_strength(name: str) -> int:
    """2: a stamp of something, `activityTimestamp_sinceReboot`; 1: perhaps one, `loggingTime`, which may be
    the time that something takes; 0: neither. Clocks of a table themselves are `is_time`."""
    words, plain = tokens(name), plain_words(name)
    if set(words) & STAMPS or ("since" in words and set(words) & ORIGINS):
        return 2
    if any(pair == ("time", "stamp") for pair in itertools.pairwise(words)):
        return 2
    return int(len(plain) > 1 and plain[-1] in {"time", "date", "datetime", "zeit", "datum"})


def says_fault(name: str) -> bool:
    """Whether a name says that something was wrong, or asks: `Machine failure`, `is_on`."""
    words = plain_words(name)
    return bool(words) and (words[-1] in FAULTS or (words[0] in ("is", "has") and len(words) > 1))


def label_strength(name: str, all_names: list[str]) -> int:
    """2: a label, 1: perhaps one (a state, a fault), 0: none. `y` beside an `x` is an axis."""
    words = tokens(name)
    if not words or not set(words) <= LABELS | WEAK_LABELS | LABEL_SUFFIX:
        return 0
    if words == ["y"]:
        return int(not any(tokens(n)[:1] == ["x"] for n in all_names))
    return 2 if set(words) & LABELS else 1 if set(words) & WEAK_LABELS else 0


def identity(name: str) -> tuple[int, bool] | None:
    """(rank, sure) of a name that says who or what was recorded: 0 a person, 1 a machine, 2 a session, 3 any
    id. A bare noun is not sure: `motor` may be its current. None: another name."""
    words = plain_words(name)
    nouns = [w for w in words if w not in ID_SUFFIX | GENERIC]
    if not words:
        return None
    if not nouns:
        return (3, True) if set(words) & GENERIC else None
    for rank, known in enumerate((PERSON, MACHINE, SESSION)):
        if set(nouns) & known and set(nouns) <= PERSON | MACHINE | SESSION:
            return rank, len(nouns) < len(words) or rank == 0
    return None


def is_count(name: str) -> bool:
    words = plain_words(name)
    return not words or set(words) <= COUNTS


def is_field(name: str) -> bool:
    words = tokens(name)
    return bool(words) and set(words) <= FIELDS | ID_SUFFIX and bool(set(words) & FIELDS)


def is_value(name: str) -> bool:
    words = tokens(name)
    return bool(words) and words[-1] in VALUES | {"value"}


def is_sensor(name: str) -> bool:
    """Whether a file or folder is called after what was measured: `ACC`, `LinearAcceleration`."""
    words = set(plain_words(name))
    return bool(words & SENSORS) and words <= SENSORS | SENSOR_WORDS


def is_place(name: str) -> bool:
    """Whether it is called after where a sensor was worn: `phone`, `wrist`."""
    words = set(plain_words(name))
    return bool(words) and words <= PLACES | {"left", "right"} and bool(words & PLACES)


# --------------------------------------------------------------------------------- by their numbers


def counts_rows(x: np.ndarray) -> bool:
    """Whether whole numbers go up by one from row to row, now and then anew."""
    if len(x) < 3 or not np.isfinite(x).all():
        return False
    steps = np.diff(x.astype(np.float64))
    return bool((steps == 1).mean() >= 0.95 and (x == np.round(x)).all())


def rises_evenly(x: np.ndarray) -> bool:
    """Whether numbers go up all the time by much the same step, as a clock does and no sensor."""
    if len(x) < 9 or not np.isfinite(x).all():
        return False
    steps = np.diff(x.astype(np.float64))
    middle = float(np.median(steps))
    if middle <= 0 or (steps < 0).mean() > 0.02:
        return False
    return bool((np.abs(steps - middle) <= 0.15 * middle + 1e-12).mean() >= 0.95)


@dataclass(frozen=True)
class ReadOptions:
    """What a person said about columns. `label` and `group` name them ("": find out; None: they are told
    elsewhere, so that no column may cut a file); `unit` is that of time stamps, `channels` those to take,
    `rate` in Hz; `folders`: class folders tell the label, so only a column called so may say otherwise."""

    label: str | None = ""
    group: str | None = ""
    unit: str = ""
    channels: tuple[str, ...] = ()
    rate: float = 0.0
    folders: bool = False


DEFAULT_READ_OPTIONS = ReadOptions()  # nothing was said: find out
