"""Alignments for spectra, whose axis stretches with the speed of a machine.

A bearing on a faster shaft is struck faster: its spectrum is the same picture on a stretched axis. No
statistic of single lines can express that. A use case with spectra as descriptor names these functions
in its `ALIGN`; each takes an `AdaptationTask` and returns the training table
`(X (n, lines), y (n,))`. Line j stands for (j + 1) times the resolution, as `signal.EnvelopeSpectrum`
gives them.
"""

from __future__ import annotations

import numpy as np

from edgekit.learn.adapt.tables import classifier, confidence_score, coral

RATIOS = np.exp(np.linspace(np.log(0.4), np.log(2.0), 82))  # speeds tried, 2 % apart
HILL = 9  # lines: what is wider than this is the noise's slope, not a fault's peak
RIVAL = 0.6  # of the best correlation: as good as this, another ratio is worth a second look


def warp(spectra: np.ndarray, ratio) -> np.ndarray:
    """Spectra (n, lines) as if all had happened `ratio` times as fast (one number, or one per row).

    Beyond the last line its value is kept.
    """
    n, lines = spectra.shape
    at = np.arange(1, lines + 1) / np.broadcast_to(ratio, n)[:, None] - 1
    at = np.clip(at, 0, lines - 1)
    left = np.minimum(at.astype(int), lines - 2)
    part = at - left
    row = np.arange(n)[:, None]
    return spectra[row, left] * (1 - part) + spectra[row, left + 1] * part


def likeness(source: np.ndarray, target: np.ndarray) -> np.ndarray:
    """(len(RATIOS),) correlation of the two mean spectra, the lab's warped by each ratio.

    Peaks only: a running mean over HILL lines is taken away, because the slope of the noise
    correlates at any ratio.
    """
    wanted = _peaks(target.mean(axis=0))
    warped = np.array([_peaks(warp(source, r).mean(axis=0)) for r in RATIOS])
    warped, wanted = warped - warped.mean(axis=1, keepdims=True), wanted - wanted.mean()
    size = np.linalg.norm(warped, axis=1) * np.linalg.norm(wanted)
    return warped @ wanted / np.maximum(size, 1e-12)  # silence is like nothing


def speed_ratio(source: np.ndarray, y: np.ndarray, target: np.ndarray) -> float:
    """How many times as fast as the lab the field is struck, found without a field label.

    Another bearing at another speed strikes at other rates, but in much the same pattern: the ratio of
    RATIOS whose `likeness` is best. A pattern of few peaks may fit twice (the inner race's peak on the
    outer's); among local maxima that come near the best, that one wins whose classifier, trained on the lab
    (n, lines) with labels `y`, is the most confident in the field. 1 if there is none: a likeness that
    still grows at the last ratio tried has not been found.
    """
    like = likeness(source, target)
    edged = np.concatenate(
        [[np.inf], like, [np.inf]]
    )  # the best at an end is no best: look further
    tops = np.flatnonzero((like >= edged[:-2]) & (like > edged[2:]) & (like >= RIVAL * like.max()))
    if like.max() <= 0 or not len(tops):
        return 1.0  # nothing in common: better leave it
    if len(tops) == 1 or len(np.unique(y)) < 2:
        return float(RATIOS[tops[like[tops].argmax()]])
    confidence = [
        confidence_score(classifier().fit(warp(source, r), y).predict_proba(target))
        for r in RATIOS[tops]
    ]
    return float(RATIOS[tops[int(np.argmax(confidence))]])


def speed_found(task):
    """The lab at the field's speed."""
    source, y = task.source_table, task.source.y
    return warp(source, speed_ratio(source, y, task.target)), y


def speed_found_coral(task):
    """The lab at the field's speed, then with the field's covariance."""
    source, y = speed_found(task)
    return coral(source, task.target), y


def random_speeds(task, low: float = 0.7, high: float = 1.3):
    """The lab, and two copies whose windows were each sped up by `low` to `high`; uses nothing of the
    field."""
    source, rng = task.source_table, task.rng
    copies = [warp(source, rng.uniform(low, high, len(source))) for _ in range(2)]
    return np.concatenate([source, *copies]), np.tile(task.source.y, 3)


def _peaks(spectrum: np.ndarray) -> np.ndarray:
    from scipy.ndimage import uniform_filter1d

    return spectrum - uniform_filter1d(spectrum, HILL, mode="nearest")
