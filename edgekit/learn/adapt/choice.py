"""Which method to trust in a field that nobody labelled, and when to leave the lab as it is.

A confident classifier is not a right one: an alignment that is turned the wrong way gives confident
answers, and all classes. But a recording holds one class, and that needs no label. A wrong alignment
answers one thing here and another there; averaged over the windows of each recording its confidence goes
away, that of a right one stays. So recordings are rated, not windows. Doing nothing is a candidate, and
wins unless it is beaten clearly, by three scores at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from edgekit.learn import bootstrap
from edgekit.learn.adapt.tables import Table, confidence_score
from edgekit.learn.adapt.task import AdaptationTask
from edgekit.learn.scores import balanced_accuracy

BASELINE = "lab only"
MARGIN = 0.08  # nats^½ of confidence over recordings by which the lab as it is must be beaten
FLOOR = 0.3  # of the same; below it nothing is confident enough to be followed
REVERSE_VALIDATION_LOSS = 0.02  # balanced accuracy that may be lost on the way back: its noise
DRAWS = 200  # of recordings, for the noise of the first score
PERMUTATIONS = 20  # of windows, for its zero


@dataclass(frozen=True)
class Score:
    """What can be said of a method without a label.

    `confidence_score` over recordings, of the mean answer of each, over chance; `noise` the standard
    deviation of its difference from the source's, by bootstrap; `windows` the confidence over windows;
    `reverse_accuracy` the balanced accuracy on the
    lab of a classifier taught by the method's answers in the field. `eligible`: whether it can be chosen.
    """

    confidence_score: float
    noise: float = 0.0
    windows: float = 0.0
    reverse_accuracy: float = 0.0
    eligible: bool = False

    def beats(self, source: Score) -> bool:
        """Whether it is confident at all, and all three scores prefer it to the lab as it is."""
        return (
            self.confidence_score > FLOOR
            and self.confidence_score - source.confidence_score > max(MARGIN, self.noise)
            and self.windows > source.windows
            and self.reverse_accuracy > source.reverse_accuracy - REVERSE_VALIDATION_LOSS
        )


@dataclass(frozen=True)
class Choice:
    """The method's `name` ("lab only" where the rule abstains), every method's Score, and `why`.

    `most_confident` would be chosen by the confidence over windows alone, with nothing to stop it.
    """

    name: str
    scores: dict[str, Score]
    why: str
    most_confident: str


def choose(fitted: dict[str, Any], task: AdaptationTask) -> Choice:
    """Which of the `fitted` methods to trust for a `task`, without labels.

    The most confident over recordings among those that are so at all (FLOOR) and beat the lab as it is: by
    MARGIN and by a standard deviation of the bootstrap over recordings; by their confidence over windows;
    and by teaching the lab back as well (reverse validation: E. Zhong and others, ECML PKDD 2010). Where
    the lab's recordings hold several classes each, recordings say nothing: abstains. Single windows are no
    recordings, their score is 0.

    Networks are rated, not chosen: they are more confident than they are right, DANN above all. Nor is what
    turns the axes along which the field is described (subspace alignment): such answers hang together in
    each recording, and may be anybody's. Nothing here can notice classes that changed places in all
    recordings.
    """
    names, of = np.unique(task.recording, return_inverse=True)
    rng = np.random.default_rng(task.seed)
    draws = bootstrap.resample(np.arange(len(names)), DRAWS, rng)
    permuted = [rng.permutation(of) for _ in range(PERMUTATIONS)]
    scores, drawn = {}, {}
    first = {BASELINE: fitted[BASELINE]}  # the others' yardstick
    for name, model in {**first, **fitted}.items():
        predicted, table = model.probabilities(task.target), isinstance(model, Table)
        means = _means(predicted, of)
        chance = np.mean([confidence_score(_means(predicted, other)) for other in permuted])
        drawn[name] = np.array([confidence_score(means[draw]) for draw in draws])
        scores[name] = Score(
            confidence_score(means) - float(chance),
            float(np.std(drawn[name] - drawn[BASELINE])),
            confidence_score(predicted),
            _reverse_validation(model, task, means.argmax(axis=1)[of]) if table else np.nan,
            eligible=table and not model.turned,
        )
    source = scores[BASELINE]
    tables = [name for name, model in fitted.items() if isinstance(model, Table)]
    most_confident = max(tables, key=lambda name: scores[name].windows)
    better = [name for name, score in scores.items() if score.eligible and score.beats(source)]
    mixed = _mixed(task.source)
    if mixed or not better:
        return Choice(BASELINE, scores, _abstained(scores, mixed), most_confident)
    best = max(better, key=lambda name: scores[name].confidence_score)
    ours, theirs = source.confidence_score, scores[best].confidence_score
    why = f"confidence over recordings {ours:.2f} to {theirs:.2f}, the others agree"
    return Choice(best, scores, why, most_confident)


def _mixed(source) -> bool:
    """Whether recordings of the lab hold several classes each, as those of a heart do."""
    of = source.recording
    return len(set(zip(of, source.y, strict=True))) > len(set(of))


def _abstained(scores: dict[str, Score], mixed: bool) -> str:
    if mixed:
        return "abstained: recordings hold several classes each, and say nothing"
    source, rivals = (
        scores[BASELINE],
        {n: s for n, s in scores.items() if s.eligible and n != BASELINE},
    )
    if not rivals:
        return "abstained: nothing else may be chosen"
    best = max(rivals, key=lambda name: rivals[name].confidence_score)
    more = rivals[best].confidence_score - source.confidence_score
    if more > max(MARGIN, rivals[best].noise):
        return (
            f"abstained: {best} is {more:+.2f} more confident, not enough, or other scores disagree"
        )
    return f"abstained: the best rival, {best}, is {more:+.2f} more confident, less than it takes"


def _means(p: np.ndarray, of: np.ndarray) -> np.ndarray:
    """(recordings, k): the mean of the answers (m, k) in each, given in which each is (m,)."""
    count = np.bincount(of)
    return np.stack([np.bincount(of, column) for column in p.T], axis=1) / count[:, None]


def _reverse_validation(model: Table, task, predicted: np.ndarray) -> float:
    """Balanced accuracy on the method's source of a classifier taught `predicted` (m,), its answers there."""
    trained = Table(model.view(task.target), predicted, task.k)
    return balanced_accuracy(model.y, trained.probabilities(model.X).argmax(axis=1))
