"""Fine-tuning for the air: what changes, what it weighs, and that the device answers as foreseen."""

import struct
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgekit.core.errors import EdgekitError
from edgekit.learn import litert
from tests.learn.conftest import CLASSES, noise, spectrum, tones

pytest.importorskip("tensorflow")


from edgekit.learn import int8_training
from edgekit.learn.finetuning import finetune
from edgekit.learn.update_cost import entropy
from edgekit.learn.update_frontier import Freedom, frontier

HOW = {"seed": 0, "augment": noise, "epochs": 6, "rate": 1.5, "budget": 0.05}
SHIFTED = (6, 13, 18)  # another machine: every peak has moved


@pytest.fixture(scope="module")
def base(world):
    from edgekit import learn

    windows, split = world
    train, build = windows[split.train], lambda shape, k: learn.models.student(shape, k, 8, seed=0)
    small = learn.compress(
        (), train, spectrum, build=build, seed=0, augment=noise, epochs=8, rate=0.02
    )
    return litert.strip_metadata(small.tflite)


@pytest.fixture(scope="module")
def arrived():
    """Recordings of the other machine: to train on, to validate with, to test with."""
    return [tones(seed, recordings=3, peaks=SHIFTED) for seed in (11, 12, 13)]


@pytest.fixture(scope="module")
def tuned(base, arrived):
    return finetune(base, arrived[0], spectrum, **HOW | {"validation": arrived[1]})


def test_after_so_many_draws_the_variations_come_again(base, arrived):
    drawn = []

    def counted(X, rng):
        drawn.append(len(X))
        return noise(X, rng)

    finetune(base, arrived[0], spectrum, **HOW | {"augment": counted, "draws": 2})
    assert len([n for n in drawn if n > 16]) == 2  # few windows: to know the variation again


def accuracy(tflite, windows):
    return (litert.predict(tflite, spectrum(windows.X))[0].argmax(axis=1) == windows.y).mean()


def differing(old, new):
    return np.flatnonzero(np.frombuffer(old, np.uint8) != np.frombuffer(new, np.uint8))


def inside(tflite, biases_only=False):
    """The bytes of a file that training may change, found without the code under test: by the runtime."""
    from ai_edge_litert import interpreter

    reader = interpreter.Interpreter(model_content=tflite)
    reader.allocate_tensors()
    kinds = ["int32"] if biases_only else ["int32", "int8"]
    offsets = set()
    for detail in reader.get_tensor_details():
        if len(detail["quantization_parameters"]["scales"]) and detail["dtype"].__name__ in kinds:
            try:
                data = reader.get_tensor(detail["index"]).tobytes()
            except ValueError:  # an activation
                continue
            if (at := tflite.find(data)) >= 0:
                offsets |= set(range(at, at + len(data)))
    return offsets


def test_training_that_changes_nothing_gives_the_same_file(base, arrived):
    same = finetune(base, arrived[0], spectrum, **HOW | {"rate": 0.0, "epochs": 2})
    assert same.tflite == base
    assert same.changed == 0


def test_the_budget_is_kept_and_used(base, tuned):
    assert tuned.bytes == entropy(base)(tuned.tflite)
    assert 0.04 < tuned.share <= 0.05
    assert tuned.history[0]["bytes"] > 0.08 * len(base)  # free at first


def test_only_weights_and_biases_change(base, tuned):
    assert len(tuned.tflite) == len(base)
    assert set(differing(base, tuned.tflite)) <= inside(base)
    for facts in (litert.quantization(base), litert.quantization(tuned.tflite)):
        assert facts == litert.quantization(base)


def test_it_learns_what_has_moved(base, tuned, arrived):
    assert accuracy(tuned.tflite, arrived[2]) > accuracy(base, arrived[2]) + 0.1


