"""What CONV_2D, DEPTHWISE_CONV_2D and FULLY_CONNECTED share: weights, biases and their rescaling."""

from __future__ import annotations

from typing import Any

import numpy as np

from edgekit.operators import fixed_point as q
from edgekit.operators.graph import Graph, Operator
from edgekit.operators.layer import OperatorContext, zero_of
from edgekit.operators.onnx_writer import Writer


def requant(p: OperatorContext, rows: np.ndarray, bias: np.ndarray, bound: np.ndarray) -> tuple:
    """Fields and constants of struct requant; `bound[c]` limits |accumulator| of channel c.

    Weights (`rows`) and biases of channels that always give the same value are rewritten in place.
    """
    weights_scale = p.inputs[1].scale
    sx, sy = p.x.scale[0], p.y.scale[0]
    reals = [float(sx) * float(s) / float(sy) for s in weights_scale]
    pairs = [q.quantize_multiplier(r) for r in reals]
    multiplier = np.array([m for m, _ in pairs], np.int32)
    # a dead channel's multiplier is 0: any shift will do, and this one keeps the layer on the fast path
    shift = np.array([s if m else -1 for m, s in pairs], np.int64)
    p.require(shift.max() <= 30, "its output scale is far too small for its input and weights")
    scaled = bound * 2.0 ** np.maximum(shift, 0)
    p.require(
        scaled.max() < 2**31, "its accumulator can overflow 32 bits: quantize the model again"
    )
    low, high = p.int8_limits()
    if len(pairs) > 1:
        simplify_dead_channels(
            rows, bias, bound, multiplier, shift, (low - zero_of(p.y), high - zero_of(p.y))
        )
    exact = bool(shift.max() >= 0 or shift.min() < -22 or bound.max() >= 1 << 30)
    constants = {"bias": bias, "multiplier": multiplier}
    if len(pairs) > 1 and np.abs(bias.astype(np.int64)).max() < 1 << 25:
        # one word for both: there is a shift for each channel and most biases are short
        constants["bias"] = (bias * 64 + shift + 31).astype(np.int32)
    else:
        constants["shift"] = shift.astype(np.int8)
    fields = {
        "bias": "@bias",
        "multiplier": "@multiplier",
        "shift": "@shift" if "shift" in constants else 0,
        "channel_step": int(len(pairs) > 1),
        "exact": int(exact),
        "clamps": int((low, high) != (-128, 127)),
        "zero": zero_of(p.y),
        "low": low,
        "high": high,
    }
    return fields, constants


def simplify_dead_channels(rows, bias, bound, multiplier, shift, limits) -> None:
    """Rewrite dead channels that have to stay (see `export.dead`): tiny scales, huge biases, one output.

    Rescaling is monotone, so a channel whose smallest and largest accumulator give the same value gives no
    other. Without weights, with bias value * 2^11 and multiplier 2^-11 it gives it on the fast path.
    """
    odd = (shift < -22) | (bound >= 1 << 30) | (np.abs(bias.astype(np.int64)) >= 1 << 25)
    for c in np.flatnonzero(odd):
        w = rows[c]
        ends = [int(bias[c] + np.minimum(-128 * w, 127 * w).sum())]
        ends += [int(bias[c] + np.maximum(-128 * w, 127 * w).sum())]
        values = {
            int(np.clip(q.multiply_by_quantized(e, int(multiplier[c]), int(shift[c])), *limits))
            for e in ends
        }
        if len(values) == 1:
            value = values.pop()
            rows[c], bias[c], bound[c] = 0, value << 11, abs(value) << 11
            multiplier[c], shift[c] = 1 << 30, -10


def weights_and_bias(p: OperatorContext, axis: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """int8 weights with the output channel first, folded int32 bias, and a bound on |accumulator|."""
    weights = p.constant(1, "filter", "int8")
    t = p.inputs[1]
    p.require(
        len(t.scale) == 1 or t.axis == axis,
        f"its filter is quantized along axis {t.axis}, not along its output channels",
    )
    p.require(not t.zero_point.any(), "its filter has a zero point: use symmetric weights")
    rows = np.moveaxis(weights, axis, 0).reshape(weights.shape[axis], -1).astype(np.int64)
    bias = np.zeros(len(rows), np.int64)
    if len(p.inputs) > 2 and p.inputs[2] is not None:
        bias = p.constant(2, "bias").astype(np.int64)
        p.require(bias.shape == (len(rows),), f"its bias has shape {list(bias.shape)}")
    zero = zero_of(p.x)
    folded = bias - zero * rows.sum(1)
    reach = np.maximum(127 - zero, zero + 128)
    # partial sums are of x itself, with the zero point's part already in the bias
    bound = np.maximum(
        np.abs(bias) + reach * np.abs(rows).sum(1), np.abs(folded) + 128 * np.abs(rows).sum(1)
    )
    # a channel that pruning emptied holds its bias and nothing else, however large: -2^31 is such a bias
    bound[~rows.any(axis=1)] = np.minimum(bound[~rows.any(axis=1)], 2**31 - 1)
    p.require(bound.max() < 2**31, "its accumulator can overflow 32 bits: quantize the model again")
    return rows, folded.astype(np.int32), bound.astype(np.float64)


def pair_order(rows: np.ndarray) -> np.ndarray:
    """[channels][k] → kernels/ek_dot.h's order: A0 B0 A2 B2  A1 B1 A3 B3 for each pair and four k."""
    channels, k = rows.shape
    padded = np.zeros((-(-channels // 2) * 2, -(-k // 4) * 4), np.int8)
    padded[:channels, :k] = rows
    grouped = padded.reshape(len(padded) // 2, 2, -1, 4)  # pair, channel, group, k
    return grouped[..., [0, 2, 1, 3]].transpose(0, 2, 3, 1).reshape(-1)


def switches(quant: dict, channels: int) -> tuple[str, ...]:
    """What of ek_requantize.h and ek_dot.h a layer uses."""
    wanted = {
        "EK_ANY_CLAMPS": quant["clamps"],
        "EK_ANY_EXACT": quant["exact"],
        "EK_ANY_FOUR": channels > 2,
    }
    return tuple(name for name, used in wanted.items() if used)


def onnx_bias(w: Writer, op: Operator) -> list[str]:
    """The bias in real numbers, if there is one."""
    if len(op.inputs) < 3 or op.inputs[2] < 0:
        return []
    x, t = w.tensor(op.inputs[0]), w.tensor(op.inputs[1])
    scale = (t.scale.astype(np.float64) * float(x.scale[0])).astype(np.float32)
    return [w.weights(w.known(op.inputs[2]).reshape(-1), scale, 0)]


def train(sums):
    """The forward pass of `sums(f, op, u, w)`: sums of products of inputs and weights, whole numbers."""

    def forward(f: Any, op: Operator):
        x, t, y = (f.tensor(i) for i in (*op.inputs[:2], op.outputs[0]))
        total = sums(f, op, f.value(op.inputs[0]), f.constant(op.inputs[1], t.shape))
        if len(op.inputs) > 2 and op.inputs[2] >= 0:
            total += f.constant(op.inputs[2], [-1])
        factor = x.scale.astype(np.float64) * t.scale / y.scale
        return f.reshaped(f.saturated(f.rescaled(total, factor), op), op)

    return forward


def frozen(graph: Graph, op: Operator) -> str | None:
    """Why the weights cannot be trained on their grid."""
    t = graph.tensors[op.inputs[1]]
    if t.data is None or t.dtype != np.int8 or t.zero_point.any():
        return f"needs constant int8 weights around zero, not {t}"
    return None
