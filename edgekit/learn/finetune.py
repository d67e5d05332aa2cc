"""Fine-tuning for the air: a new int8 `.tflite` that differs from the released one by few bytes.

Weights stay on the grid of the released file, and training itself is told which of them may change: to
throw small changes away afterwards would destroy what was learned.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from edgekit.core.errors import EdgekitError
from edgekit.data.windows import Windows
from edgekit.learn import litert
from edgekit.learn.augmentation_cache import AugmentationCache
from edgekit.learn.train import progress, score

if TYPE_CHECKING:
    import pandas as pd

FREE, SETTLED = 0.35, 0.70  # shares of the epochs: until then all may change; from then few do
ROOM = 0.97  # of the budget, while training goes on: changes grow
CHECKED = 100  # windows whose answers are compared with TFLM's at the end
BUDGETS = (0.02, 0.05, 0.10, 0.20)


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
    batch: int = 32,
    rate: float = 1.0,
    balance: float = 1.0,
    augmentation_cache: AugmentationCache | None = None,
) -> Tuned:
    """The released int8 `.tflite` `base`, trained on; its update takes at most `budget` · len(base) bytes.

    Only integers of weights and biases change, never a scale or a zero point; `biases_only` leaves the
    weights alone. `cost(new)` tells the bytes of an update from `base` to `new`; without it, `entropy`
    guesses. At first everything may change, then less and less: what stays changed is what the loss would
    miss most, by a second-order guess, change² times the gradient's mean square as Adam keeps it (LeCun et
    al., "Optimal Brain Damage", 1990, there for weights). The others return to the released value, and
    training goes on with the rest.

    `rate` is in quantization steps per batch at the start and falls to 0 as a cosine. Windows, `preprocess`,
    `augment`, `copies`, `batch`, `balance` and `augmentation_cache` as in `train.fit`. With `validation`,
    the epoch that
    scores best on it among those within the budget is returned (the latest of equals), the released file
    if all are worse; without, the last epoch. Same seed, same bytes.
    Raises EdgekitError for a network that cannot be trained on its grid, for windows that do not fit it,
    and for a budget that not even an unchanged file keeps.
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
    drawn = (augmentation_cache or AugmentationCache()).of(
        windows, preprocess, augment, seed, copies
    )
    steps = epochs * -(-drawn.copies * len(windows) // batch)
    training = int8_training.Training(network, rate, steps)
    weight = _weights(windows, balance)
    validate = _validator(base, network, validation, preprocess)
    keep = _Keep(training, cost, guess)
    best, history, dense = (validate(base), base, least), [], None
    for number in progress(range(epochs), "fine-tuning"):
        rows, inputs = drawn.epoch(number)
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
    facts = network.changed(new), accuracy, agreement, time.perf_counter() - start
    return Tuned(new, size, size / len(base), *facts, history)


def frontier(
    base: bytes,
    windows: Windows,
    preprocess: Callable,
    *,
    test: Windows,
    cost: Callable | None = None,
    budgets: tuple[float, ...] = BUDGETS,
    others: dict[str, bytes] | None = None,
    **how,
) -> pd.DataFrame:
    """Accuracy against update bytes: the released file, its biases only, each of `budgets`, no budget at all.

    `others` are files by name that were made in another way, as by the ordinary `compress.make`. Columns:
    variant, budget (share, NaN where there is none), bytes and share of the update, changed (share of
    integers, NaN for `others`), val_accuracy (NaN without `validation`), accuracy (balanced, of `test`, by
    TFLM). `attrs["files"]` holds the files by variant. `how` goes to `finetune`. Nothing is chosen by `test`.
    """
    import pandas as pd

    how = {"augmentation_cache": AugmentationCache(), **how}
    validation = how.get("validation")
    cost = cost or entropy(base)
    rows, files = [], {}

    def row(variant, budget, new, changed=math.nan):
        size = cost(new)
        seen = [
            math.nan if some is None else _accuracy(new, some, preprocess)
            for some in (validation, test)
        ]
        rows.append((variant, budget, size, size / len(base), changed, *seen))
        files[variant] = new

    row("released", math.nan, base, 0.0)
    runs = [("biases only", max(budgets), True)]
    runs += [(f"≤ {share:.0%}", share, False) for share in budgets]
    runs += [("same grid", math.inf, False)]
    for variant, budget, biases_only in runs:
        made = finetune(
            base, windows, preprocess, budget=budget, biases_only=biases_only, cost=cost, **how
        )
        row(variant, budget if math.isfinite(budget) else math.nan, made.tflite, made.changed)
    for variant, new in (others or {}).items():
        row(variant, math.nan, new)
    columns = ["variant", "budget", "bytes", "share", "changed", "val_accuracy", "accuracy"]
    table = pd.DataFrame(rows, columns=columns)
    table.attrs["files"] = files
    return table


def entropy(base: bytes, constants=None) -> Callable:
    """A guess of `cost`, in bytes: adaptive codes of order 0 for the changes of each tensor by itself.

    Whether a value changed, the length of the change's magnitude and its sign are coded by what was counted
    so far (Krichevsky and Trofimov, 1981, but with Laplace's counts), the bits below as they are. Anything
    else that differs counts in full.
    """
    if constants is None:
        from edgekit.learn import int8_training

        constants = int8_training.Network(base).constants

    def cost(new: bytes) -> int:
        if len(new) != len(base):
            return len(new)
        bits, rest = 0.0, np.frombuffer(new, np.uint8) != np.frombuffer(base, np.uint8)
        for c in constants:
            change = np.abs(c.read(new).astype(np.int64) - c.base)
            lengths = np.bincount(
                np.frexp(change)[1]
            )  # 0 for no change, 1 for ±1, 2 for ±2 and ±3, …
            bits += _adaptive(lengths) + (lengths[1:] * np.arange(1, len(lengths))).sum()
            rest[c.offset : c.offset + c.base.nbytes] = False
        return math.ceil(bits / 8 + rest.sum())

    return cost


def _adaptive(counts: np.ndarray) -> float:
    """Bits of symbols that came so often, coded one by one by how often each came before (plus one)."""
    ways = math.lgamma(counts.sum() + len(counts)) - math.lgamma(len(counts))
    return (ways - sum(math.lgamma(n + 1) for n in counts)) / math.log(2)


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
    if len(np.unique(windows.y)) < 2:
        raise EdgekitError("fine-tuning needs windows of two classes or more")
    if not np.isfinite(windows.X).all():
        raise EdgekitError(
            "training windows hold NaN; inspect() the recordings and keep() the rest"
        )
    given, wanted = tuple(preprocess(windows.X[:1]).shape[1:]), network.given
    if given != wanted:
        raise EdgekitError(f"the network takes {list(wanted)}, `hear` makes {list(given)}")
    if network.answers != len(windows.classes):
        raise EdgekitError(
            f"the network knows {network.answers} classes, the windows have {len(windows.classes)}"
        )


def _weights(windows: Windows, balance: float) -> np.ndarray:
    """What a window of each class counts, as in `train.fit`; the mean over the windows is 1."""
    counts = np.bincount(windows.y, minlength=len(windows.classes)).astype(np.float64)
    weight = np.zeros(len(counts))
    weight[counts > 0] = counts[counts > 0] ** -float(balance)
    return (weight * len(windows) / (weight * counts).sum()).astype(np.float32)


def _validator(base: bytes, network, validation: Windows | None, preprocess: Callable) -> Callable:
    """Tells the balanced accuracy of a file on the validation windows, None if there are none."""
    if validation is None:
        return lambda new: None
    x = litert.int8_inputs(base, preprocess(validation.X))
    return lambda new: _balanced(validation, network.logits(new, x))


def _accuracy(tflite: bytes, windows: Windows, preprocess: Callable) -> float:
    return _balanced(windows, litert.predict(tflite, preprocess(windows.X))[0])


def _balanced(windows: Windows, logits: np.ndarray) -> float:
    predicted = logits.argmax(axis=1)
    return score(windows.y, predicted, windows.classes, draws=1).balanced_accuracy
