"""Generated C against TFLM, byte for byte, on this machine and on emulated cores."""

from __future__ import annotations

import dataclasses
import os
import shutil
from pathlib import Path

import numpy as np
import pytest

from edgekit.core.errors import EdgekitError
from edgekit.emulate import build, layer_parity, profile, run, run_qemu
from edgekit.emulate.emulator import instruction_offsets
from edgekit.emulate.machine import Machine
from edgekit.emulate.parity import raw_tflm, tflm
from edgekit.export import generate, read
from tests.export import test_shapes, tiny, variants
from tests.export.tiny import Op, T, write

pytest.importorskip("tflite_micro", reason="the oracle has a wheel for Linux x86-64 only")

ROOT = Path(__file__).resolve().parents[2]
SHARED = Path(os.environ.get("EDGEKIT_SHARED", ROOT.parent / "shared" / "data")) / "tflm-models"


def differences(data: bytes, cpu: str, seed: int, replace=None) -> int:
    """Bytes in which the emulated binary differs from TFLM; `replace` edits the sources first."""
    graph = read(data)
    rng = np.random.default_rng(seed)
    samples = tiny.samples(graph, 5, rng)
    source = generate(graph)
    if replace:
        files = {n: t.replace(*replace) for n, t in source.files.items()}
        assert files != source.files
        source = dataclasses.replace(source, files=files)
    machine = Machine(build(source, cpu))
    wrong = 0
    for sample, expected in zip(samples, raw_tflm(data, graph, samples), strict=True):
        for e, g in zip(expected, machine.infer(sample), strict=True):
            wrong += int((e.reshape(-1) != g.reshape(-1)).sum())
    return wrong


@pytest.mark.parametrize("name", variants.FLOATS)
def test_float_kernels_agree_with_tflm(name):
    rng = np.random.default_rng(11)
    data = variants.floats(rng, name)
    graph = read(data)
    samples = tiny.samples(graph, 3, rng)
    machine = Machine(build(generate(graph)))
    for sample, (expected,) in zip(samples, raw_tflm(data, graph, samples), strict=True):
        (got,) = machine.infer(sample)
        assert np.allclose(got, expected, rtol=1e-5, atol=1e-5)


def test_a_state_lives_from_one_inference_to_the_next_until_reset():
    rng = np.random.default_rng(3)
    data = variants.svdf(rng)
    graph = read(data)
    samples = tiny.samples(graph, 12, rng)
    truth = raw_tflm(data, graph, samples)
    source = generate(graph)
    assert "void model_reset(void);" in source.files["model.h"]
    machine = Machine(build(source))
    for _ in range(2):
        for sample, expected in zip(samples, truth, strict=True):
            assert np.array_equal(machine.infer(sample)[0], expected[0])
        machine.reset()


def test_a_wrong_rounding_is_noticed():
    """The check bites: without the sign in the rounding division some bytes differ."""
    data = tiny.OPERATORS["CONV_2D"](np.random.default_rng(200))
    assert differences(data, "cortex-m4", 1) == 0
    assert differences(data, "cortex-m4", 1, ("(acc >> 31) + r->round", "1 + r->round")) > 0


def test_the_ladder_names_the_first_layer_that_differs():
    data = tiny.OPERATORS["CONV_2D"](np.random.default_rng(200))
    graph = read(data)
    t = graph.tensors[graph.inputs[0]]
    x = np.random.default_rng(0).integers(-128, 128, (3, *t.shape[1:])).astype(np.int8)
    table = layer_parity(data, x)
    assert table.attrs["exact"]
    assert table.attrs["first"] is None
    source = generate(graph)
    files = {
        n: s.replace("(acc >> 31) + r->round", "1 + r->round") for n, s in source.files.items()
    }
    broken = build(dataclasses.replace(source, files=files))
    table = layer_parity(data, x, firmware=broken)
    assert not table.attrs["exact"]
    assert table.attrs["first"] == "conv_2d_0"


@pytest.mark.parametrize(
    "name",
    [
        "hello_world_int8",
        "micro_speech_quantized",
        "person_detect",
        "keyword_scrambled_8bit",
    ],
)
def test_tflms_own_models(name):
    path = SHARED / f"{name}.tflite"
    if not path.is_file():
        pytest.skip(f"{path} is not here")
    data = path.read_bytes()
    graph = read(data)
    t = graph.tensors[graph.inputs[0]]
    count = 200 if "scrambled" in name else 8  # that one remembers
    x = np.random.default_rng(1).integers(-128, 128, (count, *t.shape[1:])).astype(t.dtype)
    firmware = build(generate(graph))
    truth = tflm(data, x)
    assert np.array_equal(run(firmware, x), np.asarray(truth.outputs))
    counted = profile(firmware, x[:1])
    assert counted.arena.value <= 0.75 * truth.arena
    assert counted.stack.value < 1024
    assert sum(c.instructions for c in counted.layers) == counted.instructions.value


