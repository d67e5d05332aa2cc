"""Crops and weeds: what grows here, soil, a crop or a weed? On the device, from 96 x 96 grey pixels.

Both worlds are rendered: the *lab* is a greenhouse, the *field* loam in the sun, seen from a boom. What
differs from the use case `people` is in this file: the pictures, the classes, and that beds are dealt
to parts at random, because they have no order in time.
"""

from collections.abc import Callable

import numpy as np

from edgekit import signal
from edgekit.data import by_group as split
from edgekit.data import crops
from edgekit.data import folds_by_group as folds
from edgekit.learn.models import image_student as student
from edgekit.learn.models import image_teacher as teacher
from edgekit.simulators import plants

__all__ = ["folds", "split", "student", "teacher"]

CLASSES = ("soil", "crop", "weed")
NORMAL = "soil"
RATE = 1  # Hz: pictures along the row
SIZE = 96  # pixels of a crop, each way
LEAST = 20  # pixels: a plant that is smaller is not asked for
SENSITIVITY = None  # grey values, as the camera delivers them

# What the student sees: means of 2 x 2 pixels, (n, 96, 96, 1) -> (n, 48, 48, 1).
features = signal.Pixels(SIZE, SIZE, block=2)
# What the teacher sees: every pixel, (n, 96, 96, 1) -> the same.
teacher_input = signal.Pixels(SIZE, SIZE)
FEATURE_AXIS = ("row (pixels of 2 x 2)", np.arange(features.shape[0]))
FEATURE_LABEL = "brightness (-1 black, 1 white)"
WAVE_LABEL = "brightness (-1 black, 1 white)"
MARKS: dict[str, dict[str, float]] = {}
WIDTHS = {"sweep": (4, 8, 12, 16), "teacher": 8, "student": 8, "wide": 32, "narrow": 2}
SWEEP = {"windows": 800, "repeats": 1, "seeds": 1}
FIT = {
    "quick": {
        "teacher": {"epochs": 12, "copies": 2, "rate": 0.004},
        "student": {"epochs": 20, "copies": 2, "rate": 0.008},
    },
    "full": {
        "teacher": {"epochs": 20, "copies": 2, "rate": 0.004},
        "student": {"epochs": 30, "copies": 2, "rate": 0.006},
    },
}
SEARCH = {  # what `edgekit search` may let the student see besides `features`
    "features": {"24 x 24": signal.Pixels(SIZE, SIZE, block=4), "96 x 96": teacher_input}
}
SENDS = {  # plants have no privacy
    "report": (), "sketch": (), "health": (),
    "segment": ("uncertain", "novel", "random", "alarm", "requested"),
}  # fmt: skip
ALIGN: dict[str, Callable] = {}
PLACE = "field"  # its groups are beds, and a boom passes all of them
# a client has some twenty pictures: small batches, or it hardly moves
FEDERATE = {"epochs": 1, "batch": 8}
DRIFTS = {  # what happens to a camera in the field
    "dusk": signal.drifts.light_lost,
    "out of focus": signal.drifts.out_of_focus,
    "lens dirty": signal.drifts.lens_dirty,
}


def recordings(domain: str, profile: str, offline: bool = False, seed: int = 0) -> list:
    """Rendered beds of the `"lab"` or the `"field"`; there is nothing to download."""
    return plants.recordings(domain, profile, seed)


def prepare(recording):
    """As it is: grey, 384 x 288, a picture a second."""
    return recording


def windows(recordings, profile: str):
    """Crops around plants of one kind, and as many of bare soil."""
    return crops.crops(recordings, CLASSES, "soil", SIZE, 1, LEAST, alone=True)


def augment(X, rng):
    """A crop as another light and another camera would have given it, turned by quarters. Same shape."""
    X = signal.picture_noise(X, rng, zoom=0.25)
    quarters = rng.integers(0, 4, len(X))
    return np.stack([np.rot90(x, k) for x, k in zip(X, quarters, strict=True)])


def descriptor(X):
    """Gradients in 4 x 4 cells, six directions each, and brightness: (n, 112)."""
    return signal.gradients(features(X)[..., 0], cells=4, directions=6)
