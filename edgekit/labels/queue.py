"""The label queue: which samples are open to whom, in an order in which each label tells most.

Samples and labels are rows of the service's database (`cloud.tables`), so that a person, an import and the
weekly loop see the same queue. A sample is done when `needed` people have labelled it and more than half of
all who did agree; where they do not, it goes back to whoever has not seen it yet.
"""

from __future__ import annotations

import re
import time as clock
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from sqlalchemy import Connection, delete, insert, select

from edgekit.cloud.tables import labels, samples
from edgekit.core.errors import EdgekitError, did_you_mean
from edgekit.labels.agreement import majority
from edgekit.labels.choose import RANDOM, REASONS, Choice

ANNOTATOR = re.compile(r"[A-Za-z0-9@._+-]{1,64}", re.ASCII)
MOST = 500  # open samples that are put in order at once


@dataclass(frozen=True)
class Sample:
    """A window that is asked for: a row of `samples`, and who `said` what of it so far."""

    id: int
    device: str
    week: int
    reason: str
    predicted: int
    confidence: float | None
    distance: float | None
    object: str
    weight: float
    said: dict[str, str]

    @property
    def label(self) -> str | None:
        """What the majority says, None where there is none."""
        return majority(self.said.values())


class Queue:
    """The queue in a database. `classes`: the words to choose from, the network's own and in its order;
    `needed`: people who label each sample. All within the caller's transaction.

    Raises EdgekitError for fewer than two classes, or one whose name is too long for the table.
    """

    def __init__(self, connection: Connection, classes: Sequence[str], needed: int = 1):
        if len(set(classes)) < 2 or needed < 1:
            raise EdgekitError("a queue needs two classes to choose from, and one person to ask")
        if long := [c for c in classes if len(c) > 64]:
            raise EdgekitError(f"a class is called by up to 64 characters, not {long[0]!r:.90}")
        self.connection, self.classes, self.needed = connection, tuple(classes), needed

    def add(
        self,
        device: str,
        week: int,
        chosen: Iterable[Choice],
        answers: tuple[np.ndarray, np.ndarray, np.ndarray],
        put: Callable[[int], tuple[str, int]],
        time: float | None = None,
    ) -> list[int]:
        """Ask for windows of a device's week; their ids.

        answers: (predicted, confidence, distance), (n,) each, of the windows that `chosen` are rows of.
        put: stores the window of a row, and returns its key in the object store and its bytes. time: when,
        POSIX seconds, else now.
        """
        predicted, confidence, distance = answers
        made = []
        for one in chosen:
            key, size = put(one.row)
            values = {
                "device": device, "week": week, "reason": one.reason, "weight": one.weight,
                "predicted": int(predicted[one.row]), "confidence": float(confidence[one.row]),
                "distance": float(distance[one.row]), "object": key, "bytes": size,
                "created": clock.time() if time is None else time,
            }  # fmt: skip
            row = self.connection.execute(insert(samples).values(**values).returning(samples.c.id))
            made.append(row.scalar_one())
        return made

    def all(self) -> list[Sample]:
        """Every sample with its labels, by id."""
        said: dict[int, dict[str, str]] = {}
        for row in self.connection.execute(select(labels).order_by(labels.c.sample)):
            said.setdefault(row.sample, {})[row.annotator] = row.label
        fields = [samples.c[n] for n in Sample.__dataclass_fields__ if n != "said"]
        rows = self.connection.execute(select(*fields).order_by(samples.c.id)).mappings()
        return [Sample(**row, said=said.get(row["id"], {})) for row in rows]

    def done(self, sample: Sample) -> bool:
        """Whether enough people agree on it."""
        return len(sample.said) >= self.needed and sample.label is not None

    def open(self, annotator: str = "") -> list[Sample]:
        """Samples that are not done; those that `annotator`, if one is named, has not labelled."""
        return [s for s in self.all() if not self.done(s) and annotator not in s.said]

    def next(
        self,
        annotator: str,
        count: int = 1,
        features: Callable[[list[Sample]], np.ndarray] | None = None,
    ) -> list[Sample]:
        """The `count` samples that this annotator should see first.

        Disputed ones, then random and telling ones in turn: an estimate must not wait until all that is
        telling is labelled. The telling ones are ordered by `features` (samples -> (n, d)), where given, so
        that each is far from all that were labelled (`coverage_order`); else the least sure and the
        strangest in turn. Raises EdgekitError for a name that is none.
        """
        check_annotator(annotator)
        waiting = self.open(annotator)
        disputed = [s for s in waiting if len(s.said) >= self.needed]
        fresh = [s for s in waiting if len(s.said) < self.needed]
        random = [s for s in fresh if s.reason == RANDOM]
        telling = self._ordered([s for s in fresh if s.reason != RANDOM][:MOST], features)
        return [*disputed, *_in_turn(random, telling)][:count]

    def _ordered(self, telling: list[Sample], features) -> list[Sample]:
        if features is None or len(telling) < 2:
            sure = sorted(
                (s for s in telling if s.reason == REASONS[1]), key=lambda s: s.confidence or 0.0
            )
            near = sorted((s for s in telling if s not in sure), key=lambda s: -(s.distance or 0.0))
            return _in_turn(sure, near)
        known = [s for s in self.all() if s.said][-MOST:]
        X = features([*known, *telling])
        return [telling[i] for i in coverage_order(X[len(known) :], X[: len(known)])]

    def answer(self, sample: int, annotator: str, label: str, time: float | None = None) -> None:
        """What an annotator says of a sample; said again, the newer word counts.

        Raises EdgekitError for a sample that is not there, a name that is none, and another class.
        """
        check_annotator(annotator)
        if label not in self.classes:
            raise EdgekitError(
                f"{label!r:.60} is no class.{did_you_mean(str(label), self.classes)}"
            )
        if self.connection.scalar(select(samples.c.id).where(samples.c.id == sample)) is None:
            raise EdgekitError(f"there is no sample {sample} in this queue")
        self.take_back(sample, annotator)
        values = {"sample": sample, "annotator": annotator, "label": label}
        self.connection.execute(
            insert(labels).values(**values, time=clock.time() if time is None else time)
        )

    def take_back(self, sample: int, annotator: str) -> None:
        """An annotator has said nothing of the sample."""
        own = (labels.c.sample == sample) & (labels.c.annotator == annotator)
        self.connection.execute(delete(labels).where(own))

    def votes(self) -> dict[int, dict[str, str]]:
        """Sample -> annotator -> label, as `agreement` takes them."""
        return {s.id: s.said for s in self.all() if s.said}

    def random(self) -> tuple[np.ndarray, np.ndarray]:
        """(right (n,) bool, weight (n,)) of the random samples that are done, as `estimate` takes them."""
        found = [s for s in self.all() if s.reason == RANDOM and self.done(s)]
        right = [self.classes[s.predicted] == s.label for s in found]
        return np.array(right, bool), np.array([s.weight for s in found])


