"""The week's training: the released file's integers, on new labels and on the old training set."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from edgekit import usecases
from edgekit.core.errors import EdgekitError
from edgekit.data import Windows, concat
from edgekit.fleet.device_tier import Site
from edgekit.packages import delta


@dataclass(frozen=True)
class Recipe:
    """How a candidate is trained. share: of the released file's bytes that its update may take; inf: as it
    comes.

    replay: windows of the old training set, without which the old world would be forgotten. labelled: how
    many the new ones count as, together, in units of the old. copies: of each window, by the use case's own
    `augment`; draws: epochs with variations of their own.
    """

    share: float = 0.25
    replay: int = 400
    labelled: float = 1.0
    epochs: int = 60
    rate: float = 1.5
    copies: int = 3
    draws: int = 12


RECIPES = {"quick": Recipe(epochs=12, copies=1), "full": Recipe()}  # by profile


def training_set(old: Windows, labelled: Windows, recipe: Recipe, seed: int) -> Windows:
    """`recipe.replay` windows of `old`, as many of each class as there are, and the `labelled` ones repeated.

    Raises EdgekitError where nothing was labelled.
    """
    if not len(labelled):
        raise EdgekitError("nothing was labelled: there is nothing new to train on")
    rng = np.random.default_rng([seed, 0x5E7])
    present = np.unique(old.y)
    each = -(-recipe.replay // len(present))
    rows = np.concatenate([rng.permutation(np.flatnonzero(old.y == c))[:each] for c in present])
    wanted = round(recipe.labelled * len(rows))
    times = np.tile(np.arange(len(labelled)), -(-wanted // len(labelled)))[
        : max(wanted, len(labelled))
    ]
    return concat([old[np.sort(rows)], labelled[times]])


def candidate(
    site: Site, released: bytes, labelled: Windows, recipe: Recipe, seed: int
) -> dict[str, Any]:
    """A new `tflite` for the devices' program, `bytes` of its update, `seconds`. Loads TensorFlow: in a
    process of its own (`trainer`), or a worker's.

    Raises EdgekitError for windows that nothing can be trained on.
    """
    from edgekit.learn.finetuning import finetune

    case = usecases.load(site.spec.use_case, site.spec.folder)
    preprocess = usecases.preprocessors(case)[site.step]
    old = Windows.load(site.world / "train.npz")
    windows = training_set(old, labelled, recipe, seed)
    cost = partial(_update_bytes, released)
    tuned = finetune(
        released, windows, preprocess, seed=seed, budget=recipe.share, cost=cost,
        epochs=recipe.epochs, rate=recipe.rate, copies=recipe.copies, draws=recipe.draws,
        augment=case.augment,
    )  # fmt: skip
    return {"tflite": tuned.tflite, "bytes": tuned.bytes, "seconds": tuned.seconds}


def _update_bytes(released: bytes, new: bytes) -> int:
    return len(delta.encode(new, released))


def first_release(site: Site, seed: int) -> bytes:
    """An int8 `.tflite` by the use case's own recipe, of `train.npz`: its student, quantized."""
    from edgekit import learn

    spec = site.spec
    case = usecases.load(spec.use_case, spec.folder)
    windows = Windows.load(site.world / "train.npz")
    if hasattr(case, "training_rows"):
        windows = windows[case.training_rows(windows)]
    build = partial(case.student, width=case.WIDTHS["student"], seed=seed)
    how: dict[str, Any] = dict(case.FIT[spec.profile]["student"])
    made = learn.compress(
        (), windows, case.features, build=build, seed=seed, augment=case.augment, **how
    )
    return learn.strip_metadata(made.tflite)
