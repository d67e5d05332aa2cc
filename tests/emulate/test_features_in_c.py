"""Samples in, class out, on the emulated core."""

from dataclasses import replace

import numpy as np
import pytest

from edgekit import emulate
from edgekit.core.errors import EdgekitError
from edgekit.emulate import build, classify, feature_parity, profile
from edgekit.emulate.cores import CORES
from edgekit.emulate.samples import quantize_samples
from edgekit.export import generate, read
from edgekit.signal import EnvelopeSpectrum, UnitRms, log_mel, to_int8
from tests.emulate.bearings import ENVELOPE, SENSITIVITY, model, network, strikes
from tests.export import tiny


@pytest.fixture(scope="module")
def trained():
    return model()


@pytest.fixture(scope="module")
def app(trained):
    return build(generate(read(trained), "bearing"), features=ENVELOPE, sensitivity=SENSITIVITY)


def test_accuracy_is_that_of_the_binary(app, trained):
    X, y = strikes(60, seed=1)
    classes, scores = classify(app, X)
    assert (classes == y).mean() > 0.9
    scale, zero = (getattr(app.source.graph.tensors[0], k)[0] for k in ("scale", "zero_point"))
    features = ENVELOPE(quantize_samples(ENVELOPE, SENSITIVITY, X)).reshape(60, -1)
    truth = emulate.tflm(trained, to_int8(features, scale, int(zero))).outputs
    assert np.array_equal(scores, truth)
    assert np.array_equal(classes, truth.argmax(axis=1))


def test_python_and_c_agree_on_every_bit(app):
    table = feature_parity(app, strikes(20, seed=2)[0])
    assert table.attrs["exact"]
    assert table.attrs["int8_share"] == 0
    assert len(table) == 40
    assert not table[["host_max", "core_max", "host_int8", "core_int8"]].to_numpy().any()
    assert (table.scale > 0).all()


@pytest.mark.parametrize("cpu", [n for n, c in CORES.items() if c.emulated and n != "cortex-m4"])
def test_every_core_computes_the_same(trained, cpu):
    app = build(
        generate(read(trained), "bearing"), cpu=cpu, features=ENVELOPE, sensitivity=SENSITIVITY
    )
    X = strikes(4, seed=3)[0]
    X[3, 5] = np.nan
    assert feature_parity(app, X).attrs["exact"]


def test_a_network_alone_takes_no_windows(trained):
    with pytest.raises(EdgekitError, match="takes no windows"):
        classify(build(generate(read(trained), "bearing")), strikes(1, seed=0)[0])


@pytest.mark.parametrize("sensitivity", [None, SENSITIVITY], ids=["float32", "int16"])
@pytest.mark.parametrize(
    "feature",
    [UnitRms(128, 3), log_mel(8000, 1024, 256, 160, 12)],
    ids=["teacher_input", "log mel"],
)
def test_other_features(feature, sensitivity):
    rng = np.random.default_rng(0)
    size = int(np.prod(feature.shape))
    model = network(rng.normal(size=(4, size)) / 50, np.zeros(4), 0.05, 0)
    app = build(generate(read(model), "other"), features=feature, sensitivity=sensitivity)
    X = rng.normal(size=(5, feature.window, feature.channels)).astype(np.float32) + 1
    if sensitivity is None:
        X[0], X[1, 3], X[2, 3] = 0, np.nan, np.inf
    assert feature_parity(app, X).attrs["exact"]


def test_a_changed_window_is_found(trained):
    class Changed(EnvelopeSpectrum):
        def c(self, *args, **how):
            files = super().c(*args, **how)
            was = files["fft.h"]
            files["fft.h"] = was.replace("0.5f - 0.5f * cosine", "0.54f - 0.46f * cosine")
            assert files["fft.h"] != was
            return files

    source, changed = generate(read(trained), "bearing"), Changed(10_000, 1024, 2000, 256, 40)
    table = feature_parity(build(source, features=changed, sensitivity=SENSITIVITY), strikes(6)[0])
    assert not table.attrs["exact"]
    assert table.attrs["worst"] > 1e-3
    assert table.host_max.max() == table.core_max.max()
    assert table.attrs["int8_share"] > 0


