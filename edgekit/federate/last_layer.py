"""Training of a network's last layer on the device, in integers: the same bits in Python and in C.

    source = export.generate(graph, "model", slot=True, head=True)
    layer = LastLayer(Plan.of(source, rate=0.01), head_of(source))
    layer.step(features, label)                 int8 features as the network computes them, one window
    layer.head()                                constants that the network runs with: what it has learnt
    layer.message()                             the change since the release, int8: what a round sends

The network up to its last layer stays as it was released. Last layers are FULLY_CONNECTED, int8, without an
activation: each class's score, which all five use cases end with. Weights have FRACTION bits more than int8
while they learn; each step is stochastic gradient descent on the cross-entropy of one window. Where a
weight outgrows int8, its row's step doubles, at most ROOM times.

`firmware/learn/last_layer.h` is the twin in C, and says how it rounds.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

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
    to double it, and `unit`, what 1 of a weight in training is in real numbers, as `input_scale` is of a feature.
    The rest: where in the head's `bytes` the arrays begin, and whether a bias carries its row's shift
    (`packed`).
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
    shift_at: int
    weights_at: int
    bytes: int

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
        alive = all(m == int(have) for (m, _), have in zip(pairs, multipliers, strict=True))
        _require(graph, alive, "one of its classes was found dead and rewritten; train it again")
        shifts = [s for _, s in pairs]
        fixed = shared or layer.fields["requant"]["exact"]
        bias_shift = int(np.clip(round(-math.log2(input_scale)), 0, 7))
        per_score = [input_scale * s / math.log(2) * (1 << BITS) for s in scales]
        per_step = [rate * input_scale / s * 2.0**FRACTION / ONE for s in scales]
        sums = (MOST << ROOM) * 255 * inputs + (BIAS_LIMIT << bias_shift >> FRACTION)
        _require(graph, max(per_score) * sums < 1 << 30, "its scales are too coarse for its scores")
        if not 0 < rate < math.inf or max(per_step) * ONE >= STEP:
            most = rate * STEP / (max(per_step) * ONE) if 0 < rate < math.inf else 1
            raise EdgekitError(f"a learning rate of {rate:g}: this layer takes from 0 to {most:.3g}")
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
            packed="shift" not in layer.constants,
            bias_at=arrays["bias"],
            shift_at=arrays.get("shift", 0),
            weights_at=arrays["weights"],
            bytes=len(head_of(source)),
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
        """(outputs, inputs + 1) int64 weights in training, the bias last, of a network's constants."""
        _check_head(self, head)
        words = np.frombuffer(head, "<i4", self.outputs, self.bias_at).astype(np.int64)
        now = np.array(self.shift)
        if self.packed:
            now, words = (words & 63) - 31, words >> 6
        elif any(self.room):
            now = np.frombuffer(head, np.int8, self.outputs, self.shift_at).astype(np.int64)
        more = np.where(np.array(self.room) > 0, now - self.shift, 0)[:, None]
        rows = np.frombuffer(head, np.int8)[self._places()].astype(np.int64)
        bias = (words + self.zero * rows.sum(axis=1))[:, None]
        return np.hstack([rows << FRACTION + more, bias << FRACTION - self.bias_shift + more])

    def pack(self, weights: np.ndarray, released: bytes) -> bytes:
        """A network's constants of weights in training, as `released` but for what was learnt."""
        _check_head(self, released)
        head, rows = bytearray(released), weights[:, :-1]
        more = np.array([_fit(int(m), FRACTION) for m in np.abs(rows).max(axis=1)])[:, None]
        rows = _rounded(rows, FRACTION + more)
        bias = _rounded(weights[:, -1:] << self.bias_shift, FRACTION + more)
        words = (bias[:, 0] - self.zero * rows.sum(axis=1)).astype("<i4")
        shifts = np.array(self.shift) + more[:, 0]
        if self.packed:
            words = (words * 64 + shifts + 31).astype("<i4")
        elif any(self.room):
            at = np.flatnonzero(self.room)
            np.frombuffer(head, np.int8)[self.shift_at + at] = shifts[at]
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


