"""Recipes tried one after the other, each from several seeds, and entered into a ledger."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

from edgekit.data.windows import Windows
from edgekit.learn.compress import make
from edgekit.learn.ledger import Ledger


@dataclass
class Attempts:
    """What every attempt has in common; `how` goes to `compress.make`.

    `build(input_shape, classes, seed)` makes a fresh student. `seeds`: the first one's file is the ledger's,
    the others tell how far its loss is luck. After an attempt, `models[name]` holds the Keras model of each
    seed, and `recipes[name]` the steps and whatever else was asked for.
    """

    ledger: Ledger
    windows: Windows
    hear: Callable
    build: Callable
    seeds: tuple[int, ...]
    how: dict
    models: dict[str, dict] = field(default_factory=dict)
    recipes: dict[str, tuple] = field(default_factory=dict)

    def __call__(self, name: str, *steps: str, starts=None, note: str = "", **more) -> None:
        """One recipe from each seed, starting at the networks of `starts` (by seed), or from nothing.

        Prints how it did. Raises EdgekitError for steps that `make` does not know.
        """
        tries = {}
        for seed in self.seeds:
            how = {**self.how, "seed": seed, "build": partial(self.build, seed=seed), **more}
            start = starts[seed] if starts else None
            tries[seed] = make(steps, self.windows, self.hear, start=start, **how)
        files = [t.tflite for t in tries.values()]
        print(self.ledger.add(name, files, "features", tries[self.seeds[0]].seconds, note))
        self.models[name] = {seed: t.model for seed, t in tries.items()}
        self.recipes[name] = steps, more
