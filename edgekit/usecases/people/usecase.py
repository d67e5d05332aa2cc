"""Smart vision: is somebody there? On the device, from 96 x 96 grey pixels; no picture leaves it.

The *field* is a real video of a campus, labelled in `labels.json`; the *lab* renders scenes with people
and without. With `offline=True` one rendered place, seen by one camera, stands in for the video.
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from edgekit import data, datasets, signal
from edgekit.data import crops, video
from edgekit.learn.models import image_student as student
from edgekit.learn.models import image_teacher as teacher
from edgekit.simulators import scenes

__all__ = ["student", "teacher"]

CLASSES = ("nobody", "person")
NORMAL = "nobody"
RATE = 1  # Hz: frames a second apart; nobody crosses the picture faster
SIZE = 96  # pixels of a crop, each way; a person is 25 to 80 high
LEAST = 24  # pixels: whoever is smaller is too far to decide on
LABELS = Path(__file__).with_name("labels.json")  # boxes that a person confirmed
SENSITIVITY = None  # grey values, as the camera delivers them

# What the student sees: means of 2 x 2 pixels, (n, 96, 96, 1) -> (n, 48, 48, 1).
features = signal.Pixels(SIZE, SIZE, block=2)
# What the teacher sees: every pixel, (n, 96, 96, 1) -> the same.
teacher_input = signal.Pixels(SIZE, SIZE)
FEATURE_AXIS = ("row (pixels of 2 x 2)", np.arange(features.shape[0]))
FEATURE_LABEL = "brightness (-1 black, 1 white)"
WAVE_LABEL = "brightness (-1 black, 1 white)"
MARKS: dict[str, dict[str, float]] = {}
WIDTHS = {"sweep": (4, 8, 12, 16), "teacher": 12, "student": 8, "wide": 32, "narrow": 2}
SWEEP = {
    "windows": 800,
    "repeats": 1,
    "seeds": 1,
}  # the folds are stretches of time: there is one way to deal them
FIT = {
    "quick": {
        "teacher": {"epochs": 6, "copies": 2, "rate": 0.004},
        "student": {"epochs": 8, "copies": 2, "rate": 0.008},
    },
    "full": {
        "teacher": {"epochs": 20, "copies": 2, "rate": 0.004},
        "student": {"epochs": 30, "copies": 2, "rate": 0.006},
    },
}
SEARCH = {  # what `edgekit search` may let the student see besides `features`
    "features": {"24 x 24": signal.Pixels(SIZE, SIZE, block=4), "96 x 96": teacher_input}
}
SENDS = {  # pictures of people stay on the camera, unless somebody with the right to asks for one
    "report": (), "sketch": (), "health": (), "segment": ("requested",),
}  # fmt: skip
ALIGN: dict[str, Callable] = {}
PLACE = "camera"  # its groups are stretches of one video
# a client has some twenty pictures: small batches, or it hardly moves
FEDERATE = {"epochs": 1, "batch": 8}
DRIFTS = {  # what happens to a camera in the field
    "dusk": signal.drifts.light_lost,
    "out of focus": signal.drifts.out_of_focus,
    "lens dirty": signal.drifts.lens_dirty,
}

# Blocks of 5 s, in the order of time: what is in between is left out, so that nobody who stands still at
# the end of one part is met again at the start of the next.
TRAIN, VAL, TEST = range(7), range(8, 10), range(11, 16)

DOWNLOADS = ("pedestrians",)


def recordings(domain: str, profile: str, offline: bool = False, seed: int = 0) -> list:
    """Frames with boxes: of the `"lab"` (rendered) or the `"field"` (the video, unless offline)."""
    if domain == "lab":
        return scenes.source(profile, seed)
    if offline:
        return scenes.target(profile, seed)
    labels = video.load_boxes(LABELS)
    return datasets.pedestrians.load(datasets.fetch("pedestrians"), labels)


def prepare(recording):
    """As it is: grey, 384 x 288, a frame a second."""
    return recording


def windows(recordings, profile: str):
    """Crops around people, one each, and as many where nobody is; quick: of every second frame,
    full: two of every frame."""
    if profile == "quick":
        return crops.crops(recordings, CLASSES, "nobody", SIZE, 1, LEAST, every=2)
    return crops.crops(recordings, CLASSES, "nobody", SIZE, 2, LEAST)


def split(windows, seed: int = 0):
    """By time: early blocks train, later ones validate, the last ones test. `seed` has no say."""
    return data.split_by_time(windows, {"train": TRAIN, "val": VAL, "test": TEST})


def folds(windows, k: int = 3, seed: int = 0) -> list:
    """`k` stretches of time, each tested once; the blocks next to it are left out of training."""
    return data.folds_by_time(windows, k)


def augment(X, rng):
    """A crop as another moment, another light and another camera would have given it. Same shape."""
    return signal.picture_noise(X, rng)


def descriptor(X):
    """Gradients in 4 x 4 cells, six directions each, and brightness: (n, 112)."""
    return signal.gradients(features(X)[..., 0], cells=4, directions=6)
