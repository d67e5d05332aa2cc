"""Who takes part: each group of a use case (person, patient, machine) is a client that keeps its windows.

Whole clients are held out in folds and never trained on: what is asked is how well the next person is served.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from edgekit.core.errors import EdgekitError
from edgekit.data.windows import Windows

if TYPE_CHECKING:  # a node's process reads this file for each message, and needs neither
    import pandas as pd

    from edgekit.usecases.usecase import UseCase

FEWEST = 2  # clients that a federation needs: of one, the average is its own model


@dataclass(frozen=True)
class Client:
    """What one client keeps to itself: features `X` (n, 1, position, channel) float32, `y` (n,) int64."""

    name: str
    X: np.ndarray
    y: np.ndarray


@dataclass(frozen=True)
class Fold:
    """Clients that train, and clients that none of them has ever met; of so many `classes`."""

    clients: tuple[Client, ...]
    held_out: tuple[Client, ...]
    classes: int


def folds(case: UseCase, windows: Windows, k: int = 3, seed: int = 0) -> list[Fold]:
    """`k` folds of the use case's own groups, each held out once; `windows` as `case.windows` cuts them.

    A client trains on the rows that `case.folds` gives it, a held-out one is tested on all of its windows.
    Raises EdgekitError where a fold leaves fewer than FEWEST clients.
    """
    classes = len(windows.classes)
    made = []
    for split in case.folds(windows, k, seed):
        clients = by_group(windows[split.train], case.features)
        if len(clients) < FEWEST:
            raise EdgekitError(
                f"{case.name} has {len(clients)} client(s) to train in a fold, a federation needs {FEWEST}: "
                f"record more, or ask for more folds than {k}"
            )
        made.append(Fold(clients, by_group(windows[split.test], case.features), classes))
    return made


def table(fold: Fold, names: Sequence[str]) -> pd.DataFrame:
    """How many windows of each class (`names`) a fold's clients have, a row each; the held out are marked."""
    import pandas as pd

    return pd.DataFrame(
        {"client": c.name, "role": role, "windows": len(c.y),
         **dict(zip(names, np.bincount(c.y, minlength=fold.classes), strict=True))}
        for role, some in (("trains", fold.clients), ("held out", fold.held_out))
        for c in some
    )  # fmt: skip


def by_group(windows: Windows, features: Callable) -> tuple[Client, ...]:
    """A client for each group of `windows`, with what `features` makes of them, (n, …), as float32."""
    X = np.asarray(features(windows.X), np.float32)
    rows = ((str(g), windows.group == g) for g in np.unique(windows.group))
    return tuple(Client(name, X[own], windows.y[own]) for name, own in rows)


def pooled(clients: tuple[Client, ...]) -> Client:
    """All windows of `clients` in one place, which a federation exists to avoid: the centralized client."""
    X, y = (np.concatenate([getattr(c, part) for c in clients]) for part in ("X", "y"))
    return Client("all", X, y)