def test_costs(app, trained):
    x = strikes(1)[0]
    cost = profile(app, x)
    names = [layer.name for layer in cost.layers]
    assert names[0] == "features"
    assert names[-3:] == ["decide", "invoke", "classify"]
    assert cost.instructions.value == sum(layer.instructions for layer in cost.layers)
    assert 90_000 < cost.feature_instructions.value < 130_000
    assert cost.feature_flash.value <= 4096
    # the work area, the window of counts and the features; the network brings its own
    assert 0 <= cost.feature_ram.value - (4096 + 2048 + 160) <= 16
    assert 0 < cost.stack.value < 512
    bare = emulate.profile(emulate.build(app.source), np.zeros((1, 40), np.int8))
    assert abs(cost.network.value - bare.instructions.value) <= 4
    assert np.array_equal(cost.output[0], classify(app, x)[1])
    assert emulate.latency(app, cost, mhz=64).value > cost.instructions.value / 64e3
    assert "feature instructions" in cost._repr_html_()


def test_a_float_network_hears_float_features():
    size = ENVELOPE.lines
    rng = np.random.default_rng(0)
    W, b = rng.normal(size=(2, size)).astype(np.float32), np.zeros(2, np.float32)
    tensors = [
        tiny.T((1, size), "float32"),
        tiny.T(W.shape, "float32", data=W),
        tiny.T(b.shape, "float32", data=b),
        tiny.T((1, 2), "float32"),
    ]
    options = [(0, "Int8", 0), (1, "Int8", 0), (2, "Bool", False)]
    op = tiny.Op("FULLY_CONNECTED", [0, 1, 2], [3], "FullyConnectedOptions", options)
    app = build(generate(read(tiny.write(tensors, [op], [0], [3])), "plain"), features=ENVELOPE)
    X = strikes(6)[0]
    truth = ENVELOPE(X).reshape(6, -1) @ W.T
    classes, scores = classify(app, X)
    np.testing.assert_allclose(scores, truth, rtol=1e-4, atol=1e-4)
    assert np.array_equal(classes, truth.argmax(axis=1))
    assert feature_parity(app, X).attrs["exact"]


def test_refusals(app, trained):
    source = generate(read(trained), "bearing")
    with pytest.raises(EdgekitError, match="do not fit"):
        build(source, features=replace(ENVELOPE, lines=41), sensitivity=SENSITIVITY)
    with pytest.raises(EdgekitError, match="no C side"):
        build(source, features=np.abs, sensitivity=SENSITIVITY)
    with pytest.raises(EdgekitError, match="expected windows"):
        classify(app, np.zeros((3, 1000, 1)))
    with pytest.raises(EdgekitError, match="expected windows"):
        feature_parity(app, np.zeros((0, 1024, 1)))


def test_a_cameras_bytes_reach_the_network_without_floats():
    from edgekit.signal import Pixels

    rng = np.random.default_rng(8)
    see = Pixels(16, 16, block=2)
    W, b = rng.normal(size=(2, 64)), np.zeros(2)
    model = network(W, b, 1 / 100, 5)
    app = build(generate(read(model), "camera"), "cortex-m7", features=see)
    X = rng.integers(0, 256, (12, 16, 16, 1)).astype(np.float32)
    table = feature_parity(app, X)
    assert table.attrs["exact"]
    assert table.attrs["int8_share"] == 0
    _, scores = classify(app, X)
    truth = emulate.tflm(model, to_int8(see(X).reshape(12, -1), 1 / 100, 5)).outputs
    assert np.array_equal(scores, truth)
    counted = profile(app, X[:1])
    assert counted.feature_ram.value <= 16 * 16 + 8  # the picture, and no copy of it in floats
    with pytest.raises(EdgekitError, match=r"\(n, 16, 16, 1\)"):
        classify(app, X[:, :8])
