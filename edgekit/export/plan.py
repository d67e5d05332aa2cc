"""Where each activation lives in the one static arena.

Two buffers may share bytes when they are not live at once, or when the later one overwrites only what its
layer has already read: element-wise layers and 1x1 convolutions run in place, windows a few rows apart
("diagonal memory optimisation", Sharma & Cordeiro 2020, arXiv:2010.01668). Each layer says how near
(`Layer.overlap`). Placement is first fit in several orders, TFLM's greedy-by-size among them; the smallest
arena wins.
"""

from __future__ import annotations

import random
from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial

from edgekit.core.html_table import TABLE
from edgekit.operators.layer import Layer

ALIGN = 4


@dataclass(frozen=True)
class Buffer:
    """`size` bytes, live from layer number `first` to `last` (an input from -1, an output to the end)."""

    key: object  # a tensor index, ("scratch", layer number) or ("state", layer number)
    size: int
    first: int
    last: int


@dataclass(frozen=True)
class Plan:
    """Byte offsets into an arena of `size` bytes; `tflm_greedy` is what TFLM's greedy planner would need."""

    offsets: dict
    size: int
    lower_bound: int
    tflm_greedy: int
    buffers: tuple[Buffer, ...]

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><td>{b.key}</td><td>{self.offsets[b.key]:,}</td><td>{b.size:,}</td>"
            f"<td>{b.first}–{b.last}</td></tr>"
            for b in self.buffers
        )
        return (
            f"<p><b>{self.size:,} B</b> arena (without overlap {self.tflm_greedy:,} B)</p>{TABLE}<tr>"
            f"<th>buffer</th><th>at</th><th>bytes</th><th>layers</th></tr>{rows}</table>"
        )


def root(alias: dict[int, int], i: int) -> int:
    """The index of the tensor whose memory tensor `i` is: itself, unless `alias` says that it renames one."""
    while i in alias:
        i = alias[i]
    return i


def buffers_of(layers: list[Layer], sizes: dict[int, int], alias: dict[int, int], inputs, outputs):
    """Lifetimes of all activations and scratch buffers, and which pairs may overlap and how."""
    first, last, of = {}, {}, partial(root, alias)
    kept = [
        i for layer in layers for i in layer.kept
    ]  # there before the first layer and after the last
    for i in map(of, [*inputs, *kept]):
        first[i], last[i] = -1, -1
    for n, layer in enumerate(layers):
        for i in map(of, layer.inputs):
            if i in first:
                last[i] = n
        for i in map(of, layer.outputs):
            first.setdefault(i, n)
            last[i] = n
    for i in map(of, [*outputs, *kept]):
        last[i] = len(layers)
    buffers = [Buffer(i, sizes[i], first[i], last[i]) for i in first]
    pairs = {}
    for n, layer in enumerate(layers):
        if layer.scratch:
            buffers.append(Buffer(("scratch", n), layer.scratch, n, n))
        if layer.state:
            buffers.append(Buffer(("state", n), layer.state, -1, len(layers)))
        for i, distance in layer.overlap.items():
            i = of(i)
            if i in last and last[i] == n and len(layer.outputs) == 1:
                # an input that appears twice under different names must satisfy both
                pairs[(of(layer.outputs[0]), i)] = distance
    return buffers, pairs


