"""A complete use case in one file, of tones that were never recorded: what tests take apart and add."""

from pathlib import Path

USECASE = '''"""Which of two tones is it? The field's microphone is noisier than the lab's."""

import numpy as np

from edgekit import data, signal
from edgekit.data import by_group as split
from edgekit.data import folds_by_group as folds
from edgekit.learn.models import teacher
from edgekit.learn.small_models import perceptron as student

__all__ = ["folds", "split", "student", "teacher"]

CLASSES = ("low", "high")
NORMAL = None
RATE = 100
WINDOW = 64
SENSITIVITY = 2 / 32768
features = signal.Moments(window=WINDOW, channels=1)
teacher_input = signal.InRange(WINDOW, offset=(0.0,), span=(2.0,))
FEATURE_AXIS = ("mean, lowest, highest, power", range(4))
FEATURE_LABEL = "level"
WAVE_LABEL = "sound (2 = full scale)"
MARKS = {}
WIDTHS = {"sweep": (2, 4), "teacher": 4, "student": 4, "wide": 8, "narrow": 1}
SWEEP = {"windows": 100, "repeats": 1, "seeds": 1}
FIT = {
    profile: {who: {"epochs": 2, "copies": 1, "rate": 0.01} for who in ("teacher", "student")}
    for profile in ("quick", "full")
}
ALIGN = {}
NOISE = {"lab": 0.05, "field": 0.2}


def recordings(domain, profile, offline=False, seed=0):
    made = []
    for label, hertz in zip(CLASSES, (5, 20), strict=True):
        for i in range(6):
            rng = np.random.default_rng([seed, i, hertz, len(domain)])
            x = np.sin(2 * np.pi * hertz * np.arange(300) / RATE + rng.uniform(0, 6))
            x += NOISE[domain] * rng.normal(size=300)
            name = f"{domain}-{label}-{i}"
            made.append(data.Recording(name, x, RATE, label, name, domain, source="tones", simulated=True))
    return made


def prepare(recording):
    return recording


def windows(recordings, profile):
    return data.window(recordings, CLASSES, WINDOW, WINDOW)


def augment(X, rng):
    return (X + rng.normal(0, 0.05, X.shape)).astype(np.float32)


def descriptor(X):
    return features(X).reshape(len(X), -1)
'''
DESIGN = """
[use_case]
name = "tones"
title = "Tones"
question = "Which tone is it?"
[budget]
flash_bytes = 65536
[hardware]
board = "stm32u5"
battery = "er14505"
link = "lorawan-eu868-dr3"
[duty]
inferences_per_hour = 6
"""
CARD = (
    "\n".join(
        f'{name} = "made for a test"'
        for name in "title what who licence domain channels units collection splits intended_use".split()  # noqa: SIM905
    )
    + '\nlabels = ["low", "high"]\nrate_hz = 100\nflaws = ["It was never recorded."]\n'
)


def add(root: Path, text: str = USECASE) -> Path:
    """The project `root` with the use case `tones` in it; the path of its file."""
    folder = root / "usecases" / "tones"
    folder.mkdir(parents=True)
    (folder / "design.toml").write_text(DESIGN)
    (root / "data").mkdir(exist_ok=True)
    (root / "data" / "tones.toml").write_text(CARD)
    (folder / "usecase.py").write_text(text)
    return folder / "usecase.py"
