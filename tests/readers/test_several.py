"""Several sensors or several recordings in one file: joined at one rate, or each taken; never half of it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.io import savemat

from edgekit.readers import arrays, matlab
from edgekit.tables import UnreadableError, delimited
from tests.readers.test_matlab import save_73

rng = np.random.default_rng(0)
ACC, EMG = rng.normal(size=(300, 3)).astype(np.float32), rng.normal(size=3000).astype(np.float32)


def save_npz(path, content):
    np.savez(path, **content)


FILES = pytest.mark.parametrize(
    ("save", "suffix"),
    [(save_npz, ".npz"), (savemat, ".mat"), (save_73, ".mat")],
    ids=["npz", "5", "7.3"],
)


def read(tmp_path, save, suffix, content, wanted=delimited.DEFAULT_READ_OPTIONS):
    path = tmp_path / f"a{suffix}"
    save(path, content)
    return (matlab if suffix == ".mat" else arrays).read(path, path.name, wanted)


@FILES
@pytest.mark.parametrize("told", ["fs_acc", "acc_fs", "acc_sampling_rate", "t_acc", "acc_time"])
def test_two_rates_are_joined_at_the_faster(tmp_path, save, suffix, told):
    if "t_" in told or "time" in told:
        about = {told: np.arange(300) / 100, told.replace("acc", "emg"): np.arange(3000) / 1000}
    else:
        about = {told: 100.0, told.replace("acc", "emg"): 1000.0}
    (made,) = read(tmp_path, save, suffix, {"acc": ACC, "emg": EMG, **about})
    assert made.rate == 1000
    assert made.channels == ("acc_x", "acc_y", "acc_z", "emg")
    np.testing.assert_allclose(made.samples[:, 3], EMG, atol=1e-6)
    np.testing.assert_allclose(made.samples[::10, :3], ACC, atol=1e-6)  # its own samples stay
    assert any("100 Hz" in n and "1000 Hz" in n for n in made.notes)


@FILES
def test_one_sensor_alone_keeps_its_rate(tmp_path, save, suffix):
    content = {"acc": ACC, "emg": EMG, "fs_acc": 100.0, "fs_emg": 1000.0}
    (made,) = read(
        tmp_path, save, suffix, content, delimited.ReadOptions(channels=("acc_x", "acc_z"))
    )
    assert made.rate == 100
    np.testing.assert_allclose(made.samples, ACC, atol=1e-6)


@FILES
@pytest.mark.parametrize(
    ("about", "why"),
    [
        ({}, "add fs_acc"),
        ({"fs": 1000.0}, "add fs_acc"),
        ({"fs_acc": 100.0, "fs_emg": 500.0}, "acc 3 s, emg 6 s"),
    ],
)
def test_what_does_not_fit_together_is_refused_in_a_line(tmp_path, save, suffix, about, why):
    with pytest.raises(UnreadableError, match=why):
        read(tmp_path, save, suffix, {"acc": ACC, "emg": EMG, **about})


@settings(max_examples=25, deadline=None)
@given(st.integers(20, 200), st.integers(1, 12), st.integers(1, 4), st.floats(1, 500))
def test_a_straight_line_stays_one_whatever_the_rates(tmp_path_factory, n, times, width, rate):
    slow = np.outer(np.arange(n) / rate, np.arange(1, width + 1))
    fast = np.arange(n * times) / (rate * times)
    path = tmp_path_factory.mktemp("line") / "a.npz"
    np.savez(path, acc=slow, emg=fast, fs_acc=rate, fs_emg=rate * times)
    (made,) = arrays.read(path, "a.npz")
    assert made.samples.shape == (n * times, width + 1)
    whole = made.samples[: (n - 1) * times + 1]  # behind the last slow sample nothing is known
    np.testing.assert_allclose(
        whole[:, :-1], np.outer(whole[:, -1], np.arange(1, width + 1)), rtol=1e-3, atol=1e-5
    )


def test_labels_follow_the_rows_of_their_sensor(tmp_path):
    y = np.repeat([0, 1], 150)
    made = read(
        tmp_path,
        save_npz,
        ".npz",
        {"acc": ACC, "emg": EMG, "fs_acc": 100.0, "fs_emg": 1000.0, "label": y},
    )
    assert [r.label for r in made] == ["0", "1"]
    assert [len(r.samples) for r in made] == [pytest.approx(1500, abs=6)] * 2


def trials(kind):
    made = np.zeros(4, dtype=[("acc", object), ("activity", object), ("subject", object)])
    for i in range(4):
        made[i] = (ACC[: 100 + i], ("walk", "run")[i % 2], i // 2 + 1)
    if kind == "structures":
        return {"trials": made, "fs": 100.0}
    if kind == "in a structure":
        return {"study": {"trials": made, "fs": 100.0}}
    cells = np.empty(4, object)
    cells[:] = [ACC[: 100 + i] for i in range(4)]
    words = np.array(["walk", "run"] * 2, object)
    return {"acc": cells, "activity": words, "subject": np.array([1, 1, 2, 2]), "fs": 100.0}


@pytest.mark.parametrize("kind", ["structures", "in a structure", "cells"])
def test_each_element_is_a_recording(tmp_path, kind):
    made = read(tmp_path, savemat, ".mat", trials(kind))
    assert [len(r.samples) for r in made] == [100, 101, 102, 103]
    assert [r.label for r in made] == ["walk", "run"] * 2
    assert [r.group for r in made] == ["1", "1", "2", "2"]
    assert {r.rate for r in made} == {100}
    assert len({r.name for r in made}) == 4
    np.testing.assert_allclose(made[3].samples, ACC[:103], atol=1e-6)


def test_each_element_is_a_recording_in_73_too(tmp_path):
    h5py = pytest.importorskip("h5py")
    with h5py.File(tmp_path / "a.mat", "w", userblock_size=512) as file:
        hidden, trial = file.create_group("#refs#"), file.create_group("trials")
        places = {name: np.empty((1, 4), h5py.ref_dtype) for name in ("acc", "activity")}
        for i in range(4):
            places["acc"][0, i] = hidden.create_dataset(f"a{i}", data=ACC[: 100 + i].T).ref
            word = hidden.create_dataset(
                f"l{i}", data=np.array([[ord(c)] for c in ("walk", "run")[i % 2]], "u2")
            )
            word.attrs["MATLAB_class"] = np.bytes_("char")
            places["activity"][0, i] = word.ref
        for name, refs in places.items():
            trial.create_dataset(name, data=refs)
        file.create_dataset("fs", data=[[100.0]])
    with (tmp_path / "a.mat").open("r+b") as file:
        file.write(b"MATLAB 7.3 MAT-file".ljust(124) + b"\0\2IM")
    made = matlab.read(tmp_path / "a.mat", "a.mat")
    assert [(len(r.samples), r.label, r.rate) for r in made] == [
        (100 + i, ("walk", "run")[i % 2], 100) for i in range(4)
    ]


def test_an_element_that_cannot_be_read_is_said_and_the_others_stay(tmp_path):
    content = trials("structures")
    content["trials"][1]["acc"] = np.zeros(0)
    made = read(tmp_path, savemat, ".mat", content)
    assert len(made) == 3
    assert any("element 2" in n for n in made[0].notes)


def test_plain_hdf5_with_rates_as_attributes(tmp_path):
    h5py = pytest.importorskip("h5py")
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_dataset("acc", data=ACC).attrs["fs"] = 100.0
        file.create_dataset("emg", data=EMG).attrs["sampling_rate"] = 1000.0
        file.attrs["label"] = "walk"
    (made,) = matlab.read(tmp_path / "a.h5", "a.h5")
    assert (made.rate, made.label) == (1000, "walk")
    np.testing.assert_allclose(made.samples[::10, :3], ACC, atol=1e-6)


def test_hdf5_that_turns_in_circles_ends(tmp_path):
    h5py = pytest.importorskip("h5py")
    with h5py.File(tmp_path / "a.h5", "w") as file:
        group = file.create_group("g")
        group["again"] = group
        refs = file.create_dataset("r", (2,), h5py.ref_dtype)
        refs[0], refs[1] = refs.ref, group.ref
    with pytest.raises(UnreadableError):
        matlab.read(tmp_path / "a.h5", "a.h5")
