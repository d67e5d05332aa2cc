"""Ethos-U estimates: labelled, plausible, and a clear line for what Vela cannot take."""

import numpy as np
import pytest

from edgekit.core.errors import EdgekitError
from edgekit.emulate import vela


def one_convolution() -> bytes:
    """A `.tflite` of one int8 3×3 convolution, (1, 16, 16, 8) -> (1, 16, 16, 8), written by hand."""
    tflite = pytest.importorskip("tflite")
    flatbuffers = pytest.importorskip("flatbuffers")
    b = flatbuffers.Builder(4096)

    def vector(items, size, put):
        b.StartVector(size, len(items), size)
        for item in reversed(items):
            put(item)
        return b.EndVector()

    def ints(items):
        return vector(items, 4, b.PrependInt32)

    def table(kind, **fields):
        getattr(tflite, f"{kind}Start")(b)
        for name, value in fields.items():
            getattr(tflite, f"{kind}Add{name}")(b, value)
        return getattr(tflite, f"{kind}End")(b)

    def tables(offsets):
        return vector(offsets, 4, b.PrependUOffsetTRelative)

    def tensor(name, shape, buffer, scale, kind):
        text, dims = b.CreateString(name), ints(shape)
        scales = vector([scale], 4, b.PrependFloat32)
        zeros = vector([0], 8, b.PrependInt64)
        quantized = table("QuantizationParameters", Scale=scales, ZeroPoint=zeros)
        return table(
            "Tensor", Name=text, Shape=dims, Type=kind, Buffer=buffer, Quantization=quantized
        )

    weights = np.random.default_rng(1).integers(-127, 128, (8, 3, 3, 8)).astype(np.int8)
    data = [b"", weights.tobytes(), np.zeros(8, np.int32).tobytes()]
    buffers = [table("Buffer", Data=b.CreateByteVector(d)) if d else table("Buffer") for d in data]
    int8, int32 = tflite.TensorType.INT8, tflite.TensorType.INT32
    tensors = tables([
        tensor("x", [1, 16, 16, 8], 0, 0.1, int8),
        tensor("w", [8, 3, 3, 8], 1, 0.01, int8),
        tensor("b", [8], 2, 0.001, int32),
        tensor("y", [1, 16, 16, 8], 0, 0.2, int8),
    ])  # fmt: skip
    kind = tflite.BuiltinOperator.CONV_2D
    code = table("OperatorCode", DeprecatedBuiltinCode=kind, BuiltinCode=kind, Version=3)
    options = table("Conv2DOptions", StrideH=1, StrideW=1, DilationHFactor=1, DilationWFactor=1)
    inputs, outputs = ints([0, 1, 2]), ints([3])
    operator = table(
        "Operator",
        Inputs=inputs,
        Outputs=outputs,
        BuiltinOptionsType=tflite.BuiltinOptions.Conv2DOptions,
        BuiltinOptions=options,
    )
    ends, operators, name = (ints([0]), ints([3])), tables([operator]), b.CreateString("main")
    sub = table(
        "SubGraph", Tensors=tensors, Inputs=ends[0], Outputs=ends[1], Operators=operators, Name=name
    )
    codes, subs, buffers = tables([code]), tables([sub]), tables(buffers)
    b.Finish(
        table("Model", Version=3, OperatorCodes=codes, Subgraphs=subs, Buffers=buffers), b"TFL3"
    )
    return bytes(b.Output())


def test_a_convolution_is_estimated_and_every_figure_says_so():
    pytest.importorskip("ethosu")
    figures = vela.estimate(one_convolution(), "ethos-u55-128")
    assert figures["macs"].value == 16 * 16 * 8 * 3 * 3 * 8
    assert figures["npu_operators"].value == 100
    assert figures["cycles"].value >= figures["macs"].value / 128  # 128 MAC a cycle at best
    expected = figures["cycles"].value / (figures["clock"].value * 1e3)
    assert figures["latency"].value == pytest.approx(expected, rel=0.01)
    for figure in figures.values():
        assert figure.provenance == "estimated"
        assert figure.source.startswith("ethos-u-vela 5.")
        assert "ethos-u55-128" in figure.source


def test_a_file_that_is_no_model_is_refused():
    pytest.importorskip("ethosu")
    with pytest.raises(EdgekitError, match="Vela refuses this model"):
        vela.estimate(b"not a model")


def test_an_unknown_npu_is_refused():
    with pytest.raises(EdgekitError, match="Did you mean 'ethos-u55-128'"):
        vela.estimate(b"", "ethos-u55-127")


def test_without_vela_the_extra_is_named(monkeypatch):
    monkeypatch.setattr(vela.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(EdgekitError, match=r"pip install .*\[npu\]"):
        vela.estimate(b"")