def test_the_same_source_gives_the_same_elf(tmp_path):
    source = generate(read(tiny.OPERATORS["RELU"](np.random.default_rng(0))))
    first, second = (build(source, cache=tmp_path / str(i)) for i in range(2))
    assert first.sha256 == second.sha256
    assert first.flash.value >= first.weights.value > 0


def test_a_hang_and_a_crash_become_errors(monkeypatch):
    monkeypatch.setattr("edgekit.emulate.emulator.SECONDS", 0.1)
    monkeypatch.setattr("edgekit.emulate.emulator.INSTRUCTIONS", 10**7)
    source = generate(read(tiny.OPERATORS["RELU"](np.random.default_rng(0))))
    for code, message in (
        ('for (;;) __asm__ volatile("");', "hang"),
        ("*(volatile int *)16 = 1;", "crashed"),
    ):
        files = dict(source.files)
        files["model.c"] = files["model.c"].replace(
            "void model_invoke(void) {",
            f"void model_invoke(void) {{ if (!model_arena[0]) {{ {code} }}",
        )
        machine = Machine(build(dataclasses.replace(source, files=files)))
        graph = source.graph
        with pytest.raises(EdgekitError, match=message):
            machine.infer((np.zeros(graph.tensors[graph.inputs[0]].shape, np.int8),))


def test_unknown_core_and_missing_compiler_are_said_plainly():
    source = generate(read(tiny.OPERATORS["RELU"](np.random.default_rng(0))))
    with pytest.raises(EdgekitError, match="cortex-m4"):
        build(source, "cortexm4")
    with pytest.raises(EdgekitError, match="compiler"):
        build(source, compiler="icc")


def test_instruction_lengths():
    assert instruction_offsets(bytes.fromhex("00bf2de9f04100bf"), thumb=True) == [0, 2, 6]
    assert instruction_offsets(bytes.fromhex("0100130500000100"), thumb=False) == [0, 2, 6]


@pytest.mark.parametrize("name", ["FULLY_CONNECTED", "AVERAGE_POOL_2D", "TANH", "MEAN"])
def test_without_tflm_the_ladder_stands_on_litert(name, monkeypatch):
    """LiteRT's reference kernels round a FULLY_CONNECTED once: the code is compiled to match."""
    pytest.importorskip("ai_edge_litert")
    monkeypatch.setattr("edgekit.emulate.parity._kind", lambda graph=None: "litert")
    for seed in (1, 2, 3):
        rng = np.random.default_rng(seed)
        data = tiny.OPERATORS[name](rng)
        graph = read(data)
        t = graph.tensors[graph.inputs[0]]
        if t.shape[0] > 1:
            continue
        x = rng.integers(-128, 128, (20, *t.shape[1:])).astype(np.int8)
        table = layer_parity(data, x)
        assert table.attrs["oracle"] == "LiteRT BUILTIN_REF"
        assert table.attrs["exact"]


@pytest.mark.parametrize("channels", [False, True])
def test_the_two_oracles_differ_where_the_switch_says(channels, monkeypatch):
    pytest.importorskip("ai_edge_litert")
    data = variants.dense_near_halves(np.random.default_rng(0), channels)
    graph = read(data)
    x = np.random.default_rng(1).integers(-128, 128, (200, 16)).astype(np.int8)
    truth = {"TFLM": np.asarray(tflm(data, x).outputs)}
    monkeypatch.setattr("edgekit.emulate.parity._kind", lambda graph=None: "litert")
    truth["LiteRT"] = np.asarray(tflm(data, x).outputs)
    twice, once = (
        run(build(generate(graph), defines=d), x) for d in ((), ("EDGEKIT_SINGLE_ROUNDING_FC",))
    )
    assert np.array_equal(twice, truth["TFLM"])
    assert np.array_equal(once, truth["LiteRT"])
    assert (once != twice).sum() > 0


def test_gcc_builds_the_same_arithmetic():
    if not shutil.which("arm-none-eabi-gcc"):
        pytest.skip("arm-none-eabi-gcc is not installed")
    for name in ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED", "SOFTMAX", "ADD"):
        rng = np.random.default_rng(9)
        data = tiny.OPERATORS[name](rng)
        graph = read(data)
        samples = tiny.samples(graph, 3, rng)
        for cpu in ("cortex-m4", "cortex-m3", "cortex-m0plus"):
            machine = Machine(build(generate(graph), cpu, compiler="gcc"))
            for sample, expected in zip(samples, raw_tflm(data, graph, samples), strict=True):
                assert np.array_equal(machine.infer(sample)[0].ravel(), expected[0].ravel())


