"""The forward pass of an int8 network in TensorFlow, integer for integer, with gradients.

Activations are counted in steps from their zero point, so that padding is zero and every product is the
integer that the device computes; floats hold these integers exactly below 2^24. Rounding passes its gradient
straight through (Bengio et al., "Estimating or Propagating Gradients Through Stochastic Neurons", 2013; Jacob
et al., "Quantization and Training of Neural Networks for Efficient Integer-Arithmetic-Only Inference", 2018).
"""

from __future__ import annotations

import numpy as np

from edgekit.export.graph import Graph, Operator, Tensor
from edgekit.learn.legacy import tf

WEIGHTED = ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED")
POOLED = ("AVERAGE_POOL_2D", "MAX_POOL_2D", "MEAN")
KNOWN = (*WEIGHTED, *POOLED, "RESHAPE", "ADD", "QUANTIZE")


def rounded(x):
    """The nearest whole numbers, half away from zero; the gradient passes as if nothing had happened."""
    return x + tf.stop_gradient(tf.sign(x) * tf.floor(tf.abs(x) + 0.5) - x)


def _rescaled(total, factor, count: int = 1):
    """`total` · `factor` / `count` as TFLM's integers do it (gemmlowp): rounded after the product with the
    factor's mantissa, which `count` is folded into, and again after the shift."""
    mantissa, exponent = np.frexp(np.float64(factor))
    fold = count.bit_length() - 1
    mantissa, exponent = mantissa * 2.0**fold / count, exponent - fold
    product = rounded(total * (mantissa * 2.0 ** np.maximum(exponent, 0)).astype(np.float32))
    return rounded(product * (2.0 ** np.minimum(exponent, 0)).astype(np.float32))


def forward(graph: Graph, x, integers: dict):
    """int8 inputs (n, …), float32 -> outputs (n, k) in float units.

    `integers` by tensor index: float tensors, whole numbers of any shape of the right size, that stand
    in for the graph's own constants.
    """
    known = {graph.inputs[0]: x - float(graph.tensors[graph.inputs[0]].zero_point[0])}
    for op in graph.operators:
        known[op.outputs[0]] = _apply(graph, op, known, integers)
    out = graph.tensors[graph.outputs[0]]
    return known[out.index] * float(out.scale[0])


def _apply(graph: Graph, op: Operator, known: dict, integers: dict):
    x, y = graph.tensors[op.inputs[0]], graph.tensors[op.outputs[0]]
    u, o = known[x.index], op.options
    shape = [-1, *y.shape[1:]]
    if op.name in WEIGHTED:
        w = graph.tensors[op.inputs[1]]
        total = _sums(op, u, tf.reshape(_value(w, integers), w.shape))
        if len(op.inputs) > 2 and op.inputs[2] >= 0:
            total += tf.reshape(_value(graph.tensors[op.inputs[2]], integers), [-1])
        factor = x.scale.astype(np.float64) * w.scale / y.scale
        return tf.reshape(_saturated(_rescaled(total, factor), y, o), shape)
    if op.name == "RESHAPE":
        return tf.reshape(u, shape)
    if op.name == "MAX_POOL_2D":
        return _saturated(tf.nn.max_pool2d(u, *_pool(o)), y, o)
    if op.name == "AVERAGE_POOL_2D":  # halves go away from int8's zero, not from the zero point
        zero = float(x.zero_point[0])
        return _saturated(rounded(tf.nn.avg_pool2d(u, *_pool(o)) + zero) - zero, y, o)
    factor = float(x.scale[0]) / float(y.scale[0])
    if op.name == "MEAN":
        axes = [int(a) for a in graph.tensors[op.inputs[1]].data.ravel()]
        total = tf.reshape(tf.reduce_sum(u, axes), shape)
        return _saturated(_rescaled(total, factor, x.size // y.size), y, o)
    if op.name == "ADD":
        other = graph.tensors[op.inputs[1]]
        total = u * factor + known[other.index] * (float(other.scale[0]) / float(y.scale[0]))
        return _saturated(rounded(total), y, o)
    return _saturated(_rescaled(u, factor), y, o)


def _value(t: Tensor, integers: dict):
    return integers[t.index] if t.index in integers else tf.constant(t.data, tf.float32)


def _sums(op: Operator, u, w):
    """Sums of products, whole numbers: (n, …, channels)."""
    o = op.options
    if op.name == "FULLY_CONNECTED":
        return tf.matmul(tf.reshape(u, [-1, w.shape[1]]), w, transpose_b=True)
    strides, padding = [1, o["stride_h"], o["stride_w"], 1], o["padding"].upper()
    dilations = [o["dilation_h"], o["dilation_w"]]
    if op.name == "CONV_2D":
        kernel = tf.transpose(w, [1, 2, 3, 0])
        return tf.nn.conv2d(u, kernel, strides, padding, dilations=dilations)
    kernel = tf.reshape(w, [*w.shape[1:3], u.shape[3], -1])
    return tf.nn.depthwise_conv2d(u, kernel, strides, padding, dilations=dilations)


def _pool(o: dict) -> tuple:
    return [o["filter_h"], o["filter_w"]], [o["stride_h"], o["stride_w"]], o["padding"].upper()


def _saturated(value, y: Tensor, options: dict):
    """Held in the output's range, the fused activation's included."""
    zero, scale = int(y.zero_point[0]), float(y.scale[0])
    low, high = -128 - zero, 127 - zero
    bounds = {"relu": (0, np.inf), "relu6": (0, 6), "relu_n1_to_1": (-1, 1)}
    least, most = bounds.get(options.get("activation"), (-np.inf, np.inf))
    low = max(low, -np.floor(-least / scale + 0.5))
    high = min(high, np.floor(most / scale + 0.5))
    return tf.clip_by_value(value, low, high)
