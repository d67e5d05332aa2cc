"""The layers that multiply by weights: CONV_2D, DEPTHWISE_CONV_2D, FULLY_CONNECTED."""

from __future__ import annotations

import numpy as np

from edgekit.export import fixed_point as q
from edgekit.export import lower_float
from edgekit.export.layer import Layer, OperatorContext, zero_of

COLUMNS = 4  # output pixels multiplied together, as in kernels/ek_dot.h


def window(p: OperatorContext, k_h: int, k_w: int, dilation=(1, 1)) -> dict:
    """Output size and padding of a window over an NHWC image (TFLite ComputePaddingHeightWidth)."""
    _, in_h, in_w, _ = p.x.shape
    o = p.options
    result = {"in_h": in_h, "in_w": in_w, "k_h": k_h, "k_w": k_w}
    for axis, size, k, d in (("h", in_h, k_h, dilation[0]), ("w", in_w, k_w, dilation[1])):
        stride = o[f"stride_{axis}"]
        p.require(1 <= stride <= 4096 and 1 <= d <= 4096, f"has stride {stride} and dilation {d}")
        p.require(max(size, k) < 1 << 15, "is larger than 32,767 in one direction")
        reach = (k - 1) * d + 1
        if o["padding"] == "same":
            out = -(-size // stride)
            pad = max((out - 1) * stride + reach - size, 0) // 2
        else:
            p.require(size >= reach, f"its window of {reach} exceeds the input of {size}")
            out, pad = (size - reach) // stride + 1, 0
        result |= {f"out_{axis}": out, f"stride_{axis}": stride, f"pad_{axis}": pad}
    return result


def read_limits(w: dict, dilation=(1, 1)) -> np.ndarray:
    """For each output pixel, the first input pixel that it or any later one reads (flat indices)."""
    firsts = []
    for axis, d in (("h", dilation[0]), ("w", dilation[1])):
        start = np.arange(w[f"out_{axis}"]) * w[f"stride_{axis}"] - w[f"pad_{axis}"]
        inside = (
            start + np.maximum(0, -(start // d)) * d
        )  # the first tap that is not in the padding
        firsts.append(np.where(inside < w[f"in_{axis}"], inside, w[f"in_{axis}"]))
    flat = (firsts[0][:, None] * w["in_w"] + firsts[1][None, :]).reshape(-1)
    return np.minimum.accumulate(flat[::-1])[::-1]


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
    low, high = q.activation_range(p.options["activation"], sy, zero_of(p.y))
    p.require(-128 <= low <= high <= 127, "the fused activation leaves no value of int8")
    if len(pairs) > 1:
        remove_dead_channels(
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


def remove_dead_channels(rows, bias, bound, multiplier, shift, limits) -> None:
    """Rewrite channels that training left dead: tiny scales, huge biases, one and the same output.

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


def conv(p: OperatorContext) -> Layer:
    p.inputs_between(2, 3)
    p.require(
        len(p.x.shape) == 4 and p.x.shape[0] == 1, f"needs one NHWC image, not {list(p.x.shape)}"
    )
    filters = p.inputs[1]
    p.require(filters is not None and len(filters.shape) == 4, "its filter needs four dimensions")
    out_ch, k_h, k_w, in_ch = filters.shape
    p.require(
        in_ch == p.x.shape[3],
        f"its filter has {in_ch} input channels, the input {p.x.shape[3]}; grouped convolutions are not "
        "supported: use a full or a depthwise one",
    )
    dilation = p.options["dilation_h"], p.options["dilation_w"]
    w = window(p, k_h, k_w, dilation)
    p.require(max(in_ch, out_ch) < 1 << 15, "has more than 32,767 channels")
    p.shape_is((1, w["out_h"], w["out_w"], out_ch))
    fields = w | {
        "in_ch": in_ch,
        "out_ch": out_ch,
        "dilation_h": dilation[0],
        "dilation_w": dilation[1],
    }
    macs = p.y.size * k_h * k_w * in_ch
    if p.types(p.x, p.y) == "float32":
        return lower_float.conv(p, fields, macs)
    return _conv_s8(p, fields, w, dilation, 0, macs)


def _conv_s8(
    p: OperatorContext, fields: dict, w: dict, dilation, channel_axis: int, macs: int
) -> Layer:
    """CONV_2D, or a DEPTHWISE_CONV_2D of a single input channel, which is the same thing."""
    rows, bias, bound = weights_and_bias(p, channel_axis)
    quant, constants = requant(p, rows, bias, bound)
    constants["bias"] = np.pad(constants["bias"], (0, len(rows) % 2))
    in_ch, out_ch, k_h, k_w = (fields[k] for k in ("in_ch", "out_ch", "k_h", "k_w"))
    count, length = w["out_h"] * w["out_w"], k_h * k_w * in_ch
    depth = -(-length // 4) * 4
    direct = k_h == k_w == 1 and in_ch % 4 == 0 and not (w["pad_h"] or w["pad_w"])
    fields |= {
        "in_zero": zero_of(p.x),
        "direct": int(direct),
        "weights": "@weights",
        "requant": quant,
    }
    # groups of COLUMNS pixels: everything a group reads is read before it writes
    limits = read_limits(w, dilation) * in_ch
    whole = count - count % COLUMNS
    ends = np.concatenate([np.arange(COLUMNS, whole + 1, COLUMNS), np.arange(whole + 1, count + 1)])
    gaps = ends[:-1] * out_ch - limits[ends[:-1]]
    distance = int(gaps.max()) if len(gaps) else -p.x.nbytes
    gather = not direct or count > whole
    return p.layer(
        "ek_conv_s8(&{params}, {in0}, {out0}, {scratch});",
        ["ek_conv.h"],
        struct="conv_s8",
        fields=fields,
        constants=constants | {"weights": pair_order(rows)},
        scratch=(2 * COLUMNS * depth if whole else 0) + depth * gather,
        overlap={p.x.index: distance},
        macs=macs,
        comment=f"{p.x.shape[1:]} * {k_h}x{k_w} -> {p.y.shape[1:]}".replace(", ", "x"),
    )


def depthwise(p: OperatorContext) -> Layer:
    p.inputs_between(2, 3)
    p.require(
        len(p.x.shape) == 4 and p.x.shape[0] == 1, f"needs one NHWC image, not {list(p.x.shape)}"
    )
    filters = p.inputs[1]
    p.require(
        filters is not None and len(filters.shape) == 4 and filters.shape[0] == 1,
        "its filter needs the shape 1, height, width, channels",
    )
    _, k_h, k_w, out_ch = filters.shape
    in_ch = p.x.shape[3]
    p.require(out_ch % in_ch == 0, f"{out_ch} output channels are no multiple of {in_ch}")
    multiplier = out_ch // in_ch
    p.require(out_ch < 1 << 15, "has more than 32,767 channels")
    # TFLM believes the option, so a file in which the two differ is refused
    p.require(
        p.options["depth_multiplier"] == multiplier, f"depth multiplier should be {multiplier}"
    )
    dilation = p.options["dilation_h"], p.options["dilation_w"]
    w = window(p, k_h, k_w, dilation)
    p.shape_is((1, w["out_h"], w["out_w"], out_ch))
    macs = p.y.size * k_h * k_w
    fields = w | {
        "in_ch": in_ch,
        "multiplier": multiplier,
        "dilation_h": dilation[0],
        "dilation_w": dilation[1],
    }
    if p.types(p.x, p.y) == "float32":
        return lower_float.depthwise(p, fields, macs)
    if in_ch == 1:
        del fields["multiplier"]
        return _conv_s8(p, fields | {"out_ch": out_ch}, w, dilation, 3, macs)
    rows, bias, bound = weights_and_bias(p, 3)
    quant, constants = requant(p, rows, bias, bound)
    # the plane is as large as the windows reach; pairs of taps may read one value further
    plane_h, reach_w = (
        (w[f"out_{a}"] - 1) * w[f"stride_{a}"] + (w[f"k_{a}"] - 1) * d + 1
        for a, d in zip("hw", dilation, strict=True)
    )
    plane_w = (reach_w + 2) // 2 * 2
    p.require(plane_w < 1 << 15, "is wider than 32,767 with padding")
    fields |= {
        "plane_h": plane_h,
        "plane_w": plane_w,
        "three": int(k_h == k_w == 3 and max(dilation) == 1 and w["stride_w"] <= 2),
        "in_zero": zero_of(p.x),
        "weights": "@weights",
        "requant": quant,
    }
    return p.layer(
        "ek_depthwise_s8(&{params}, {in0}, {out0}, {scratch});",
        ["ek_depthwise.h"],
        struct="depthwise_s8",
        fields=fields,
        constants=constants | {"weights": rows.astype(np.int8).reshape(-1)},
        scratch=2 * plane_h * plane_w + 4 * k_h * ((k_w + 1) // 2),
        overlap={p.x.index: "exact"} if multiplier == 1 else {},
        macs=macs,
        comment=f"{p.x.shape[1:]} * {k_h}x{k_w} -> {p.y.shape[1:]}".replace(", ", "x"),
    )


def fully_connected(p: OperatorContext) -> Layer:
    p.inputs_between(2, 3)
    p.require(p.options["weights_format"] == 0, "has shuffled weights")
    filters = p.inputs[1]
    p.require(filters is not None and len(filters.shape) == 2, "its weights need two dimensions")
    out_size, in_size = filters.shape
    p.require(p.x.size % in_size == 0, f"{p.x.size} inputs are no multiple of {in_size}")
    rows_count = p.x.size // in_size
    if p.options["keep_num_dims"]:
        p.require(p.x.shape[-1:] == (in_size,), f"its last dimension is not {in_size}")
        p.shape_is((*p.x.shape[:-1], out_size))
    else:
        p.require(
            p.y.size == rows_count * out_size and p.y.shape[-1] == out_size,
            f"should give {rows_count} x {out_size} and the file says {list(p.y.shape)}",
        )
    fields = {"rows": rows_count, "in_size": in_size, "out_size": out_size}
    macs = rows_count * in_size * out_size
    if p.types(p.x, p.y) == "float32":
        return lower_float.fully_connected(p, fields, macs)
    rows, bias, bound = weights_and_bias(p, 0)
    quant, constants = requant(p, rows, bias, bound)
    fields |= {"weights": "@weights", "requant": quant}
    return p.layer(
        "ek_fully_connected_s8(&{params}, {in0}, {out0});",
        ["ek_fully_connected.h"],
        struct="fully_connected_s8",
        fields=fields,
        constants=constants | {"weights": pair_order(rows)},
        macs=macs,
    )
