"""From the lab to the field: how far apart they are, and what brings them together.

table, distances = measure(lab, field, case)
heard = hear(lab, field, split, case, seed=0)      # what may be heard: no field label, no test window
fitted = {name: fit(heard) for name, fit in methods(case).items()}
choice = choose(fitted, heard)                     # without labels; "lab only" is an answer
table = compare(lab, field, splits, case, seed=0)  # all of it, on held-out groups

Methods work on a use case's `descriptor`, a table (n, d). Those of `adapt_tables` give a logistic
regression other data; those of `adapt_networks` train a small network, and import TensorFlow.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from edgekit.core.errors import EdgekitError
from edgekit.data.windows import Windows
from edgekit.learn import adapt_tables as tables
from edgekit.learn.adapt_choice import BASELINE, Choice, choose, recordings
from edgekit.learn.adapt_scores import Tally
from edgekit.learn.adapt_shift import described, measure
from edgekit.learn.adapt_tables import Table, classifier, confidence_score, coral, mean_std

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "AdaptationTask",
    "Choice",
    "adaptation_task",
    "choose",
    "classifier",
    "compare",
    "coral",
    "draw",
    "grouped_folds",
]
__all__ += ["confidence_score", "mean_std", "measure", "methods"]

CHOSEN, MOST_CONFIDENT = "chosen without labels", "surest windows, never abstains"
REFERENCE = "trained on the field"  # on all labels of what is heard, and no lab: no upper bound
SHOTS = (1, 3, 10)  # labelled field windows per class


# ------------------------------------------------------------------------------------- hearing


@dataclass(frozen=True, repr=False)
class AdaptationTask:
    """All that a method may hear on one split. There is no field label in it.

    `source` labelled Windows with `source_table` (n, d); `target_windows` (m, time, channel) and `target`
    (m, d) the field's windows, `recording` (m,) which recording each is from; `k` classes; `describe` and
    `augment` of the use case.
    """

    source: Windows
    source_table: np.ndarray
    target_windows: np.ndarray
    target: np.ndarray
    recording: np.ndarray
    k: int
    describe: Callable
    augment: Callable
    seed: int

    @property
    def rng(self) -> np.random.Generator:
        """A fresh one: every method draws from the same start, whoever ran before."""
        return np.random.default_rng(self.seed)

    @cached_property
    def network(self):
        """The network trained on the lab alone, which several methods begin with."""
        from edgekit.learn import adapt_networks

        return adapt_networks.source_only(self.source_table, self.source.y, self.k, self.seed)


def adaptation_task(
    source: Windows, target: Windows, split, case, seed: int, tables: tuple | None = None
):
    """What may be heard on a `split` of the field (its train and val): a Heard.

    Lab windows of a group that is tested (the same person on the other wrist) are left out too.
    `tables`: the descriptors of lab and field, if they are known already. Raises EdgekitError for
    values that are not finite, and where nothing is left to learn from.
    """
    if source.classes != target.classes:
        raise EdgekitError(f"lab and field name other classes: {source.classes}, {target.classes}")
    rows = np.concatenate([split.train, split.val])
    kept = np.flatnonzero(~np.isin(source.group, np.unique(target.group[split.test])))
    if not len(rows) or not len(kept):
        raise EdgekitError("nothing to adapt: a split leaves no lab, or no field, to be heard")
    A = described(case, source.X[kept]) if tables is None else tables[0][kept]
    B = described(case, target.X[rows]) if tables is None else tables[1][rows]
    if not (np.isfinite(A).all() and np.isfinite(B).all()):
        raise EdgekitError("features hold NaN; inspect() the recordings and keep() the rest")
    return AdaptationTask(
        source[kept], A, target.X[rows], B, recordings(target)[rows], len(source.classes), case.descriptor,
        case.augment, seed,
    )  # fmt: skip


# ------------------------------------------------------------------------------------- methods


def methods(case, networks: bool = True) -> dict[str, Callable]:
    """Name -> function(Heard) that fits it; what it returns has `.probabilities(X)` and `.told(X, y)`.

    The use case's own among them: `ALIGN`, name -> function(Heard) that returns a training table
    `(X (n, d), y (n,))`. Without the extra `adapt` two rows are missing; with
    `networks=False` three, and TensorFlow is not imported.
    """
    found = {
        BASELINE: lambda h: Table(h.source_table, h.source.y, h.k),
        "mean and spread": lambda h: Table(mean_std(h.source_table, h.target), h.source.y, h.k),
        "CORAL": lambda h: Table(coral(h.source_table, h.target), h.source.y, h.k),
    }
    if not tables.skada_missing():
        found["subspace alignment"] = lambda h: _skada(tables.subspace, h, turned=True)
        found["optimal transport"] = lambda h: _skada(tables.transport, h)
    found["augmentation"] = lambda h: _wider(h, h.augment(h.source.X, h.rng))
    found["noise of the field"] = lambda h: _wider(
        h, tables.measured_noise(h.source.X, h.target_windows, h.rng)
    )
    for name, align in case.ALIGN.items():
        found[name] = lambda h, align=align: Table(*align(h), h.k)
    if networks:
        found["network, lab only"] = lambda h: h.network
        found["AdaBN"] = _adabn
        found["DANN"] = _dann
    return found


def _skada(align: Callable, h: AdaptationTask, turned: bool = False) -> Table:
    X, y, view = align(h.source_table, h.source.y, h.target, h.rng)
    return Table(X, y, h.k, view, turned=turned)


def _wider(h: AdaptationTask, varied: np.ndarray) -> Table:
    both = np.concatenate([h.source_table, h.describe(varied)])
    return Table(both, np.tile(h.source.y, 2), h.k)


def _adabn(h: AdaptationTask):
    from edgekit.learn import adapt_networks

    return adapt_networks.adabn(h.network, h.target)


def _dann(h: AdaptationTask):
    from edgekit.learn import adapt_networks

    return adapt_networks.dann(h.source_table, h.source.y, h.target, h.k, h.seed)


def draw(y: np.ndarray, shots: int, seed: int) -> np.ndarray:
    """Rows of `shots` windows of each class of `y` (n,), fewer where there are fewer, ascending.

    More shots draw the same windows and others.
    """
    rng = np.random.default_rng([seed, 2])
    return np.sort(
        np.concatenate([rng.permutation(np.flatnonzero(y == c))[:shots] for c in np.unique(y)])
    )


# ----------------------------------------------------------------------------------- comparing


def compare(
    source: Windows, target: Windows, splits, case, *, networks: bool = True, seed: int = 0
) -> pd.DataFrame:
    """Every method on every split of the field: fitted without, tested on, its test groups.

    `splits` are Splits of `target`; a method hears `train` and `val` without labels. Columns: method,
    shots (labelled field windows per class: 0, a few, inf), balanced_accuracy, low, high, lift (over the lab
    alone), lift_low, lift_high, gained (share of the gap to the REFERENCE; NaN if there is none), surety
    (mean of `choose`'s), chosen (share of splits; of the lab alone: how often the rule abstained; NaN if it
    could not be), and each class's recall. See `Tally.table` for the intervals; `attrs["why"]` says of each
    split why its method was chosen.
    """
    from edgekit.learn.train import progress

    known = described(case, source.X), described(case, target.X)
    tally = Tally(target.y, target.group, len(target.classes))
    fits, notes = methods(case, networks), []
    for number, split in enumerate(progress(splits, "comparing")):
        task = adaptation_task(source, target, split, case, seed + number, known)
        rows = np.concatenate([split.train, split.val])
        fitted = {name: fit(task) for name, fit in fits.items()}
        choice = choose(fitted, task)
        best = choice.name
        notes.append(choice)
        tally.test(split.test)
        more = {CHOSEN: fitted[best], MOST_CONFIDENT: fitted[choice.most_confident]}
        more |= told(fitted, best, task, target.y[rows])
        for name, model in {**fitted, **more}.items():
            predicted = model.probabilities(known[1][split.test]).argmax(axis=1)
            tally.add(name, split.test, predicted)
    return _finish(tally.table(BASELINE, seed), notes, target.classes)


def told(fitted: dict, best: str, task: AdaptationTask, y: np.ndarray) -> dict:
    """The rows that are given labels: `y` (m,) of the heard field windows, or a few of them each.

    With k windows per class: a classifier on them alone; the network fine-tuned on them; the method
    `best` told them. With the most, also what `validated` takes of `best`, the lab as it is, and no
    lab. Last the REFERENCE, which gets all of `y`: a few recordings may teach less than a lab does.
    """
    rows = {}
    for shots in SHOTS:
        few = draw(y, shots, task.seed)
        X, of = task.target[few], y[few]
        rows[f"{shots} per class alone"] = Table(X, of, task.k)
        if "network, lab only" in fitted:
            rows[f"fine-tuned, {shots} per class"] = fitted["network, lab only"].told(
                X, of, task.seed
            )
        rows[f"chosen + {shots} per class"] = fitted[best].told(X, of, task.seed)
    worth = {name: fitted[name] for name in (BASELINE, best)}
    rows[f"validated + {shots} per class"] = validated(worth, task, few, of)
    rows[REFERENCE] = Table(task.target, y, task.k)
    return rows


def validated(fitted: dict, task: AdaptationTask, few: np.ndarray, y: np.ndarray, folds: int = 3):
    """The table method that makes most of labelled windows, told all of them.

    `few` (j,) are rows of `task.target`, `y` (j,) their labels. Each method, and no lab at all, is told
    a part of them and rated on the rest, by log-likelihood. So the labels decide, too, whether the lab
    is worth anything.
    """
    X, found = task.target[few], {}
    fold_index = np.empty(len(y), int)  # each class dealt evenly
    for c in np.unique(y):
        fold_index[y == c] = np.arange((y == c).sum()) % folds
    methods = {name: model for name, model in fitted.items() if isinstance(model, Table)}
    for name in [*methods, None]:
        rated = []
        for fold in range(folds):
            known, asked = fold_index != fold, fold_index == fold
            if known.any() and asked.any():
                model = _told(methods.get(name), X[known], y[known], task.k)
                predicted = model.probabilities(X[asked])[np.arange(asked.sum()), y[asked]]
                rated.extend(np.log(np.maximum(predicted, 0.01)))
        found[name] = np.mean(rated) if rated else 0.0
    return _told(methods.get(max(found, key=found.get)), X, y, task.k)


def _told(model: Table | None, X, y, k: int) -> Table:
    return Table(X, y, k) if model is None else model.told(X, y)


def grouped_folds(case, target: Windows, seeds) -> list:
    """Folds of whole field groups for `compare`, dealt anew for each seed: three, two if there are few.

    Classes that the field lacks do not matter. Raises EdgekitError where a class has a single group.
    """
    present = np.unique(target.y)
    shown = replace(
        target,
        y=np.searchsorted(present, target.y),
        classes=tuple(target.classes[c] for c in present),
    )
    for k in (3, 2):
        try:
            return [split for seed in seeds for split in case.folds(shown, k, seed)]
        except EdgekitError:
            if k == 2:
                raise


def _finish(table, notes: list, classes) -> pd.DataFrame:
    floor = table.balanced_accuracy.iloc[0]
    gap = table.balanced_accuracy.iloc[-1] - floor
    table.insert(7, "gained", table.lift / (gap if gap > 0 else np.nan))
    first = notes[0].scores
    confidence = {m: np.mean([n.scores[m].confidence_score for n in notes]) for m in first}
    picks = [n.name for n in notes]
    share = {m: picks.count(m) / len(picks) for m in first if first[m].eligible}
    shots = table.method.str.extract(r"(\d+) per class")[0].astype(float).fillna(0)
    table.insert(1, "shots", [*shots[:-1], np.inf])
    table.insert(9, "confidence_score", table.method.map(confidence))
    table.insert(10, "chosen", table.method.map(share))
    table.attrs["why"] = [n.why for n in notes]
    return table.rename(
        columns=lambda c: f"recall {classes[int(c[7:])]}" if c.startswith("recall ") else c
    )
