"""From the lab to the field: how far apart they are, and what brings them together.

table, distances = measure(lab, field, case)
heard = hear(lab, field, split, case, seed=0)      # what may be heard: no field label, no test window
fitted = {name: fit(heard) for name, fit in methods(case).items()}
name, sure = choose(fitted, heard.field)           # without labels
table = compare(lab, field, splits, case, seed=0)  # all of it, on held-out groups

Methods work on a use case's `descriptor`, a table (n, d). Those of `adapt_tables` give a logistic
regression other data; those of `adapt_networks` train a small network, and import TensorFlow.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from edgekit.data.windows import Windows
from edgekit.errors import EdgekitError
from edgekit.learn import adapt_tables as tables
from edgekit.learn.adapt_scores import Tally
from edgekit.learn.adapt_tables import Table, classifier, coral, mean_std, surety

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Heard", "choose", "classifier", "compare", "coral", "deal", "draw", "hear", "mean_std"]
__all__ += ["measure", "methods", "surety"]

BASELINE, ORACLE, CHOSEN = "lab only", "field labels (oracle)", "chosen without labels"
SHOTS = (1, 3, 10)  # labelled field windows per class


# ----------------------------------------------------------------------------------- measuring


def measure(lab: Windows, field: Windows, case, seed: int = 0):
    """How far two worlds are apart: `(DataFrame, distances (d,))`.

    `distances` are Wasserstein's, feature by feature, in standard deviations of the field. The table
    adds: how well a classifier tells the worlds apart (area under the ROC curve, recordings held out;
    0.5 is not at all, 1 always), how far their mixes of classes are apart (total variation; reads
    field labels), and what the lab's classifier scores on lab and field groups that it has not heard.
    """
    import pandas as pd
    from scipy.stats import wasserstein_distance
    from sklearn.metrics import roc_auc_score

    A, B = _table(case, lab.X), _table(case, field.X)
    spread = np.maximum(B.std(axis=0), 1e-9)
    far = np.array([wasserstein_distance(a, b) for a, b in zip(A.T, B.T, strict=True)]) / spread
    of = np.repeat([0, 1], [len(A), len(B)])
    both, group = np.concatenate([A, B]), np.concatenate([lab.group, field.group])
    odds = _held_out(both, of, group, seed)[:, 1]
    y = np.concatenate([lab.y, field.y])
    said = _held_out(both, y, group, seed, of == 0).argmax(axis=1)
    at_home, abroad = (_balanced(y[of == world], said[of == world]) for world in (0, 1))
    mix = [np.bincount(w.y, minlength=len(w.classes)) / len(w) for w in (lab, field)]
    rows = [
        ("distance, mean feature", far.mean(), "field sd", 0.0),
        ("distance, worst feature", far.max(), "field sd", 0.0),
        ("domain classifier", roc_auc_score(of, odds), "AUC", 0.5),
        ("mix of classes", np.abs(mix[0] - mix[1]).sum() / 2, "share of windows", 0.0),
        ("lab classifier, in the lab", at_home, "balanced accuracy", np.nan),
        ("lab classifier, in the field", abroad, "balanced accuracy", at_home),
    ]
    return pd.DataFrame(rows, columns=["measure", "value", "unit", "no shift"]), far


def _held_out(X, y, group, seed, learn=None) -> np.ndarray:
    """(n, classes) probabilities of a classifier that has not heard the row's group.

    It learns from the rows where `learn` (n,) is true, by default from all.
    """
    from sklearn.model_selection import StratifiedGroupKFold

    k, folds = int(y.max()) + 1, min(3, len(np.unique(group)))
    learn = np.ones(len(y), bool) if learn is None else learn
    said = np.full((len(y), k), 1 / k)
    if folds < 2:
        raise EdgekitError("the two worlds share a single group, so nothing can be held out")
    deal = StratifiedGroupKFold(folds, shuffle=True, random_state=seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a class with fewer windows than folds is no news
        for train, test in deal.split(X, y, group):
            train = train[learn[train]]
            if len(train):
                said[test] = Table(X[train], y[train], k).probabilities(X[test])
    return said


def _balanced(y, said) -> float:
    return float(np.mean([(said[y == c] == c).mean() for c in np.unique(y)]))


# ------------------------------------------------------------------------------------- hearing


@dataclass(frozen=True, repr=False)
class Heard:
    """All that a method may hear on one split. There is no field label in it.

    `lab` labelled Windows with `lab_table` (n, d); `field_raw` (m, time, channel) and `field` (m, d)
    the field's windows; `k` classes; `describe` and `augment` of the use case.
    """

    lab: Windows
    lab_table: np.ndarray
    field_raw: np.ndarray
    field: np.ndarray
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

        return adapt_networks.lab_only(self.lab_table, self.lab.y, self.k, self.seed)


def hear(lab: Windows, field: Windows, split, case, seed: int, tables: tuple | None = None):
    """What may be heard on a `split` of the field (its train and val): a Heard.

    Lab windows of a group that is tested (the same person on the other wrist) are left out too.
    `tables`: the descriptors of lab and field, if they are known already. Raises EdgekitError for
    values that are not finite, and where nothing is left to learn from.
    """
    if lab.classes != field.classes:
        raise EdgekitError(f"lab and field name other classes: {lab.classes}, {field.classes}")
    rows = np.concatenate([split.train, split.val])
    kept = np.flatnonzero(~np.isin(lab.group, np.unique(field.group[split.test])))
    if not len(rows) or not len(kept):
        raise EdgekitError("nothing to adapt: a split leaves no lab, or no field, to be heard")
    A = _table(case, lab.X[kept]) if tables is None else tables[0][kept]
    B = _table(case, field.X[rows]) if tables is None else tables[1][rows]
    if not (np.isfinite(A).all() and np.isfinite(B).all()):
        raise EdgekitError("features hold NaN; inspect() the recordings and keep() the rest")
    return Heard(
        lab[kept], A, field.X[rows], B, len(lab.classes), case.descriptor, case.augment, seed
    )


def _table(case, X) -> np.ndarray:
    table = np.asarray(case.descriptor(X), np.float64)
    if table.ndim != 2 or len(table) != len(X):
        raise EdgekitError(
            f"descriptor(X) must give (n, d) for {len(X)} windows, not {table.shape}"
        )
    return table


# ------------------------------------------------------------------------------------- methods


def methods(case, networks: bool = True) -> dict[str, Callable]:
    """Name -> function(Heard) that fits it; what it returns has `.probabilities(X)` and `.told(X, y)`.

    The use case's own among them: `ALIGN`, name -> function(Heard) that returns a training table
    `(X (n, d), y (n,))`. Without the extra `adapt` two rows are missing; with
    `networks=False` three, and TensorFlow is not imported.
    """
    found = {
        BASELINE: lambda h: Table(h.lab_table, h.lab.y, h.k),
        "mean and spread": lambda h: Table(mean_std(h.lab_table, h.field), h.lab.y, h.k),
        "CORAL": lambda h: Table(coral(h.lab_table, h.field), h.lab.y, h.k),
    }
    if not tables.skada_missing():
        found["subspace alignment"] = lambda h: _skada(tables.subspace, h)
        found["optimal transport"] = lambda h: _skada(tables.transport, h)
    found["augmentation"] = lambda h: _wider(h, h.augment(h.lab.X, h.rng))
    found["noise of the field"] = lambda h: _wider(
        h, tables.measured_noise(h.lab.X, h.field_raw, h.rng)
    )
    for name, align in case.ALIGN.items():
        found[name] = lambda h, align=align: Table(*align(h), h.k)
    if networks:
        found["network, lab only"] = lambda h: h.network
        found["AdaBN"] = _adabn
        found["DANN"] = _dann
    return found


def _skada(align: Callable, h: Heard) -> Table:
    X, y, view = align(h.lab_table, h.lab.y, h.field, h.rng)
    return Table(X, y, h.k, view)


def _wider(h: Heard, varied: np.ndarray) -> Table:
    both = np.concatenate([h.lab_table, h.describe(varied)])
    return Table(both, np.tile(h.lab.y, 2), h.k)


def _adabn(h: Heard):
    from edgekit.learn import adapt_networks

    return adapt_networks.adabn(h.network, h.field)


def _dann(h: Heard):
    from edgekit.learn import adapt_networks

    return adapt_networks.dann(h.lab_table, h.lab.y, h.field, h.k, h.seed)


def choose(fitted: dict, field: np.ndarray) -> tuple[str, dict[str, float]]:
    """Which of the fitted methods to trust in a field (m, d) without labels: `(name, surety of each)`.

    The one that is surest, see `surety`. It cannot notice classes that changed places.
    """
    sure = {name: surety(model.probabilities(field)) for name, model in fitted.items()}
    return max(sure, key=sure.get), sure


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
    lab: Windows, field: Windows, splits, case, *, networks: bool = True, seed: int = 0
) -> pd.DataFrame:
    """Every method on every split of the field: fitted without, tested on, its test groups.

    `splits` are Splits of `field`; a method hears `train` and `val` without labels. Columns: method,
    shots (labelled field windows per class: 0, a few, inf), balanced_accuracy, low, high, lift (over the lab
    alone), lift_low, lift_high, gained (share of the gap to the oracle; NaN if there is none), surety
    (mean of `choose`'s), chosen (share of splits), and each class's recall. See `Tally.table` for the
    intervals.
    """
    from edgekit.learn.train import progress

    known = _table(case, lab.X), _table(case, field.X)
    tally = Tally(field.y, field.group, len(field.classes))
    fits, notes = methods(case, networks), []
    for number, split in enumerate(progress(splits, "comparing")):
        heard = hear(lab, field, split, case, seed + number, known)
        rows = np.concatenate([split.train, split.val])
        fitted = {name: fit(heard) for name, fit in fits.items()}
        best, sure = choose(fitted, heard.field)
        notes.append((best, sure))
        tally.test(split.test)
        for name, model in {
            **fitted,
            CHOSEN: fitted[best],
            **told(fitted, best, heard, field.y[rows]),
        }.items():
            said = model.probabilities(known[1][split.test]).argmax(axis=1)
            tally.add(name, split.test, said)
    return _finish(tally.table(BASELINE, seed), notes, field.classes)


def told(fitted: dict, best: str, heard: Heard, y: np.ndarray) -> dict:
    """The rows that are given labels: `y` (m,) of the heard field windows, or a few of them each.

    With k windows per class: a classifier on them alone; the network (batch normalization adapted)
    fine-tuned on them; the method `best` told them. With the most, also the method that does best on
    them, not told. Last the oracle, who gets all of `y`.
    """
    rows = {}
    for shots in SHOTS:
        few = draw(y, shots, heard.seed)
        X, of = heard.field[few], y[few]
        rows[f"{shots} per class alone"] = Table(X, of, heard.k)
        if "network, lab only" in fitted:
            rows[f"fine-tuned, {shots} per class"] = fitted["network, lab only"].told(
                X, of, heard.seed
            )
        rows[f"chosen + {shots} per class"] = fitted[best].told(X, of, heard.seed)
    right = {n: _balanced(of, m.probabilities(X).argmax(axis=1)) for n, m in fitted.items()}
    rows[f"validated by {shots} per class"] = fitted[max(right, key=right.get)]
    rows[ORACLE] = Table(heard.field, y, heard.k)
    return rows


def deal(case, field: Windows, seeds) -> list:
    """Folds of whole field groups for `compare`, dealt anew for each seed: three, two if there are few.

    Classes that the field lacks do not matter. Raises EdgekitError where a class has a single group.
    """
    present = np.unique(field.y)
    shown = replace(
        field,
        y=np.searchsorted(present, field.y),
        classes=tuple(field.classes[c] for c in present),
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
    sure = {name: np.mean([s[name] for _, s in notes]) for name in notes[0][1]}
    picks = [best for best, _ in notes]
    shots = table.method.str.extract(r"(\d+) per class")[0].astype(float).fillna(0)
    table.insert(1, "shots", [*shots[:-1], np.inf])
    table.insert(9, "surety", table.method.map(sure))
    table.insert(
        10, "chosen", [picks.count(m) / len(picks) if m in sure else np.nan for m in table.method]
    )
    return table.rename(
        columns=lambda c: f"recall {classes[int(c[7:])]}" if c.startswith("recall ") else c
    )
