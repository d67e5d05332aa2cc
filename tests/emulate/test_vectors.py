"""Vector kernels in QEMU's Cortex-M55 against TFLM, byte for byte; small models side by side in a program."""

from __future__ import annotations

import dataclasses
import shutil

import numpy as np
import pytest

from edgekit.emulate import build, count_qemu, run_qemu
from edgekit.emulate.parity import raw_tflm
from edgekit.export import generate, read
from edgekit.operators import OPERATORS
from edgekit.operators import example as e
from edgekit.operators.graph import Graph
from edgekit.testing.operator import together
from edgekit.testing.tflite_file import to_tflite
from tests.export import tiny

pytest.importorskip("tflite_micro", reason="the oracle has a wheel for Linux x86-64 only")
pytestmark = pytest.mark.skipif(
    not shutil.which("qemu-system-arm"), reason="qemu-system-arm is not installed"
)


def product(rng, image, filters, stride=1, dilation=1, same=True, multiplier=0, channels=True):
    """A CONV_2D, or with a depth `multiplier` a DEPTHWISE_CONV_2D. filters: (out, height, width)."""
    (height, width, in_ch), (out_ch, k_h, k_w) = image, filters
    if multiplier:
        out_ch = in_ch * multiplier
    out = [e.window_size(s, k, stride, dilation, same) for s, k in ((height, k_h), (width, k_w))]
    shape = (1, k_h, k_w, out_ch) if multiplier else (out_ch, k_h, k_w, in_ch)
    reach = k_h * k_w * (1 if multiplier else in_ch)
    sw = (rng.uniform(0.3, 1, out_ch if channels else 1) / (40 * np.sqrt(reach))).astype(np.float32)
    sx = float(np.float32(0.05))
    tensors = [
        e.tensor((1, *image), scale=sx, zero=e.zero(rng)),
        e.tensor(shape, scale=sw, axis=3 if multiplier else 0, data=rng.integers(-127, 128, shape)),
        e.tensor((out_ch,), "int32", sx * sw, data=rng.integers(-4000, 4000, out_ch)),
        e.tensor((1, *out, out_ch), scale=0.05, zero=e.zero(rng)),
    ]
    options = {"padding": "same" if same else "valid", "stride_w": stride, "stride_h": stride}
    options |= {"depth_multiplier": multiplier} if multiplier else {}
    options |= {"activation": str(rng.choice(["none", "relu", "relu6"]))}
    options |= {"dilation_w": dilation, "dilation_h": dilation}
    name = "DEPTHWISE_CONV_2D" if multiplier else "CONV_2D"
    return e.model(tensors, [e.operator(name, [0, 1, 2], [3], options)], [0], [3])


def shapes(rng) -> list[Graph]:
    """What the kernels tell apart: numbers of channels, pixels and taps, and where windows lie."""
    pixels = [product(rng, (5, 3, n), (m, 1, 1)) for n, m in [(3, 6), (16, 1), (17, 7), (47, 8)]]
    pixels += [product(rng, (2, 2, n), (4, 1, 1)) for n in (32, 48, 64, 80, 96, 112)]  # turns
    windows = [
        product(rng, (11, 9, 1), (8, 10, 4), stride=2),
        product(rng, (7, 7, 5), (6, 3, 3), dilation=2),
        product(rng, (8, 9, 19), (5, 2, 3), same=False, channels=False),
        product(rng, (6, 6, 20), (9, 1, 1), stride=2),
        product(rng, (3, 3, 6), (3, 3, 3), same=False),  # one pixel
    ]
    planes = [
        product(rng, (25, 5, 3), (0, 3, 3), multiplier=1),
        product(rng, (9, 12, 4), (0, 3, 3), stride=2, multiplier=1),
        product(rng, (3, 3, 5), (0, 3, 3), multiplier=1),
        product(rng, (4, 140, 2), (0, 3, 3), multiplier=1),  # more than 255 bytes from tap to tap
        product(rng, (40, 1, 3), (0, 29, 1), same=False, multiplier=1),
        product(rng, (9, 8, 2), (0, 5, 5), multiplier=3, channels=False),
        product(rng, (9, 9, 3), (0, 3, 2), dilation=3, multiplier=2),
    ]
    return pixels + windows + planes


def drawn(rng) -> list[Graph]:
    """As the operators' own examples come, with rescaling by more than one among them."""
    names = ["CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED", "AVERAGE_POOL_2D"] * 6
    return [OPERATORS[name].examples[0](rng) for name in names]


def wrong(make, change=("", ""), opt="-Os") -> int:
    """Bytes that differ from TFLM's after `change` of the kernels' text."""
    rng = np.random.default_rng(21)
    data = to_tflite(together(make(rng)))
    graph = read(data)
    samples = tiny.samples(graph, 4, rng)
    source = generate(graph)
    files = {name: text.replace(*change) for name, text in source.files.items()}
    assert change[0] == change[1] or files != source.files
    source = dataclasses.replace(source, files=files)
    got = run_qemu(
        build(source, "cortex-m55", opt), [np.concatenate(c) for c in zip(*samples, strict=True)]
    )
    truth = [np.concatenate(c) for c in zip(*raw_tflm(data, graph, samples), strict=True)]
    return sum(int((g.ravel() != t.ravel()).sum()) for g, t in zip(got, truth, strict=True))


@pytest.mark.parametrize(("make", "opt"), [(shapes, "-O2"), (drawn, "-Oz")])
def test_vectors_give_tflms_bytes(make, opt):
    assert wrong(make, opt=opt) == 0


@pytest.mark.parametrize(
    "change",
    [
        ("vqaddq_s32(acc, below)", "vqsubq_s32(acc, below)"),  # halves the other way
        ("0x6666", "0x9999"),  # another order of k
        ("x = plane + last * (two / 2);", "x = plane + last * two;"),
    ],
)  # fmt: skip
def test_one_wrong_step_is_noticed(change):
    assert wrong(shapes, change) > 0


def test_instructions_are_counted_to_within_a_tick():
    source = generate(read(to_tflite(product(np.random.default_rng(2), (16, 16, 32), (32, 1, 1)))))
    firmware, x = build(source, "cortex-m55"), np.zeros((2, 16, 16, 32), np.int8)
    counted = count_qemu(firmware, x)
    assert 0.1 < counted.value / source.macs < 0.4  # 16 products an instruction at most
    assert counted.value == pytest.approx(count_qemu(firmware, x[:1]).value, abs=64)
