"""Recipes tried one after the other, each from several seeds, and entered into a ledger."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

from edgekit.core.errors import EdgekitError, did_you_mean
from edgekit.data.windows import Windows
from edgekit.learn.augmentation_cache import AugmentationCache
from edgekit.learn.compression import compress
from edgekit.learn.ledger import Ledger


@dataclass
class Attempts:
    """What every attempt has in common; `how` goes to `compress.compress`.

    `build(input_shape, classes, seed)` makes a fresh student. `seeds`: the first one's file is the ledger's,
    the others show how far its loss is luck. `models[name]` holds a Keras model for each seed: give the
    student's, the attempts add theirs. `recipes[name]`: all steps from nothing, and what else was asked for.
    """

    ledger: Ledger
    windows: Windows
    preprocess: Callable
    build: Callable
    seeds: tuple[int, ...]
    how: dict
    models: dict[str, dict] = field(default_factory=dict)
    recipes: dict[str, tuple] = field(default_factory=dict)
    cache: AugmentationCache = field(default_factory=AugmentationCache, repr=False)

    def __call__(self, name: str, *steps: str, after: str = "", note: str = "", **more) -> None:
        """One recipe from each seed: from nothing, or going on where `after` ended, a name of `models`.

        Prints how it did. Raises EdgekitError for an unknown `after` and for steps that `compress` does not
        know.
        """
        if after and after not in self.models:
            raise EdgekitError(f"no attempt is called {after!r}.{did_you_mean(after, self.models)}")
        tries = {}
        for seed in self.seeds:
            start = self.models[after][seed] if after else None
            how = {**self.how, "seed": seed, "build": partial(self.build, seed=seed), **more}
            given = steps, self.windows, self.preprocess
            tries[seed] = compress(*given, start=start, cache=self.cache, **how)
        files = [t.tflite for t in tries.values()]
        print(self.ledger.add(name, files, "features", tries[self.seeds[0]].seconds, note))
        before, asked = self.recipes.get(after, ((), {}))
        self.models[name] = {seed: t.model for seed, t in tries.items()}
        self.recipes[name] = (*before, *steps), {**asked, **more}
