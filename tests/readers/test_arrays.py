"""Named arrays of .npz and .mat: what is their time, their axes, their groups, and what was not used."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.io import savemat

from edgekit.readers import arrays, matlab

N = 1500
X = np.random.default_rng(0).normal(size=(N, 3)).astype(np.float32)
S = np.arange(N) / 50


def npz(tmp_path, **content):
    np.savez(tmp_path / "a.npz", **content)
    return arrays.read(tmp_path / "a.npz", "a.npz")


def mat(tmp_path, **content):
    savemat(tmp_path / "a.mat", content)
    return matlab.read(tmp_path / "a.mat", "a.mat")


@pytest.mark.parametrize("read", [npz, mat])
@pytest.mark.parametrize(
    "times",
    [{"t": S}, {"t": 1000 * S}, {"time_ms": 1000 * S}, {"time": 738_000 + S / 86_400}, {"ts": 1.7e9 + S}],
    ids=["s", "ms", "named ms", "days of MATLAB", "epoch"],
)  # fmt: skip
def test_a_vector_of_times_tells_the_rate_in_its_own_unit(tmp_path, read, times):
    (made,) = read(tmp_path, acc=X, **times)
    assert made.rate == pytest.approx(50, rel=0.01)
    np.testing.assert_array_equal(made.samples, X)


@pytest.mark.parametrize("read", [npz, mat])
@pytest.mark.parametrize("kind", [np.float32, np.int16])
def test_vectors_x_y_z_are_axes(tmp_path, read, kind):
    x = (3 * X).astype(kind)
    (made,) = read(tmp_path, x=x[:, 0], y=x[:, 1], z=x[:, 2], fs=50)
    assert (made.channels, made.rate, made.label) == (("x", "y", "z"), 50, None)
    np.testing.assert_array_equal(made.samples, x.astype(np.float32))


def test_a_y_of_few_values_beside_x_is_a_label(tmp_path):
    made = npz(tmp_path, x=X[:, 0], y=np.repeat([0, 1, 2], N // 3), fs=50)
    assert [r.label for r in made] == ["0", "1", "2"]


@pytest.mark.parametrize("name", ["subject_id", "participants", "pid", "person"])
def test_whoever_was_recorded_is_the_group(tmp_path, name):
    made = npz(
        tmp_path, X=X.reshape(60, 25, 3), activity=np.arange(60) % 2, **{name: np.arange(60) // 10}
    )
    assert {r.group for r in made} == set("012345")
    assert {r.label for r in made} == {"0", "1"}


def test_arrays_that_were_not_used_are_named(tmp_path):
    (made,) = npz(tmp_path, data=X, gyro=X, fs=50)
    assert any("gyro (1500, 3)" in n for n in made.notes)


def test_structures_of_one_length_stand_side_by_side(tmp_path):
    (made,) = mat(tmp_path, acc={"data": X, "fs": 50.0}, gyr={"data": -X, "fs": 50.0})
    np.testing.assert_array_equal(made.samples, np.concatenate([X, -X], axis=1))
    assert made.channels == ("acc_x", "acc_y", "acc_z", "gyr_x", "gyr_y", "gyr_z")
    assert made.rate == 50