def test_a_small_budget_costs_less_than_thresholding_afterwards(base, arrived):
    """The reason for all this: the same bytes, spent at the end or during the training."""
    free, few = (
        finetune(base, arrived[0], spectrum, **HOW | {"budget": share}) for share in (np.inf, 0.02)
    )
    network = int8_training.Network(base)
    changes = [c.read(free.tflite).astype(int) - c.base for c in network.constants]
    sizes = [np.abs(d) / c.unit for d, c in zip(changes, network.constants, strict=True)]
    for least in np.unique(np.concatenate(sizes)):  # the largest changes that fit
        kept = [
            c.base + d * (size >= least)
            for c, d, size in zip(network.constants, changes, sizes, strict=True)
        ]
        cut = network.written(kept)
        if entropy(base)(cut) <= 0.02 * len(base):
            break
    assert few.share <= 0.02
    assert accuracy(few.tflite, arrived[2]) > accuracy(cut, arrived[2]) + 0.05


def test_the_rest_learns_to_do_without(base, arrived, monkeypatch):
    """The same changes, by the same measure, taken back only in the end."""
    how = HOW | {"budget": 0.02}
    few = finetune(base, arrived[0], spectrum, **how)
    for name in ("FREE", "SETTLED"):
        monkeypatch.setitem(finetune.__globals__, name, 1.0)
    late = finetune(base, arrived[0], spectrum, **how)
    assert accuracy(few.tflite, arrived[2]) > accuracy(late.tflite, arrived[2]) + 0.02


def test_what_was_taken_back_stays_back(base, arrived):
    network = int8_training.Network(base)
    training = int8_training.Training(network, 1.5, 100)
    x, y = litert.int8_inputs(base, spectrum(arrived[0].X)), arrived[0].y
    one = np.ones(len(y), np.float32)
    training.epoch(x, y, one, 16)
    training.keep(training.order()[:5])
    five = training.file()
    training.epoch(x, y, one, 16)
    after = training.file()
    moved = [
        np.concatenate([c.read(new) != c.base for c in network.constants]) for new in (five, after)
    ]
    assert moved[0].sum() == 5
    assert not (moved[1] & ~moved[0]).any()
    assert after != five  # those five go on


def test_biases_only(base, arrived):
    small = finetune(base, arrived[0], spectrum, biases_only=True, **HOW)
    offsets = differing(base, small.tflite)
    assert len(offsets)
    assert set(offsets) <= inside(base, biases_only=True)
    assert accuracy(small.tflite, arrived[2]) > accuracy(base, arrived[2])


def test_same_seed_same_bytes(base, tuned, arrived):
    again = finetune(base, arrived[0], spectrum, **HOW | {"validation": arrived[1]})
    assert again.tflite == tuned.tflite


def test_the_released_file_stays_where_all_else_is_worse(base, world):
    """Wrong labels teach nothing that validation would want."""
    windows, split = world
    train = windows[split.train]
    wrong = replace(train, y=(train.y + 1) % 3)
    how = HOW | {"validation": train, "epochs": 2, "rate": 20.0, "budget": np.inf}
    assert finetune(base, wrong, spectrum, **how).tflite == base


def test_frontier_is_a_table_of_bytes_and_accuracy(base, arrived):
    how = {name: v for name, v in HOW.items() if name != "budget"} | {"epochs": 3}
    cost, both = entropy(base), {"budgets": (0.02, 0.05), "others": {"old": base}}
    found = frontier(base, arrived[0], spectrum, test=arrived[2], **both, **how)
    table = found.table.set_index("variant")
    assert list(table.index) == [
        "released", "biases only", "≤ 2%", "≤ 5%", "same grid", "old",
    ]  # fmt: skip
    assert found.within(0.05).variant == "≤ 5%"
    assert found.of(Freedom.GRID).variant == "same grid"
    with pytest.raises(EdgekitError, match="there are 2%, 5%"):
        found.within(0.1)
    assert table.loc["≤ 2%", "share"] <= 0.02 < table.loc["≤ 5%", "share"] <= 0.05
    assert table.loc["same grid", "accuracy"] > table.loc["released", "accuracy"]
    assert table.loc["released", "bytes"] == table.loc["old", "bytes"] == cost(base)
    for update in found.updates:
        assert update.bytes == cost(update.tflite)
        assert update.accuracy == pytest.approx(accuracy(update.tflite, arrived[2]))


# ---------------------------------------------------------------------------- against the runtime


