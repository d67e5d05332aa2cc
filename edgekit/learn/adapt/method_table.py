"""The methods that need no target label, by name."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from edgekit.learn.adapt import tables
from edgekit.learn.adapt.choice import BASELINE
from edgekit.learn.adapt.tables import Table, coral, mean_std
from edgekit.learn.adapt.task import AdaptationTask


def methods(case: Any, networks: bool = True) -> dict[str, Callable]:
    """Name -> function(AdaptationTask) that fits it.

    What it returns has `.probabilities(X)`, (m, d) -> (m, k), and `.with_labels(X, y, seed)`. The use case's
    own are among them: `ALIGN`, name -> function(AdaptationTask) that returns a training table
    `(X (n, d), y (n,))`. Without the extra `adapt` two rows are missing; with `networks=False` three, and
    TensorFlow is not imported.
    """
    found: dict[str, Callable] = {
        BASELINE: lambda t: Table(t.source_table, t.source.y, t.k),
        "mean and spread": lambda t: Table(mean_std(t.source_table, t.target), t.source.y, t.k),
        "CORAL": lambda t: Table(coral(t.source_table, t.target), t.source.y, t.k),
    }
    if not tables.skada_missing():
        found["subspace alignment"] = partial(_skada, tables.subspace, turned=True)
        found["optimal transport"] = partial(_skada, tables.transport)
    found["augmentation"] = lambda t: _widened(t, t.augment(t.source.X, t.rng))
    found["noise of the field"] = lambda t: _widened(
        t, tables.measured_noise(t.source.X, t.target_windows, t.rng)
    )
    for name, align in case.ALIGN.items():
        found[name] = partial(_aligned, align)
    if networks:
        found |= {"network, lab only": _network, "AdaBN": _adabn, "DANN": _dann}
    return found


def _aligned(align: Callable, t: AdaptationTask) -> Table:
    X, y = align(t)
    return Table(X, y, t.k)


def _skada(align: Callable, t: AdaptationTask, turned: bool = False) -> Table:
    X, y, view = align(t.source_table, t.source.y, t.target, t.rng)
    return Table(X, y, t.k, view, turned=turned)


def _widened(t: AdaptationTask, varied: np.ndarray) -> Table:
    both = np.concatenate([t.source_table, t.describe(varied)])
    return Table(both, np.tile(t.source.y, 2), t.k)


def _network(t: AdaptationTask):
    return t.network


def _adabn(t: AdaptationTask):
    from edgekit.learn.adapt import networks

    return networks.adabn(t.network, t.target)


def _dann(t: AdaptationTask):
    from edgekit.learn.adapt import networks

    return networks.dann(t.source_table, t.source.y, t.target, t.k, t.seed)
