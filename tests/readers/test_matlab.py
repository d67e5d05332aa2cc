"""MATLAB's files of both kinds, and arrays with labels in every shape that people give them."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.io import savemat

from edgekit import bring
from edgekit.readers import arrays, matlab
from edgekit.tables import UnreadableError

X = np.random.default_rng(0).normal(size=(400, 3)).astype(np.float32)


def save_73(path, content: dict) -> None:
    """As MATLAB does: turned, texts as numbers, structures as groups, 512 bytes before."""
    h5py = pytest.importorskip("h5py")

    def put(group, values):
        for key, value in values.items():
            if isinstance(value, dict):
                put(group.create_group(key), value)
            elif isinstance(value, str):
                data = group.create_dataset(key, data=np.array([[ord(c)] for c in value], "u2"))
                data.attrs["MATLAB_class"] = np.bytes_("char")
            else:
                group.create_dataset(key, data=np.atleast_2d(value).T)

    with h5py.File(path, "w", userblock_size=512) as file:
        put(file, content)
    with path.open("r+b") as file:
        file.write(b"MATLAB 7.3 MAT-file".ljust(124) + b"\0\2IM")


KINDS = pytest.mark.parametrize("save", [savemat, save_73], ids=["5", "7.3"])


@KINDS
def test_samples_and_rate(tmp_path, save):
    save(tmp_path / "a.mat", {"data": X, "fs": 100.0, "label": "idle"})
    (made,) = matlab.read(tmp_path / "a.mat", "a.mat")
    assert made.rate == 100
    np.testing.assert_array_equal(made.samples, X)


@KINDS
def test_a_structure_as_the_bearing_rigs_have_it(tmp_path, save):
    save(
        tmp_path / "a.mat",
        {"bearing": {"sr": 97_656.0, "gs": X[:, :1], "load": 270.0, "rate": 25.0}},
    )
    (made,) = matlab.read(tmp_path / "a.mat", "a.mat")
    assert made.rate == 97_656
    np.testing.assert_array_equal(made.samples, X[:, :1])


@KINDS
def test_vectors_of_one_length_are_channels_and_time_is_the_rate(tmp_path, save):
    for number in (97, 98):
        name = f"X{number:03d}"
        save(tmp_path / f"{number}.mat", {
            f"{name}_DE_time": X[:, :1], f"{name}_FE_time": X[:, 1:2], f"{name}RPM": 1796.0,
            "t": np.arange(400)[:, None] / 250,
        })  # fmt: skip
    one, two = bring.read(tmp_path).readings
    assert one.channels == two.channels == ("de_time", "fe_time")
    assert one.rate == 250
    np.testing.assert_array_equal(two.samples, X[:, :2])


@KINDS
def test_windows_with_labels(tmp_path, save):
    windows = X[:384].reshape(6, 64, 3)
    save(tmp_path / "a.mat", {"X": windows, "y": np.array([[0, 1, 0, 1, 0, 1]]).T, "fs": 50.0})
    made = matlab.read(tmp_path / "a.mat", "a.mat")
    assert {r.label: len(r.samples) for r in made} == {"0": 192, "1": 192}


def test_words_in_a_cell_array_are_labels(tmp_path):
    words = np.array(["run", "idle"] * 3, object)
    savemat(tmp_path / "a.mat", {"X": X[:384].reshape(6, 64, 3), "labels": words})
    made = matlab.read(tmp_path / "a.mat", "a.mat")
    assert {r.label for r in made} == {"run", "idle"}


def test_no_link_out_of_the_file_is_followed(tmp_path):
    h5py = pytest.importorskip("h5py")
    with h5py.File(tmp_path / "secret.h5", "w") as file:
        file["x"] = X
    with h5py.File(tmp_path / "a.mat", "w") as file:
        file["x"] = h5py.ExternalLink("secret.h5", "x")
        file["y"] = h5py.SoftLink("/x")
        layout = h5py.VirtualLayout(shape=X.shape, dtype="f4")
        layout[:] = h5py.VirtualSource(str(tmp_path / "secret.h5"), "x", shape=X.shape)
        file.create_virtual_dataset("z", layout)
        file.create_dataset("w", (400,), "u1", external=[(str(tmp_path / "secret.h5"), 0, 400)])
    with pytest.raises(UnreadableError, match="no numbers"):
        matlab.read(tmp_path / "a.mat", "a.mat")


@pytest.mark.parametrize(
    "content",
    [b"", b"MATLAB 5.0 MAT-file".ljust(200, b"\0"), b"\x89HDF\r\n\x1a\n" + bytes(90), bytes(700)],
)
def test_files_of_another_layout_are_one_line(tmp_path, content):
    (tmp_path / "a.mat").write_bytes(content)
    with pytest.raises(UnreadableError) as refusal:
        matlab.read(tmp_path / "a.mat", "a.mat")
    assert len(str(refusal.value).splitlines()) == 1


# ---------------------------------------------------------------------------------- labels of arrays


def stacked(tmp_path, **content):
    np.savez(tmp_path / "a.npz", **content)
    return arrays.read(tmp_path / "a.npz", "a.npz")


@pytest.mark.parametrize("shape", ["n", "n,1", "1,n", "one hot", "float", "bytes"])
def test_labels_in_every_shape(tmp_path, shape):
    y = np.arange(6) % 2
    given = {"n": y, "n,1": y[:, None], "1,n": y[None], "one hot": np.eye(2)[y], "float": y.astype(float),
             "bytes": np.array([b"0", b"1"])[y]}[shape]  # fmt: skip
    made = stacked(tmp_path, X=X[:384].reshape(6, 64, 3), y=given)
    assert {r.label: len(r.samples) for r in made} == {"0": 192, "1": 192}
    np.testing.assert_array_equal(made[0].samples[64:128], X[128:192])


def test_labels_that_do_not_fit_are_said(tmp_path):
    made = stacked(tmp_path, X=X[:384].reshape(6, 64, 3), y=np.arange(7))
    assert made[0].label is None
    assert "labels have the shape (7,), not one for each of 6 rows" in made[0].notes[0]


def test_a_row_a_window_where_labels_change_too_often_for_time(tmp_path):
    rng = np.random.default_rng(0)
    table, y = rng.normal(size=(200, 32)), rng.integers(0, 2, 200)
    made = stacked(tmp_path, X=table, y=y)
    assert {r.row for r in made} == {32}
    made = stacked(tmp_path, X=table, y=np.repeat([0, 1], 100))
    assert [r.samples.shape for r in made] == [(100, 32), (100, 32)]


def test_windows_that_lack_values_are_left_out_and_counted(tmp_path):
    windows = X[:384].reshape(6, 64, 3).copy()
    windows[1, 5, 0], windows[4, :, 1] = np.nan, np.inf
    made = stacked(tmp_path, X=windows, y=np.arange(6) % 2)
    assert {r.label: len(r.samples) for r in made} == {"0": 128, "1": 128}
    assert all(np.isfinite(r.samples).all() for r in made)
    assert "2 of 6 windows lack values: left out" in made[0].notes
    with pytest.raises(UnreadableError, match="every window"):
        stacked(tmp_path, X=np.full((3, 64, 2), np.nan), y=np.arange(3))