def plan(layers: list[Layer], sizes: dict[int, int], alias, inputs, outputs, seed: int = 0) -> Plan:
    """Place all buffers; deterministic for a given seed."""
    buffers, pairs = buffers_of(layers, sizes, alias, inputs, outputs)
    by_size = sorted(buffers, key=lambda b: (-b.size, b.first))
    tflm_greedy = first_fit(by_size, {})
    orders = [
        by_size,
        sorted(buffers, key=lambda b: (b.first - b.last, -b.size)),
        sorted(buffers, key=lambda b: (b.first, -b.size)),
        sorted(buffers, key=lambda b: (-b.last, -b.size)),
    ]
    rng = random.Random(seed)
    for _ in range(max(4, 64 - len(buffers) // 2)):
        orders.append(sorted(buffers, key=lambda b: -b.size * rng.uniform(0.5, 1.5)))
    best, bound = tflm_greedy, lower_bound(buffers, pairs)
    for order in orders:
        if extent(best, buffers) == bound:
            break
        best = min(best, first_fit(order, pairs), key=lambda o: extent(o, buffers))
    return Plan(best, extent(best, buffers), bound, extent(tflm_greedy, buffers), tuple(buffers))


def extent(offsets: dict, buffers) -> int:
    """Bytes up to the last buffer's end, aligned."""
    return aligned(max(offsets[b.key] + b.size for b in buffers))


def aligned(n: int) -> int:
    """`n`, or the next multiple of ALIGN."""
    return -(-n // ALIGN) * ALIGN


def compatible(a: Buffer, at_a: int, b: Buffer, at_b: int, pairs: dict) -> bool:
    """Whether `a` at `at_a` and `b` at `at_b` never hold two live values in one byte."""
    if a.first > b.last or b.first > a.last:
        return True
    if at_a + a.size <= at_b or at_b + b.size <= at_a:
        return True
    for out, at_out, source, at_source in ((a, at_a, b, at_b), (b, at_b, a, at_a)):
        distance = pairs.get((out.key, source.key))
        if distance is not None and out.first == source.last:
            if distance == "exact":
                return at_out == at_source
            return at_source - at_out >= distance
    return False


def first_fit(order, pairs: dict) -> dict:
    """First fit: each buffer at the lowest offset where it disturbs none of those already placed."""
    offsets: dict[object, int] = {}
    placed: list[Buffer] = []
    for b in order:
        alive = [o for o in placed if o.first <= b.last and b.first <= o.last]
        candidates = {0}
        for o in alive:
            candidates.add(aligned(offsets[o.key] + o.size))
            for out, source, sign in ((b, o, -1), (o, b, 1)):
                distance = pairs.get((out.key, source.key))
                if distance is not None:
                    shift = 0 if distance == "exact" else aligned(distance)
                    candidates.add(max(0, offsets[o.key] + sign * shift))
        near = [o for o in alive if (b.key, o.key) in pairs or (o.key, b.key) in pairs]
        apart = [o for o in alive if (b.key, o.key) not in pairs and (o.key, b.key) not in pairs]
        starts, ends = _merged(sorted((offsets[o.key], offsets[o.key] + o.size) for o in apart))
        free = 0  # below, b would lie over one of them
        for at in sorted(candidates):
            if at < free:
                continue
            k = (
                bisect_left(starts, at + b.size) - 1
            )  # the last block that begins before b would end
            if k >= 0 and ends[k] > at:
                free = ends[k]
            elif all(compatible(b, at, o, offsets[o.key], pairs) for o in near):
                offsets[b.key] = at
                placed.append(b)
                break
    return offsets


def _merged(blocks: Iterable[tuple[int, int]]) -> tuple[list[int], list[int]]:
    """Where sorted blocks that touch or overlap begin and end as one."""
    starts: list[int] = []
    ends: list[int] = []
    for start, end in blocks:
        if ends and start <= ends[-1]:
            ends[-1] = max(ends[-1], end)
        else:
            starts.append(start)
            ends.append(end)
    return starts, ends


def lower_bound(buffers, pairs: dict) -> int:
    """No arena can be smaller: what is live between two layers, and each layer's operands and scratch."""
    bound = 0
    for n in range(-1, max(b.last for b in buffers) + 1):
        live = [b for b in buffers if b.first <= n <= b.last]
        shared = {s for o, s in pairs if any(b.key == o and b.first == n for b in live)}
        # at layer n an output may lie over its input entirely, so count the larger of the two
        over = {o for o, s in pairs if any(b.key == o and b.first == n for b in live)}
        total = sum(b.size for b in live if b.key not in shared and b.key not in over)
        inputs = sum(b.size for b in live if b.key in shared)
        outputs = sum(b.size for b in live if b.key in over)
        bound = max(bound, total + max(inputs, outputs))
    return aligned(bound)
