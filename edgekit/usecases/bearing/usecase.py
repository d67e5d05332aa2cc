"""Predictive maintenance: is the bearing healthy, or is its inner or outer race cracked?

The *field* is the MFPT test rig (real recordings), or whichever FIELD names; the *lab* is a physics
simulator of another bearing on another shaft. With `offline=True` a second simulated rig stands in for the
field.
"""

from functools import partial

from edgekit import data, datasets, signal, simulators
from edgekit.data import by_group as split
from edgekit.data import folds_by_group as folds
from edgekit.firmware.message import Field, Schema
from edgekit.learn.adapt import spectra
from edgekit.learn.models import student, teacher

__all__ = ["folds", "split", "student", "teacher"]  # as they are: nothing about bearings in them

# The field: "mfpt", or another public rig, downloaded ("cwru", "hust", "ottawa") or from a folder with its
# .mat files ("cwru:/where/they/are", "paderborn:/…", "hust:/…", "ottawa:/…"); see datasets/bearing_sets.py.
# `edgekit run bearing -p field=cwru:/where/they/are` names another without a change here.
FIELD = "mfpt"
CLASSES = ("normal", "inner", "outer")
NORMAL = "normal"
RATE = 10_000  # Hz: the resonances that carry the fault lie at 2–4.5 kHz
WINDOW = 1024  # samples, 0.1 s: two and a half turns of the shaft, 8 strikes of an outer-race fault
HOP = 512  # samples: half a window overlap
SENSITIVITY = 50 / 32768  # g per count of the device's accelerometer, ±50 g over int16

# What the student hears, how strongly each strike rate is present: (n, WINDOW, 1) -> (n, 1, 40, 1).
features = signal.EnvelopeSpectrum(rate=RATE, window=WINDOW, low=2000, width=256, lines=40)
# What the teacher hears, the raw window, scaled: (n, WINDOW, 1) -> (n, 1, WINDOW, 1).
teacher_input = signal.UnitRms(window=WINDOW)
FEATURE_AXIS = ("strike rate (Hz)", features.frequencies)
FEATURE_LABEL = "√ envelope amplitude (relative)"
WAVE_LABEL = "acceleration (RMS = 1)"
CHANNELS = (("acceleration", "g"),)  # of a window: name and unit
MARKS = {  # Hz: where each world's faults must show
    "lab": datasets.bearing_physics.fault_frequencies(
        simulators.bearings.SOURCE_RIG.geometry, simulators.bearings.SOURCE_RIG.shaft_hz
    ),
    "field": datasets.bearing_sets.fault_lines(FIELD),
}
# Channels: of the teachers that the full profile tries, of the one that it found, of the student, and of
# the two networks that chapter 04 holds against it: a wide one on features, a narrow one on the waveform.
WIDTHS = {"sweep": (2, 4, 8, 16), "teacher": 8, "student": 4, "wide": 64, "narrow": 1}
SWEEP = {"windows": 800, "repeats": 2, "seeds": 3}  # few recordings: folds are drawn twice
FIT = {  # how `learn.fit` trains them
    "quick": {
        "teacher": {"epochs": 8, "copies": 2, "rate": 0.004},
        "student": {"epochs": 8, "copies": 3, "rate": 0.02},
    },
    "full": {
        "teacher": {"epochs": 8, "copies": 2, "rate": 0.004},
        "student": {"epochs": 12, "copies": 3, "rate": 0.02},
    },
}
SEARCH = {  # what `edgekit search` may let the student hear besides `features`
    "features": {
        "20 lines": signal.EnvelopeSpectrum(RATE, WINDOW, low=2000, width=256, lines=20),
        "half the band": signal.EnvelopeSpectrum(RATE, WINDOW, low=2000, width=128, lines=40),
        "a quarter of the band": signal.EnvelopeSpectrum(RATE, WINDOW, 2000, width=64, lines=30),
        "rectified": signal.RectifiedSpectrum(RATE, WINDOW, block=8, lines=40),
        "half the time": signal.Subwindow(
            signal.EnvelopeSpectrum(RATE, WINDOW // 2, low=2000, width=128, lines=24), WINDOW
        ),
    }
}
MESSAGE = Schema(  # what the node sends: a report a day, an alarm at once
    "bearing",
    (
        Field("label", index=True),
        Field("score", 2, steps=1000),  # in thresholds
        Field("temperature_c", 2, steps=100, signed=True),
        Field("battery_v", 2, steps=1000),
        Field("remaining_life_h", 2),
    ),
)
SENDS = {  # a machine has no privacy: windows may go up for whatever reason
    "report": (), "sketch": (), "health": (),
    "segment": ("uncertain", "novel", "random", "alarm", "requested"),
}  # fmt: skip
ALIGN = {  # of chapter 02: another speed stretches the axis of a spectrum
    "speed found": spectra.speed_found,
    "speed found + CORAL": spectra.speed_found_coral,
    "random speeds": spectra.random_speeds,
}
# How its machines learn together in chapter 08: fields of `edgekit.federate.plan.Plan`, where others.
FEDERATE = {"strategy": "FedAvg", "epochs": 2}
# What happens to a sensor in the field. A healthy bearing shakes with 0.36 g (MFPT's baselines): noise of
# 0.1 g is some fifty times what an accelerometer has when it is new; with ten times more nothing can be told
# apart, and the sensor is to be replaced, not the model. Motors of one size differ in speed by a fifth; at
# 30 % an inner ring strikes as often as an outer one did, and no model without the speed can know.
DRIFTS = {
    "sensor aged": partial(signal.drifts.sensor_aged, rate=RATE, noise=0.1, cutoff=1500),
    "mount loosened": partial(signal.drifts.mount_loosened, rate=RATE),
    "another machine": partial(signal.drifts.another_machine, faster=0.2),
}


def choose(target: str) -> None:
    """Take another public rig for the field, as FIELD names them, and mark where its faults must show."""
    global FIELD
    MARKS["field"] = datasets.bearing_sets.fault_lines(target)
    FIELD = target


DOWNLOADS = ("mfpt",)


def recordings(domain: str, profile: str, offline: bool = False, seed: int = 0) -> list:
    """Recordings of the `"lab"` (simulated) or the `"field"` (FIELD's rig, unless offline)."""
    if domain == "lab":
        return simulators.bearings.source(CLASSES, profile=profile, seed=seed)
    if offline:
        return simulators.bearings.target(CLASSES, profile=profile, seed=seed)
    return datasets.bearing_sets.load(FIELD, CLASSES)


def prepare(recording):
    """At RATE, behind a low-pass filter, without the sensor's offset."""
    return data.resample(data.center(recording), RATE)


def windows(recordings, profile: str):
    """Windows that overlap by half; in the quick profile they do not overlap."""
    return data.window(recordings, CLASSES, WINDOW, WINDOW if profile == "quick" else HOP)


def augment(X, rng):
    """A training window as another machine would have sounded. Same shape."""
    return signal.field_noise(X, rng)


def descriptor(X):
    """The features as a table, (n, 40)."""
    return features(X).reshape(len(X), -1).astype("float64")
