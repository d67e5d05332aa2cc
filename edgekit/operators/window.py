"""What slides over an image: output size and padding, and how soon its input may be overwritten."""

from __future__ import annotations

import numpy as np

from edgekit.operators.graph import Operator
from edgekit.operators.layer import OperatorContext
from edgekit.operators.onnx_writer import Writer


def window(p: OperatorContext, k_h: int, k_w: int, dilation=(1, 1)) -> dict:
    """Output size and padding of a window over an NHWC image (TFLite ComputePaddingHeightWidth)."""
    _, in_h, in_w, _ = p.x.shape
    o = p.options
    result = {"in_h": in_h, "in_w": in_w, "k_h": k_h, "k_w": k_w}
    for axis, size, k, d in (("h", in_h, k_h, dilation[0]), ("w", in_w, k_w, dilation[1])):
        stride = o[f"stride_{axis}"]
        p.require(1 <= stride <= 4096 and 1 <= d <= 4096, f"has stride {stride} and dilation {d}")
        p.require(max(size, k) < 1 << 15, "is larger than 32,767 in one direction")
        before, after = margins(o, axis, size, k, d)
        p.require(max(before, abs(after)) < 1 << 15, "pads more than 32,767")
        reach, whole = (k - 1) * d + 1, before + size + after
        p.require(whole >= reach, f"its window of {reach} exceeds the input of {whole}")
        out = (whole - reach) // stride + 1
        result |= {f"out_{axis}": out, f"stride_{axis}": stride, f"pad_{axis}": before}
    return result


def margins(options: dict, axis: str, size: int, k: int, dilation: int = 1) -> tuple[int, int]:
    """What the windows reach beyond an input of `size`, before and after, along axis "h" or "w".

    What SAME reaches behind it, less than 0 where it leaves some out; or what `export.padding` has
    written as the option `margin_h` or `margin_w`.
    """
    if f"margin_{axis}" in options:
        return options[f"margin_{axis}"]
    if options["padding"] == "valid":
        return 0, 0
    stride = options[f"stride_{axis}"]
    total = (-(-size // stride) - 1) * stride + (k - 1) * dilation + 1 - size
    before = max(total, 0) // 2
    return before, total - before


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


def onnx_pads(w: Writer, op: Operator, height: int, width: int) -> list[int]:
    """TFLite's SAME or VALID for a window as [top, left, bottom, right]."""
    o, x, y = op.options, w.tensor(op.inputs[0]), w.tensor(op.outputs[0])
    if o["padding"] == "valid":
        return [0, 0, 0, 0]
    before, after = [], []
    for d, k, axis in ((1, height, "h"), (2, width, "w")):
        reach = (k - 1) * o.get(f"dilation_{axis}", 1) + 1
        total = max(0, (y.shape[d] - 1) * o[f"stride_{axis}"] + reach - x.shape[d])
        before.append(total // 2)
        after.append(total - total // 2)
    return before + after


def tf_window(op: Operator) -> tuple[list[int], str]:
    """Strides (1, h, w, 1) and padding as `tf.nn` wants them."""
    o = op.options
    return [1, o["stride_h"], o["stride_w"], 1], o["padding"].upper()
