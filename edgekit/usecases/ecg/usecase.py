"""Arrhythmia from one lead: is this heartbeat normal, or did it come from the wrong place?

N: from the sinus node. S: supraventricular ectopic, too early, from above the ventricles. V: ventricular
ectopic (ANSI/AAMI EC57). The *field* is the MIT-BIH database where it is on this machine (`EDGEKIT_MITBIH`
names a folder, or `edgekit data get mitbih`), else simulated patients; the *lab* is always simulated.
A window is 10 s before a beat and 2 s after it: what is normal is learnt from the patient's other beats.
"""

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import numpy as np

from edgekit import data, datasets, signal, simulators
from edgekit.datasets.mitbih import DS2

CLASSES = ("N", "S", "V")
NORMAL = "N"
RATE = 125  # Hz: a P wave lasts 100 ms, a QRS has little above 40 Hz
BEFORE, AFTER = 1250, 250  # samples of a window before and after the beat that is judged: 10 s, 2 s
WINDOW = BEFORE + AFTER
SENSITIVITY = 0.001  # mV per count: 1 uV, ±32 mV; a usual ECG front end


def _beat(seconds=BEFORE // RATE, first=32, length=80, step_size=1):
    """A beat, and how it differs from the others of so many seconds before it; heard at every n-th sample."""
    before = seconds * RATE
    window, anchor, own, taken = (n // step_size for n in (before + AFTER, before, first, length))
    beat = signal.EcgBeat(window, anchor, own, taken, rate=RATE / step_size)
    if (before, step_size) == (BEFORE, 1):
        return beat
    return signal.Subwindow(beat, WINDOW, BEFORE - before, step_size)


# What the student hears: one beat of 640 ms, its difference from the typical one, four numbers
# of the rhythm: (n, WINDOW, 1) -> (n, 1, 80, 6).
features = _beat()
# What the teacher hears: 2.2 s around the beat, the neighbours too: (n, WINDOW, 1) -> (n, 1, 272, 6).
teacher_input = _beat(first=160, length=272)
FEATURE_AXIS = ("time from the R peak (ms)", features.milliseconds)
FEATURE_LABEL = "beat, deviation, interval ratio"
FEATURE_CHANNELS = (
    "beat (RMS = 1)", "from the typical beat (RMS = 1)", "before over mean, 3 (r - 1)",
    "after over mean, 3 (r - 1)", "before over after, 3 (r - 1)", "jumps (10 = mean interval)",
)  # fmt: skip
WAVE_LABEL = "ECG (RMS of a beat = 1)"
CHANNELS = (("ECG", "mV"),)
MARKS = {"lab": {"R": 0.0}, "field": {"R": 0.0}}
WIDTHS = {"sweep": (2, 4, 8, 16, 32), "teacher": 16, "student": 8, "wide": 32, "narrow": 1}
SWEEP = {"windows": 1500, "repeats": 1, "seeds": 1}
FIT = {
    "quick": {
        "teacher": {"epochs": 14, "copies": 1, "rate": 0.003, "balance": 0.5},
        "student": {"epochs": 10, "copies": 1, "rate": 0.003, "balance": 0.5},
    },
    "full": {
        "teacher": {"epochs": 8, "copies": 1, "batch": 64, "rate": 0.002, "balance": 0.25},
        "student": {"epochs": 8, "copies": 1, "batch": 64, "rate": 0.002, "balance": 0.25},
    },
}
SEARCH = {  # what `edgekit search` may let the student hear besides `features`
    "features": {
        "448 ms": _beat(first=24, length=56),
        "8 s before": _beat(8),
        "6 s before": _beat(6),
        "6 s before, 448 ms": _beat(6, first=24, length=56),
        "62.5 Hz": _beat(step_size=2),  # what a QRS has above 31 Hz folds back: the folds judge
        "8 s before, 62.5 Hz": _beat(8, step_size=2),
    },
    "width": {"low": 4, "high": 32},  # who has one layer needs many channels
    "depth": [1, 2],
    "pool": ["flatten"],  # a wave is told by where it stands
    "rate": [1.0, 2.0, 4.0],  # FIT's suits the deep student; shallower ones learn in larger steps
}
SENDS = {  # health data (GDPR article 9): a beat leaves when the device doubts it, or a physician asks for it
    "report": (), "sketch": (), "health": (), "segment": ("uncertain", "novel", "requested"),
}  # fmt: skip
ALIGN: dict[str, Callable] = {}
FEDERATE = {"strategy": "FedAvgM", "epochs": 1, "balance": 0.5}  # patients differ more than classes
DRIFTS = {  # what happens to a recorder in the field
    "electrode worn": partial(signal.drifts.electrode_worn, rate=RATE),
    "another patient": partial(signal.drifts.another_heart, beat=BEFORE),
    "gain lost": partial(signal.drifts.gain_lost, most=0.8),
}
BY_CLASS = True  # S is two beats in a hundred: a chapter that takes some windows only takes as many of each
# What is trained on, of each patient: all that is rare, and of normal beats as many as that needs. What is
# validated and tested is every beat, in the mix in which hearts deliver them.
NORMALS, RARE, SHARE = (
    300,
    500,
    5,
)  # beats at most; and normal ones at most a fifth of the patient's beats
QUICK = 6000  # beats of all patients that the quick profile takes, every so many, in their own mix

DOWNLOADS = ("mitbih", "aha-0001")


def recordings(domain: str, profile: str, offline: bool = False, seed: int = 0) -> list:
    """Simulated people (`"lab"`), or the patients of the MIT-BIH database (`"field"`) where they are."""
    folder = None if offline or domain == "lab" else datasets.mitbih.folder()
    if folder:
        return datasets.mitbih.load(folder)
    if domain == "field" and not offline:
        print(
            "no MIT-BIH records here (EDGEKIT_MITBIH, or edgekit data get mitbih): simulated patients"
        )
    people, seconds = (14, 120) if profile == "quick" else (24, 600)
    return simulators.hearts.simulate(domain, people, seconds, seed)


def prepare(recording):
    """At RATE, behind a low-pass filter; the beats' places follow."""
    factor = RATE / recording.rate
    resampled = data.resample(replace(recording, events=()), RATE)
    last = len(resampled.samples) - 1
    events = ((min(round(at * factor), last), label) for at, _, label in recording.events)
    return replace(resampled, events=tuple((at, at + 1, label) for at, label in events))


def windows(recordings, profile: str):
    """One window for each beat of CLASSES that has 10 s before it and 2 s after it, all of them.

    The quick profile takes every so many of a patient's beats. Fusion beats (F) and beats that nobody could
    class (Q) are not judged, but heard as neighbours; `datasets.mitbih.table` counts them.
    """
    beats = data.beats.beat_windows(recordings, CLASSES, BEFORE, AFTER)
    return data.subsample(beats, QUICK) if profile == "quick" else beats


def training_rows(windows):
    """Rows of what is trained on, (n,) ascending: thinned evenly, patient by patient and class by class."""
    rows = []
    for group in np.unique(windows.group):
        own = np.flatnonzero(windows.group == group)
        normals = min(NORMALS, max(24, len(own) // SHARE))
        for c, name in enumerate(CLASSES):
            beats, most = own[windows.y[own] == c], normals if name == NORMAL else RARE
            even = np.linspace(0, len(beats) - 1, most).round().astype(int)
            rows.append(beats[even] if len(beats) > most else beats)
    return np.sort(np.concatenate(rows))


def _every_beat(windows, rows, dealt):
    """A split dealt over `rows` alone: these train, and of the other patients every beat is heard."""
    parts = {"train": rows[dealt.train]}
    for part in ("val", "test"):
        parts[part] = np.flatnonzero(np.isin(windows.group, dealt.groups[part]))
    return data.Split(**parts, groups=dealt.groups)


def split(windows, seed: int = 0):
    """De Chazal's, where both halves are here: DS2 tests, DS1 trains and validates. Else by patient."""
    rows = training_rows(windows)
    some, groups = windows[rows], {str(g) for g in windows.group}
    if not groups & set(DS2) or not groups - set(DS2):
        return _every_beat(windows, rows, data.by_group(some, seed=seed))
    ours = np.flatnonzero(~np.isin(some.group, DS2))
    inner = data.by_group(some[ours], test=0.2, val=0, seed=seed)
    theirs = tuple(sorted(groups & set(DS2)))
    parts = {"train": inner.groups["train"], "val": inner.groups["test"], "test": theirs}
    none = inner.train[:0]
    return _every_beat(windows, rows[ours], data.Split(inner.train, none, none, parts))


def folds(windows, k: int = 3, seed: int = 0) -> list:
    """Every patient tested once; those of DS2 are never in a fold while there are others."""
    rows = training_rows(windows)
    ours = rows[~np.isin(windows.group[rows], DS2)]
    ours = ours if len(ours) else rows
    return [_every_beat(windows, ours, f) for f in data.folds_by_group(windows[ours], k, seed)]


def augment(X, rng):
    """A training window at another level and on another baseline. Same shape.

    More of it would blur the intervals and the typical beat, that the features take such pains to find;
    `EcgBeat.vary` does the rest, behind them.
    """
    return signal.ecg_variation(X, rng, stretch=0, ragged=0, noise_mv=0, wander_mv=0.05, tilt=0)


def descriptor(X):
    """Every fourth sample of the beat and of its deviation, and the rhythm: (n, 44)."""
    heard = features(X)[:, 0]
    shape = heard[:, ::4, :2].reshape(len(X), -1)
    return np.concatenate([shape, heard[:, 0, 2:]], axis=1).astype("float64")


def _network(input_shape, classes, width, seed, strides, hidden, name):
    from edgekit.learn.legacy import keras, seed_everything

    seed_everything(seed)
    layers = keras.layers
    given = x = layers.Input(input_shape)
    for channels, kernel, stride in zip(
        (width, 2 * width, 2 * width), (7, 5, 5), strides, strict=True
    ):
        x = layers.Conv2D(
            channels, (1, kernel), strides=(1, stride), padding="same", use_bias=False
        )(x)
        x = layers.ReLU()(layers.BatchNormalization()(x))
    x = layers.Dropout(0.3)(layers.Flatten()(x))
    if hidden:
        x = layers.Dropout(0.3)(layers.Dense(hidden, activation="relu")(x))
    return keras.Model(given, layers.Dense(classes)(x), name=name)


def teacher(input_shape, classes: int, width: int, seed: int):
    """Three convolutions over 2.2 s, then which of their findings stand where. Ends in logits."""
    return _network(input_shape, classes, width, seed, (4, 2, 2), 24, "teacher")


def student(input_shape, classes: int, width: int, seed: int):
    """The same on one beat of 640 ms, without the dense layer in between. Ends in logits.

    One convolution alone is smaller still, but takes half the normal beats of two patients of DS1 for S: on
    every beat of six folds its F1 is .68, this one's .73 (measured, two seeds).
    """
    return _network(input_shape, classes, width, seed, (2, 2, 2), 0, "student")
