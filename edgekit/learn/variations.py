"""The variations that training hears: drawn once for all trainings that start from the same seed."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from edgekit.data.windows import Windows

ROOM = 1 << 29  # bytes that one Variations may keep; what does not fit is drawn again


class Variations:
    """Every window `copies` times in each epoch, shuffled, varied and heard; same seed, same epochs.

    `augment(X, rng)` varies raw samples (n, time, channel), `hear(X)` makes the network's input, and
    `hear.vary(heard, rng)`, where a step has it, varies what no variation of the samples could.
    Ask for the epochs in their order the first time.
    """

    def __init__(self, windows: Windows, hear: Callable, augment, seed: int, copies: int):
        self.windows, self.hear, self.augment = windows, hear, augment
        self.copies = copies if augment else 1
        self.states = [np.random.default_rng(seed).bit_generator.state]  # before each epoch
        self.last, self.room, self.kept = None, 0, {}

    def epoch(self, number: int) -> tuple[np.ndarray, np.ndarray]:
        """Row numbers of `windows` (n,) and the network's inputs (n, …)."""
        return self._once(number, lambda: self._draw(number))

    def told(self, number: int, teller: Callable, who) -> np.ndarray:
        """`teller(X)` of the raw samples of that epoch, (n, k); `who` tells the tellers apart."""
        return self._once((number, who), lambda: (teller(self._raw(number)[1]),))[0]

    def _once(self, key, make: Callable) -> tuple:
        if key in self.kept:
            return self.kept[key]
        made = make()
        size = sum(part.nbytes for part in made)
        if size <= self.room:
            self.room -= size
            self.kept[key] = made
        return made

    def _draw(self, number: int) -> tuple[np.ndarray, np.ndarray]:
        rows, X, rng = self._raw(number)
        heard = self.hear(X)
        if self.augment and hasattr(self.hear, "vary"):
            heard = self.hear.vary(heard, rng)
        if len(self.states) == number + 1:
            self.states.append(rng.bit_generator.state)
        return rows, heard

    def _raw(self, number: int) -> tuple:
        """Row numbers, raw samples, and the generator as it stands after them."""
        if self.last is None or self.last[0] != number:
            rng = np.random.default_rng()
            rng.bit_generator.state = self.states[number]
            rows = rng.permutation(np.tile(np.arange(len(self.windows)), self.copies))
            X = self.windows.X[rows]
            self.last = number, (rows, self.augment(X, rng) if self.augment else X, rng)
        return self.last[1]


class Shelf:
    """Hands the same `Variations` to whoever trains on the same windows from the same seed.

    With networks of a few hundred weights most of an epoch is drawing, so recipes that are tried one after
    the other share a shelf. Results are the same with and without.
    """

    def __init__(self):
        self.drawn = {}

    def of(self, windows: Windows, hear: Callable, augment, seed: int, copies: int) -> Variations:
        """Theirs, kept up to ROOM bytes. It holds the objects, so that no others get their numbers."""
        key = id(windows), id(hear), id(augment), seed, copies
        if key not in self.drawn:
            self.drawn[key] = Variations(windows, hear, augment, seed, copies)
            self.drawn[key].room = ROOM
        return self.drawn[key]
