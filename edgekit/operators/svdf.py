"""SVDF: the one layer that remembers earlier inferences."""

from __future__ import annotations

import numpy as np

from edgekit.operators import example as e
from edgekit.operators import fixed_point as q
from edgekit.operators.graph import Graph
from edgekit.operators.layer import Layer, OperatorContext, scale_of, zero_of
from edgekit.operators.record import Field, OperatorType, activation


def svdf(p: OperatorContext) -> Layer:
    """int8 with a state of 8 or 16 bits, as TFLM's PrepareSvdf lays it down."""
    p.inputs_between(5, 5)
    p.require(p.types(p.x, p.y) == "int8", "is supported in int8 only: quantize the model")
    feature, time = p.constant(1, "feature weights", "int8"), p.inputs[2]
    state, rank = p.inputs[4], p.options["rank"]
    p.require(time.data is not None, "its time weights are computed at run time")
    p.require(feature.ndim == 2 and time.data.ndim == 2, "its weights need two dimensions")
    filters, in_size = feature.shape
    memory, width = time.shape[1], str(time.dtype)
    p.require(width in ("int8", "int16") and str(state.dtype) == width, f"keeps {state.dtype}")
    p.require(p.x.shape == (1, in_size), f"needs an input of 1 x {in_size}, not {list(p.x.shape)}")
    p.require(time.shape[0] == filters, f"its time weights have shape {list(time.shape)}")
    p.require(
        1 <= rank <= filters and filters % rank == 0, f"has rank {rank} for {filters} filters"
    )
    p.require(p.options["activation"] == "relu", "has another activation than RELU")
    p.require(state.variable and state.shape == (1, filters * memory), "its state does not fit")
    sharing = [op for op in p.graph.operators if state.index in op.inputs]
    p.require(len(sharing) == 1, "shares its state with another operator")
    p.shape_is((1, filters // rank))
    weights = (p.inputs[1], time, state)
    p.require(all(len(t.scale) == 1 for t in weights), "needs one scale for each of its tensors")
    p.require(not p.inputs[1].zero_point.any() and not time.zero_point.any(), "has odd zero points")
    p.require(width == "int8" or zero_of(state) == 0, "its 16-bit state has a zero point")
    bias = p.constant(3, "bias").reshape(-1)
    p.require(bias.shape == (filters // rank,), f"its bias has shape {list(bias.shape)}")

    def effective(a, b, c):
        return q.quantize_multiplier(scale_of(a) * scale_of(b) / scale_of(c))

    first, second = effective(p.x, p.inputs[1], state), effective(state, time, p.y)
    rows = feature.astype(np.int64)
    zero = zero_of(p.x)
    reach = int(np.abs(rows).sum(1).max()) * 512  # products, and the folded zero point's part
    p.require(reach << max(first[1], 0) < 1 << 31, "its accumulator can overflow 32 bits")
    span = 255 if width == "int8" else 1 << 15
    taps = np.abs(time.data.astype(np.int64)).reshape(filters // rank, -1).sum(1)
    total = int((taps * span + np.abs(bias.astype(np.int64))).max())
    # 16-bit sums may wrap in theory, in TFLM as here; scaled up they must not
    limit = total << max(second[1], 0)
    fits = limit < 1 << 31 if width == "int8" else second[1] <= 0
    p.require(fits and second[1] <= 30, "its sum over time can overflow 32 bits")
    return p.layer(
        f"ek_svdf_state{time.dtype.itemsize * 8}(&{{params}}, {{time}}, {{in0}}, {{out0}}, {{state}});",
        ["ek_svdf.h"],
        struct="svdf_s8",
        fields={
            "in_size": in_size,
            "filters": filters,
            "rank": rank,
            "memory": memory,
            "feature": "@feature",
            "feature_bias": "@feature_bias",
            "bias": "@bias",
            "state_multiplier": first[0],
            "out_multiplier": second[0],
            "state_shift": first[1],
            "out_shift": second[1],
            "state_zero": zero_of(state),
            "out_zero": zero_of(p.y),
        },
        constants={
            "feature": feature.reshape(-1),
            "feature_bias": (-zero * rows.sum(1)).astype(np.int32),
            "time": time.data.reshape(-1),
            "bias": bias,
        },
        state=state.nbytes,
        macs=filters * (in_size + memory),
    )


def example(width: str):
    """A state of 8 or 16 bits; only several inferences in a row show it."""

    def make(rng: np.random.Generator) -> Graph:
        inputs, units, rank, memory = (int(v) for v in rng.integers(1, [30, 9, 4, 12]))
        filters, x = units * rank, e.quantization(rng)
        short = width == "int8"
        most = 127 if short else 3000
        ss, st = e.scale(rng) * (5 if short else 0.005), 0.01 if short else 1e-4
        sb = float(np.float32(ss) * np.float32(st))
        zero = e.zero(rng) if short else 0
        feature, time = (filters, inputs), (filters, memory)
        tensors = [
            e.tensor((1, inputs), **x),
            e.tensor(feature, scale=0.01, data=rng.integers(-127, 128, feature)),
            e.tensor(time, width, st, data=rng.integers(-most, most, time)),
            e.tensor((units,), "int32", sb, data=rng.integers(-3000, 3000, units)),
            e.tensor((1, filters * memory), width, ss, zero, variable=True),
            e.tensor((1, units), scale=rng.uniform(0.05, 0.5), zero=int(rng.choice([-128, -20]))),
        ]
        op = e.operator("SVDF", [0, 1, 2, 3, 4], [5], {"rank": rank, "activation": "relu"})
        return e.model(tensors, [op], [0], [5])

    return make


OPERATORS = (
    OperatorType(
        "SVDF",
        svdf,
        "SVDFOptions",
        {"rank": Field("Rank", 0)} | activation(1),
        states=(4,),
        examples=(example("int8"), example("int16")),
    ),
)
