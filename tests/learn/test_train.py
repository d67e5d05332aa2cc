import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import balanced_accuracy_score

from edgekit import learn
from edgekit.core.errors import EdgekitError

from .conftest import noise, spectrum, tones


def test_importing_the_stage_does_not_import_tensorflow():
    code = (
        "import sys, edgekit.learn; print('tensorflow' in sys.modules, 'tf_keras' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]


@pytest.mark.parametrize("seed", range(5))
def test_score_agrees_with_scikit_learn(seed):
    rng = np.random.default_rng(seed)
    y, predicted = rng.integers(0, 3, (2, 200))
    s = learn.score(y, predicted, ("a", "b", "c"), rng.integers(0, 9, 200))
    assert s.balanced_accuracy == pytest.approx(balanced_accuracy_score(y, predicted))
    assert s.low <= s.balanced_accuracy <= s.high
    assert np.sum(s.confusion) == 200


def test_windows_of_one_recording_are_not_independent_witnesses():
    rng = np.random.default_rng(0)
    y = np.repeat([0, 1], 200)
    group = np.arange(400) // 50
    predicted = np.where(group % 4 == 0, 1 - y, y)  # one whole recording in four is wrong
    naive, honest = (
        learn.score(y, predicted, ("a", "b"), g) for g in (rng.permutation(400), group)
    )
    assert honest.high - honest.low > 3 * (naive.high - naive.low)


def test_one_recording_of_a_class_gives_no_interval():
    y, group = np.array([0, 0, 1, 1]), np.array(["one", "one", "two", "three"])
    s = learn.score(y, y, ("a", "b"), group)
    assert (s.low, s.high, s.alone) == (None, None, ("a",))
    assert learn.interval(s) == "interval unknown: one group of a"
    assert learn.interval(learn.score(y, y, ("a", "b"))) == "1.000 to 1.000"


def test_smallest_within_takes_the_narrowest_that_is_good_enough():
    sweep = pd.DataFrame(
        {"width": [2, 4, 8, 16], "balanced_accuracy": [0.94, 0.990, 0.993, 0.9959]}
    )
    assert learn.smallest_within(sweep, 0.003) == 8
    assert learn.smallest_within(sweep, 0.0) == 16
    assert learn.smallest_within(sweep, 0.1) == 2


def test_a_student_learns_and_two_of_the_same_seed_are_the_same_file(world, student):
    from edgekit.learn import legacy

    windows, split = world
    test = windows[split.test]
    predicted = learn.models.predict_classes(student, spectrum, test.X)
    assert learn.score(test.y, predicted, test.classes).balanced_accuracy > 0.9
    files = set()
    for _ in range(2):
        model = learn.models.student((1, 24, 1), 3, 4, seed=0)
        learn.fit(model, windows[split.train], spectrum, seed=0, augment=noise, epochs=8, rate=0.02)
        files.add(legacy.convert(model))
    assert files == {legacy.convert(student)}


def test_one_shelf_for_several_trainings_draws_once_and_changes_nothing(
    world, student, monkeypatch, tmp_path
):
    from edgekit.learn import legacy
    from edgekit.learn.augmentation_cache import PROBED

    windows, split = world
    train, drawn = windows[split.train], []

    def counted(X, rng):
        if len(X) > PROBED:  # fewer only ask what this augmentation does
            drawn.append(len(X))
        return noise(X, rng)

    def trained(epochs, cache, distil):
        model = learn.models.student((1, 24, 1), 3, 2, seed=1)
        how = {
            "seed": 3,
            "augment": counted,
            "epochs": epochs,
            "cache": cache,
            "distil": distil,
        }
        learn.fit(model, train, spectrum, **how)
        return legacy.convert(model)

    soft_targets = learn.Distillation(student, spectrum)
    tries = ((2, None), (5, soft_targets), (3, soft_targets), (4, None))
    alone = [trained(n, None, distil) for n, distil in tries]
    assert len(drawn) == 14
    drawn.clear()
    cache = learn.AugmentationCache()
    assert [trained(n, cache, distil) for n, distil in tries] == alone
    assert len(drawn) == 5 + 2  # a teacher came later and heard the first two epochs again
    # in files, for whoever comes later, another process for one; what is missing is drawn again
    cache = learn.AugmentationCache(tmp_path)
    assert [trained(n, cache, distil) for n, distil in tries] == alone
    drawn.clear()
    assert [trained(n, learn.AugmentationCache(tmp_path), distil) for n, distil in tries] == alone
    assert not drawn
    for file in tmp_path.glob("*/[34]*.npz"):
        file.unlink()
    assert [trained(n, learn.AugmentationCache(tmp_path), distil) for n, distil in tries] == alone
    assert len(drawn) == 2
    monkeypatch.setattr("edgekit.learn.augmentation_cache.ROOM", 0)
    cache = learn.AugmentationCache()
    assert [trained(n, cache, distil) for n, distil in tries] == alone


def test_augmentations_of_one_name_have_a_shelf_each(world, tmp_path):
    windows, _ = world

    def of(strength):
        def augment(X, rng):
            return X + strength * rng.normal(size=X.shape)

        return learn.AugmentationCache(tmp_path).of(windows, spectrum, augment, 3, 1)

    weak, strong = of(0.01), of(0.5)
    assert weak.name == of(0.01).name
    first = weak.epoch(0)[1]
    assert np.abs(strong.epoch(0)[1] - first).max() > 0.1, "another augmentation's samples"


def test_the_sweep_scores_only_what_was_not_trained_on(world):
    windows, split = world
    poisoned = windows.X.copy()
    poisoned[split.val] = np.nan  # in neither part of the fold
    other = windows.__class__(
        poisoned, windows.y, windows.classes, windows.group, windows.domain, windows.origin, 1e3
    )
    sweeps = [
        learn.width_sweep(learn.models.student, w, [split], spectrum, (1, 2), seed=0, epochs=2)
        for w in (windows, other)
    ]
    columns = ["width", "parameters", "tflite_bytes", "balanced_accuracy", "lowest"]
    pd.testing.assert_frame_equal(sweeps[0][columns], sweeps[1][columns])
    assert sweeps[0].tflite_bytes.is_monotonic_increasing


def test_what_cannot_be_trained_on_is_refused_in_one_line(world):
    windows = tones()
    model = object()
    with pytest.raises(EdgekitError, match="two classes"):
        learn.fit(model, windows[windows.y == 0], spectrum, seed=0)
    windows.X[3, 5] = np.nan
    with pytest.raises(EdgekitError, match="NaN"):
        learn.fit(model, windows, spectrum, seed=0)
    with pytest.raises(EdgekitError, match="no windows"):
        learn.score([], [], ("a",))


def test_a_model_file_that_is_none_says_so(tmp_path):
    pytest.importorskip("tensorflow")
    path = tmp_path / "teacher.h5"
    path.write_bytes(b"not a model")
    with pytest.raises(EdgekitError, match="03_train"):
        learn.models.load(path)