def layered():
    """A network of every layer that is known, as the kit converts it."""
    from edgekit.learn import legacy

    legacy.seed_everything(0)
    layers = legacy.keras.layers
    given = layers.Input((8, 8, 3))
    x = layers.Conv2D(4, 3, strides=2, padding="same", activation="relu6")(given)
    y = layers.DepthwiseConv2D(3, padding="same", activation="relu")(x)
    x = layers.MaxPooling2D(2, strides=1, padding="same")(layers.Add()([x, y]))
    x = layers.AveragePooling2D((2, 3), strides=1, padding="same")(x)
    x = layers.GlobalAveragePooling2D()(layers.Conv2D(5, (1, 3))(x))
    model = legacy.keras.Model(given, layers.Dense(3)(x))
    rng = np.random.default_rng(0)
    return legacy.convert(model, rng.normal(size=(50, 8, 8, 3)).astype(np.float32))


@pytest.fixture(scope="module")
def network():
    return int8_training.Network(layered())


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), most=st.sampled_from([0, 3, 40]))
def test_any_integers_answer_as_the_runtime_does(network, seed, most):
    rng = np.random.default_rng(seed)
    some = [
        np.clip(c.base + c.unit * rng.integers(-most, most + 1, c.base.size), *c.limits)
        for c in network.constants
    ]
    x = rng.integers(-128, 128, (8, *network.input_shape)).astype(np.int8)
    assert network.agreement(network.written(some), x) == 1


def test_every_operator_is_among_those(network):
    names = {op.name for op in network.graph.operators}
    assert names >= {
        "CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED", "ADD", "MEAN", "MAX_POOL_2D",
        "AVERAGE_POOL_2D",
    }  # fmt: skip


def test_simulated_and_real_agree_to_the_last_bit(base, tuned, arrived):
    assert tuned.agreement == 1
    network = int8_training.Network(base)
    x = litert.int8_inputs(base, spectrum(arrived[2].X))
    assert network.agreement(tuned.tflite, x) == 1


# -------------------------------------------------------------------------------------- refusals


def message(call):
    with pytest.raises(EdgekitError) as raised:
        call()
    text = str(raised.value)
    assert "\n" not in text
    return text


def test_operators_that_are_not_known_are_refused_in_one_line(arrived):
    from edgekit.learn import legacy

    legacy.seed_everything(0)
    layers = legacy.keras.layers
    given = layers.Input((1, 24, 1))
    model = legacy.keras.Model(given, layers.Softmax()(layers.Dense(3)(layers.Flatten()(given))))
    tflite = legacy.convert(model, spectrum(arrived[0].X))
    assert "SOFTMAX" in message(lambda: finetune(tflite, arrived[0], spectrum, **HOW))


def test_float_networks_are_refused(student, arrived):
    from edgekit.learn import legacy

    tflite = legacy.convert(student)
    assert "int8" in message(lambda: finetune(tflite, arrived[0], spectrum, **HOW))


def test_windows_that_do_not_fit_are_refused(base, arrived):
    def tune(windows=arrived[0], preprocess=spectrum, **how):
        return lambda: finetune(base, windows, preprocess, **HOW | how)

    short = lambda X: spectrum(X)[:, :, :20]  # noqa: E731
    assert "[1, 20, 1]" in message(tune(preprocess=short))
    more = replace(arrived[0], classes=(*CLASSES, "more"))
    assert "4" in message(tune(more))
    one = arrived[0][np.flatnonzero(arrived[0].y == 0)]
    assert "two classes" in message(tune(one))
    holed = replace(arrived[0], X=np.where(arrived[0].X > 1, np.nan, arrived[0].X))
    assert "NaN" in message(tune(holed))
    assert "500 bytes" in message(tune(cost=lambda new: 500))


def test_a_damaged_file_is_refused(base, arrived):
    damaged = base[:8] + struct.pack("<I", 0xFFFFFF) + base[12:]
    for tflite in (b"", base[:100], damaged[:-200]):
        message(lambda tflite=tflite: finetune(tflite, arrived[0], spectrum, **HOW))