class LastLayer:
    """A last layer that learns: `weights` (outputs, inputs + 1) int64, the bias last."""

    def __init__(self, plan: Plan, released: bytes, head: bytes | None = None):
        """From the constants of the release or, where it had learnt before, those of its own `head`."""
        self.plan, self.released = plan, released
        self.weights = plan.unpack(released if head is None else head)
        self._limits = plan.limits
        self._score, self._step = (np.array(p, np.int64).T for p in (plan.score_by, plan.step_by))
        self._one = 1 << plan.bias_shift

    def scores(self, features: np.ndarray) -> np.ndarray:
        """Of int8 features (n, inputs), (n, outputs) int64 in 1/2048 of log 2."""
        return _scaled(_rounded(self._inputs(features) @ self.weights.T, FRACTION), *self._score)

    def step(self, features: np.ndarray, label: int) -> None:
        """Learn one window: int8 features (inputs,) and its class.

        Raises EdgekitError for other features or a label that is no class.
        """
        if not 0 <= label < self.plan.outputs:
            raise EdgekitError(f"there is no class {label}; they go up to {self.plan.outputs - 1}")
        inputs = self._inputs(np.asarray(features)[None])[0]
        score = _scaled(_rounded(self.weights @ inputs, FRACTION), *self._score)
        error = probabilities(score)
        error[label] -= ONE
        step = _scaled(error, *self._step)
        change = step[:, None] * inputs
        self.weights = np.clip(self.weights - change, -self._limits, self._limits)

    def fit(self, features: np.ndarray, labels: np.ndarray, epochs: int = 1) -> LastLayer:
        """`step` over int8 features (n, inputs) with labels (n,), in their order, `epochs` times; itself."""
        for _ in range(epochs):
            for x, label in zip(features, labels, strict=True):
                self.step(x, int(label))
        return self

    def head(self) -> bytes:
        """The constants of the network with what was learnt."""
        return self.plan.pack(self.weights, self.released)

    def message(self) -> bytes:
        """The change since the release: for each class a byte n, then int8 in units of 2^n."""
        parts = []
        for row in self.weights - self.plan.unpack(self.released):
            n = _fit(int(np.abs(row).max()), 0)
            parts.append(bytes([n]) + _rounded(row, n).astype(np.int8).tobytes())
        return b"".join(parts)

    def _inputs(self, features: np.ndarray) -> np.ndarray:
        if features.dtype != np.int8 or features.shape[1:] != (self.plan.inputs,):
            raise EdgekitError(
                f"the last layer takes {self.plan.inputs} int8 features of a window, not "
                f"{features.dtype} of {features.shape[1:]}"
            )
        ones = np.full((len(features), 1), self._one)
        return np.hstack([features.astype(np.int64) - self.plan.zero, ones])


def change_of(plan: Plan, message: bytes) -> np.ndarray:
    """What a device says that it learnt, in real numbers: (outputs, inputs + 1) float64, the bias last.

    Raises EdgekitError for a message that no device of this plan sends.
    """
    if len(message) != plan.message_bytes:
        raise EdgekitError(
            f"a change of this layer has {plan.message_bytes:,} bytes, not {len(message):,}"
        )
    rows = np.frombuffer(message, np.int8).reshape(plan.outputs, -1).astype(np.int64)
    change = rows[:, 1:] << np.clip(rows[:, :1], 0, 31)
    if (rows[:, 0] < 0).any() or (rows[:, 0] > 24).any() or (rows[:, 1:] == -128).any():
        raise EdgekitError("a change that no device sends: its numbers are beyond what can be learnt")
    return plan.real(change)


def probabilities(scores: np.ndarray) -> np.ndarray:
    """Softmax of scores (outputs,) int64 in 1/2048 of log 2, in 1/32768."""
    power = power_of_two(scores.max() - scores)
    total = power.sum()
    return ((power << 15) + total // 2) // total


def power_of_two(d: np.ndarray) -> np.ndarray:
    """2^(-d / 2048) of d >= 0 in 1/32768: a cubic for the fraction, off by less than 1.2e-4, and a shift."""
    whole, part = d >> BITS, (d & ((1 << BITS) - 1)) << 4
    curve = (part * (7579 - (part * 1298 >> 15))) >> 15
    return np.where(whole > 15, 0, (ONE - (part * (22665 - curve) >> 15)) >> np.minimum(whole, 15))


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
    .shift_at = {plan.shift_at}, .weights_at = {plan.weights_at}, .bytes = {plan.bytes}}};

#endif
"""


def _learnable(source: Source) -> tuple:
    """The last layer's input, weights and output."""
    if not source.head:
        raise EdgekitError("a last layer learns in code that was generated with head=True")
    graph, layer = source.graph, source.layers[-1]
    last = layer.operator == "FULLY_CONNECTED" and layer.struct == "fully_connected_s8"
    _require(graph, last, f"it is {layer.operator}, not an int8 FULLY_CONNECTED that gives the scores")
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
    if len(head) != plan.bytes:
        raise EdgekitError(f"the last layer's constants are {plan.bytes:,} bytes, not {len(head):,}")


def _product(real: float) -> tuple[int, int]:
    """(multiplier, shift): `real` is about multiplier / 2^shift, shift in 1 … 62."""
    multiplier, shift = quantize_multiplier(real)
    return multiplier, 31 - shift


def _scaled(a, multiplier, shift):
    return (a * multiplier + (1 << (shift - 1))) >> shift


def _rounded(x, n):
    return (x + ((1 << n) >> 1)) >> n


def _fit(largest: int, fraction: int) -> int:
    """The least n with which `largest`, of which `fraction` bits and n more go, is an int8."""
    n = 0
    while _rounded(largest, fraction + n) > MOST:
        n += 1
    return n
