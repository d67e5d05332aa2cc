import numpy as np
import pytest

from edgekit import export, learn
from edgekit.core.errors import EdgekitError
from edgekit.design import Budget
from edgekit.learn import ledger as ledgers
from edgekit.learn import litert

from .conftest import noise, spectrum

pytest.importorskip("tensorflow")
HOW = dict(seed=0, augment=noise, epochs=4, finish=2, rate=0.02)


def test_training_through_the_rounding_begins_with_the_ranges_that_rounding_would_fit(
    world, student
):
    from edgekit.learn import legacy

    x = spectrum(world[0].X)
    fitted = export.read(legacy.convert(student, x))
    # Keras numbers what it makes: the layers of the second are called otherwise
    legacy.quantization_aware(student, x)
    aware = export.read(legacy.convert(legacy.quantization_aware(student, x), int8=True))
    activations = [
        [(t.scale[0], t.zero_point[0]) for t in g.tensors if len(t.scale) == 1 and t.data is None]
        for g in (fitted, aware)
    ]
    assert len(activations[0]) > 2
    np.testing.assert_allclose(*activations, rtol=0.01, atol=1)


@pytest.fixture(scope="module")
def int8(world, student):
    windows, split = world
    return learn.compress((), windows[split.train], spectrum, start=student, **HOW).tflite


def test_slim_is_smaller_and_tflm_cannot_tell(world, int8):
    runtime = pytest.importorskip("tflite_micro").runtime
    small = learn.strip_metadata(int8)
    assert len(small) < 0.75 * len(int8)
    inputs = learn.int8_inputs(int8, spectrum(world[0].X))
    outputs = []
    for file in (int8, small):
        interpreter = runtime.Interpreter.from_bytes(file)
        rows = []
        for row in inputs:
            interpreter.set_input(row[None], 0)
            interpreter.invoke()
            rows.append(interpreter.get_output(0)[0].copy())
        outputs.append(np.array(rows))
    np.testing.assert_array_equal(*outputs)
    np.testing.assert_array_equal(learn.predict_int8(small, inputs)[0], outputs[0])
    assert learn.strip_metadata(small) == small


def test_slim_refuses_to_change_an_output(int8, monkeypatch):
    calls = iter(range(9))
    monkeypatch.setattr(litert, "predict", lambda *a: (np.array([next(calls)]), "broken"))
    with pytest.raises(RuntimeError, match="changed an output"):
        learn.strip_metadata(int8)


def test_int8_means_int8_throughout(int8):
    facts = learn.quantization(int8)
    assert facts["input_dtype"] == facts["output_dtype"] == "int8"
    assert facts["input_scale"] > 0


def test_quantize_rounds_half_away_from_zero_and_saturates(int8):
    facts = learn.quantization(int8)
    scale, zero = facts["input_scale"], facts["input_zero_point"]
    x = np.array([0.5, 1.5, -0.5, 1e9, -1e9]) * scale
    wanted = np.clip(np.array([1, 2, -1, 1e9, -1e9]) + zero, -128, 127)
    assert learn.int8_inputs(int8, x).tolist() == wanted.tolist()


@pytest.fixture(scope="module")
def chain(world, student):
    windows, split = world
    return learn.compress(("prune", "qat"), windows[split.train], spectrum, start=student, **HOW)


def test_pruned_weights_are_zero_and_stay_so_through_quantization(chain):
    kernels = [w.ravel() for w in chain.model.get_weights() if w.ndim in (2, 4) and w.size > 9]
    assert np.mean(np.concatenate(kernels) == 0) == pytest.approx(0.5, abs=0.05)


