"""The contract of a use case: the names that its `usecase.py` defines, with their types."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any, TypedDict

import numpy as np

from edgekit.core.errors import did_you_mean
from edgekit.data.recordings import Recording
from edgekit.data.splits import Split
from edgekit.data.windows import Windows
from edgekit.firmware.message import Schema
from edgekit.signal.drifts import Drift
from edgekit.signal.step import Step
from edgekit.telemetry import privacy


class FitOptions(TypedDict, total=False):
    """How a network is trained: what `learn.fit` takes."""

    epochs: int
    copies: int
    batch: int
    rate: float
    balance: float


class UseCase:
    """A use case as stages and notebooks use it: the names below, and whatever else its file defines.

    It is a view of the module, not a copy: what `choose` changes in the file's names is seen at once. Those
    of OPTIONAL need not be in the file. `usecases.load` makes one, and refuses a file that does not keep
    the contract.
    """

    # what is told apart, and what of it means "nothing to report" (or None)
    CLASSES: Sequence[str]
    NORMAL: str | None
    # Hz of what `prepare` returns; physical units a count of an int16 sensor, or None
    RATE: float
    SENSITIVITY: float | None
    # recordings(domain, profile, offline, seed) of "lab" (the source domain) or "field" (the target domain);
    # the `source` of each names its data card
    recordings: Callable[..., Sequence[Recording]]
    # resampled, centred, filtered: ready to be cut
    prepare: Callable[[Recording], Recording]
    # windows(recordings, profile): those that are classified one by one
    windows: Callable[[Sequence[Recording], str], Windows]
    # split(windows, seed), folds(windows, k, seed): whole groups only
    split: Callable[..., Split]
    folds: Callable[..., list[Split]]
    # X (n, time, channel) as another machine, person or day would have given it, drawn from the generator
    augment: Callable[[np.ndarray, np.random.Generator], np.ndarray]
    # input of the student and of the teacher; a table (n, d) for the classical methods of chapter 02
    features: Step
    teacher_input: Step
    descriptor: Callable[[np.ndarray], np.ndarray]
    # (input_shape, classes, width, seed) -> Keras model that ends in logits (n, classes)
    teacher: Callable[..., Any]
    student: Callable[..., Any]
    # how wide they are, how long they are trained, how often and on how much: see bearing/usecase.py
    WIDTHS: dict[str, Any]
    FIT: dict[str, dict[str, FitOptions]]
    SWEEP: dict[str, int]
    # methods of chapter 02 that only this use case knows: name -> function of an adaptation task that
    # returns a training table (X (n, d), y (n,))
    ALIGN: dict[str, Callable[[Any], tuple[np.ndarray, np.ndarray]]]
    # what pictures write on their axes: (label, values), labels, and domain -> {name: position} of marks
    FEATURE_AXIS: tuple[str, Sequence[float]]
    FEATURE_LABEL: str
    WAVE_LABEL: str
    MARKS: dict[str, dict[str, float]]
    # of a window's channels, as `prepare` leaves them: (name, unit) each
    CHANNELS: Sequence[tuple[str, str]]
    # what each channel of the features is, with its unit, where there are several
    FEATURE_CHANNELS: Sequence[str]

    # {"features": {name: step}} that `edgekit search` may put in place of `features`; any list of its space
    SEARCH: dict[str, Any]
    # how the device's messages are laid out, or None
    MESSAGE: Schema | None
    # what its devices may send, and for which reasons a window: kind -> reasons, see `telemetry.privacy`
    SENDS: Mapping[str, Sequence[str]]
    # True where a class is so rare that a chapter which takes some windows should take as many of each
    BY_CLASS: bool
    # what may change for good about a device in the field: name -> function(X as `windows` cuts them,
    # severity 0…1, generator) that returns windows of the same shape; see `edgekit.signal.drifts`
    DRIFTS: dict[str, Drift]
    # what a fleet's device watches, where that is no single group but all of them together ("camera"): the
    # stretches of one video, the beds along one boom
    PLACE: str
    # how its groups learn together (chapter 08): fields of `federate.Plan`, where they differ from its own
    FEDERATE: Mapping[str, Any]
    # what its real recordings are read from, by the names of `edgekit data list`
    DOWNLOADS: Sequence[str]
    # choose(target): take another target domain, as `edgekit run NAME -p field=…` names it, with all that
    # depends on it (MARKS); raises EdgekitError for one that it does not know
    choose: Callable[[str], None] | None

    def __init__(self, name: str, folder: Path, module: ModuleType):
        self.name, self.folder, self.module = name, folder, module

    def __getattr__(self, wanted: str):
        module = self.__dict__.get("module")
        if module is None or wanted.startswith("__"):
            raise AttributeError(wanted)
        if wanted in vars(module):
            return vars(module)[wanted]
        if wanted in OPTIONAL:
            return OPTIONAL[wanted]
        known = [n for n in vars(module) if not n.startswith("_")]
        raise AttributeError(
            f"{self.folder / 'usecase.py'} does not define {wanted}.{did_you_mean(wanted, known)}"
        )

    def __repr__(self) -> str:
        return f"<use case {self.name!r} in {self.folder}>"


OPTIONAL: dict[str, Any] = {
    "CHANNELS": (),
    "FEATURE_CHANNELS": (),
    "SEARCH": {},
    "MESSAGE": None,
    "SENDS": privacy.DEFAULT,
    "BY_CLASS": False,
    "DRIFTS": {},
    "PLACE": "",
    "FEDERATE": {},
    "DOWNLOADS": (),
    "choose": None,
}
NAMES = tuple(n for n in UseCase.__annotations__ if n not in OPTIONAL)
