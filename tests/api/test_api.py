"""What a data scientist does in a notebook of their own, with no run directory, and what they are told."""

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import edgekit as ek
from edgekit import packages
from edgekit.core.errors import EdgekitError

VERBS = ("quantize", "compress", "generate_c", "profile", "parity", "package")


def network(width: int = 4, activation: str | None = None):
    keras = pytest.importorskip("keras")
    keras.utils.set_random_seed(0)
    return keras.Sequential(
        [
            keras.layers.Input((1, 24, 1)),
            keras.layers.Conv2D(width, (1, 5), padding="same", activation="relu"),
            keras.layers.BatchNormalization(),
            keras.layers.GlobalAveragePooling2D(),
            keras.layers.Dense(2, activation=activation),
        ]
    )


@pytest.fixture(scope="module")
def X() -> np.ndarray:
    return np.random.default_rng(0).normal(size=(40, 1, 24, 1)).astype(np.float32)


@pytest.fixture(scope="module")
def tflite(X) -> bytes:
    return ek.quantize(network(), X)


def test_a_keras_model_becomes_a_signed_package_that_a_device_takes(tflite, X, tmp_path):
    """The example at the top of the package, with the numbers that it must come to."""
    assert ek.parity(tflite, X[:5]).exact
    costs = ek.profile(tflite, "stm32l4", X[:1])
    assert set(costs.figures) == {"latency", "energy", "instructions", "flash", "ram"}
    assert costs.latency.low < costs.latency.value < costs.latency.high
    assert costs.instructions.provenance == "emulated"
    folder = ek.generate_c(tflite, name="gesture").write(tmp_path / "firmware")
    assert "gesture_invoke(void)" in (folder / "gesture.h").read_text()

    key = packages.file_key(tmp_path / "workshop.pem", "workshop")
    how = {"board": "stm32l4", "name": "gesture"}
    package = ek.package(tflite, tmp_path / "workshop.pem", sequence=1, **how)
    release = packages.Release(bytes(tflite), None, None, "gesture", "stm32l4")
    taken = packages.verify(package, [key.public], release.device())
    assert taken.image() == release.image
    update = ek.package(tflite, key, sequence=2, base=tflite, **how)
    assert len(update) < len(package)  # nothing changed: a delta of nothing