def test_the_same_seed_makes_the_same_file_and_leaves_the_start_as_it_was(world, student, chain):
    windows, split = world
    before = [w.copy() for w in student.get_weights()]
    again = learn.compress(("prune", "qat"), windows[split.train], spectrum, start=student, **HOW)
    assert again.tflite == chain.tflite
    for a, b in zip(before, student.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_distilled_student_follows_its_teacher_not_the_labels(world, student):
    """The teacher's answers are rotated by one class; with weight 1 the student learns those."""
    windows, split = world
    kernel, bias, dense, out = student.get_weights()
    liar = learn.models.student((1, 24, 1), 3, 4, seed=0)
    liar.set_weights([kernel, bias, np.roll(dense, 1, axis=1), np.roll(out, 1)])
    distillation = learn.Distillation(liar, spectrum, temperature=2.0, weight=1.0)

    def build(shape, classes):
        return learn.models.student(shape, classes, 4, seed=1)

    how = {**HOW, "epochs": 10}
    small = learn.compress(
        ("distil",), windows[split.train], spectrum, build=build, distil=distillation, **how
    )
    predicted = learn.predict(small.tflite, spectrum(windows.X))[0].argmax(axis=1)
    assert np.mean(predicted == (windows.y + 1) % 3) > 0.9


def test_steps_out_of_order_or_without_a_teacher_are_refused(world, student):
    with pytest.raises(EdgekitError, match="this order"):
        learn.compress(("qat", "prune"), world[0], spectrum, start=student, **HOW)
    with pytest.raises(EdgekitError, match="needs a teacher"):
        learn.compress(("distil",), world[0], spectrum, start=student, **HOW)


def test_a_model_survives_its_file(world, chain, tmp_path):
    from edgekit.learn import legacy

    learn.models.save(chain.model, tmp_path / ".half-1-x.h5")
    back = learn.models.load(tmp_path / ".half-1-x.h5")
    x = spectrum(world[0].X[:20])
    np.testing.assert_array_equal(legacy.logits(chain.model, x), legacy.logits(back, x))


def test_the_recipe_is_tested_on_every_recording_once(world):
    windows, _ = world
    from edgekit.data.splits import folds_by_group

    folds = folds_by_group(windows, 2, seed=0)

    def build(shape, classes):
        return learn.models.student(shape, classes, 4, seed=0)

    s = learn.grouped_cross_validation(
        (), windows, folds, spectrum, build=build, **{**HOW, "epochs": 8}
    )
    assert s.teacher is None
    assert s.score.windows == len(windows)
    assert s.score.groups == len(set(windows.group))
    assert s.score.balanced_accuracy > 0.9


# ----------------------------------------------------------------------------------- the ledger


def test_the_ledger_keeps_rows_that_did_not_help(world, student, int8):
    windows, split = world
    ledger = learn.Ledger(windows, split, {"features": spectrum})
    float32 = learn.compress(
        (), windows[split.train], spectrum, start=student, rounding="float", **HOW
    )
    ledger.add("teacher", float32.tflite, "features")
    ledger.add("int8", int8, "features", 1.0)
    ruined = learn.compress(
        ("prune",), windows[split.train], spectrum, start=student, sparsity=0.98, **HOW
    )
    ledger.add("ruined", ruined.tflite, "features", note="pruned to death")
    table = ledger.table
    assert table.variant.tolist() == ["teacher", "int8", "ruined"]
    assert tuple(table.columns) == ledgers.COLUMNS
    assert table.loss_points.iloc[0] == 0
    assert table.loss_points.iloc[2] > 10
    assert table.ratio.iloc[1] == len(float32.tflite) / len(learn.strip_metadata(int8))
    assert table.packed_bytes.iloc[2] < table.packed_bytes.iloc[1]
    assert learn.pick(table, Budget(accuracy_floor=0.5, accuracy_loss=0.05)) == "int8"


def test_clusters_and_zeros_survive_training_through_the_rounding(world, student):
    from edgekit.export import read

    windows, split = world
    small = learn.compress(
        ("prune", "cluster", "qat"),
        windows[split.train],
        spectrum,
        start=student,
        clusters=6,
        **HOW,
    )
    graph = read(small.tflite)
    kernels = [t.data for t in graph.tensors if t.data is not None and str(t.dtype) == "int8"]
    assert kernels
    for w in kernels:
        assert (w == 0).mean() >= 0.4
        per_channel = [len(np.unique(row)) for row in w.reshape(w.shape[0], -1)]
        assert max(per_channel) <= 6


def test_the_formats_a_device_does_not_run_are_named(world, student):
    windows, split = world
    kinds = {}
    for rounding in ("int8", "int16", "float"):
        small = learn.compress(
            (), windows[split.train], spectrum, start=student, rounding=rounding, **HOW
        )
        kinds[rounding] = litert.kind(small.tflite)
    assert kinds == {"int8": "int8", "int16": "int16", "float": "float32"}
    with pytest.raises(EdgekitError, match="'qat' is for int8"):
        learn.compress(
            ("qat",), windows[split.train], spectrum, start=student, rounding="int16", **HOW
        )


def test_a_ledger_says_where_each_device_figure_comes_from(world, student, int8):
    from edgekit.core.figures import emulated

    windows, split = world

    def measure(tflite, preprocess):
        return {"app_flash_bytes": emulated(len(tflite) / 2, "B", "half of it")}

    ledger = learn.Ledger(windows, split, {"features": spectrum}, measure)
    reference = learn.compress(
        (), windows[split.train], spectrum, start=student, rounding="float", **HOW
    )
    ledger.add("teacher", reference.tflite, "features")
    ledger.add("int8", [int8, int8, reference.tflite], "features")
    table = ledger.table.set_index("variant")
    assert table.attrs["provenance"]["app_flash_bytes"] == "emulated: half of it"
    assert table.app_flash_bytes["int8"] == len(litert.strip_metadata(int8)) / 2
    assert table.seeds["int8"] == 3
    assert table.loss_low["int8"] <= table.mean_loss_points["int8"] <= table.loss_high["int8"]
    assert list(ledger.class_recalls.columns) == list(windows.classes)


def test_what_the_generator_refuses_stays_in_the_table_and_is_not_picked(world, student, int8):
    windows, split = world

    def refuse(tflite, preprocess):
        raise EdgekitError("no such operator")

    ledger = learn.Ledger(windows, split, {"features": spectrum}, refuse)
    ledger.add("teacher", int8, "features")
    ledger.measure = lambda tflite, preprocess: {}
    ledger.add("other", int8, "features")
    assert "no such operator" in ledger.table.note[0]
    ledger.rows[1]["app_flash_bytes"] = 900.0
    assert learn.pick(ledger.table, Budget()) == "other"


def test_attempts_are_entered_with_a_file_of_each_seed(world, student):
    from edgekit.learn import models

    windows, split = world
    ledger = learn.Ledger(windows, split, {"features": spectrum})
    reference = learn.compress(
        (), windows[split.train], spectrum, start=student, rounding="float", **HOW
    )
    ledger.add("teacher", reference.tflite, "features")

    def build(shape, classes, seed):
        return models.student(shape, classes, 4, seed)

    how = {k: v for k, v in HOW.items() if k != "seed"}
    attempt = learn.Attempts(ledger, windows[split.train], spectrum, build, (0, 1), how)
    attempt("from nothing")
    attempt("tuned", "qat", after="from nothing")
    table = ledger.table.set_index("variant")
    assert list(table.seeds) == [1, 2, 2]
    assert attempt.recipes["tuned"] == (("qat",), {})
    first, second = (m.get_weights()[0] for m in attempt.models["from nothing"].values())
    assert not np.allclose(first, second)


def test_a_calibration_set_of_one_class_is_worth_less(world, student):
    windows, split = world
    study = learn.calibration_study(student, windows, split, spectrum, (2, 30), seed=0)
    assert set(study.kind) == {"balanced", "random", "loudest", "one class"}
    agreement = study.set_index(["kind", "windows"]).agreement
    assert agreement["balanced", 30] >= agreement["one class", 2]
    assert agreement["balanced", 30] > 0.9
