"""Channels that give one and the same value for every input, or that nobody reads: they leave the network.

Training leaves many such channels behind: a bias that RELU never lets through, a scale so small that all
products round to nothing. What a reader would have added for one goes into the reader's bias. Where padding
stands beside it with another value, or where an operator needs it in its place, it stays.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from edgekit.export.lower import lower
from edgekit.operators import OPERATORS
from edgekit.operators.channels import count, pads
from edgekit.operators.graph import Graph, Operator, Tensor
from edgekit.operators.layer import Layer, OperatorContext
from edgekit.operators.record import Links

KINDS = ("int8", "float32")


@dataclass(frozen=True)
class DeadChannels:
    """How much of a network is dead: of all channels (filters), multiplications, bytes of constants."""

    channels: int = 0
    macs: int = 0
    weight_bytes: int = 0
    all_channels: int = 0
    all_macs: int = 0
    all_weight_bytes: int = 0

    def __str__(self) -> str:
        if not self.channels:
            return "no channel is dead"
        parts = [
            f"{n:,} of {of:,} {what} ({n / max(of, 1):.0%})"
            for n, of, what in (
                (self.channels, self.all_channels, "channels"),
                (self.macs, self.all_macs, "multiplications"),
                (self.weight_bytes, self.all_weight_bytes, "bytes of constants"),
            )
        ]
        return f"dead: {', '.join(parts)}"


NOTHING = DeadChannels()


def dead_channels(graph: Graph) -> DeadChannels:
    """How much of a network is dead; EdgekitError for what `lower` refuses."""
    layers, _ = lower(graph)
    lean = without_dead_channels(graph, layers)
    return difference(graph, layers, lean, lower(lean)[0] if lean is not graph else layers)


def difference(
    graph: Graph, layers: Sequence[Layer], lean: Graph, lean_layers: Sequence[Layer]
) -> DeadChannels:
    """What `lean` lacks of `graph`, both with their layers."""

    def amounts(g: Graph, made: Sequence[Layer]) -> tuple[int, int, int]:
        filters = [op.outputs[0] for op in g.operators if OPERATORS[op.name].weighted]
        constants = sum(a.nbytes for layer in made for a in layer.constants.values())
        return (
            sum(count(g.tensors[i]) for i in filters),
            sum(m.macs for m in made),
            constants,
        )

    whole, left = amounts(graph, layers), amounts(lean, lean_layers)
    channels, macs, weight_bytes = (a - b for a, b in zip(whole, left, strict=True))
    return DeadChannels(channels, macs, weight_bytes, *whole)


def channel_ranges(graph: Graph, layers: Sequence[Layer]) -> dict[int, np.ndarray]:
    """For each tensor the lowest and highest value that each of its channels can have: (2, channels)."""
    removal = _Removal(graph, layers)
    removal.result()
    return removal.ranges


def without_dead_channels(graph: Graph, layers: Sequence[Layer]) -> Graph:
    """The same graph without its dead channels: outputs stay, to the bit for int8; itself if none is dead.

    layers: of `lower(graph)`, which has checked it. `Graph.kept` of the result says which channels of a
    tensor there are; inputs and outputs keep all of theirs, and every tensor keeps one.
    """
    return _Removal(graph, layers).result()


class _Removal:
    def __init__(self, graph: Graph, layers: Sequence[Layer]):
        self.graph = graph
        self.layers = {layer.index: layer for layer in layers}
        self.links: dict[int, Links] = {}
        self.ranges: dict[int, np.ndarray] = {}  # (2, channels) of each tensor
        self.used: dict[int, np.ndarray] = {}  # of an operator that mixes: (outputs, channels)
        self.leaves: dict[int, np.ndarray] = {}  # of each tensor: which channels

    def result(self) -> Graph:
        for t in self.graph.tensors:
            self.leaves[t.index] = np.zeros(count(t), bool)
            self.ranges[t.index] = _all_values(t)
        for n, op in enumerate(self.graph.operators):
            self._look_at(n, op)
        self._settle()
        while gone := [i for i, m in self.leaves.items() if m.all()]:
            self.leaves[gone[0]][0] = False  # a tensor needs a size
            self._settle()
        if not any(m.any() for m in self.leaves.values()):
            return self.graph
        return self._rewritten()

    def _look_at(self, n: int, op: Operator) -> None:
        """Range of its output, and who could leave: everything at first."""
        p, rule = OperatorContext(self.graph, op), OPERATORS[op.name].channels
        if rule is None or not {str(p.x.dtype), str(p.y.dtype)} <= set(KINDS):
            return
        links = rule.links(p) if rule.links else None
        if rule.links and links is None:  # here its channels become others
            return
        given = [self.ranges[i] if i >= 0 else () for i in op.inputs]
        found = rule.ranges(p, self.layers.get(op.index), given)
        if found is not None:
            self.ranges[p.y.index] = found
        if rule.links:
            self.links[n] = links
        elif p.inputs[1].data.shape[-1] % count(p.x) == 0:
            taps = p.inputs[1].data.reshape(count(p.y), -1, count(p.x))
            self.used[n] = taps.any(axis=1)
        if (n in self.used or self.links.get(n)) and p.y.index not in self.graph.outputs:
            self.leaves[p.y.index][:] = True

    def _settle(self) -> None:
        """Take back what cannot leave, until nothing changes: what is left can leave together."""
        before = -1
        while (now := sum(int(m.sum()) for m in self.leaves.values())) != before:
            before = now
            for n, op in reversed(list(enumerate(self.graph.operators))):
                if n in self.used:
                    self._let_mixed(n, op)
                else:
                    self._let_linked(self.links.get(n), op)

    def _let_mixed(self, n: int, op: Operator) -> None:
        """A channel that is read with weights leaves if it is constant, or all weights that stay are 0."""
        x = op.inputs[0]
        read = self.used[n][~self.leaves[op.outputs[0]]].any(axis=0)
        self.leaves[x] &= ~read | self._foldable(op)

    def _foldable(self, op: Operator) -> np.ndarray:
        """Which input channels are a number that the bias can hold; padding has to be the same number."""
        t = self.graph.tensors[op.inputs[0]]
        low, high = self.ranges[t.index]
        return (low == high) & ((low == _zero(t)) | (not pads(self.layers[op.index])))

    def _let_linked(self, links: Links, op: Operator) -> None:
        """Channels that become one another leave together; without links, none does."""
        y = self.leaves[op.outputs[0]]
        if not links:
            for i in (*op.inputs, *op.outputs):
                if i >= 0:
                    self.leaves[i][:] = False
            return
        computed = [self.graph.tensors[i].data is None if i >= 0 else False for i in op.inputs]
        for k, i in enumerate(op.inputs):
            if not computed[k]:
                continue
            pair = links[k] if k < len(links) else None
            if pair is None:
                self.leaves[i][:] = False
            else:
                np.logical_and.at(y, pair[1], self.leaves[i][pair[0]])
                np.logical_and.at(self.leaves[i], pair[0], y[pair[1]])

    # --- the graph that is left

    def _rewritten(self) -> Graph:
        stay = {i: ~leaves for i, leaves in self.leaves.items()}
        tensors = [
            t
            if stay[t.index].all()
            else replace(t, shape=(*t.shape[:-1], int(stay[t.index].sum())))
            for t in self.graph.tensors
        ]
        operators = []
        for n, op in enumerate(self.graph.operators):
            inputs, y = list(op.inputs), tensors[op.outputs[0]]
            for k, t in self._constants(n, op, stay, y).items():
                inputs[k : k + 1] = [len(tensors)]  # a bias may be new
                tensors.append(replace(t, index=len(tensors)))
            operators.append(replace(op, inputs=tuple(inputs)))
        kept = {i: np.flatnonzero(m) for i, m in stay.items() if not m.all()}
        return replace(self.graph, tensors=tuple(tensors), operators=tuple(operators), kept=kept)

    def _constants(self, n: int, op: Operator, stay: dict, y: Tensor) -> dict[int, Tensor]:
        """The operator's constants that are others now, by the input's number."""
        if n in self.used:
            return self._folded(op, stay)
        old = [self.graph.tensors[i] if i >= 0 else None for i in op.inputs]
        if op.name == "RESHAPE" and len(old) > 1 and old[1] is not None:
            return {1: _holding(old[1], np.array(y.shape, np.int32))}
        linked = zip(old, self.links.get(n) or (), strict=False)
        return {
            k: _taken(t, len(t.shape) - 1, stay[y.index][pair[1]])
            for k, (t, pair) in enumerate(linked)
            if t is not None and pair is not None and t.data is not None
        }

    def _folded(self, op: Operator, stay: dict) -> dict[int, Tensor]:
        """Filter and bias of what mixes: constant inputs that leave are added to the bias."""
        x, filters = (self.graph.tensors[i] for i in op.inputs[:2])
        rows, columns = stay[op.outputs[0]], stay[x.index]
        low, high = self.ranges[x.index]
        value = np.where(~columns & (low == high), low - _zero(x), 0)
        repeats = filters.shape[-1] // count(x)
        kind = np.int64 if x.dtype == np.int8 else np.float64
        products = _data(filters).reshape(len(rows), -1, count(x)).sum(1, kind) @ value.astype(kind)
        given = op.inputs[2] if len(op.inputs) > 2 else -1
        bias = self.graph.tensors[given] if given >= 0 else _no_bias(x, filters)
        # it fits: `lower` has seen that no sum over these products and the others leaves 32 bits
        bias = _holding(bias, (_data(bias) + products).astype(bias.dtype))
        found = {
            1: _taken(_taken(filters, 0, rows), len(filters.shape) - 1, np.tile(columns, repeats))
        }
        if given >= 0 or products.any():
            found[2] = _taken(bias, 0, rows)
        return found


def _all_values(t: Tensor) -> np.ndarray:
    """The range of each channel that nothing is known of, or of a constant."""
    if t.data is not None and str(t.dtype) in KINDS:
        values = t.data.reshape(-1, count(t))
        values = values.astype(np.int64) if t.dtype == np.int8 else values
        return np.stack([values.min(0), values.max(0)])
    ends = (-128, 127) if t.dtype == np.int8 else (-np.inf, np.inf)
    return np.repeat(np.array(ends)[:, None], count(t), axis=1)


def _zero(t: Tensor) -> int:
    return int(t.zero_point[0]) if t.dtype == np.int8 else 0


def _no_bias(x: Tensor, filters: Tensor) -> Tensor:
    size, kind = filters.shape[0], np.dtype(np.int32 if x.dtype == np.int8 else np.float32)
    scale = (x.scale * filters.scale).astype(np.float32)
    return Tensor(
        0, "bias", (size,), kind, scale, np.zeros(len(scale), np.int64), 0, np.zeros(size, kind)
    )


def _data(t: Tensor) -> np.ndarray:
    assert t.data is not None
    return t.data


def _holding(t: Tensor, data: np.ndarray, **more) -> Tensor:
    return replace(t, data=data, shape=data.shape, **more)


def _taken(t: Tensor, axis: int, stay: np.ndarray) -> Tensor:
    """A constant without some slices of `axis`, and their scales."""
    each = len(t.scale) == len(stay) > 1 and t.axis == axis and len(t.zero_point) == len(stay)
    quantization = {"scale": t.scale[stay], "zero_point": t.zero_point[stay]} if each else {}
    return _holding(t, np.compress(stay, _data(t), axis), **quantization)
