"""What a device is shipped with to train a network's last layer: shape, scales, where its constants lie."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from edgekit import firmware
from edgekit.core import naming
from edgekit.core.errors import EdgekitError
from edgekit.export.slot import head_region, image
from edgekit.export.source import Source
from edgekit.operators.fixed_point import quantize_multiplier

FRACTION, ROOM, MOST = 18, 3, 127
BIAS_LIMIT = 1 << 29
ONE = 1 << 15  # an error of 1, a probability of 1
BITS = 11  # scores are in 1/2048 of log 2
INPUTS, CLASSES = 1024, 256
STEP = 1 << 21  # the largest step that fits: times 255 and added to a weight, it stays below 2^31
PLACES = np.array([0, 2, 1, 3])  # of four inputs, kernels/ek_dot.h


@dataclass(frozen=True)
class Plan:
    """What a device is shipped with to train a last layer of `inputs` and `outputs`.

    `zero`: the features' zero point; `bias_shift`: log2 of the input whose weight is the bias. Of each class:
    `score_by` and `step_by`, (multiplier, shift) of the two products; `shift` of the row's rescaling, `room`
    to double it, and `unit`, what 1 of a weight in training is in real numbers, as `input_scale` is of
    a feature. The rest: where in the head the arrays begin, its bytes, and whether a bias carries its row's
    shift (`packed`).
    """

    inputs: int
    outputs: int
    zero: int
    bias_shift: int
    score_by: tuple[tuple[int, int], ...]
    step_by: tuple[tuple[int, int], ...]
    shift: tuple[int, ...]
    room: tuple[int, ...]
    unit: tuple[float, ...]
    input_scale: float
    packed: bool
    bias_at: int
    weights_at: int
    head_bytes: int

    @classmethod
    def of(cls, source: Source, rate: float) -> Plan:
        """For code generated with `head`, at a learning `rate`.

        Raises EdgekitError for a last layer that cannot learn like this, or a rate beyond what fits.
        """
        x, w, y = _learnable(source)
        layer, graph = source.layers[-1], source.graph
        outputs, inputs = w.shape
        arrays, at = {}, 0
        for key, a in layer.constants.items():
            arrays[key], at = at, at + -(-a.nbytes // 4) * 4
        input_scale = float(x.scale[0])
        scales = [float(s) for s in np.resize(w.scale, outputs)]
        shared = len(w.scale) == 1
        pairs = [quantize_multiplier(input_scale * s / float(y.scale[0])) for s in scales]
        multipliers = np.resize(layer.constants["multiplier"], outputs)
        alive = all(0 < m == int(have) for (m, _), have in zip(pairs, multipliers, strict=True))
        _require(graph, alive, "one of its classes was found dead and rewritten; train it again")
        shifts = [s for _, s in pairs]
        packed = "shift" not in layer.constants
        _require(graph, packed or shared, "one of its biases is too large")
        fixed = shared or layer.fields["requant"]["exact"]
        bias_shift = int(np.clip(round(-math.log2(input_scale)), 0, 7))
        per_score = [input_scale * s / math.log(2) * (1 << BITS) for s in scales]
        per_step = [rate * input_scale / s * 2.0**FRACTION / ONE for s in scales]
        sums = (MOST << ROOM) * 255 * inputs + (BIAS_LIMIT << bias_shift >> FRACTION)
        _require(graph, max(per_score) * sums < 1 << 30, "its scales are too coarse for its scores")
        if not 0 < rate < math.inf or max(per_step) * ONE >= STEP:
            most = rate * STEP / (max(per_step) * ONE) if 0 < rate < math.inf else 1
            raise EdgekitError(
                f"a learning rate of {rate:g}: this layer takes from 0 to {most:.3g}"
            )
        plan = cls(
            inputs=inputs,
            outputs=outputs,
            zero=int(x.zero_point[0]),
            bias_shift=bias_shift,
            score_by=tuple(map(_product, per_score)),
            step_by=tuple(map(_product, per_step)),
            shift=tuple(shifts),
            room=tuple(0 if fixed else max(0, min(ROOM, -1 - s)) for s in shifts),
            unit=tuple(s / (1 << FRACTION) for s in scales),
            input_scale=input_scale,
            packed=packed,
            bias_at=arrays["bias"],
            weights_at=arrays["weights"],
            head_bytes=len(head_of(source)),
        )
        biases = np.abs(plan.unpack(head_of(source))[:, -1])
        _require(graph, biases.max() <= BIAS_LIMIT, "one of its biases is too large")
        return plan

    @property
    def message_bytes(self) -> int:
        """Of what a round sends."""
        return self.outputs * (self.inputs + 2)

    @property
    def limits(self) -> np.ndarray:
        """(outputs, inputs + 1) how far each weight may go."""
        rows = np.array([MOST << (FRACTION + r) for r in self.room], np.int64)
        bias = np.full((self.outputs, 1), BIAS_LIMIT)
        return np.hstack([np.repeat(rows[:, None], self.inputs, axis=1), bias])

    def unpack(self, head: bytes) -> np.ndarray:
        """(outputs, inputs + 1) int64 weights in training, the bias last, of a network's constants `head`.
        Raises EdgekitError as `doubled` does."""
        more = self.doubled(head)[:, None]
        words = self._biases(head) >> (6 if self.packed else 0)
        rows = np.frombuffer(head, np.int8)[self._places()].astype(np.int64)
        bias = (words + self.zero * rows.sum(axis=1))[:, None]
        return np.hstack([rows << FRACTION + more, bias << FRACTION - self.bias_shift + more])

    def doubled(self, head: bytes) -> np.ndarray:
        """(outputs,) int64: how often the step of each row has doubled since the release. Raises EdgekitError
        for constants that are not this layer's."""
        _check_head(self, head)
        if not self.packed:
            return np.zeros(self.outputs, np.int64)
        found = (self._biases(head) & 63) - 31 - self.shift
        if (found < 0).any() or (found > self.room).any():
            raise EdgekitError("these constants are of another last layer: its scales do not fit")
        return found

    def _biases(self, head: bytes) -> np.ndarray:
        return np.frombuffer(head, "<i4", self.outputs, self.bias_at).astype(np.int64)

    def pack(self, weights: np.ndarray, released: bytes) -> bytes:
        """A network's constants of weights in training, as `released` but for what was learnt."""
        _check_head(self, released)
        head, rows = bytearray(released), weights[:, :-1]
        more = np.array([fitting(int(m), FRACTION) for m in np.abs(rows).max(axis=1)])[:, None]
        rows = rounded(rows, FRACTION + more)
        bias = rounded(weights[:, -1:] << self.bias_shift, FRACTION + more)
        words = (bias[:, 0] - self.zero * rows.sum(axis=1)).astype("<i4")
        if self.packed:
            words = (words * 64 + self.shift + more[:, 0] + 31).astype("<i4")
        np.frombuffer(head, np.int8)[self._places()] = rows
        head[self.bias_at : self.bias_at + words.nbytes] = words.tobytes()
        return bytes(head)

    def real(self, weights: np.ndarray) -> np.ndarray:
        """Weights in training, or their change, in real numbers: (outputs, inputs + 1) float64."""
        units = np.array(self.unit)[:, None] * weights
        units[:, -1] *= self.input_scale * (1 << self.bias_shift)
        return units

    def _places(self) -> np.ndarray:
        """(outputs, inputs) where in the head each weight stands."""
        c, i = np.ogrid[: self.outputs, : self.inputs]
        fours = -(-self.inputs // 4)
        return self.weights_at + (((c // 2) * fours + i // 4) * 4 + PLACES[i % 4]) * 2 + c % 2


def head_of(source: Source) -> bytes:
    """The constants of the last layer as released: the end of the model's `image`."""
    begin, end = head_region(source.graph, source.layers)
    return image(source)[begin:end]


def c_files(name: str, plan: Plan) -> dict[str, str]:
    """The training in C with its plan, as `build(extra_files=…)` takes them: `{name}_learn.h` and headers.

    Raises EdgekitError for a name that is no C identifier.
    """
    naming.check_c_name(name)
    rows = zip(plan.score_by, plan.step_by, plan.shift, plan.room, strict=True)
    text = PLAN.format(
        name=name,
        up=name.upper(),
        plan=plan,
        rows=",\n    ".join(
            f"{{{m}, {n}, {s}, {t}, {shift}, {room}}}" for (m, s), (n, t), shift, room in rows
        ),
        packed=int(plan.packed),
    )
    return {f"{name}_learn.h": text, "last_layer.h": firmware.text("learn", "last_layer.h")}


PLAN = """\
/* How the last layer of {name} learns: its shape, its scales, where its constants lie. */
#ifndef {up}_LEARN_H
#define {up}_LEARN_H

#include "last_layer.h"

#define {up}_LEARN_INPUTS {plan.inputs}
#define {up}_LEARN_OUTPUTS {plan.outputs}
static const struct learn_row {name}_learn_row[{plan.outputs}] = {{
    {rows}}};
static const struct learn_plan {name}_learn = {{
    .row = {name}_learn_row, .inputs = {plan.inputs}, .outputs = {plan.outputs}, .zero = {plan.zero},
    .bias_shift = {plan.bias_shift}, .packed = {packed}, .bias_at = {plan.bias_at},
    .weights_at = {plan.weights_at}, .bytes = {plan.head_bytes}}};

#endif
"""


def _learnable(source: Source) -> tuple:
    """The last layer's input, weights and output."""
    if not source.head:
        raise EdgekitError("a last layer learns in code that was generated with head=True")
    graph, layer = source.graph, source.layers[-1]
    last = layer.operator == "FULLY_CONNECTED" and layer.struct == "fully_connected_s8"
    _require(
        graph, last, f"it is {layer.operator}, not an int8 FULLY_CONNECTED that gives the scores"
    )
    op = graph.operators[layer.index]
    x, w, y = (graph.tensors[i] for i in (*op.inputs[:2], op.outputs[0]))
    outputs, inputs = w.shape
    _require(graph, layer.fields["rows"] == 1 and graph.outputs == (y.index,), "it gives no scores")
    _require(graph, op.options["activation"] == "none", "it has an activation")
    _require(graph, inputs <= INPUTS and 2 <= outputs <= CLASSES, f"it is {outputs} by {inputs}")
    return x, w, y


def _require(graph, condition: bool, why: str) -> None:
    if not condition:
        op = graph.operators[-1]
        raise EdgekitError(f"the last layer, {op.name}, cannot learn on a device: {why}")


def _check_head(plan: Plan, head: bytes) -> None:
    if len(head) != plan.head_bytes:
        raise EdgekitError(
            f"the last layer's constants are {plan.head_bytes:,} bytes, not {len(head):,}"
        )


def _product(real: float) -> tuple[int, int]:
    """(multiplier, shift): `real` is about multiplier / 2^shift, shift in 1 … 62."""
    multiplier, shift = quantize_multiplier(real)
    return multiplier, 31 - shift


def rounded(x: Any, n: Any) -> Any:
    """x / 2^n, halves up: whole numbers, or int64 arrays (…,) of them."""
    return (x + ((1 << n) >> 1)) >> n


def fitting(largest: int, fraction: int) -> int:
    """The least n with which `largest`, of which `fraction` bits and n more go, is an int8."""
    n = 0
    while rounded(largest, fraction + n) > MOST:
        n += 1
    return n
