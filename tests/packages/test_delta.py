"""An update arrives whole or not at all, and costs about what changed; the device's C agrees with Python."""

from __future__ import annotations

import itertools
import math
import os
import sys
import zlib
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edgekit.agent.decoder_cost import cost
from edgekit.assurance import fuzz_delta
from edgekit.assurance.fuzz_delta import NO_LIMIT, Case
from edgekit.core.errors import EdgekitError
from edgekit.export import read
from edgekit.packages.compare_deltas import compare
from edgekit.packages.delta import DELTA, PACKED, RAW, best, decode, encode
from edgekit.packages.regions import WIDTH, Region, regions
from tests.export import tiny
from tests.export.tiny import Op, T

ROOT = Path(__file__).parents[2]
SHARED = Path(os.environ.get("EDGEKIT_SHARED", ROOT.parent / "shared" / "data")) / "tflm-models"
REAL = ("hello_world_int8", "micro_speech_quantized", "keyword_scrambled_8bit")
SIZES = (48, 96, 64, 8)


def network(weights=None, biases=None, sizes=SIZES, scale=0.02) -> bytes:
    """A `.tflite` of three dense layers; weights: [(out, in) int8], biases: [(out,) int32]."""
    rng = np.random.default_rng(5)
    shapes = [(m, n) for n, m in itertools.pairwise(sizes)]
    weights = weights or [drawn(rng, s) for s in shapes]
    biases = biases or [rng.normal(0, 900, m).astype(np.int32) for m, _ in shapes]
    tensors, ops = [T((1, sizes[0]), scale=0.1)], []
    for w, b in zip(weights, biases, strict=True):
        at = len(tensors)
        tensors += [
            T(w.shape, scale=scale, data=w),
            T(b.shape, "int32", scale=0.1 * scale, data=b),
            T((1, len(w)), scale=0.1),
        ]
        options = ((0, "Int8", 0), (1, "Int8", 0), (2, "Bool", False))
        ops.append(
            Op("FULLY_CONNECTED", [at - 1, at, at + 1], [at + 2], "FullyConnectedOptions", options)
        )
    return tiny.write(tensors, ops, [0], [len(tensors) - 1])


def drawn(rng, shape) -> np.ndarray:
    return np.clip(rng.normal(0, 35, shape), -127, 127).astype(np.int8)


def changed(values, share, rng) -> np.ndarray:
    """A share of the values moved by 1 to 3, as in a network that was retrained on its grid."""
    steps = rng.choice([-3, -2, -1, 1, 2, 3], values.shape, p=[0.05, 0.1, 0.35, 0.35, 0.1, 0.05])
    moved = values.astype(int) + steps * (rng.random(values.shape) < share)
    return np.clip(moved, -127, 127).astype(np.int8)


@cache
def base() -> bytes:
    return network()


def parts(model: bytes):
    constants = [t.data for t in read(model).tensors if t.data is not None]
    return [d for d in constants if d.dtype == np.int8], [
        d for d in constants if d.dtype != np.int8
    ]


@cache
def retrained(share: float, bias: float = 0) -> bytes:
    rng = np.random.default_rng(int(1e4 * share))
    weights, biases = parts(base())
    steps = [np.rint(rng.normal(0, bias, b.shape)).astype(np.int32) for b in biases]
    return network(
        [changed(w, share, rng) for w in weights],
        [b + s for b, s in zip(biases, steps, strict=True)],
    )


@pytest.fixture(scope="module")
def device():
    """The C decoder under sanitizers: [Case] -> [(result, bytes put)]."""
    program, _ = fuzz_delta.driver()
    return lambda cases: fuzz_delta.run(cases, program)


def arrives(device, target, old=None, *layout) -> int:
    """Bytes of the update, which both decoders have decoded."""
    data = encode(target, old, *layout)
    assert decode(data, old, len(target)) == target
    answers = device([Case(data, old or b"", len(target), chop) for chop in (NO_LIMIT, 1, 7, 8, 9)])
    assert answers == [("complete", target)] * 5
    return len(data)


