"""An update arrives whole or not at all, and costs about what changed; the device's C agrees with Python."""

from __future__ import annotations

import itertools
import math
import sys
import zlib

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edgekit.assurance import fuzz_delta
from edgekit.assurance.fuzz_delta import NO_LIMIT, Case
from edgekit.core.errors import EdgekitError
from edgekit.packages.compare_deltas import compare
from edgekit.packages.delta import DELTA, PACKED, RAW, best, decode, encode
from edgekit.packages.regions import WIDTH, Region, regions
from tests.packages.images import (
    REAL,
    SHARED,
    SIZES,
    base,
    changed,
    drawn,
    network,
    parts,
    retrained,
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
