"""The variations that training is given: drawn once for all trainings that start from the same seed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np

from edgekit.core.atomic import atomic_write
from edgekit.data.windows import Windows

ROOM = 1 << 29  # bytes that one AugmentedEpochs may keep; what does not fit is drawn again
PROBED = 16  # windows by which an augmentation is known


class AugmentedEpochs:
    """Every window `copies` times in each epoch, shuffled, varied and preprocessed; same seed, same epochs.

    `augment(X, rng)` varies raw windows (n, time, channel), `preprocess(X)` makes the network's input, and
    `preprocess.vary(inputs, rng)`, where a step has it, varies what no variation of the samples could.
    Ask for the epochs in their order the first time. `room` bytes are kept, in `folder` if there is one.
    """

    def __init__(
        self,
        windows: Windows,
        preprocess: Callable,
        augment: Callable | None,
        seed: int,
        copies: int,
        room: int = 0,
    ):
        self.windows, self.preprocess, self.augment = windows, preprocess, augment
        self.seed, self.copies, self.room = seed, copies if augment else 1, room
        self.folder: Path | None = None
        self._states = [np.random.default_rng(seed).bit_generator.state]  # before each epoch
        self._last: tuple = (None,)  # the epoch that was drawn last
        self._kept: dict[str, tuple] = {}

    def epoch(self, number: int) -> tuple[np.ndarray, np.ndarray]:
        """Row numbers of `windows` (n,) and the network's inputs (n, …)."""
        rows, inputs, state = self._once(str(number), lambda: self._draw(number))
        if len(self._states) == number + 1:
            self._states.append(json.loads(str(state)))
        return rows, inputs

    def soft_targets(self, number: int, outputs: Callable, teacher: str) -> np.ndarray:
        """`outputs(X)` of the raw windows of that epoch, (n, k); `teacher` is the fingerprint of whose."""
        return self._once(f"{number}-{teacher}", lambda: (outputs(self._raw(number)[1]),))[0]

    @property
    def name(self) -> str:
        """The same in every process that draws the same: a hash of the windows, and of what becomes of the
        first.

        The name of a function says little (every use case calls its own `augment`), so what it does counts.
        """
        text = hashlib.sha256(repr((repr(self.preprocess), self.seed, self.copies)).encode())
        rng = np.random.default_rng(self.seed)
        few = self.windows.X[:PROBED]
        varied = self.augment(few, rng) if self.augment else few
        for part in (self.windows.X, self.windows.y, varied, self._inputs(varied, rng)):
            text.update(np.ascontiguousarray(part).tobytes())
        return text.hexdigest()[:16]

    def _once(self, key: str, draw: Callable) -> tuple:
        if key in self._kept:
            return self._kept[key]
        path = self.folder and self.folder / f"{key}.npz"
        if path and path.is_file():
            with np.load(path) as file:
                return tuple(file[name] for name in file.files)
        arrays = draw()
        size = sum(array.nbytes for array in arrays)
        if size <= self.room:
            self.room -= size
            if path:
                with atomic_write(path) as partial:  # another process may have drawn the same
                    np.savez(partial, *arrays)
            else:
                self._kept[key] = arrays
        return arrays

    def _draw(self, number: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        rows, X, rng = self._raw(number)
        return rows, self._inputs(X, rng), np.array(json.dumps(rng.bit_generator.state))

    def _inputs(self, X, rng) -> np.ndarray:
        inputs = self.preprocess(X)
        vary = getattr(self.preprocess, "vary", None)
        return vary(inputs, rng) if self.augment and vary else inputs

    def _raw(self, number: int) -> tuple:
        """Row numbers, raw samples, and the generator as it stands after them."""
        if self._last[0] != number:
            rng = np.random.default_rng()
            rng.bit_generator.state = self._states[number]
            rows = rng.permutation(np.tile(np.arange(len(self.windows)), self.copies))
            X = self.windows.X[rows]
            self._last = number, (rows, self.augment(X, rng) if self.augment else X, rng)
        return self._last[1]


class AugmentationCache:
    """Hands the same `AugmentedEpochs` to whoever trains on the same windows from the same seed.

    With networks of a few hundred weights most of an epoch is drawing, so recipes that are tried one after
    the other share a cache. In a `folder` it lasts, and other processes share it. Results are the same with
    and without.
    """

    def __init__(self, folder: Path | None = None):
        self._epochs: dict[tuple, AugmentedEpochs] = {}
        self.folder = folder

    def of(
        self,
        windows: Windows,
        preprocess: Callable,
        augment: Callable | None,
        seed: int,
        copies: int,
    ) -> AugmentedEpochs:
        """Their AugmentedEpochs, which keep up to ROOM bytes.

        It holds the objects, so that no others get their numbers.
        """
        key = id(windows), id(preprocess), id(augment), seed, copies
        if key not in self._epochs:
            epochs = AugmentedEpochs(windows, preprocess, augment, seed, copies, ROOM)
            epochs.folder = self.folder and self.folder / epochs.name
            self._epochs[key] = epochs
        return self._epochs[key]
