"""Does a network know a person better once its last layer has learnt a few of their windows on the device?

Each held-out person's recordings are cut in time: the first windows are labelled and learnt, then comes a
gap, so that no sample is in both parts, and the rest is judged. The same session is on both sides of the
gap: what is found here is the most that such labels can give.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from edgekit.core.errors import EdgekitError
from edgekit.data.windows import Windows
from edgekit.emulate.parity import run_host
from edgekit.export.codegen import generate
from edgekit.federate.device_model import features_of, learned_graph
from edgekit.federate.device_plan import Plan, head_of
from edgekit.federate.last_layer import LastLayer
from edgekit.fleet.world import subjects
from edgekit.learn.scores import balanced_accuracy
from edgekit.operators.graph import Graph

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Person:
    """Windows that a network has never met: int8 `inputs` (n, …), labels `y` (n,), and each one's `recording`
    (n,), in the order of time."""

    inputs: np.ndarray
    y: np.ndarray
    recording: np.ndarray

    def cut(self, labelled: float, gap: int = 1) -> tuple[np.ndarray, np.ndarray]:
        """Rows of the first `labelled` windows of each recording (below 1: of that share), one of each in
        turn, and those behind the `gap`. Raises EdgekitError where nothing would be left to learn or to
        judge."""
        first, rest = [], []
        for name in np.unique(self.recording):
            rows = np.flatnonzero(self.recording == name)
            end = int(labelled * len(rows) if labelled < 1 else labelled)
            first.append(rows[:end])
            rest.append(rows[end + gap :])
        longest = max(map(len, first), default=0)
        turns = [rows[n] for n in range(longest) for rows in first if n < len(rows)]
        judged = np.concatenate(rest) if rest else np.array([], int)
        if not turns or not len(judged):
            raise EdgekitError(
                f"{labelled:g} windows to learn from leave none to judge, or none to learn"
            )
        return np.array(turns), judged


def people_of(windows: Windows, inputs: np.ndarray) -> dict[str, Person]:
    """Whom a device can learn to know, by name: each group of `windows` with its int8 `inputs` (n, …).

    Where each group knows one class only, as a bearing does, they are dealt to machines that have some of
    each, as the fleet's world does it. Raises EdgekitError where a class has no group.
    """
    found = {name: np.sort(rows) for name, rows in subjects(windows).items()}
    return {
        name: Person(inputs[rows], windows.y[rows], windows.recording[rows])
        for name, rows in found.items()
    }


@dataclass(frozen=True)
class Personal:
    """A person's balanced accuracy of the windows judged, by the network as released, `before`, and with what
    it learnt from `windows` labelled ones, `after`."""

    windows: int
    before: float
    after: float


def personalize(
    graph: Graph,
    person: Person,
    labelled: float,
    rate: float,
    epochs: int,
    gap: int = 1,
    only: Collection[int] = (),
    alike: bool = False,
) -> Personal:
    """Train the last layer of the int8 `graph` on a person, in the device's integers, and judge it, int8.

    labelled: as `Person.cut` takes it; rate, epochs: of the learning; gap: windows between both parts; only:
    classes that the person labels, all unless given; alike: as `every_class_alike` has it.
    Raises EdgekitError as `Plan.of` and `Person.cut` do.
    """
    source = generate(graph, "model", slot=True, head=True)
    layer = LastLayer(Plan.of(source, rate), head_of(source))
    own, judged = person.cut(labelled, gap)
    own = own[np.isin(person.y[own], list(only))] if only else own
    taught = every_class_alike(own, person.y) if alike else own
    if len(taught):
        layer.fit(features_of(graph, person.inputs[taught]), person.y[taught], epochs)

    def accuracy(network: Graph) -> float:
        scores = run_host(generate(network, "model", slot=True), person.inputs[judged]).outputs
        return balanced_accuracy(person.y[judged], np.asarray(scores).argmax(axis=1))

    return Personal(len(own), accuracy(graph), accuracy(learned_graph(graph, layer)))


def every_class_alike(rows: np.ndarray, y: np.ndarray) -> np.ndarray:
    """`rows` (m,) of labels `y` (n,) in which each class comes as often as the most frequent, one of each in
    turn; none where there is one class only, which would teach all others away."""
    parts = [rows[y[rows] == c] for c in np.unique(y[rows])]
    most = max(map(len, parts), default=0)
    repeated = [np.resize(part, most) for part in parts]
    return np.stack(repeated, axis=1).ravel() if len(parts) > 1 else rows[:0]


def chosen_by_others(found: Mapping[Any, Mapping[str, Personal]]) -> dict[str, Personal]:
    """Each person with the one of several ways to learn that was best, on average, for all others.

    found: of each way, the people. Raises EdgekitError where there are no others.
    """
    people = list(next(iter(found.values())))
    if len(people) < 2:
        raise EdgekitError("how to learn is chosen on other people: it takes two or more")

    def for_others(way: Any, person: str) -> float:
        return float(np.mean([found[way][other].after for other in people if other != person]))

    return {p: found[max(found, key=lambda way: for_others(way, p))][p] for p in people}


def table(found: Mapping[str, Personal], seed: int = 0, draws: int = 5000) -> pd.DataFrame:
    """The mean over the people of `found` of their balanced accuracy as released, with what they taught it,
    and of the gain: each with its bounds in 95 % of `draws` bootstraps, by `seed`, that draw whole people.
    Columns: score, low, high, fractions."""
    import pandas as pd

    from edgekit.learn.bootstrap import bounds, resample

    before, after = (np.array([getattr(p, k) for p in found.values()]) for k in ("before", "after"))
    rows = {"as released": before, "its own last layer": after, "gain": after - before}
    some = resample(np.arange(len(before)), draws, np.random.default_rng(seed))
    lines = {n: (v.mean(), *bounds(v[some].mean(axis=1))) for n, v in rows.items()}
    return pd.DataFrame.from_dict(lines, "index", columns=["score", "low", "high"])


def gain(
    found: Mapping[str, Personal], seed: int = 0, draws: int = 5000
) -> tuple[float, float, float]:
    """By how much `after` is above `before` on average over the people of `found`, and its bounds in 95 % of
    `draws` bootstraps, by `seed`, that draw whole people: (mean, low, high), fractions."""
    mean, low, high = table(found, seed, draws).loc["gain"]
    return float(mean), float(low), float(high)
