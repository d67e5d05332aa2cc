"""A model's name meets neither the kernels' nor another model's, and each level of optimization is one."""

from __future__ import annotations

import shutil
import subprocess
import sys

import numpy as np
import pytest

from edgekit.core.errors import EdgekitError
from edgekit.emulate import build, profile, run
from edgekit.emulate.machine import Machine
from edgekit.emulate.toolchain import LEVELS
from edgekit.export import generate, read
from tests.export import tiny, variants


def model(name: str, seed: int = 3):
    rng = np.random.default_rng(seed)
    graph = read(tiny.OPERATORS[name](rng))
    return graph, tiny.samples(graph, 1, rng)[0]


def test_any_name_builds_or_is_refused_in_one_line():
    graph, (x,) = model("DEPTHWISE_CONV_2D")
    expected = run(build(generate(graph)), x)
    names = ["conv", "dot", "requantize", "startup", "features", "clamp", "driver", "memcpy", "int"]
    for name in names:
        assert np.array_equal(run(build(generate(graph, name)), x), expected), name
    for name in (
        "float",
        "math",
        "string",
        "stdint",
        "ek_conv",
        "edgekit",
        "edgekit_kernels",
        "Conv",
    ):
        with pytest.raises(EdgekitError, match="name"):
            generate(graph, name)


def test_a_file_of_the_same_name_is_not_written_over():
    graph, _ = model("SOFTMAX")
    with pytest.raises(EdgekitError, match="another name"):
        build(generate(graph, "fft"), extra_files={"fft.h": "/* a transform */"})


BOTH = """#include "first.h"
#include "second.h"
void both(void) { first_invoke(); second_invoke(); }
__attribute__((used, section(".vectors"))) static void (*const kept)(void) = both;
"""


@pytest.mark.parametrize("names", [("CONV_2D", "FULLY_CONNECTED"), ("ADD", "MUL")])
def test_two_models_in_one_program(names):
    """The same kernels, compiled for what each of them needs."""
    first, second = (model(n, seed) for n, seed in zip(names, (3, 5), strict=True))
    sources = [generate(g, n) for (g, _), n in ((first, "first"), (second, "second"))]
    shared = set(sources[0].files) & set(sources[1].files)
    assert shared
    assert all(n.startswith("edgekit_kernels/") for n in shared)
    program = build(sources[0], extra_files={**sources[1].files, "window.c": BOTH})
    machine = Machine(program)
    arena = machine.symbols["second_arena"].address
    for i, x in zip(second[0].inputs, second[1], strict=True):
        machine.uc.mem_write(arena + sources[1].offset(i), x.tobytes())
    machine.load(first[1])
    machine.call("both")
    (alone,) = Machine(build(sources[1])).infer(second[1])
    got = machine.uc.mem_read(arena + sources[1].offset(second[0].outputs[0]), alone.nbytes)
    assert bytes(got) == alone.tobytes()
    assert np.array_equal(machine.read_outputs()[0], Machine(build(sources[0])).infer(first[1])[0])


def test_each_level_gives_another_image_and_the_same_bytes():
    graph, (x,) = model("CONV_2D")
    source = generate(graph)
    images = {level: build(source, opt=level) for level in LEVELS}
    assert len({f.elf for f in images.values()}) == len(LEVELS)
    found = {level: profile(f, x) for level, f in images.items()}
    counts = {level: p.instructions.value for level, p in found.items()}
    assert counts["-O3"] < counts["-O1"] < counts["-O0"]
    assert images["-Oz"].code.value < images["-O2"].code.value
    assert all(np.array_equal(p.output[0], found["-Os"].output[0]) for p in found.values())
    assert "-O3" in images["-O3"].flash.source
    with pytest.raises(EdgekitError, match="-Os"):
        build(source, opt="-Oz", compiler="gcc")
    with pytest.raises(EdgekitError, match="unknown optimization"):
        build(source, opt="-O4")


def test_gcc_keeps_every_layer():
    """gcc 12 took a softmax for a function without effect and left out its call."""
    if not shutil.which("arm-none-eabi-gcc"):
        pytest.skip("arm-none-eabi-gcc is not installed")
    source = generate(read(variants.conversions(np.random.default_rng(1))))
    for cpu in ("cortex-m0plus", "cortex-m4"):
        for level in ("-Os", "-O2"):
            symbols = build(source, cpu, level, "gcc").image().symbols
            assert all(layer.name in symbols for layer in source.layers)


def test_headers_include_from_cpp_and_negative_zero_points_from_any_expression(tmp_path):
    graph, _ = model("FULLY_CONNECTED")
    files = generate(graph, "net").files
    (tmp_path / "net.h").write_text(files["net.h"])
    zero = int(graph.tensors[graph.inputs[0]].zero_point[0])
    code = f'#include "net.h"\nstatic_assert(5 -NET_INPUT_ZERO_POINT == {5 - zero}, "");\n'
    code += "int main() { net_invoke(); return net_output()[0]; }\n"
    (tmp_path / "main.cpp").write_text(code)
    (tmp_path / "weights.c").write_text('#include "net_weights.h"\n')
    (tmp_path / "net_weights.h").write_text(files["net_weights.h"])
    zig = [sys.executable, "-m", "ziglang", "cc"]
    for command in (["-c", "-xc++", "-std=c++11", "main.cpp"], ["-c", "weights.c"]):
        subprocess.run([*zig, *command, "-Wno-unused"], cwd=tmp_path, check=True)

    symbols = (tmp_path / "main.o").read_bytes()
    assert b"net_invoke" in symbols
    assert b"_Z10net_invoke" not in symbols


def test_offsets_in_the_arena_have_names():
    source = generate(read(variants.svdf(np.random.default_rng(1))), "net")
    text = source.files["net.c"]
    (at,) = (source.plan.offsets[k] for k in source.plan.offsets if k == ("state", 0))
    assert f"#define NET_AT_SVDF_0_STATE {at} " in text
    assert "net_arena + NET_AT_INPUT" in text
