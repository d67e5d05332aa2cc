"""Accuracy against update bytes: what each budget buys."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from edgekit.core.errors import EdgekitError
from edgekit.core.html_table import frame_html
from edgekit.data.windows import Windows
from edgekit.learn import litert
from edgekit.learn.augmentation_cache import AugmentationCache
from edgekit.learn.finetuning import finetune
from edgekit.learn.scores import balanced_accuracy
from edgekit.learn.update_cost import entropy

if TYPE_CHECKING:
    import pandas as pd

BUDGETS = (0.02, 0.05, 0.10, 0.20)


class Freedom(StrEnum):
    """What an update may change of the released file; the text names the row without a budget of its own."""

    NOTHING = "released"
    BIASES = "biases only"
    BUDGET = "within a budget"
    GRID = "same grid"  # all weights and biases, no scale
    OTHER = "made in another way"


@dataclass(frozen=True)
class Update:
    """One file of a Frontier: `budget` is a share of the released file's bytes, NaN where there is none.

    `bytes` and `share` of the update, `changed` share of integers (NaN where it was not fine-tuned); balanced
    accuracies, by TFLM: `val_accuracy` (NaN without validation windows), `accuracy` on the test windows.
    """

    variant: str
    freedom: Freedom
    tflite: bytes
    budget: float
    bytes: int
    share: float
    changed: float
    val_accuracy: float
    accuracy: float


@dataclass(frozen=True)
class Frontier:
    """What `frontier` measured: an Update for each way, the released file first."""

    updates: tuple[Update, ...]

    @property
    def table(self) -> pd.DataFrame:
        """A row for each Update, its file left out."""
        import pandas as pd

        return pd.DataFrame([vars(update) for update in self.updates]).drop(columns="tflite")

    def within(self, budget: float) -> Update:
        """The Update that was fine-tuned for this `budget`.

        Raises EdgekitError for one that was not tried.
        """
        tuned = [u for u in self.updates if u.freedom is Freedom.BUDGET]
        for update in tuned:
            if math.isclose(update.budget, budget):
                return update
        tried = ", ".join(f"{u.budget:.0%}" for u in tuned)
        raise EdgekitError(f"no update was made for a budget of {budget:.0%}; there are {tried}")

    def of(self, freedom: Freedom) -> Update:
        """The first Update with this `freedom`. Raises EdgekitError where there is none."""
        for update in self.updates:
            if update.freedom is freedom:
                return update
        raise EdgekitError(f"no update of the kind {freedom.value!r} was made")

    def _repr_html_(self) -> str:
        return frame_html(self.table.drop(columns="freedom"), index=False, number=".4f")


def frontier(
    base: bytes,
    windows: Windows,
    preprocess: Callable,
    *,
    test: Windows,
    cost: Callable | None = None,
    budgets: tuple[float, ...] = BUDGETS,
    others: dict[str, bytes] | None = None,
    **how: Any,
) -> Frontier:
    """Accuracy against update bytes: the released file, its biases only, each of `budgets`, no budget at all.

    `base` is the released int8 `.tflite`, `windows` what it is trained on, by way of `preprocess`. `others`
    are files by name that were made in another way, as by the ordinary `compress`. `cost` as in `finetune`,
    which `how` goes to. Nothing is chosen by `test`. Raises EdgekitError as `finetune` does.
    """
    how = {"cache": AugmentationCache(), **how}
    cost = cost or entropy(base)

    def update(variant, freedom, new, budget=math.nan, changed=math.nan) -> Update:
        size, (val, final) = cost(new), (how.get("validation"), test)
        seen = math.nan if val is None else _accuracy(new, val, preprocess)
        of = _accuracy(new, final, preprocess)
        return Update(variant, freedom, new, budget, size, size / len(base), changed, seen, of)

    def tuned(variant, freedom, share) -> Update:
        biases = freedom is Freedom.BIASES
        budget = math.inf if math.isnan(share) else share
        new = finetune(
            base, windows, preprocess, budget=budget, biases_only=biases, cost=cost, **how
        )
        return update(variant, freedom, new.tflite, share, new.changed)

    return Frontier(
        (
            update(Freedom.NOTHING.value, Freedom.NOTHING, base, changed=0.0),
            tuned(Freedom.BIASES.value, Freedom.BIASES, max(budgets)),
            *(tuned(f"≤ {share:.0%}", Freedom.BUDGET, share) for share in budgets),
            tuned(Freedom.GRID.value, Freedom.GRID, math.nan),
            *(update(name, Freedom.OTHER, new) for name, new in (others or {}).items()),
        )
    )


def _accuracy(tflite: bytes, windows: Windows, preprocess: Callable) -> float:
    outputs = litert.predict(tflite, preprocess(windows.X))[0]
    return balanced_accuracy(windows.y, outputs.argmax(axis=1))