def test_the_mve_build_gives_the_same_bytes_in_qemu():
    if not shutil.which("qemu-system-arm"):
        pytest.skip("qemu-system-arm is not installed")
    for name in ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED", "ADD", "SOFTMAX", "MEAN"):
        rng = np.random.default_rng(200)
        data = tiny.OPERATORS[name](rng)
        graph = read(data)
        samples = tiny.samples(graph, 5, rng)
        firmware = build(generate(graph), "cortex-m55", "-O3")
        columns = [np.concatenate(c) for c in zip(*samples, strict=True)]
        if columns[0].shape[0] != len(samples):
            continue  # a batch of its own
        got = run_qemu(firmware, columns if len(columns) > 1 else columns[0])
        expected = np.concatenate([e[0] for e in raw_tflm(data, graph, samples)])
        assert np.array_equal(got.ravel(), expected.ravel())
    with pytest.raises(EdgekitError, match="cortex-m4"):
        run_qemu(build(generate(graph)), columns[0])


def test_accepted_mutants_give_tflms_bytes():
    rng = np.random.default_rng(4)
    models = [make(rng) for make in tiny.OPERATORS.values()]
    compared = 0
    while compared < 8:
        data = tiny.mutated(models[rng.integers(len(models))], rng)
        try:
            graph = read(data)
            source = generate(graph)
            samples = tiny.samples(graph, 2, rng)
            truth = raw_tflm(data, graph, samples)
        except EdgekitError:
            continue
        machine = Machine(build(source))
        for sample, expected in zip(samples, truth, strict=True):
            for e, g in zip(expected, machine.infer(sample), strict=True):
                assert np.array_equal(e.reshape(-1), g.reshape(-1), equal_nan=g.dtype == np.float32)
        compared += 1


@pytest.mark.parametrize("make", [test_shapes.causal, lambda: test_shapes.dilated(True)])
def test_a_dilation_through_batches_gives_litert_bytes(make):
    """TFLM runs such files with one of their batches missing, so the ladder asks LiteRT."""
    pytest.importorskip("ai_edge_litert")
    data = make()
    shape = read(data).tensors[0].shape
    x = np.random.default_rng(2).integers(-128, 128, (20, *shape[1:])).astype(np.int8)
    table = layer_parity(data, x)
    assert table.attrs["oracle"] == "LiteRT BUILTIN_REF"
    assert table.attrs["exact"]


def test_uint8_out_and_a_thousand_classes_give_tflms_bytes():
    q = {"scale": 0.5, "zero": 2}
    out = T((1, 64), "uint8", 0.25, 100)
    data = write([T((1, 64), **q), out], [Op("QUANTIZE", [0], [1], "QuantizeOptions")], [0], [1])
    assert differences(data, "cortex-m4", 1) == 0
    y = T((1, 1000), scale=1 / 256, zero=-128)
    op = Op("SOFTMAX", [0], [1], "SoftmaxOptions", [(0, "Float32", 1.0)])
    data = write([T((1, 1000), **q), y], [op], [0], [1])
    assert differences(data, "cortex-m4", 1) == 0
    # TFLM stops at a thousand equal values: none of them reaches half a step
    machine = Machine(build(generate(read(data))))
    assert (machine.infer((np.zeros((1, 1000), np.int8),))[0] == -128).all()


def test_a_batch_of_its_own_and_a_lone_number_are_run_like_any_other():
    rng = np.random.default_rng(1)
    tensors = [
        T((3, 16), scale=0.05, zero=3),
        T((5, 16), scale=0.01, data=rng.integers(-9, 9, (5, 16))),
    ]
    options = [(0, "Int8", 0), (1, "Int8", 0), (2, "Bool", False)]
    op = Op("FULLY_CONNECTED", [0, 1], [2], "FullyConnectedOptions", options)
    data = write([*tensors, T((3, 5), scale=0.05)], [op], [0], [2])
    x = rng.integers(-128, 128, (12, 16)).astype(np.int8)
    firmware = build(generate(read(data)))
    got = run(firmware, x)
    assert got.shape == (12, 5)
    assert np.array_equal(got, tflm(data, x).outputs)
    assert np.array_equal(got, run(firmware, x.reshape(4, 3, 16)))
    assert profile(firmware, x[:3]).instructions.value > 100
    for wrong in (x[:4], x[:, :15]):
        with pytest.raises(EdgekitError, match="cannot take"):
            run(firmware, wrong)
    with pytest.raises(EdgekitError, match="one sample"):
        profile(firmware, x)
    data = write([T((), scale=0.1), T((), scale=0.1)], [Op("RELU6", [0], [1])], [0], [1])
    firmware = build(generate(read(data)))
    assert profile(firmware, np.int8(-3)).output[0] == 0
    assert run(firmware, np.array([-3, 3, 100], np.int8)).tolist() == [0, 3, 60]
