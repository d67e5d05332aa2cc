"""UNIDIRECTIONAL_SEQUENCE_LSTM in int8 with a 16-bit cell, as Keras' LSTM becomes."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from edgekit.operators import example as e
from edgekit.operators import fixed_point as q
from edgekit.operators.graph import Graph, Tensor
from edgekit.operators.layer import Layer, OperatorContext, scale_of, zero_of
from edgekit.operators.record import Field, OperatorType
from edgekit.operators.weights import pair_order

GATES = (1, 0, 2, 3)  # forget, input, cell, output, as the kernel takes them, in the file's order
INPUT, RECURRENT, BIAS, HIDDEN, CELL = (
    1,
    5,
    12,
    18,
    19,
)  # where the file's inputs of each kind begin
PARTS = (
    *range(9),
    *range(BIAS, BIAS + 4),
    HIDDEN,
    CELL,
)  # the others: peepholes, projection, norms
GATE_SCALE, OUTPUT_SCALE = (
    2.0**-12,
    2.0**-15,
)  # of what goes into a gate's function, and of what comes out


def _sigmoid() -> np.ndarray:
    """TFLM's 16-bit table of sigmoid(i / 24), less a half.

    Its values lie beside the curve by a sixteenth of the second difference: half of what a straight line
    between two of them misses.
    """
    y = 1 / (1 + np.exp(-np.arange(256) / 24))
    bend = y * (1 - y) * (1 - 2 * y) / 24**2
    table = np.round(65536 * (y - bend / 16)) - 32768
    table[-1] = 32767
    return table.astype(np.int16)


def lstm(p: OperatorContext) -> Layer:
    """Checks it against its 24 inputs (micro/kernels/lstm_eval_common.cc)."""
    p.require(len(p.inputs) == 24 and len(p.outputs) == 1, "needs 24 inputs and one output")
    p.require(all(p.inputs[i] is not None for i in PARTS), "lacks an input")
    extra = [i for i, t in enumerate(p.inputs) if t is not None and i not in PARTS]
    p.require(not extra, "has a projection, peepholes or layer norms, which are not supported")
    x, hidden, cell = p.x, p.inputs[HIDDEN], p.inputs[CELL]
    p.require(p.types(x, hidden, p.y) == "int8", "is supported in int8 only: quantize the model")
    p.require(str(cell.dtype) == "int16" and len(cell.scale) == 1, "needs a 16-bit cell state")
    p.require(not cell.zero_point.any(), "its cell state has a zero point")
    major = p.options["time_major"]
    p.require(len(x.shape) == 3 and x.shape[0 if not major else 1] == 1, "needs one sequence")
    steps, inputs = x.shape[0 if major else 1], x.shape[2]
    p.require(len(p.inputs[RECURRENT].shape) == 2, "needs recurrent weights of two dimensions")
    units = p.inputs[RECURRENT].shape[-1]
    p.shape_is((*x.shape[:2], units))
    for t in (hidden, cell):
        p.require(t.variable and t.size == units, f"its state {t} does not fit {units} units")
        shared = sum(t.index in op.inputs for op in p.graph.operators)
        p.require(shared == 1 and hidden is not cell, "shares its state")
    power = math.log2(scale_of(cell))
    p.require(power.is_integer() and -15 <= power <= 0, "its cell's scale is no power of two")
    clip = p.options["cell_clip"]
    p.require(np.isfinite(clip) and (clip == 0 or clip >= scale_of(cell)), f"clips at {clip}")

    fields: dict[str, Any] = {"steps": steps, "inputs": inputs, "units": units}
    constants: dict[str, np.ndarray] = {}
    for name, first, width, source in (
        ("input", INPUT, inputs, x),
        ("recurrent", RECURRENT, units, hidden),
    ):
        gates = [_gate(p, name, first + g, g, (units, width), source) for g in GATES]
        rows = np.stack([gate["rows"] for gate in gates], 1).reshape(4 * units, width)
        constants[f"{name}_weights"] = pair_order(rows)
        constants[f"{name}_bias"] = np.stack([gate["bias"] for gate in gates], 1).reshape(-1)
        fields |= {f"{name}_multiplier": [gate["multiplier"] for gate in gates]}
        fields |= {f"{name}_shift": [gate["shift"] for gate in gates]}
    constants["sigmoid"] = _sigmoid()
    fields |= {key: f"@{key}" for key in constants}
    for name, scale in (
        ("forget", OUTPUT_SCALE),
        ("cell", OUTPUT_SCALE**2 / scale_of(cell)),
        ("hidden", OUTPUT_SCALE**2 / scale_of(hidden)),
    ):
        multiplier, shift = q.quantize_multiplier(scale)
        p.require(shift <= 0, f"its {name} scale is far too small")
        fields |= {f"{name}_multiplier": multiplier, f"{name}_shift": shift}
    return p.layer(
        "ek_lstm_s8(&{params}, {in0}, {out0}, {state});",
        ["ek_lstm.h"],
        struct="lstm_s8",
        fields=fields
        | {
            "tanh_shift": int(power) + 12,
            "clip": int(min(clip / scale_of(cell), 32767.0)),
            "zero": zero_of(hidden),
        },
        constants=constants,
        state=3 * units,
        macs=4 * units * (inputs + units) * steps,
        comment=f"{steps} steps of {inputs} -> {units} units",
    )


def _gate(
    p: OperatorContext, name: str, at: int, gate: int, shape: tuple[int, int], source: Tensor
) -> dict[str, Any]:
    """Weights, bias with the zero point folded in, and the rescale of one product of a gate."""
    weights, t = p.constant(at, "weights", "int8"), p.inputs[at]
    p.require(weights.shape == shape, f"its weights {t} should be {list(shape)}")
    p.require(len(t.scale) == 1 and not t.zero_point.any(), "needs weights of one scale, around 0")
    rows = weights.astype(np.int64)
    bias = np.zeros(shape[0], np.int64)
    if name == "input":
        bias = p.constant(BIAS + gate, "bias").astype(np.int64)
        p.require(bias.shape == (shape[0],), f"its bias has shape {list(bias.shape)}")
    folded = bias - zero_of(source) * rows.sum(1)
    multiplier, shift = q.quantize_multiplier(scale_of(source) * scale_of(t) / GATE_SCALE)
    bound = int((np.maximum(np.abs(bias), np.abs(folded)) + 255 * np.abs(rows).sum(1)).max())
    p.require(
        shift <= 30 and bound << max(shift, 0) < 1 << 31, "its accumulator can overflow 32 bits"
    )
    return {
        "rows": rows,
        "bias": folded.astype(np.int32),
        "multiplier": multiplier,
        "shift": shift,
    }


def example(rng: np.random.Generator) -> Graph:
    """A short sequence; only several inferences in a row show that the state stays."""
    steps, inputs, units = (int(v) for v in rng.integers(1, [8, 10, 9]))
    major = bool(rng.integers(2))
    x, hidden = e.quantization(rng), {"scale": float(rng.choice([1 / 128, 0.005])), "zero": 0}
    hidden["zero"] = int(rng.integers(-20, 20))
    tensors = [e.tensor((steps, 1, inputs) if major else (1, steps, inputs), **x)]
    given = [0] + [-1] * 23

    def add(position: int, t: Tensor) -> None:
        given[position] = len(tensors)
        tensors.append(t)

    for g in range(4):
        for first, width in ((INPUT, inputs), (RECURRENT, units)):
            values = rng.integers(-127, 128, (units, width))
            scale = float(np.float32(rng.uniform(0.002, 0.01)))
            add(first + g, e.tensor((units, width), scale=scale, data=values))
        add(BIAS + g, e.tensor((units,), "int32", 1e-4, data=rng.integers(-9000, 9000, units)))
    add(HIDDEN, e.tensor((1, units), "int8", hidden["scale"], int(hidden["zero"]), variable=True))
    power = 2.0 ** -int(rng.integers(9, 14))
    add(CELL, e.tensor((1, units), "int16", power, variable=True))
    out = (steps, 1, units) if major else (1, steps, units)
    tensors.append(e.tensor(out, "int8", hidden["scale"], int(hidden["zero"])))
    options = {"activation": "tanh", "cell_clip": float(rng.choice([0.0, 1.0])), "proj_clip": 0.0}
    options |= {"time_major": major}
    y = len(tensors) - 1
    op = e.operator("UNIDIRECTIONAL_SEQUENCE_LSTM", given, [y], options)
    return e.model(tensors, [op], [0], [y])


OPERATORS = (
    OperatorType(
        "UNIDIRECTIONAL_SEQUENCE_LSTM",
        lstm,
        "UnidirectionalSequenceLSTMOptions",
        {
            "activation": Field("FusedActivationFunction", 0, "Int8", {4: "tanh"}),
            "cell_clip": Field("CellClip", 1, "Float32"),
            "proj_clip": Field("ProjClip", 2, "Float32"),
            "time_major": Field("TimeMajor", 3, "Bool"),
        },
        states=(HIDDEN, CELL),
        examples=(example,),
    ),
)
