"""An int8 `.tflite` that is trained on its own grid: only integers change, scales and zero points stay.

Batch normalization is folded in such a file, so its statistics cannot move. Importing this imports
TensorFlow.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from edgekit.core.errors import EdgekitError
from edgekit.export.reader import read
from edgekit.learn import litert
from edgekit.learn.fake_quant import forward, rounded
from edgekit.learn.legacy import cross_entropy, tf
from edgekit.learn.training import Loop
from edgekit.operators import OPERATORS
from edgekit.operators.graph import Graph

BIAS_STEP = 64  # accumulator counts: what a weight's step does to an input at half its range


@dataclass(frozen=True, eq=False)
class Constant:
    """Integers of a `.tflite` that training may change, and where they lie in it."""

    name: str
    offset: int  # byte offset in the file
    base: np.ndarray  # (n,) as released, int8 weights or int32 biases
    unit: int  # counts that one step of the training moves

    @property
    def bias(self) -> bool:
        return self.base.dtype == np.int32

    @property
    def limits(self) -> tuple[int, int]:
        """Weights are symmetric, unless the released ones are not; biases stay where floats are exact."""
        if self.bias:
            most = max(1 << 23, int(np.abs(self.base.astype(np.int64)).max()))
            return -most, most
        return min(-127, int(self.base.min())), 127

    def read(self, tflite: bytes) -> np.ndarray:
        """The integers (n,) in another copy of the file."""
        return np.frombuffer(tflite, self.base.dtype, self.base.size, self.offset)


class Network:
    """An int8 `.tflite`, checked, with `constants` that may change: all, or its biases only.

    `input_shape` is that of one input, `classes` how many it tells apart. Raises EdgekitError, in one line,
    for a network that cannot be trained on its grid.
    """

    def __init__(self, tflite: bytes, biases_only: bool = False):
        self.tflite, self.graph = tflite, read(tflite)
        check(self.graph)
        by_tensor = constants(tflite, self.graph)
        chosen = {c.offset: c for c in by_tensor.values() if c.bias or not biases_only}
        self.constants = [chosen[offset] for offset in sorted(chosen)]
        if not self.constants:
            raise EdgekitError("the network has nothing that may be changed")
        order = {c.offset: k for k, c in enumerate(self.constants)}
        self.constant_index = {
            i: order[c.offset] for i, c in by_tensor.items() if c.offset in order
        }
        tensors = self.graph.tensors
        self.input_shape = tensors[self.graph.inputs[0]].shape[1:]
        self.classes = tensors[self.graph.outputs[0]].size
        self._run = tf.function(self.forward, autograph=False, reduce_retracing=True)

    def forward(self, x, integers: list):
        """int8 inputs (n, …) as float32 -> logits (n, classes); `integers`: a tensor for each constant."""
        return forward(self.graph, x, {i: integers[k] for i, k in self.constant_index.items()})

    def logits(self, tflite: bytes, x: np.ndarray) -> np.ndarray:
        """The logits of another copy of the file for int8 inputs (n, …): (n, classes), in float units."""
        integers = [tf.constant(c.read(tflite), tf.float32) for c in self.constants]
        parts = (tf.constant(x[i : i + 256], tf.float32) for i in range(0, len(x), 256))
        return np.concatenate([self._run(part, integers).numpy() for part in parts])

    def agreement(self, tflite: bytes, x: np.ndarray) -> float:
        """The share of int8 outputs on which this forward pass and TFLM (`litert.predict_int8`) agree.

        RuntimeError if one is more than two steps away: then the training saw another network.
        """
        out = self.graph.tensors[self.graph.outputs[0]]
        seen = np.round(self.logits(tflite, x) / float(out.scale[0])) + out.zero_point[0]
        away = np.abs(seen - litert.predict_int8(tflite, x)[0].reshape(seen.shape))
        if away.max(initial=0) > 2:
            raise RuntimeError(
                f"TFLM answers {away.max():.0f} steps away from the training's network"
            )
        return float((away == 0).mean())

    def written(self, integers: list[np.ndarray]) -> bytes:
        """A copy of the file with other integers; nothing else differs."""
        copy = bytearray(self.tflite)
        for c, values in zip(self.constants, integers, strict=True):
            copy[c.offset : c.offset + c.base.nbytes] = values.astype(c.base.dtype).tobytes()
        return bytes(copy)

    def changed(self, tflite: bytes) -> float:
        """The share of integers, of those that may change, that differ in another copy of the file."""
        differ = sum(int((c.read(tflite) != c.base).sum()) for c in self.constants)
        return differ / sum(c.base.size for c in self.constants)


class Training:
    """Adam on the changes of a network's integers, counted in steps; `kept` says which may differ from 0.

    The rate, in steps per batch, falls from `rate` to 0 as a cosine over `batches`.
    """

    def __init__(self, network: Network, rate: float, batches: int):
        self.network = network
        sizes = [c.base.size for c in network.constants]
        self.bounds = np.cumsum([0, *sizes])
        self.steps = [tf.Variable(tf.zeros(n)) for n in sizes]
        self.kept = [tf.Variable(tf.ones(n), trainable=False) for n in sizes]
        self.loop = Loop(self.steps, self._losses, rate, batches, kept=self.kept)

    def epoch(self, x: np.ndarray, y: np.ndarray, weight: np.ndarray, batch: int) -> float:
        """One pass over int8 inputs (n, …) and class indices (n,) in the given order; the mean loss."""
        return self.loop.epoch((x.astype(np.float32), y, weight), batch)

    def _losses(self, x, y, weight):
        integers = [
            tf.clip_by_value(rounded(c.base.astype(np.float32) + c.unit * s), *c.limits)
            for c, s in zip(self.network.constants, self.steps, strict=True)
        ]
        return cross_entropy(y, self.network.forward(x, integers)) * weight

    def file(self, masks=None) -> bytes:
        """The `.tflite` as it stands, or with only the changes that `masks` (1 or 0) let through."""
        return self.network.written(self._integers(masks or [1.0] * len(self.steps)))

    def _integers(self, masks) -> list[np.ndarray]:
        return [
            np.clip(np.round(c.base + np.float64(c.unit) * s.numpy() * m), *c.limits)
            for c, s, m in zip(self.network.constants, self.steps, masks, strict=True)
        ]

    def order(self) -> np.ndarray:
        """Numbers of all changes, the most important first: how much the loss would rise without them."""
        rise = []
        for c, now, slope in zip(
            self.network.constants,
            self._integers([1.0] * len(self.steps)),
            self.loop.adam._velocities,
            strict=True,
        ):
            rise.append(np.abs(now - c.base) / c.unit * np.sqrt(slope.numpy()))
        # what rounds to no change costs nothing; the more it has moved, the longer it may stay
        moved = np.concatenate([np.abs(s.numpy()) for s in self.steps])
        return np.lexsort((-moved, -np.concatenate(rise)))

    def masks(self, numbers: np.ndarray) -> list[np.ndarray]:
        """1 for the changes with those numbers, 0 for the others, an array for each constant."""
        flat = np.zeros(self.bounds[-1], np.float32)
        flat[numbers] = 1
        return np.split(flat, self.bounds[1:-1])

    def keep(self, numbers: np.ndarray) -> None:
        """Take every other change back, for good."""
        for k, s, m in zip(self.kept, self.steps, self.masks(numbers), strict=True):
            k.assign(k * m)
            s.assign(s * m)


# ------------------------------------------------------------------------------- what may change


def check(graph: Graph) -> None:
    """Raises EdgekitError, in one line, for what cannot be trained on its grid."""
    for op in graph.operators:
        kind = OPERATORS[op.name]
        if kind.train is None:
            known = ", ".join(name for name, other in OPERATORS.items() if other.train)
            raise EdgekitError(
                f"operator {op.index} ({op.name}) cannot be fine-tuned. Known: {known}"
            )
        inputs = [graph.tensors[i] for i in op.inputs if i >= 0]
        moving = (
            inputs[:1]
            if kind.weighted
            else inputs[:1] + [t for t in inputs[1:] if t.dtype != np.int32]
        )
        for t in (*moving, graph.tensors[op.outputs[0]]):
            if t.dtype != np.int8 or t.data is not None:
                raise EdgekitError(f"fine-tuning needs int8 throughout; {t} is not")
        why = kind.frozen(graph, op) if kind.frozen else None
        if why:
            raise EdgekitError(f"operator {op.index} ({op.name}) cannot be fine-tuned: it {why}")


def constants(tflite: bytes, graph: Graph) -> dict[int, Constant]:
    """By tensor index: the weights and biases that may change. Tensors in one buffer share their Constant.

    A buffer that something else reads too (a shape, or a bias and weights) is left as it is.
    """
    roles: dict[int, set] = {}  # what each buffer is used as
    where = {t.index: _byte_offset(tflite, t.index) for t in graph.tensors if t.data is not None}
    found: dict[int, Any] = {}
    for op in graph.operators:
        for role, i in enumerate(op.inputs):
            if i not in where:
                continue
            if OPERATORS[op.name].weighted and role in (1, 2):
                t = graph.tensors[i]
                roles.setdefault(where[i], set()).add((role, t.size, t.dtype))
                found[i] = t
            else:
                roles.setdefault(where[i], set()).add("fixed")
    shared: dict[int, Constant] = {}
    for i, t in found.items():
        unit = 1 if t.dtype == np.int8 else BIAS_STEP
        if len(roles[where[i]]) == 1:
            shared.setdefault(where[i], Constant(t.name, where[i], t.data.ravel(), unit))
    return {i: shared[where[i]] for i in found if where[i] in shared}


def _byte_offset(tflite: bytes, index: int) -> int:
    """Where the bytes of a constant tensor begin in the file."""
    import tflite as schema

    model = schema.Model.GetRootAs(tflite, 0)
    table = model.Buffers(model.Subgraphs(0).Tensors(index).Buffer())._tab
    return table.Vector(table.Offset(4))
