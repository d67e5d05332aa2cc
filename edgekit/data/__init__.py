"""Recordings in, windows out: fetch, inspect, prepare, split; simulate where nothing was recorded.

folder = fetch("mfpt")                      # once; verified, then cached
recordings = mfpt.load(folder)
recordings = keep(recordings, inspect(recordings, rate=10_000))
windows = window([resample(center(r), 10_000) for r in recordings], classes, 2048, 1024)
train, val, test = by_group(windows, seed=1).of(windows)
"""

from edgekit.data import bearing_sets, ecg, mfpt, mitbih, motion, simulate, watch
from edgekit.data.cards import Card, card
from edgekit.data.order import by_order, folds_by_order
from edgekit.data.physics import Bearing, fault_frequencies
from edgekit.data.prepare import center, resample, window
from edgekit.data.quality import inspect, keep
from edgekit.data.recordings import Recording, data_origin
from edgekit.data.sources import cached, fetch
from edgekit.data.splits import (
    Split,
    assert_no_leak,
    by_group,
    folds_by_group,
    honest_vs_random,
    leaky_random,
)
from edgekit.data.windows import Windows, concat, thin

__all__ = [
    "Bearing",
    "Card",
    "Recording",
    "Split",
    "Windows",
    "assert_no_leak",
    "bearing_sets",
    "by_group",
    "by_order",
    "cached",
    "card",
    "center",
    "concat",
    "data_origin",
    "ecg",
    "fault_frequencies",
    "fetch",
    "folds_by_group",
    "folds_by_order",
    "honest_vs_random",
    "inspect",
    "keep",
    "leaky_random",
    "mfpt",
    "mitbih",
    "motion",
    "resample",
    "simulate",
    "thin",
    "watch",
    "window",
]
