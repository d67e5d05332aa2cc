"""The methods one by one: properties that their papers promise."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgekit.learn.adapt import spectra, tables

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
    moved = tables.coral(source, target, regularization=0)
    size = np.abs(np.cov(target.T)).max()
    np.testing.assert_allclose(np.cov(moved.T) / size, np.cov(target.T) / size, atol=1e-5)
    np.testing.assert_allclose(moved.mean(axis=0), target.mean(axis=0), atol=1e-6 * (1 + scale))


@settings(max_examples=50, deadline=None)
@given(seeds)
def test_mean_std_meets_both(seed):
    rng = np.random.default_rng(seed)
    target = rng.normal(3, 2, (50, 4))
    moved = tables.mean_std(rng.normal(size=(60, 4)), target)
    np.testing.assert_allclose(moved.mean(axis=0), target.mean(axis=0))
    np.testing.assert_allclose(moved.std(axis=0), target.std(axis=0))


def shifted(seed=0, n=300, d=6):
    """Two classes in the lab; in the field the same, moved and scaled feature by feature."""
    rng = np.random.default_rng(seed)
    y = np.arange(n) % 2
    lab = rng.normal(size=(n, d))
    lab[:, 0] += 4 * y
    field = lab[rng.permutation(n)]
    move = np.concatenate([[9.0], rng.normal(0, 8, d - 1)])
    return lab, y, field * rng.uniform(0.5, 3, d) + move, rng


@pytest.mark.skipif(tables.skada_missing(), reason="the extra adapt is not installed")
def test_optimal_transport_undoes_a_change_of_scale():
    lab, y, field, rng = shifted()
    X, of, view = tables.transport(lab, y, field, rng)
    moved = tables.Table(X, of, 2, view)
    # a window of the lab, as it would look in the field
    predicted = moved.probabilities(field).argmax(axis=1)
    want = (field[:, 0] > np.median(field[:, 0])).astype(int)
    assert (predicted == want).mean() > 0.9
    assert (tables.Table(lab, y, 2).probabilities(field).argmax(axis=1) == want).mean() < 0.7


@pytest.mark.skipif(tables.skada_missing(), reason="the extra adapt is not installed")
def test_subspace_alignment_of_two_like_worlds_changes_no_answer():
    lab, y, _, rng = shifted()
    X, of, view = tables.subspace(lab, y, lab.copy(), rng)
    predicted = tables.Table(X, of, 2, view).probabilities(lab).argmax(axis=1)
    assert (predicted == y).mean() > 0.95


def test_skada_leaves_sklearn_as_it_was():
    sklearn = pytest.importorskip("sklearn")
    pytest.importorskip("skada")
    sklearn.set_config(enable_metadata_routing=False)
    lab, y, field, rng = shifted(n=40)
    tables.transport(lab, y, field, rng)
    # skada switches it on at import; a fresh process would show it, see tables._adapted
    assert not sklearn.get_config()["enable_metadata_routing"]


@pytest.mark.parametrize("shape", [(256, 1), (128, 3), (16, 12, 1)])
def test_noise_of_the_field_has_its_colour_and_no_phase(shape):
    rng = np.random.default_rng(0)
    t = np.arange(shape[0]).reshape(-1, *[1] * (len(shape) - 1))
    field = np.broadcast_to(np.sin(2 * np.pi * 4 * t / shape[0]), (40, *shape)).astype(np.float32)
    silent = np.zeros((40, *shape), np.float32)
    silent[:, 0] = 1  # so that it has a standard deviation
    added = tables.measured_noise(silent, field, rng) - silent
    assert added.shape == silent.shape
    spectrum = np.abs(np.fft.fft(added, axis=1)).reshape(40, shape[0], -1).mean(axis=(0, 2))
    assert spectrum[: shape[0] // 2].argmax() == 4
    assert np.abs(added.mean(axis=0)).max() < 0.5 * np.abs(added).max()  # no two in phase
    bytes_ = tables.measured_noise(np.full((40, *shape), 250, np.uint8), field, rng)
    assert bytes_.dtype == np.uint8


def test_a_class_without_training_windows_is_never_predicted():
    rng = np.random.default_rng(0)
    model = tables.Table(rng.normal(size=(20, 3)), np.repeat([0, 2], 10), 4)
    predicted = model.probabilities(rng.normal(size=(5, 3)))
    assert predicted.shape == (5, 4)
    assert (predicted[:, [1, 3]] == 0).all()
    alone = tables.Table(rng.normal(size=(3, 3)), np.full(3, 2), 4)
    assert (alone.probabilities(rng.normal(size=(5, 3))).argmax(axis=1) == 2).all()


# ------------------------------------------------------------------------------------- spectra


def peaks(at, lines=40):
    return np.exp(-(((np.arange(1, lines + 1)[None] - np.array(at)[:, None]) / 1.2) ** 2))


@pytest.mark.parametrize("ratio", [0.6, 0.7, 0.8, 1.0, 1.25, 1.5, 1.8])
def test_the_speed_of_another_machine_is_found_without_labels(ratio):
    rng = np.random.default_rng(0)
    at, y = np.array([7.0, 12.0, 16.0] * 20), np.array([0, 1, 2] * 20)
    lab = peaks(at) + rng.normal(0, 0.05, (60, 40))
    field = peaks(at * ratio) + rng.normal(0, 0.05, (60, 40))
    assert spectra.speed_ratio(lab, y, field) == pytest.approx(ratio, rel=0.05)


def test_the_slope_of_the_noise_is_no_speed():
    rng = np.random.default_rng(1)
    at, y = np.array([7.0, 12.0] * 40), np.array([0, 1] * 40)
    hill = 2 / (1 + np.arange(40) / 10)
    lab = peaks(at) + hill + rng.normal(0, 0.05, (80, 40))
    field = peaks(at * 0.8) + 2 * hill[::-1] + rng.normal(0, 0.05, (80, 40))
    assert spectra.speed_ratio(lab, y, field) == pytest.approx(0.8, rel=0.05)


def test_a_speed_beyond_those_tried_is_not_taken_for_the_last_of_them():
    at, y = np.array([12.0, 16.0, 20.0] * 20), np.array([0, 1, 2] * 20)
    for beyond in (spectra.RATIOS[0] * 0.85, spectra.RATIOS[-1] * 1.1):
        found = spectra.speed_ratio(peaks(at), y, peaks(at * beyond))
        assert spectra.RATIOS[0] < found < spectra.RATIOS[-1]


def test_silence_has_no_speed():
    assert spectra.speed_ratio(np.ones((9, 40)), np.arange(9) % 3, np.ones((9, 40))) == 1.0


def test_warp_moves_a_peak_and_1_moves_nothing():
    lines = np.zeros((2, 40))
    lines[:, 9] = 1  # line 10
    np.testing.assert_allclose(spectra.warp(lines, 1.0), lines)
    assert spectra.warp(lines, np.array([2.0, 0.5])).argmax(axis=1).tolist() == [19, 4]


# ------------------------------------------------------------------------------------ networks


def test_adabn_undoes_a_change_of_scale():
    networks = pytest.importorskip("edgekit.learn.adapt.networks")
    lab, y, field, _ = shifted()
    want = (field[:, 0] > np.median(field[:, 0])).astype(int)
    source = networks.source_only(lab, y, 2, 0)
    assert (source.probabilities(lab).argmax(axis=1) == y).mean() > 0.95
    before = (source.probabilities(field).argmax(axis=1) == want).mean()
    after = (networks.adabn(source, field).probabilities(field).argmax(axis=1) == want).mean()
    assert after > 0.9
    assert after > before + 0.2


def test_the_adversary_is_fooled():
    """A feature that only tells the worlds apart loses its weight in what DANN computes."""
    networks = pytest.importorskip("edgekit.learn.adapt.networks")
    rng = np.random.default_rng(0)
    y = np.arange(400) % 2
    lab, field = rng.normal(size=(2, 400, 5))
    lab[:, 0] += 3 * y
    field[:, 0] += 3 * y
    lab[:, 1] += 2 * y - 1  # in the lab the second feature helps, in the field it misleads
    field[:, 1] += 4
    plain = networks.source_only(lab, y, 2, 0).probabilities(field).argmax(axis=1)
    fooled = networks.dann(lab, y, field, 2, 0).probabilities(field).argmax(axis=1)
    assert (fooled == y).mean() > (plain == y).mean() + 0.05


def test_the_gradient_is_reversed():
    legacy = pytest.importorskip("edgekit.learn.legacy")
    x = legacy.tf.constant([1.0, 2.0])
    with legacy.tf.GradientTape() as tape:
        tape.watch(x)
        loss = legacy.tf.reduce_sum(legacy.reverse_gradient(x, 0.5) ** 2)
    np.testing.assert_allclose(tape.gradient(loss, x), [-1.0, -2.0])


def test_fine_tuning_learns_from_a_few_labels():
    networks = pytest.importorskip("edgekit.learn.adapt.networks")
    lab, y, field, rng = shifted()
    want = (field[:, 0] > np.median(field[:, 0])).astype(int)
    few = np.concatenate([rng.permutation(np.flatnonzero(want == c))[:10] for c in (0, 1)])
    source = networks.source_only(lab, y, 2, 0)
    tuned = source.with_labels(field[few], want[few])
    both = (source, tuned)
    before, after = ((m.probabilities(field).argmax(axis=1) == want).mean() for m in both)
    assert after > max(0.85, before)