def test_nothing_heavy_is_loaded_before_it_is_used():
    code = (
        "import sys, edgekit as ek; names = dir(ek); ek.Figure, ek.EdgekitError;"
        "print([m for m in ('numpy', 'tensorflow', 'pandas', 'matplotlib') if m in sys.modules], names)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("[] ")
    for name in (*VERBS, "open_run", "Figure", "catalog"):
        assert f"'{name}'" in done.stdout, "Tab would not offer it"
        assert hasattr(ek, name)


def test_editors_and_type_checkers_see_what_there_is():
    known = Path(ek.__file__).read_text(encoding="utf-8")
    block = known[known.index("if TYPE_CHECKING:") : known.index("__version__ =")]
    told = {name for line in re.findall(r"import (.+)", block) for name in line.split(", ")}
    assert told == set(ek.__all__) == set(ek._HOME)
    assert Path(ek.__file__).with_name("py.typed").exists()


@pytest.mark.parametrize(
    ("x", "said"),
    [
        (np.zeros((3, 24, 1)), "takes (n, 1, 24, 1)"),
        (np.zeros((0, 1, 24, 1)), "empty"),
        (np.full((2, 1, 24, 1), np.nan), "2 of 2 rows"),
        (np.full((1, 1, 24, 1), 1e300), "infinity"),
        ("samples", "str"),
        (None, "NoneType"),
        ([[1], [2, 3]], "no array of numbers"),
        (np.zeros((1, 1, 24, 1), np.int32), "int32"),
    ],
)
def test_inputs_that_do_not_fit_are_answered_in_a_line(tflite, x, said):
    for call in (lambda: ek.parity(tflite, x), lambda: ek.profile(tflite, "stm32l4", x)):
        with pytest.raises(EdgekitError, match=re.escape(said)) as refused:
            call()
        assert "\n" not in str(refused.value)
    if (
        getattr(x, "dtype", None) != np.int32
    ):  # whole numbers are as good as floats to calibrate with
        with pytest.raises(EdgekitError, match=re.escape(said)):
            ek.quantize(network(), x)


def test_floats_are_quantized_as_the_network_expects(tflite, X):
    graph = ek.export.read(tflite)
    tensor = graph.tensors[graph.inputs[0]]
    steps = np.clip(np.rint(X[:1] / tensor.scale[0]) + tensor.zero_point[0], -128, 127)
    by_hand = ek.profile(tflite, "stm32l4", steps.astype(np.int8))
    assert np.array_equal(
        by_hand.counted.output, ek.profile(tflite, "stm32l4", X[0]).counted.output
    )


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda f: ek.profile(f, "stm32l5", 0), "Did you mean"),
        (lambda f: ek.profile(f, "stm32l4", np.zeros((2, 1, 24, 1))), "one is counted at a time"),
        (lambda f: ek.profile(b"", "stm32l4", 0), "no .tflite"),
        (lambda f: ek.profile("no.tflite", "stm32l4", 0), "no file"),
        (lambda f: ek.generate_c(object()), "not as object"),
        (lambda f: ek.generate_c(f, name="9"), "no name for C"),
        (lambda f: ek.generate_c(f[:200]), "damaged"),
        (lambda f: ek.parity(f, np.zeros((1, 1, 24, 1)), cpu="z80"), "z80"),
        (lambda f: ek.quantize(f, np.zeros(3)), "Keras model"),
        (lambda f: ek.package(f, "no.pem", board="stm32l4", sequence=1), "no key there"),
        (lambda f: ek.package(f, 3, board="stm32l4", sequence=1), "not int"),
        (lambda f: ek.package(f, "no.pem", board="stm32l5", sequence=1), "Did you mean"),
        (lambda f: ek.package(f, "no.pem", board="stm32l4", sequence=0), "whole one from 1"),
        (lambda f: ek.package(f, "no.pem", board="stm32l4", sequence=1, kind="zip"), "tflite, weights"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_said(tflite, call, said):
    with pytest.raises(EdgekitError, match=re.escape(said)):
        call(bytes(tflite))


def test_compressing_takes_any_keras_model_and_leaves_it_alone(X):
    model, y = network(activation="softmax"), np.arange(len(X)) % 2
    before = [w.copy() for w in model.get_weights()]
    small = ek.compress(model, X, y, steps=("prune",), teacher=network(8), sparsity=0.75, finish=3)
    assert all(map(np.array_equal, before, model.get_weights()))
    kernel = small.model.layers[1].get_weights()[0]
    assert (kernel == 0).mean() == pytest.approx(0.75)
    assert ek.parity(small.tflite, X[:3]).exact


def test_a_network_is_the_same_in_either_keras_up_to_its_softmax(X):
    from edgekit.learn.keras3 import to_legacy

    model = network(activation="softmax")
    probabilities, logits = np.asarray(model(X)), np.asarray(to_legacy(model)(X))
    odds = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    assert np.allclose(odds, probabilities, atol=1e-6)


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ({"steps": ("qat", "prune")}, "in this order"),
        ({"steps": ("distil",)}, "needs a teacher"),
        ({"teacher": object()}, "Keras model"),
        ({"y": np.arange(40) % 3}, "classes 0 to 1"),
        ({"y": np.zeros(40)}, "whole numbers"),
        ({"y": np.zeros(3, int)}, "(40,)"),
        ({"sparsity": 1.0}, "between 0 and 1"),
        ({"finish": 0}, "at least 1"),
    ],
)
def test_compressing_says_what_it_cannot(X, how, said):
    given = {"y": np.arange(40) % 2, **how}
    with pytest.raises(EdgekitError, match=re.escape(said)):
        ek.compress(network(), X, **given)


def test_a_loop_over_time_is_refused_before_it_ends_the_process(X):
    keras = pytest.importorskip("keras")
    layers = [keras.layers.Input((24, 1)), keras.layers.LSTM(2), keras.layers.Dense(2)]
    with pytest.raises(EdgekitError, match="unroll=True"):
        ek.quantize(keras.Sequential(layers), X[:, 0])
