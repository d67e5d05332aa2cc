"""Recordings in, windows out: fetch, inspect, prepare, split; simulate where nothing was recorded.

folder = fetch("mfpt")                      # once; verified, then cached
recordings = mfpt.load(folder)
recordings = keep(recordings, inspect(recordings, rate=10_000))
windows = window([resample(center(r), 10_000) for r in recordings], classes, 2048, 1024)
train, val, test = by_group(windows, seed=1).of(windows)
"""

from edgekit.data import beats
from edgekit.data.prepare import center, resample, window
from edgekit.data.quality import inspect, keep
from edgekit.data.recordings import Recording, data_origin
from edgekit.data.splits import (
    Split,
    assert_no_leak,
    by_group,
    compare_grouped_vs_random,
    folds_by_group,
    random_split_leaky,
)
from edgekit.data.time_splits import folds_by_time, split_by_time
from edgekit.data.windows import Windows, concat, subsample

__all__ = [
    "Recording",
    "Split",
    "Windows",
    "assert_no_leak",
    "beats",
    "by_group",
    "center",
    "compare_grouped_vs_random",
    "concat",
    "data_origin",
    "folds_by_group",
    "folds_by_time",
    "inspect",
    "keep",
    "random_split_leaky",
    "resample",
    "split_by_time",
    "subsample",
    "window",
]
