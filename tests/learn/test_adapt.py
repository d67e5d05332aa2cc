import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgekit.data.splits import folds_by_group
from edgekit.data.windows import Windows
from edgekit.errors import EdgekitError
from edgekit.learn import adapt

from .conftest import noise, spectrum, tones

seeds = st.integers(0, 2**32 - 1)


@settings(max_examples=50, deadline=None)
@given(seeds, st.integers(2, 8), st.floats(0.01, 100))
def test_coral_gives_the_source_the_targets_covariance_and_mean(seed, features, scale):
    rng = np.random.default_rng(seed)
    source, target = (
        rng.normal(size=(200, features)) @ rng.normal(size=(features, features)) * s + rng.normal()
        for s in (1, scale)
    )
    source += 0.1 * rng.normal(size=source.shape)  # full rank, so that whitening is possible
    moved = adapt.coral(source, target, regularization=0)
    size = np.abs(np.cov(target.T)).max()
    np.testing.assert_allclose(np.cov(moved.T) / size, np.cov(target.T) / size, atol=1e-5)
    np.testing.assert_allclose(moved.mean(axis=0), target.mean(axis=0), atol=1e-6 * (1 + scale))


@settings(max_examples=50, deadline=None)
@given(seeds)
def test_mean_std_meets_both(seed):
    rng = np.random.default_rng(seed)
    target = rng.normal(3, 2, (50, 4))
    moved = adapt.mean_std(rng.normal(size=(60, 4)), target)
    np.testing.assert_allclose(moved.mean(axis=0), target.mean(axis=0))
    np.testing.assert_allclose(moved.std(axis=0), target.std(axis=0))


@pytest.mark.parametrize("ratio", [0.7, 0.8, 1.0, 1.25, 1.5])
def test_the_speed_of_another_machine_is_found_without_labels(ratio):
    def peaks(at):
        return np.exp(-(((np.arange(1, 41)[None] - np.array(at)[:, None]) / 1.2) ** 2))

    rng = np.random.default_rng(0)
    at = np.array([7.0, 12.0, 16.0] * 20)
    lab = peaks(at) + rng.normal(0, 0.05, (60, 40))
    field = peaks(at * ratio) + rng.normal(0, 0.05, (60, 40))
    assert adapt.speed_ratio(lab, field) == pytest.approx(ratio, rel=0.05)


def test_warp_moves_a_peak_and_1_moves_nothing():
    spectra = np.zeros((2, 40))
    spectra[:, 9] = 1  # line 10
    np.testing.assert_allclose(adapt.warp(spectra, 1.0), spectra)
    assert adapt.warp(spectra, np.array([2.0, 0.5])).argmax(axis=1).tolist() == [19, 4]


def field_and_lab():
    return tones(0), tones(1, peaks=(5, 12, 24))


@pytest.mark.parametrize("method", adapt.METHODS)
def test_what_is_fitted_never_sees_a_test_recording(method):
    field, lab = field_and_lab()
    split = folds_by_group(field, 3, seed=0)[0]
    poisoned = field.X.copy()
    poisoned[split.test] = np.nan
    other = Windows(
        poisoned, field.y, field.classes, field.group, field.domain, field.origin, field.rate
    )
    clean, dirty = (
        adapt.training_set(method, lab, w[split.train], spectrum, noise, 0) for w in (field, other)
    )
    np.testing.assert_array_equal(clean[0], dirty[0])
    np.testing.assert_array_equal(clean[1], dirty[1])
    with pytest.raises(EdgekitError, match="NaN"):  # and the poison does bite
        adapt.training_set(method, lab, other[split.test], spectrum, noise, 0)


@pytest.mark.parametrize("method", [m for m in adapt.METHODS if "oracle" not in m])
def test_only_the_oracle_reads_field_labels(method):
    field, lab = field_and_lab()
    scrambled = Windows(
        field.X,
        np.roll(field.y, 7),
        field.classes,
        field.group,
        field.domain,
        field.origin,
        field.rate,
    )
    one, two = (adapt.training_set(method, lab, w, spectrum, noise, 0) for w in (field, scrambled))
    np.testing.assert_array_equal(one[0], two[0])
    np.testing.assert_array_equal(one[1], two[1])


def test_compare_keeps_every_row_and_the_oracle_is_the_best_known():
    field, lab = field_and_lab()
    table = adapt.compare(lab, field, folds_by_group(field, 3, seed=0), spectrum, noise)
    assert tuple(table.method) == adapt.METHODS
    assert table.gained.iloc[0] == 0
    assert table.gained.iloc[-1] == pytest.approx(1)
    assert (table.low <= table.balanced_accuracy).all()
    assert (table.balanced_accuracy <= table.high).all()


def test_a_set_is_not_far_from_itself():
    X = adapt.flat(spectrum(tones(0).X))
    table = adapt.shift(X, X).set_index("measure").value
    assert table["distance, mean line"] == 0
    assert table["domain classifier"] < 0.6
    far = adapt.shift(X, X + 10 * X.std(axis=0)).set_index("measure").value
    assert far["domain classifier"] > 0.99


def test_an_unknown_method_is_named():
    field, lab = field_and_lab()
    with pytest.raises(EdgekitError, match="magic"):
        adapt.training_set("magic", lab, field, spectrum, noise, 0)
