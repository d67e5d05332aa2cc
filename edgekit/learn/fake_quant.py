"""The forward pass of an int8 network in TensorFlow, integer for integer, with gradients.

Activations are counted in steps from their zero point, so that padding is zero and every product is the
integer that the device computes; floats hold these integers exactly below 2^24. Rounding passes its gradient
straight through (Bengio et al., "Estimating or Propagating Gradients Through Stochastic Neurons", 2013; Jacob
et al., "Quantization and Training of Neural Networks for Efficient Integer-Arithmetic-Only Inference", 2018).
"""

from __future__ import annotations

import numpy as np

from edgekit.learn.legacy import tf
from edgekit.operators import OPERATORS
from edgekit.operators.fixed_point import activation_range
from edgekit.operators.graph import Graph, Operator, Tensor


def rounded(x):
    """The nearest whole numbers, half away from zero; the gradient passes as if nothing had happened."""
    return x + tf.stop_gradient(tf.sign(x) * tf.floor(tf.abs(x) + 0.5) - x)


def forward(graph: Graph, x, integers: dict):
    """int8 inputs (n, …), float32 -> outputs (n, k) in float units.

    `integers` by tensor index: float tensors, whole numbers of any shape of the right size, that stand
    in for the graph's own constants.
    """
    steps = ForwardPass(graph, integers)
    steps.values[graph.inputs[0]] = x - steps.zero(graph.inputs[0])
    for op in graph.operators:
        steps.values[op.outputs[0]] = steps.computed(op)
    out = graph.tensors[graph.outputs[0]]
    return steps.values[out.index] * float(out.scale[0])


class ForwardPass:
    """What operators' records compute with: values in steps from their zero point, by tensor index."""

    tf = tf
    rounded = staticmethod(rounded)

    def __init__(self, graph: Graph, integers: dict):
        self.graph, self.integers = graph, integers
        self.values: dict = {}

    def computed(self, op: Operator):
        """The output of an operator that `int8_training.check` has taken."""
        train = OPERATORS[op.name].train
        assert train, f"{op.name} is not trained"
        return train(self, op)

    def tensor(self, i: int) -> Tensor:
        """Tensor i of the graph."""
        return self.graph.tensors[i]

    def zero(self, i: int) -> float:
        """Its zero point."""
        return float(self.tensor(i).zero_point[0])

    def value(self, i: int):
        """An activation (n, …)."""
        return self.values[i]

    def constant(self, i: int, shape):
        """Weights or a bias, as they are trained."""
        known = self.integers.get(i)
        return tf.reshape(
            tf.constant(self.tensor(i).data, tf.float32) if known is None else known, shape
        )

    def reshaped(self, value, op: Operator):
        """In the shape of the operator's output, for a batch of any size."""
        return tf.reshape(value, [-1, *self.tensor(op.outputs[0]).shape[1:]])

    def rescaled(self, total, factor, count: int = 1):
        """`total` · `factor` / `count` as TFLM's integers do it (gemmlowp): rounded after the product with
        the factor's mantissa, which `count` is folded into, and again after the shift."""
        mantissa, exponent = np.frexp(np.float64(factor))
        fold = count.bit_length() - 1
        mantissa, exponent = mantissa * 2.0**fold / count, exponent - fold
        product = rounded(total * (mantissa * 2.0 ** np.maximum(exponent, 0)).astype(np.float32))
        return rounded(product * (2.0 ** np.minimum(exponent, 0)).astype(np.float32))

    def saturated(self, value, op: Operator):
        """Held in the output's range, the fused activation's included."""
        y = self.tensor(op.outputs[0])
        zero = int(y.zero_point[0])
        low, high = activation_range(op.options.get("activation", "none"), y.scale[0], zero)
        return tf.clip_by_value(value, low - zero, high - zero)
