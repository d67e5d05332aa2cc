"""Rows that arrived put at their places on an even grid, so that what is missing is a gap."""

from __future__ import annotations

import numpy as np

from edgekit.core.errors import EdgekitError
from edgekit.tables import timing

OFF = 0.3  # of a period that a message may come early or late, and still keep its place
REGULAR = 0.95  # share of messages that must
SPARSE = 20  # times more places than messages: no recording any more


def grid_index(seconds: np.ndarray) -> tuple[np.ndarray, float] | None:
    """The place of each message on an even grid, and the grid's rate in Hz; None where they keep none.

    A message that comes twice has the place of the first. At most SPARSE places for each message.
    """
    steps = np.diff(seconds)
    forward = steps[steps > 0]
    if len(forward) < 2 or not np.isfinite(steps).all() or (steps < 0).any():
        return None
    period = float(np.median(forward))
    single = steps[(steps > 0.5 * period) & (steps < 1.5 * period)]
    period = float(single.mean()) if len(single) else period
    count = np.rint(steps / period)
    even = np.abs(steps - count * period) <= OFF * period * np.maximum(1, 0.1 * count)
    again = (count == 0) & (steps > 0)
    if even.mean() < REGULAR or again.any() or count.sum() > SPARSE * len(seconds):
        return None
    if (steps == 0).mean() > 1 - REGULAR:
        return None
    return np.concatenate([[0], np.cumsum(count)]).astype(int), 1 / period


def spread(x: np.ndarray, grid_index: np.ndarray) -> np.ndarray:
    """Rows put at their places, NaN between; of several at one place the first."""
    whole = np.full((grid_index[-1] + 1, x.shape[1]), np.nan, np.float32)
    whole[grid_index[::-1]] = x[::-1]
    return whole


def by_arrival(x: np.ndarray, at: np.ndarray) -> tuple[np.ndarray, float, str, dict]:
    """Rows that carry no time: by the moments at which their messages came, where these are regular.

    Networks hold messages back and hand them over together; then only the mean rate can be trusted.
    """
    moments, _, count = np.unique(at, return_index=True, return_counts=True)
    each = int(np.median(count))
    if len(moments) > 8 and (count == each).all() and (found := grid_index(moments)) is not None:
        grid, _ = found
        rows = (grid[:, None] * each + np.arange(each)).reshape(-1)
        span = moments[-1] - moments[0]
        rate = timing.nominal(grid[-1] * each / span, 0.03)
        return spread(x[np.argsort(at, kind="stable")], rows), rate, "the times of arrival", {}
    span, last = at[-1] - at[0], int((at == at[-1]).sum())  # those that came together at the end
    if len(at) - last < 2 or span <= 0:
        raise EdgekitError("too little arrived to measure a rate; record longer, or say --rate")
    return x, timing.nominal((len(at) - last) / span, 0.03), "the times of arrival", {}