def coverage_order(X: np.ndarray, labelled: np.ndarray) -> list[int]:
    """Indices of all candidates `X` (n, d), each as far as can be from those before it and from those
    `labelled` (m, d): k-centre greedy (O. Sener and S. Savarese, ICLR 2018), by scikit-activeml.

    Features count by their spread. Raises EdgekitError for values that are not finite.
    """
    from skactiveml.pool import CoreSet

    both = (
        np.concatenate([labelled, X]).astype(np.float64) if len(labelled) else np.asarray(X, float)
    )
    if not np.isfinite(both).all():
        raise EdgekitError("features of samples hold values that are not finite")
    both = (both - both.mean(axis=0)) / (both.std(axis=0) + 1e-9)
    y = np.full(len(both), np.nan)
    y[: len(labelled)] = 0  # which class does not matter here, only that there is a label
    strategy = CoreSet(missing_label=np.nan, random_state=0)
    found = strategy.query(both, y, batch_size=len(X))
    return [int(i) - len(labelled) for i in found]


def check_annotator(name: str) -> None:
    """Raises EdgekitError for what cannot be an annotator's name."""
    if not ANNOTATOR.fullmatch(name):
        raise EdgekitError(
            f"{name!r:.80} cannot name an annotator: 1 to 64 of A–Z, a–z, 0–9 and @ . _ + -"
        )


def _in_turn(first: list[Sample], second: list[Sample]) -> list[Sample]:
    """One of each in turn, then what is left."""
    n = min(len(first), len(second))
    pairs = [s for both in zip(first, second, strict=False) for s in both]
    return [*pairs, *first[n:], *second[n:]]
