"""Alignments for spectra, whose axis stretches with the speed of a machine.

A bearing on a faster shaft is struck faster: its spectrum is the same picture on a stretched axis. No
statistic of single lines can express that. A use case with spectra as descriptor names these functions
in its `ALIGN`; each takes what may be heard, an `adapt.Heard`, and returns the training table
`(X (n, lines), y (n,))`. Line j stands for (j + 1) times the resolution, as `signal.EnvelopeSpectrum`
gives them.
"""

from __future__ import annotations

import numpy as np

from edgekit.learn.adapt_tables import classifier, coral, surety

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


def likeness(lab: np.ndarray, field: np.ndarray) -> np.ndarray:
    """(len(RATIOS),) correlation of the two mean spectra, the lab's warped by each ratio.

    Peaks only: a running mean over HILL lines is taken away, because the slope of the noise
    correlates at any ratio.
    """
    wanted = _peaks(field.mean(axis=0))
    made = np.array([_peaks(warp(lab, r).mean(axis=0)) for r in RATIOS])
    made, wanted = made - made.mean(axis=1, keepdims=True), wanted - wanted.mean()
    size = np.linalg.norm(made, axis=1) * np.linalg.norm(wanted)
    return made @ wanted / np.maximum(size, 1e-12)  # silence is like nothing


def speed_ratio(lab: np.ndarray, y: np.ndarray, field: np.ndarray) -> float:
    """How many times as fast as the lab the field is struck, found without a field label.

    Another bearing at another speed strikes at other rates, but in much the same pattern: the ratio of
    RATIOS whose `likeness` is best. A pattern of few peaks may fit twice (the inner race's peak on the
    outer's); among local maxima that come near the best, that one wins whose classifier, trained on
    the lab (n, lines) with labels `y`, is surest about the field. 1 if there is none: a likeness that still
    grows at the last ratio tried has not been found.
    """
    like = likeness(lab, field)
    edged = np.concatenate(
        [[np.inf], like, [np.inf]]
    )  # the best at an end is no best: look further
    tops = np.flatnonzero((like >= edged[:-2]) & (like > edged[2:]) & (like >= RIVAL * like.max()))
    if like.max() <= 0 or not len(tops):
        return 1.0  # nothing in common: better leave it
    if len(tops) == 1 or len(np.unique(y)) < 2:
        return float(RATIOS[tops[like[tops].argmax()]])
    sure = [surety(classifier().fit(warp(lab, r), y).predict_proba(field)) for r in RATIOS[tops]]
    return float(RATIOS[tops[int(np.argmax(sure))]])


def speed_found(heard):
    """The lab at the field's speed."""
    lab, y = heard.lab_table, heard.lab.y
    return warp(lab, speed_ratio(lab, y, heard.field)), y


def speed_found_coral(heard):
    """The lab at the field's speed, then with the field's covariance."""
    lab, y = speed_found(heard)
    return coral(lab, heard.field), y


def random_speeds(heard, low: float = 0.7, high: float = 1.3):
    """The lab, and two copies whose windows were each sped up by `low` to `high`; hears no field."""
    lab, rng = heard.lab_table, heard.rng
    copies = [warp(lab, rng.uniform(low, high, len(lab))) for _ in range(2)]
    return np.concatenate([lab, *copies]), np.tile(heard.lab.y, 3)


def _peaks(spectrum: np.ndarray) -> np.ndarray:
    from scipy.ndimage import uniform_filter1d

    return spectrum - uniform_filter1d(spectrum, HILL, mode="nearest")
