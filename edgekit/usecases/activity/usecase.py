"""Wearable: which shoulder exercise is being done, heard by the inertial sensor of a watch?

The *lab* is the left wrist of ten people, the *field* their right wrist: the same exercises, mirrored.
Each person is one group in both worlds, so who is tested is never heard before, on either wrist. With
`offline=True` simulated people stand in on both wrists.
"""

from dataclasses import replace
from functools import partial

import numpy as np

from edgekit import data, datasets, signal, simulators
from edgekit.data import by_group as split
from edgekit.data import folds_by_group as folds

__all__ = ["folds", "split"]  # as they are: nothing about wrists in them

CLASSES = tuple(datasets.watch.CLASSES.values())
NORMAL = None  # none of the exercises is better than another
RATE = 50  # Hz: arms move at a few
WINDOW = 200  # samples, 4 s: two repetitions
HOP = 100  # samples: half a window overlap
TURN = 2000 / 16 * np.pi / 180  # rad/s that count as 1 g: sensor ranges of ±2000 °/s and ±16 g
SENSITIVITY = 16 / 32768  # g, or 125 °/s, per count of the device's sensor

# What the student hears: where each axis stands, how far it goes, and which move together.
features = signal.Moments(window=WINDOW, channels=6)  # (n, WINDOW, 6) -> (n, 1, 39, 1)
# What the teacher hears, the window as it is, gravity included: (n, WINDOW, 6) -> (n, 1, WINDOW, 6).
teacher_input = signal.InRange(WINDOW, offset=(0.0,) * 6, span=(2.0,) * 6)
FEATURE_AXIS = ("means 0–5, lowest 6–11, highest 12–17, moving together 18–38", np.arange(39))
FEATURE_LABEL = "g or 125 °/s"
WAVE_LABEL = "acceleration ahead (2 g)"
UNITS = ("g",) * 3 + ("125 °/s",) * 3
CHANNELS = tuple(zip(datasets.watch.CHANNELS, UNITS, strict=True))
MARKS: dict[str, dict[str, float]] = {}
WIDTHS = {"sweep": (8, 16, 32, 64), "teacher": 32, "student": 24, "wide": 128, "narrow": 1}
SWEEP = {"windows": 700, "repeats": 1, "seeds": 3}
FIT = {
    "quick": {
        "teacher": {"epochs": 6, "copies": 2, "rate": 0.01},
        "student": {"epochs": 8, "copies": 3, "rate": 0.03, "batch": 64},
    },
    "full": {
        "teacher": {"epochs": 15, "copies": 3, "rate": 0.008},
        "student": {"epochs": 20, "copies": 4, "rate": 0.03, "batch": 64},
    },
}
SEARCH = {  # what `edgekit search` may let the student hear besides `features`
    "features": {
        "25 Hz": signal.Subwindow(signal.Moments(WINDOW // 2, channels=6), WINDOW, step_size=2),
        "12.5 Hz": signal.Subwindow(signal.Moments(WINDOW // 4, channels=6), WINDOW, step_size=4),
        "2 s": signal.Subwindow(signal.Moments(WINDOW // 2, channels=6), WINDOW),
    }
}

FEDERATE = {  # chosen on simulated people: none of the real ones had a say
    "strategy": "FedAvgM",
    "epochs": 4,
}
DRIFTS = {  # what happens to a watch in the field
    "strap turned": signal.drifts.strap_turned,
    "sensor weaker": partial(signal.drifts.gain_lost, most=0.6),
}

DOWNLOADS = ("watch",)


def recordings(domain: str, profile: str, offline: bool = False, seed: int = 0) -> list:
    """Recordings of the left wrists (`"lab"`) or the right ones (`"field"`), of simulated people offline."""
    if offline:
        return simulators.wrists.campaign(domain, profile=profile, seed=seed)
    return datasets.watch.load(datasets.fetch("watch"), domain)


def prepare(recording):
    """At RATE, all six channels in shares of the sensor's range. Gravity stays: it says how the arm lies."""
    samples = data.resample(recording, RATE).samples / np.array(
        [1, 1, 1, TURN, TURN, TURN], np.float32
    )
    meta = {**recording.meta, "units": list(UNITS)}
    return replace(recording, samples=samples, rate=float(RATE), unit="g or 125 °/s", meta=meta)


def windows(recordings, profile: str):
    """Windows of four seconds that overlap by half."""
    return data.window(recordings, CLASSES, WINDOW, HOP)


def augment(X, rng):
    """A training window as another person, with another watch strap, would have moved. Same shape."""
    return signal.imu_variation(X, rng)


def mirrored(task):
    """The lab's windows as the other wrist would have moved: a training table for chapter 02."""
    return descriptor(task.source.X * simulators.wrists.MIRROR), task.source.y


def descriptor(X):
    """The features as a table, (n, 39)."""
    return features(X).reshape(len(X), -1).astype("float64")


def teacher(input_shape, classes, width, seed):
    """Three convolutions over up to 1.5 s of movement, then the mean. Logits (n, classes)."""
    from edgekit.learn.legacy import keras, seed_everything

    seed_everything(seed)
    layers = keras.layers
    given = layers.Input(input_shape)
    x = layers.AveragePooling2D((1, 2))(given)
    for channels, kernel, stride in ((width, 9, 2), (2 * width, 5, 2), (4 * width, 5, 1)):
        x = layers.Conv2D(
            channels, (1, kernel), strides=(1, stride), padding="same", use_bias=False
        )(x)
        x = layers.ReLU()(layers.BatchNormalization()(x))
    x = layers.Dropout(0.2)(layers.GlobalAveragePooling2D()(x))
    return keras.Model(given, layers.Dense(classes)(x), name="teacher")


def student(input_shape, classes, width, seed):
    """Two dense layers on the statistics. (n, 1, 39, 1) -> logits (n, classes).

    Ten people are few, so large weights are punished. Without a hidden layer (`width` 0) it is a logistic
    regression.
    """
    from edgekit.learn.legacy import keras, seed_everything

    seed_everything(seed)
    layers = keras.layers
    given = layers.Input(input_shape)
    x, small = layers.Flatten()(given), keras.regularizers.l2(5e-4)
    if width:
        x = layers.Dense(width, activation="relu", kernel_regularizer=small)(x)
    return keras.Model(given, layers.Dense(classes, kernel_regularizer=small)(x), name="student")


SENDS = {  # what a wrist does says little of its wearer, and is still theirs: no more than labels need
    "report": (), "sketch": (), "health": (), "segment": ("uncertain", "novel", "random"),
}  # fmt: skip
ALIGN = {"mirrored": mirrored}
