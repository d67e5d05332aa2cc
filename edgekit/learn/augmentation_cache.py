"""The variations that training hears: drawn once for all trainings that start from the same seed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np

from edgekit.core.atomic import atomic_write
from edgekit.data.windows import Windows

ROOM = 1 << 29  # bytes that one Variations may keep; what does not fit is drawn again
PROBED = 16  # windows by which one augmentation is told from another


class AugmentedEpochs:
    """Every window `copies` times in each epoch, shuffled, varied and heard; same seed, same epochs.

    `augment(X, rng)` varies raw samples (n, time, channel), `preprocess(X)` makes the network's input, and
    `preprocess.vary(inputs, rng)`, where a step has it, varies what no variation of the samples could.
    Ask for the epochs in their order the first time.
    """

    def __init__(self, windows: Windows, preprocess: Callable, augment, seed: int, copies: int):
        self.windows, self.preprocess, self.augment = windows, preprocess, augment
        self.seed, self.copies = seed, copies if augment else 1
        self.states = [np.random.default_rng(seed).bit_generator.state]  # before each epoch
        self.last, self.room, self.kept, self.folder = None, 0, {}, None

    def epoch(self, number: int) -> tuple[np.ndarray, np.ndarray]:
        """Row numbers of `windows` (n,) and the network's inputs (n, …)."""
        rows, inputs, state = self._once(str(number), lambda: self._draw(number))
        if len(self.states) == number + 1:
            self.states.append(json.loads(str(state)))
        return rows, inputs

    def soft_targets(self, number: int, teacher_outputs: Callable, who: str) -> np.ndarray:
        """`teacher_outputs(X)` of the raw samples of that epoch, (n, k); `who` tells the tellers apart."""
        return self._once(f"{number}-{who}", lambda: (teacher_outputs(self._raw(number)[1]),))[0]

    @property
    def name(self) -> str:
        """The same in every process that draws the same: of the samples, and of what becomes of the first.

        Functions tell little of themselves (every use case calls its own `augment`); what they do, they show.
        """
        text = hashlib.sha256(repr((repr(self.preprocess), self.seed, self.copies)).encode())
        rng = np.random.default_rng(self.seed)
        few = self.windows.X[:PROBED]
        varied = self.augment(few, rng) if self.augment else few
        for part in (self.windows.X, self.windows.y, varied, self._inputs(varied, rng)):
            text.update(np.ascontiguousarray(part))
        return text.hexdigest()[:16]

    def _once(self, key: str, make: Callable) -> tuple:
        if key in self.kept:
            return self.kept[key]
        path = self.folder and self.folder / f"{key}.npz"
        if path and path.is_file():
            with np.load(path) as file:
                return tuple(file[name] for name in file.files)
        made = make()
        size = sum(part.nbytes for part in made)
        if size <= self.room:
            self.room -= size
            if path:
                with atomic_write(path) as half:  # another process may have drawn the same
                    np.savez(half, *made)
            else:
                self.kept[key] = made
        return made

    def _draw(self, number: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        rows, X, rng = self._raw(number)
        return rows, self._inputs(X, rng), np.array(json.dumps(rng.bit_generator.state))

    def _inputs(self, X, rng) -> np.ndarray:
        inputs = self.preprocess(X)
        return (
            self.preprocess.vary(inputs, rng)
            if self.augment and hasattr(self.preprocess, "vary")
            else inputs
        )

    def _raw(self, number: int) -> tuple:
        """Row numbers, raw samples, and the generator as it stands after them."""
        if self.last is None or self.last[0] != number:
            rng = np.random.default_rng()
            rng.bit_generator.state = self.states[number]
            rows = rng.permutation(np.tile(np.arange(len(self.windows)), self.copies))
            X = self.windows.X[rows]
            self.last = number, (rows, self.augment(X, rng) if self.augment else X, rng)
        return self.last[1]


class AugmentationCache:
    """Hands the same `AugmentedEpochs` to whoever trains on the same windows from the same seed.

    With networks of a few hundred weights most of an epoch is drawing, so recipes that are tried one after
    the other share a shelf. In a `folder` it lasts, and other processes share it. Results are the same with
    and without.
    """

    def __init__(self, folder: Path | None = None):
        self.drawn, self.folder = {}, folder

    def of(
        self, windows: Windows, preprocess: Callable, augment, seed: int, copies: int
    ) -> AugmentedEpochs:
        """Theirs, kept up to ROOM bytes. It holds the objects, so that no others get their numbers."""
        key = id(windows), id(preprocess), id(augment), seed, copies
        if key not in self.drawn:
            made = self.drawn[key] = AugmentedEpochs(windows, preprocess, augment, seed, copies)
            made.room, made.folder = ROOM, self.folder and self.folder / made.name
        return self.drawn[key]