# ---- What an image is made of


@pytest.mark.parametrize("model", [*tiny.OPERATORS, *REAL, "network"])
def test_regions_are_the_tensors_and_cover_the_file(model):
    if model in REAL and not SHARED.is_dir():
        pytest.skip("the shared models are not here")
    data = base() if model == "network" else None
    data = data or ((SHARED / f"{model}.tflite").read_bytes() if model in REAL else None)
    data = data or tiny.OPERATORS[model](np.random.default_rng(3))
    found = regions(data)
    assert [r.offset for r in found] == [0, *(r.end for r in found[:-1])]
    assert found[-1].end == len(data)
    held = [(r.kind, data[r.offset : r.end]) for r in found]
    for t in read(data).tensors:
        if t.data is not None and t.dtype in (np.int8, np.int32):
            assert (str(t.dtype), t.data.tobytes()) in held
    if model == "network":
        rows = [r.row for r in found if r.kind == "int8"]
        assert sorted(rows) == sorted(SIZES[:-1])


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 2**32))
def test_a_hostile_file_is_refused_in_one_line_or_has_regions(seed):
    rng = np.random.default_rng(seed)
    data, message = tiny.mutated(base(), rng), ""
    try:
        found = regions(data)
    except EdgekitError as error:
        found, message = [Region(0, "bytes", len(data))], str(error)
    assert "\n" not in message
    assert [r.offset for r in found] == [0, *(r.end for r in found[:-1])]
    assert found[-1].end == len(data)


@pytest.mark.parametrize(
    "layout",
    [
        [Region(0, "int8", 9)],
        [Region(0, "int8", 4), Region(3, "int8", 4)],
        [Region(0, "int16", 4)],
        [Region(-1, "bytes", 4)],
        [Region(0, "int32", 2, 0)],
    ],
)
def test_regions_that_are_not_of_the_image_are_refused(layout):
    with pytest.raises(EdgekitError):
        encode(bytes(8), None, layout)


# ---- What arrives


@pytest.mark.parametrize("model", REAL)
def test_real_models_arrive(device, model):
    if not SHARED.is_dir():
        pytest.skip("the shared models are not here")
    data = (SHARED / f"{model}.tflite").read_bytes()
    new, rng = bytearray(data), np.random.default_rng(2)
    for r in regions(data):
        if r.kind == "int8" and r.count > 64:
            old = np.frombuffer(data, np.int8, r.count, r.offset)
            new[r.offset : r.end] = changed(old, 0.1, rng).tobytes()
    assert arrives(device, bytes(new), data) < 0.08 * len(data)
    assert arrives(device, data, data) <= 4
    # order 0 against matches: behind zlib where a file is mostly tables, ahead where it is weights
    assert arrives(device, data) < 1.13 * len(zlib.compress(data, 9))


images = st.binary(max_size=60) | st.builds(
    lambda n, p: (p or b"x") * n, st.integers(1, 40), st.binary(max_size=9)
)


@st.composite
def pairs(draw):
    """An image, an older one that may share pieces with it, and a layout for each."""
    old = draw(images)
    pieces = [old, old[draw(st.integers(0, 30)) :], draw(images)]
    new = b"".join(draw(st.lists(st.sampled_from(pieces), max_size=4)))
    return new, old, layout(draw, new), layout(draw, old)


