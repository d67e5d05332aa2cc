"""Fine-tuning for the air: a new int8 `.tflite` that differs from the released one by few bytes.

Weights stay on the grid of the released file, and training itself decides which of them may change: to
throw small changes away afterwards would destroy what was learned.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from edgekit.core.errors import EdgekitError
from edgekit.core.progress import progress
from edgekit.data.windows import Windows
from edgekit.learn import litert
from edgekit.learn.augmentation_cache import AugmentationCache
from edgekit.learn.scores import balanced_accuracy
from edgekit.learn.train import check_windows
from edgekit.learn.update_cost import entropy

FREE, SETTLED = 0.35, 0.70  # shares of the epochs: until then all may change; from then few do
ROOM = 0.97  # of the budget, while training goes on: changes grow
CHECKED = 100  # windows whose outputs are compared with TFLM's at the end


@dataclass(frozen=True)
class Tuned:
    """A fine-tuned file and what its update weighs.

    `bytes` is what `cost` says of it, `share` that over the released file, `changed` the share of integers
    that differ, `accuracy` balanced, on the validation windows (None without), `agreement` the share of int8
    outputs that TFLM and the training's own forward pass have in common. `history` has a dictionary for each
    epoch: loss, bytes, changed, and accuracy if there is validation.
    """

    tflite: bytes
    bytes: int
    share: float
    changed: float
    accuracy: float | None
    agreement: float
    seconds: float
    history: list[dict] = field(repr=False)

    def _repr_html_(self) -> str:
        known = "" if self.accuracy is None else f", {self.accuracy:.3f} on validation"
        return (
            f"<b>{self.bytes:,} bytes</b> of update, {self.share:.1%} of the released file, "
            f"{self.changed:.1%} of the integers changed{known}; {self.seconds:.1f} s"
        )


def finetune(
    base: bytes,
    windows: Windows,
    preprocess: Callable,
    *,
    seed: int,
    budget: float = 0.10,
    biases_only: bool = False,
    cost: Callable | None = None,
    validation: Windows | None = None,
    augment: Callable | None = None,
    epochs: int = 12,
    copies: int = 2,
    draws: int | None = None,
    batch: int = 32,
    rate: float = 1.0,
    balance: float = 1.0,
    cache: AugmentationCache | None = None,
) -> Tuned:
    """The released int8 `.tflite` `base`, trained on; its update takes at most `budget` · len(base) bytes.

    Only integers of weights and biases change, never a scale or a zero point; `biases_only` leaves the
    weights alone. `cost(new)` gives the bytes of an update from `base` to `new`; without it, `entropy`
    guesses. At first everything may change, then less and less: what stays changed is what the loss would
    miss most, by a second-order guess, change² times the gradient's mean square as Adam keeps it (LeCun et
    al., "Optimal Brain Damage", 1990, there for weights). The others return to the released value, and
    training goes on with the rest.

    It takes `epochs`; `rate` is in quantization steps per batch at the start and falls to 0 as a cosine.
    Windows, `preprocess`, `augment`, `copies`, `batch`, `balance` and `cache` as in `train.fit`; after
    `draws` epochs their variations come again, for with a small network most of the time is drawing. With
    `validation`, the epoch that scores best on it among those within the budget is returned (the latest of
    equals), the released file if all are worse; without, the last epoch. Same seed, same bytes. Raises
    EdgekitError for a network that cannot be trained on its grid, for windows that do not fit it, and for a
    budget that not even an unchanged file keeps.
    """
    from edgekit.learn import int8_training, legacy

    start = time.perf_counter()
    legacy.seed_everything(seed)
    network = int8_training.Network(base, biases_only)
    _check(network, windows, preprocess)
    allowed, guess = budget * len(base), entropy(base, network.constants)
    cost = cost or guess
    if not (least := cost(base)) <= allowed:
        raise EdgekitError(
            f"an update that changes nothing takes {least:,} bytes, the budget is {allowed:,.0f}"
        )
    drawn = (cache or AugmentationCache()).of(windows, preprocess, augment, seed, copies)
    steps = epochs * -(-drawn.copies * len(windows) // batch)
    training = int8_training.Training(network, rate, steps)
    weight = _weights(windows, balance)
    validate = _validator(base, network, validation, preprocess)
    keep = _Keep(training, cost, guess)
    best, history, dense = (validate(base), base, least), [], None
    for number in progress(range(epochs), "fine-tuning"):
        rows, inputs = drawn.epoch(number % (draws or epochs))
        y = windows.y[rows]
        loss = training.epoch(litert.int8_inputs(base, inputs), y, weight[y], batch)
        size, done = cost(training.file()), (number + 1) / epochs
        last = number == epochs - 1
        if (done > FREE or last) and math.isfinite(allowed):
            dense = dense or max(size, allowed)
            along = 1.0 if last else min(1.0, (done - FREE) / (SETTLED - FREE))
            target = dense ** (1 - along) * (allowed * (1 if last else ROOM)) ** along
            if size > target:
                size = keep(target)
        new = training.file()
        entry = {"loss": loss, "bytes": size, "changed": network.changed(new)}
        accuracy = validate(new)
        history.append(entry if accuracy is None else entry | {"accuracy": accuracy})
        if size <= allowed and (accuracy is None or accuracy >= best[0]):
            best = accuracy, new, size
    accuracy, new, size = best
    agreement = network.agreement(new, litert.int8_inputs(base, preprocess(windows.X[:CHECKED])))
    seconds = time.perf_counter() - start
    return Tuned(
        new, size, size / len(base), network.changed(new), accuracy, agreement, seconds, history
    )


class _Keep:
    """Takes changes back, the least important first, until the update fits.

    How many fit is found with the guess, which is quick, corrected by what the true cost was last.
    """

    def __init__(self, training, cost: Callable, guess: Callable):
        self.training, self.cost, self.guess, self.ratio = training, cost, guess, 1.0

    def __call__(self, allowed: float) -> int:
        """At most `allowed` bytes of update; returns how many it became."""
        order, target = self.training.order(), allowed * self.ratio
        most = len(order)
        while True:
            most = self._most(order, target, most)
            new = self.training.file(self.training.masks(order[:most]))
            size = self.cost(new)
            if size <= allowed or not most:
                break
            target = min(target, self.guess(new)) * allowed / size - 1
            most -= 1
        self.ratio = max(self.guess(new), 1) / max(size, 1)
        self.training.keep(order[:most])
        return size

    def _most(self, order, target: float, high: int) -> int:
        low = 0
        while high - low > len(order) // 1000:
            middle = (low + high + 1) // 2
            fits = self.guess(self.training.file(self.training.masks(order[:middle]))) <= target
            low, high = (middle, high) if fits else (low, middle - 1)
        return low


def _check(network, windows: Windows, preprocess: Callable) -> None:
    check_windows(windows)
    given, wanted = tuple(preprocess(windows.X[:1]).shape[1:]), network.input_shape
    if given != wanted:
        raise EdgekitError(f"the network takes {list(wanted)}, `preprocess` gives {list(given)}")
    if network.classes != len(windows.classes):
        raise EdgekitError(
            f"the network knows {network.classes} classes, the windows have {len(windows.classes)}"
        )


def _weights(windows: Windows, balance: float) -> np.ndarray:
    """What a window of each class counts, as in `train.fit`; the mean over the windows is 1."""
    counts = np.bincount(windows.y, minlength=len(windows.classes)).astype(np.float64)
    weight = np.zeros(len(counts))
    weight[counts > 0] = counts[counts > 0] ** -float(balance)
    return (weight * len(windows) / (weight * counts).sum()).astype(np.float32)


def _validator(base: bytes, network, validation: Windows | None, preprocess: Callable) -> Callable:
    """new file -> its balanced accuracy on the validation windows, None if there are none."""
    if validation is None:
        return lambda new: None
    x = litert.int8_inputs(base, preprocess(validation.X))
    return lambda new: balanced_accuracy(validation.y, network.logits(new, x).argmax(axis=1))
