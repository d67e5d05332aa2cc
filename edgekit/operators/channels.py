"""What each operator does with the channels (the last axis) of its tensors: which goes where, in what range.

Ranges are bounds in whole numbers, rescaled by the very steps that the C takes, which are monotone. So a
channel whose lowest and highest value are one never has another, whatever the input.
"""

from __future__ import annotations

from itertools import product

import numpy as np

from edgekit.operators import fixed_point as q
from edgekit.operators.fixed_point import ACTIVATION_BOUNDS
from edgekit.operators.graph import Tensor
from edgekit.operators.layer import Layer, OperatorContext, zero_of
from edgekit.operators.record import Channels, Links
from edgekit.operators.weights import weights_and_bias

Ranges = list[np.ndarray]  # (2, channels): lowest and highest of each; () for an input left out


def count(t: Tensor) -> int:
    """Its channels: the size of the last axis."""
    return t.shape[-1] if t.shape else 1


def pads(layer: Layer) -> bool:
    """Whether a window of the layer reaches over the image's edge."""
    f = layer.fields
    return "pad_h" in f and any(
        f[f"pad_{a}"]
        or (f[f"out_{a}"] - 1) * f[f"stride_{a}"] + (f[f"k_{a}"] - 1) * f.get(f"dilation_{a}", 1)
        >= f[f"in_{a}"]
        for a in "hw"
    )


# --- products


def _products(p: OperatorContext, layer: Layer, axis: int, given: np.ndarray) -> np.ndarray | None:
    """Range of each output of `axis` of the filter; `given`: those of the inputs, [2][output or 1][input]."""
    if p.x.dtype == np.float32:
        return _constants(p, layer, axis)
    rows, bias, _ = weights_and_bias(p, axis)
    taps = rows.reshape(len(rows), -1, given.shape[2])
    low, high = given[:, :, None]
    if pads(layer):  # there the input is its zero point
        low, high = np.minimum(low, zero_of(p.x)), np.maximum(high, zero_of(p.x))
    ends = [pick(taps * low, taps * high).sum((1, 2)) + bias for pick in (np.minimum, np.maximum)]
    scales = np.broadcast_to(p.inputs[1].scale, len(rows))
    clamps, found = p.int8_limits(), []
    for scale, sums in zip(scales, np.transpose(ends), strict=True):
        pair = q.quantize_multiplier(float(p.x.scale[0]) * float(scale) / float(p.y.scale[0]))
        values = list(q.multiply_by_quantized(sums, *pair))
        if p.op.name == "FULLY_CONNECTED":  # LiteRT rounds once, and the code can
            values += [(int(v) * pair[0] + (1 << (30 - pair[1]))) >> (31 - pair[1]) for v in sums]
        found.append([np.clip(pick(values) + zero_of(p.y), *clamps) for pick in (min, max)])
    return np.transpose(found).astype(np.int64)


def _constants(p: OperatorContext, layer: Layer, axis: int) -> np.ndarray:
    """Of float32: a filter of zeros gives its bias and nothing else; any other may give anything."""
    rows = np.moveaxis(p.inputs[1].data, axis, 0).reshape(count(p.y), -1)
    value = np.clip(layer.constants["bias"], *ACTIVATION_BOUNDS[p.options["activation"]])
    return np.where(rows.any(1), [[-np.inf], [np.inf]], value)


def mixed(p: OperatorContext, layer: Layer, ranges: Ranges) -> np.ndarray | None:
    """Of CONV_2D and FULLY_CONNECTED, which read every channel."""
    if p.inputs[1].data.shape[-1] % count(p.x):
        return None
    return _products(p, layer, 0, ranges[0][:, None])


