"""What chapters hand over comes back as the value that it was, or is refused in one line."""

import dataclasses
import json
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgekit import learn
from edgekit.core.errors import EdgekitError
from edgekit.data import Split
from edgekit.data.windows import Windows
from edgekit.monitor.confidence import ConfidenceGate
from edgekit.pipeline import artefacts
from edgekit.pipeline.records import (
    GoldenPairs,
    LedgerTable,
    ModelCard,
    TrainingScores,
)

SCORE = learn.score([0, 0, 1, 1], [0, 1, 1, 1], ("a", "b"), ["g", "h", "i", "j"], draws=20)
ALONE = learn.score([0, 1], [0, 1], ("a", "b"), ["g", "h"], draws=5)
ROWS = np.arange(3)
VALUES = {
    "split.json": Split(ROWS, ROWS + 3, ROWS + 6, {"train": ("g",), "val": (), "test": ("h", "i")}),
    "scores.json": TrainingScores(
        8, 4, ({"width": 4, "balanced_accuracy": 1.0},), (learn.Finding("wide", False),),
        SCORE, SCORE, ALONE, SCORE,
    ),
    "ledger.json": LedgerTable(
        ({"variant": "teacher", "accuracy": 1, "low": None, "tflite_bytes": 4096, "note": "<b>"},),
        {"accuracy": "measured"}, {"teacher": {"a": 1.0}}, "teacher",
    ),
    "model.json": ModelCard(
        "student", ("a", "b"), "features", "TFLM", SCORE, 0.9, 1.0, ConfidenceGate(1.2, 0.8, 0.1),
        learn.CrossValidation(SCORE, ALONE),
    ),
}  # fmt: skip


def written(folder, name):
    path = folder / name
    artefacts.write(path, VALUES[name], name)
    return path


@pytest.mark.parametrize("name", VALUES)
def test_a_record_comes_back_as_it_was(tmp_path, name):
    back = artefacts.read(written(tmp_path, name))
    assert type(back) is artefacts.ARTEFACTS[name].type
    for field in dataclasses.fields(back):
        np.testing.assert_equal(getattr(back, field.name), getattr(VALUES[name], field.name))
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(back, dataclasses.fields(back)[0].name, 1)


def test_arrays_come_back_with_their_types(tmp_path):
    pairs = GoldenPairs(np.arange(6, dtype=np.int8).reshape(2, 3), np.zeros((2, 2), np.int8))
    artefacts.write(tmp_path / "golden.npz", pairs, "golden.npz")
    back = artefacts.read(tmp_path / "golden.npz")
    assert (back.inputs.dtype, back.outputs.shape) == (np.int8, (2, 2))
    np.testing.assert_array_equal(back.inputs, pairs.inputs)


@pytest.mark.parametrize("name", [*VALUES, "golden.npz", "field.npz"])
def test_another_version_is_one_line_that_says_so(tmp_path, monkeypatch, name):
    if name == "field.npz":
        columns = {c: np.array(["x"]) for c in ("group", "domain", "origin")}
        value = Windows(np.zeros((1, 4, 1)), np.zeros(1, int), ("a",), **columns, rate=1.0)
    else:
        value = VALUES.get(name) or GoldenPairs(ROWS, ROWS)
    artefacts.write(tmp_path / name, value, name)
    monkeypatch.setattr(type(value), "SCHEMA", 99)
    with pytest.raises(EdgekitError, match=rf"{name}.*schema.* 1.*99"):
        artefacts.read(tmp_path / name)


@pytest.mark.parametrize(
    ("name", "change", "says"),
    [
        ("model.json", lambda v: v.pop("test"), "test"),
        ("model.json", lambda v: v.update(tset=1), "tset"),
        ("model.json", lambda v: v["test"].update(low="high"), "low"),
        ("model.json", lambda v: v["test"].update(windows=2.5), "windows"),
        ("model.json", lambda v: v.update(record="Split"), "holds 'Split', not ModelCard"),
        ("split.json", lambda v: v.update(train=[0.5]), "row numbers are whole"),
        ("split.json", lambda v: v.update(train=[1 << 70]), "too large"),
        ("scores.json", lambda v: v["findings"][0].pop("message"), "message"),
    ],
)
def test_what_does_not_fit_is_named(tmp_path, name, change, says):
    path = written(tmp_path, name)
    values = json.loads(path.read_text())
    change(values)
    path.write_text(json.dumps(values))
    with pytest.raises(EdgekitError, match=says):
        artefacts.read(path)


@settings(max_examples=150)
@given(st.data())
def test_a_damaged_file_is_never_a_traceback(tmp_path_factory, data):
    name = data.draw(st.sampled_from([*VALUES, "golden.npz"]))
    path = tmp_path_factory.mktemp("damaged") / name
    artefacts.write(path, VALUES.get(name) or GoldenPairs(ROWS, ROWS), name)
    content = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(content) - 1))
        content[at : at + data.draw(st.integers(0, 5))] = data.draw(st.binary(max_size=5))
    path.write_bytes(content[: data.draw(st.integers(0, len(content)))])
    try:
        back = artefacts.read(path)
    except EdgekitError:
        return
    assert type(back) is artefacts.ARTEFACTS[name].type


def test_a_value_of_another_type_is_refused_when_it_is_written(tmp_path):
    with pytest.raises(EdgekitError, match=r"model\.json holds a ModelCard, not a dict"):
        artefacts.write(tmp_path / "model.json", {"name": "student"}, "model.json")


def test_names_in_a_record_are_no_markup():
    assert "<b>" not in VALUES["ledger.json"]._repr_html_().replace("<b>teacher", "")
    card = dataclasses.replace(VALUES["model.json"], name="<script>", classes=("<i>", "b"))
    assert "<script>" not in card._repr_html_()
    assert "<i>" not in card._repr_html_()


def test_somebody_elses_artefacts_go_by_their_suffix(tmp_path):
    for name, value in {"own.json": {"a": [1]}, "own.npy": ROWS, "own.txt": "text"}.items():
        artefacts.write(tmp_path / name, value, name)
    assert artefacts.read(tmp_path / "own.json") == {"a": [1]}
    np.testing.assert_array_equal(artefacts.read(tmp_path / "own.npy"), ROWS)
    assert artefacts.read(tmp_path / "own.txt") == b"text"
    (tmp_path / "own.json").write_text("{")
    with pytest.raises(EdgekitError, match=r"own\.json cannot be read"):
        artefacts.read(tmp_path / "own.json")


def test_a_manifest_is_read_without_what_its_artefacts_hold():
    code = (
        "import sys, edgekit.pipeline.manifest; print([m for m in ('numpy', 'pandas', "
        "'edgekit.agent', 'edgekit.learn') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