def layout(draw, image):
    found, at = [], 0
    while at < len(image):
        kind, count = draw(st.sampled_from(list(WIDTH))), draw(st.integers(1, 40))
        count = min(count, (len(image) - at) // WIDTH[kind])
        if count:
            found.append(Region(at, kind, count, draw(st.sampled_from((1, 3, 5)))))
        at += count * WIDTH[kind] + draw(st.integers(0, 9))
    return found


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(pairs(), st.integers(2, 2**31))
def test_any_image_arrives_in_any_pieces(device, pair, chop):
    new, old, new_layout, old_layout = pair
    cases = []
    for known, layouts in ((old, (new_layout, old_layout)), (b"", (new_layout, None))):
        data = encode(new, known or None, *layouts)
        assert decode(data, known, len(new)) == new
        cases += [Case(data, known, len(new), c) for c in (chop, 1, NO_LIMIT)]
    assert device(cases) == [("complete", new)] * len(cases)


# ---- What it costs


@pytest.mark.parametrize("share", [0.001, 0.01, 0.05, 0.1, 0.3, 1.0])
def test_a_change_costs_little_more_than_its_entropy(device, share):
    # the bound knows the shares and the steps' distribution, and has the rest of the file for nothing
    count = sum(a * b for a, b in itertools.pairwise(SIZES))
    zero = [p * math.log2(p) for p in (share, 1 - share) if p]
    step = [p * math.log2(p) for p in (0.05, 0.1, 0.35, 0.35, 0.1, 0.05)]
    bound = -count * (sum(zero) + share * sum(step)) / 8
    assert arrives(device, retrained(share), base()) < 1.04 * bound + 30


def test_new_biases_cost_bytes_and_unchanged_models_nearly_none(device):
    count = sum(SIZES[1:])
    bound = count * math.log2(20 * math.sqrt(2 * math.pi * math.e)) / 8  # of a normal distribution
    assert arrives(device, retrained(0, bias=20), base()) < 1.1 * bound + 25
    assert arrives(device, base(), base()) <= 4


def test_what_a_converter_does_at_will_costs_little(device):
    renamed = base().replace(b"t1\0", b"u9\0").replace(b"t4\0", b"v8\0")
    assert 0 < arrives(device, renamed, base()) < 30
    # other scales: a float in each table
    assert arrives(device, network(scale=0.021), base()) < 90
    blob = np.random.default_rng(0).bytes(6000)
    assert arrives(device, blob[:100] + b"new" + blob[100:], blob) < 25  # a block has moved
    assert arrives(device, blob[3000:] + blob[:3000], blob) < 25
    # the same tensors in another order, half of them changed
    weights = [drawn(np.random.default_rng(i), (64, 64)) for i in range(3)]
    old = b"".join(w.tobytes() for w in weights)
    new = b"".join(changed(w, 0.05, np.random.default_rng(9)).tobytes() for w in reversed(weights))
    tensors = [Region(4096 * i, "int8", 4096, 64) for i in range(3)]
    assert arrives(device, new, old, tensors, tensors) < 0.07 * len(new)


def test_of_tensors_that_are_alike_each_is_taken_for_its_own(device):
    image = bytes(512) + base()[:100] + bytes(512)
    alike = [Region(0, "int32", 128), Region(612, "int32", 128)]
    assert arrives(device, image, image, alike, alike) <= 4


def test_a_grown_layer_shares_the_rows_it_had(device):
    old = drawn(np.random.default_rng(1), (40, 64)).tobytes()
    more = drawn(np.random.default_rng(2), (4, 64)).tobytes()
    layouts = [Region(0, "int8", 44 * 64, 64)], [Region(0, "int8", 40 * 64, 64)]
    assert arrives(device, old + more, old, *layouts) < 1.1 * len(more)


def test_another_network_of_the_same_shape_costs_no_more_than_packed(device):
    rng = np.random.default_rng(8)
    weights, biases = parts(base())
    other = network([drawn(rng, w.shape) for w in weights], biases)
    assert arrives(device, other, base()) < len(encode(other)) < len(zlib.compress(other, 9))


def test_the_smallest_encoding_is_sent():
    made = best(retrained(0.1), base())
    assert made.encoding == DELTA
    assert len(made.data) == min(made.sizes.values())
    assert decode(made.data, base(), len(base())) == retrained(0.1)
    assert list(made.sizes) == ["raw", "packed", "delta"]
    assert made.sizes["raw"] == len(base())
    assert best(base()).encoding == PACKED
    noise = np.random.default_rng(0).bytes(500)
    assert best(noise).encoding == best(noise, b"").encoding == RAW
    assert best(noise).data == noise
    assert "delta" in made._repr_html_()


def test_the_comparison_has_every_method_and_says_what_is_missing(monkeypatch):
    monkeypatch.setitem(sys.modules, "bsdiff4", None)
    table = compare(base(), retrained(0.1)).set_index("method")
    assert table["bytes"].idxmin() == "edgekit delta"
    assert table.loc["raw", "share of the raw file"] == 1
    smallest = table.loc[
        ["edgekit packed", "zlib, full", "lzma, full", "zstd, full"], "bytes"
    ].min()
    ours = table.loc["edgekit delta"]
    assert ours["share of the best compressed full file"] == ours["bytes"] / smallest
    assert math.isnan(table.loc["bsdiff4", "bytes"])
    assert "pip install" in table.loc["bsdiff4", "note"]
    assert len(table) == 10
    assert table["bytes"].notna().sum() >= 6


# ---- What goes wrong


def test_every_cut_of_an_update_asks_for_more_and_never_completes(device):
    target = retrained(0.01, bias=5)
    data = encode(target, base())
    cuts = [data[:n] for n in range(len(data))]
    for result, image in device([Case(cut, base(), len(target)) for cut in cuts]):
        assert result == "more"
        assert target.startswith(image)
    for cut in cuts[::40]:
        with pytest.raises(EdgekitError, match="too early"):
            decode(cut, base(), len(target))


def test_trailing_bytes_another_size_and_a_short_base_are_errors(device):
    target = retrained(0.05)
    data, size = encode(target, base()), len(target)
    cases = {
        "follow its end": (data + b"\0", base(), size),
        "too early": (encode(target), b"", size + 400),
        "damaged": (data, base()[:-9], size),
        "damaged update": (data, b"", size),
    }
    expected = {"follow its end": "trailing", "too early": "more"}
    for message, case in cases.items():
        with pytest.raises(EdgekitError, match=message):
            decode(*case)
        ((result, image),) = device([Case(*case)])
        assert result == expected.get(message, "damaged")
        assert len(image) <= case[2]
    assert device([Case(data, base(), size, stop=100)])[0][0] == "stopped"
    assert device([Case(b"", b"", 0), Case(b"x", b"", 0)]) == [("complete", b""), ("trailing", b"")]


def test_hostile_updates_are_refused_and_both_decoders_agree():
    table = fuzz_delta.fuzz(5000, seed=1, compared=4)
    assert table["inputs"].sum() == 5000
    assert not table.attrs["finds"]
    assert not table["crashes"].sum()
    assert not table["unlike"].sum()
    # no way to go wrong was left out
    assert (table[["complete", "damaged", "more", "trailing"]].sum() > 50).all()


MUTANTS = {
    "reads beyond the base": ("d->count << wide > d->base_size - from", "0"),
    "counts beyond the image": ("d->count <= d->left >> wide", "1"),
    "takes any kind": ("v < KINDS ?", "1 ?"),
    "takes trailing bytes": ("== DELTA_COMPLETE && n", "== DELTA_COMPLETE && 0"),
    "learns at another rate": ("d->seen[c] < 127", "d->seen[c] < 255"),
    "takes a count of nothing": ("d->count && d->count <=", "d->count <="),
}


@pytest.mark.parametrize("mutant", MUTANTS)
def test_a_decoder_without_one_of_its_checks_is_found(mutant):
    files, (old, new) = fuzz_delta.sources(), MUTANTS[mutant]
    assert files["delta.c"].count(old) == 1
    files["delta.c"] = files["delta.c"].replace(old, new)
    table = fuzz_delta.fuzz(2500, compared=4, program=fuzz_delta.driver(files)[0])
    assert table["crashes"].sum() or table["unlike"].sum()


# ---- What it costs a device


@pytest.mark.parametrize("cpu", ["cortex-m4", "cortex-m0plus"])
def test_the_decoder_fits_a_kilobyte_of_code_and_one_of_memory(cpu):
    found = cost(retrained(0.05), base(), cpu)
    assert 500 < found.code.value <= 1024
    assert 600 < found.ram.value <= 1024