def depthwise(p: OperatorContext, layer: Layer, ranges: Ranges) -> np.ndarray | None:
    """Of DEPTHWISE_CONV_2D: each output reads one channel."""
    given = np.repeat(ranges[0], count(p.y) // count(p.x), axis=1)
    return _products(p, layer, 3, given[:, :, None])


def depthwise_links(p: OperatorContext) -> Links:
    """The input's channel, and the filter's and the bias's."""
    out = np.arange(count(p.y))
    return [(out // (count(p.y) // count(p.x)), out), *[(out, out)] * (len(p.inputs) - 1)]


# --- one value after another


def table(p: OperatorContext, layer: Layer, ranges: Ranges) -> np.ndarray | None:
    """Of a function of one variable: the values of its table between the ends."""
    if "table" not in layer.constants or p.x.dtype != np.int8:
        return None
    values = np.roll(layer.constants["table"], 128).astype(np.int64)
    spans = [values[low + 128 : high + 129] for low, high in ranges[0].T]
    return np.array([[s.min() for s in spans], [s.max() for s in spans]])


def elementwise(p: OperatorContext, layer: Layer, ranges: Ranges) -> np.ndarray | None:
    """Of ADD, SUB and MUL: their extremes lie where both inputs have theirs."""
    f = layer.fields
    if "multiplier_out" not in f:
        return None
    of = dict(zip(p.op.inputs, ranges, strict=True))  # the kernel may take them in another order
    ends = [of[i] - f[zero] for i, zero in zip(layer.inputs, ("zero_a", "zero_b"), strict=True)]
    if p.op.name != "MUL":
        ends = [
            q.multiply_by_quantized(e << 20, f[f"multiplier_{k}"], f[f"shift_{k}"])
            for e, k in zip(ends, "ab", strict=True)
        ]
    combine = {"ADD": np.add, "SUB": np.subtract, "MUL": np.multiply}[p.op.name]
    sums = np.stack([combine(a, b) for a, b in product(*ends)])
    values = q.multiply_by_quantized(sums, f["multiplier_out"], f["shift_out"])
    values = np.clip(values.astype(np.int64) + f["zero_out"], f["low"], f["high"])
    return np.stack([values.min(0), values.max(0)])


def pooled(p: OperatorContext, layer: Layer, ranges: Ranges) -> np.ndarray | None:
    """Of a pool: no mean and no maximum leaves the range of its values; padding does not count."""
    return np.clip(ranges[0], layer.fields["low"], layer.fields["high"])


def mean(p: OperatorContext, layer: Layer, ranges: Ranges) -> np.ndarray | None:
    """Of MEAN: its sums lie between those of the ends."""
    f = layer.fields
    if "multiplier" not in f:
        return None
    sums = ranges[0] * (f["rows"] * f["reduced"]) + f["offset"]
    values = q.multiply_by_quantized(sums, f["multiplier"], f["shift"]).astype(np.int64)
    return np.clip(values + f["zero"], -128, 127)


def extreme(p: OperatorContext, layer: Layer, ranges: Ranges) -> np.ndarray:
    """Of REDUCE_MAX, REDUCE_MIN and what resizes: no value lies beyond those that come in."""
    return ranges[0]


def larger(p: OperatorContext, layer: Layer, ranges: Ranges) -> np.ndarray:
    """Of MAXIMUM: the larger of the lowest values, and of the highest."""
    return np.maximum(*np.broadcast_arrays(*ranges))


def smaller(p: OperatorContext, layer: Layer, ranges: Ranges) -> np.ndarray:
    """Of MINIMUM."""
    return np.minimum(*np.broadcast_arrays(*ranges))


def moved(links):
    """Of what only moves values: those that come there, and what fills a margin."""

    def ranges_of(p: OperatorContext, layer: Layer | None, ranges: Ranges) -> np.ndarray | None:
        pairs = links(p)
        if pairs is None:
            return None
        low, high = np.full(count(p.y), np.inf), np.full(count(p.y), -np.inf)
        if layer and "value" in layer.constants:
            low[:] = high[:] = layer.constants["value"]
        for r, pair in zip(ranges, pairs, strict=False):
            if pair is not None:
                np.minimum.at(low, pair[1], r[0][pair[0]])
                np.maximum.at(high, pair[1], r[1][pair[0]])
        kind = np.int64 if p.y.dtype == np.int8 else float
        return np.stack([low, high]).astype(kind)

    return ranges_of


def same(p: OperatorContext) -> Links:
    """Channel for channel; an input with a single one that is repeated stays whole."""
    every = np.arange(count(p.y))
    return [(every, every) if t is not None and count(t) == len(every) else None for t in p.inputs]


def first(p: OperatorContext) -> Links:
    """Channel for channel of the first input; the others are no channels."""
    every = np.arange(count(p.y))
    return [(every, every)]


def mean_links(p: OperatorContext) -> Links:
    """Channel for channel, unless it goes over them."""
    rank = len(p.x.shape)
    return None if rank - 1 in np.ravel(p.inputs[1].data) % rank else first(p)


def pad_links(p: OperatorContext) -> Links:
    """Channel for channel, unless it adds some."""
    return None if np.any(p.inputs[1].data[-1]) else first(p)


def transposed(p: OperatorContext) -> Links:
    """Channel for channel, where they stay the last axis."""
    return first(p) if np.ravel(p.inputs[1].data)[-1] == len(p.x.shape) - 1 else None


def renamed(p: OperatorContext) -> Links:
    """Values keep their order, so one shape's channels repeat within the other's."""
    before, after = count(p.x), count(p.y)
    flat = np.arange(max(before, after))
    return None if len(flat) % min(before, after) else [(flat % before, flat % after)]


def joined(p: OperatorContext) -> Links:
    """Side by side along the last axis, channel for channel along another."""
    if p.options["axis"] % len(p.y.shape) < len(p.y.shape) - 1:
        return same(p)
    ends = np.cumsum([count(t) for t in p.inputs])
    return [
        (np.arange(count(t)), np.arange(end - count(t), end))
        for t, end in zip(p.inputs, ends, strict=True)
    ]


MIXED = Channels(mixed)
DEPTHWISE = Channels(depthwise, depthwise_links)
TABLE = Channels(table, first)
ELEMENTWISE = Channels(elementwise, same)
POOL, MEAN = Channels(pooled, first), Channels(mean, mean_links)
EXTREME, RESIZED = Channels(extreme, mean_links), Channels(extreme, first)
LARGER, SMALLER = Channels(larger, same), Channels(smaller, same)
PAD, JOINED = Channels(moved(pad_links), pad_links), Channels(moved(joined), joined)
TRANSPOSED, RENAMED = Channels(moved(transposed), transposed), Channels(moved(renamed), renamed)
