"""A recording survives its file, and no file can do harm."""

from __future__ import annotations

import io
import json
import pickle
import struct
import zipfile

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from edgekit.core.errors import EdgekitError
from edgekit.data import Recording
from edgekit.data.recording_file import DamagedError, load, load_folder, npy, save

TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=20)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | TEXT
    | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)  # fmt: skip


@st.composite
def recordings(draw) -> Recording:
    if draw(st.booleans()):
        channels = draw(st.integers(1, 3))
        shape = (draw(st.integers(1, 30)), channels)
        samples = draw(hnp.arrays(np.float32, shape, elements=st.floats(width=32)))
    else:
        channels = 1
        samples = draw(hnp.arrays(np.uint8, (draw(st.integers(1, 4)), 5, 6)))
    n = len(samples)
    events = []
    for _ in range(draw(st.integers(0, 3))):
        first = draw(st.integers(0, n - 1))
        events.append((first, draw(st.integers(first + 1, n)), draw(TEXT)))
    return Recording(
        draw(TEXT), samples, draw(st.floats(1e-6, 1e9)), draw(st.none() | TEXT), draw(TEXT), draw(TEXT),
        tuple(draw(st.lists(TEXT, min_size=channels, max_size=channels))), draw(TEXT), draw(TEXT), draw(TEXT),
        draw(st.dictionaries(TEXT, JSON, max_size=4)), tuple(events),
    )  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(recordings())
def test_everything_survives_the_round_trip(tmp_path_factory, recording):
    path = tmp_path_factory.mktemp("format") / "a.npz"
    again = load(save(recording, path))
    assert again.samples.dtype == recording.samples.dtype
    assert again.samples.shape == recording.samples.shape
    assert again.samples.tobytes() == recording.samples.tobytes()  # NaN and -0.0 included
    for field in Recording.__dataclass_fields__:
        if field != "samples":
            assert getattr(again, field) == getattr(recording, field), field
    first = path.read_bytes()
    assert save(again, path).read_bytes() == first, "the same recording makes other bytes"


def a_recording(**other) -> Recording:
    values = {
        "name": "r",
        "samples": np.arange(6.0),
        "rate": 10.0,
        "label": "a",
        "group": "g",
        "domain": "lab",
    }
    return Recording(**(values | other))


def test_numpy_alone_reads_the_samples(tmp_path):
    path = save(a_recording(), tmp_path / "r.npz")
    assert np.load(path)["samples"].ravel().tolist() == list(range(6))


def test_numbers_of_numpy_are_kept_in_meta(tmp_path):
    meta = {"a": np.float64(1.5), "b": np.arange(3)}
    assert load(save(a_recording(meta=meta), tmp_path / "r.npz")).meta == {"a": 1.5, "b": [0, 1, 2]}


@pytest.mark.parametrize(
    ("change", "words"),
    [({"rate": float("nan")}, "cannot be saved"), ({"meta": {"f": open}}, "JSON cannot keep")],
)
def test_what_cannot_be_kept_is_said(tmp_path, change, words):
    with pytest.raises(EdgekitError, match=words):
        save(a_recording(**change), tmp_path / "r.npz")
    assert not (tmp_path / "r.npz").exists()


def packed(tmp_path, metadata=None, samples=None, how=zipfile.ZIP_STORED):
    """A file like those of `save`, with other members."""
    good = save(a_recording(), tmp_path / "good.npz")
    with zipfile.ZipFile(good) as z:
        members = {n: z.read(n) for n in z.namelist()}
    if metadata is not None:
        content = json.loads(members["recording.json"])
        content.update(metadata)
        members["recording.json"] = json.dumps(content).encode()
    if samples is not None:
        members["samples.npy"] = samples
    path = tmp_path / "bad.npz"
    with zipfile.ZipFile(path, "w", how) as z:
        for name, data in members.items():
            z.writestr(name, data)
    return path


def header(shape: str, descr="'<f4'") -> bytes:
    text = f"{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}, }}"
    text += " " * (64 - (len(text) + 11) % 64) + "\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text.encode()


def pickled() -> bytes:
    out = io.BytesIO()
    np.save(out, np.array([{"a": 1}], dtype=object), allow_pickle=True)
    return out.getvalue()


ARRAYS = {
    "a pickle": (pickled(), "pickled"),
    "ten gigabytes claimed": (header("(2500000000,)") + b"\0" * 64, "claims"),
    "more than memory": (header("(9223372036854775807, 9223372036854775807)"), "claims"),
    "a negative shape": (header("(-4,)") + b"\0" * 16, "claims"),
    "cut off": (header("(4,)") + b"\0" * 15, "claims"),
    "no array": (b"\x93NUMPY\x01\x00\xff\xffgarbage", "no NumPy array"),
    "code for a header": (header("__import__('os').system('true')"), "no NumPy array"),
    "structured": (header("(1,)", "[('a', '<f4')]") + b"\0" * 4, "not numbers"),
    "complex": (header("(1,)", "'<c8'") + b"\0" * 8, "not numbers"),
}


@pytest.mark.parametrize(("data", "words"), ARRAYS.values(), ids=ARRAYS)
def test_arrays_that_lie_or_run_code_are_refused(tmp_path, data, words):
    with pytest.raises(DamagedError, match=words):
        npy(data)
    with pytest.raises(EdgekitError) as refusal:
        load(packed(tmp_path, samples=data))
    assert "\n" not in str(refusal.value)


FACTS = {
    "another version": ({"edgekit_recording": 99}, "update edgekit"),
    "events outside": ({"events": [[0, 99, "a"]]}, "outside"),
    "events of text": ({"events": [["a", "b", "c"]]}, "no recording"),
    "channels that do not fit": ({"channels": ["a", "b", "c"]}, "do not fit"),
    "a rate of text": ({"rate": "fast"}, "rate"),
    "an infinite rate": ({"rate": 1e999}, "rate"),
    "a name of numbers": ({"name": 5}, "no text"),
    "meta of text": ({"meta": "x"}, "samples are|no recording"),
}


@pytest.mark.parametrize(("metadata", "words"), FACTS.values(), ids=FACTS)
def test_facts_that_make_no_sense_are_refused(tmp_path, metadata, words):
    with pytest.raises(EdgekitError, match=words) as refusal:
        load(packed(tmp_path, metadata))
    assert "\n" not in str(refusal.value)


def test_a_bomb_is_not_unpacked(tmp_path):
    bomb = packed(
        tmp_path, samples=header("(20000000,)") + b"\0" * 80_000_000, how=zipfile.ZIP_DEFLATED
    )
    assert bomb.stat().st_size < 200_000
    with pytest.raises(EdgekitError, match="nothing was unpacked"):
        load(bomb)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10_000), st.integers(0, 255), st.integers(0, 600))
def test_damaged_files_are_one_line_or_a_recording(tmp_path_factory, at, value, cut):
    path = save(a_recording(), tmp_path_factory.mktemp("damaged") / "r.npz")
    data = bytearray(path.read_bytes())
    data[at % len(data)] = value
    path.write_bytes(data[: len(data) - cut] if cut < len(data) else b"")
    try:
        load(path)
    except EdgekitError as error:
        assert "\n" not in str(error)  # noqa: PT017


def test_files_that_are_no_recordings(tmp_path):
    np.savez(tmp_path / "windows.npz", X=np.zeros(3))
    (tmp_path / "pickle.npz").write_bytes(pickle.dumps({"a": 1}))
    for name in ("windows.npz", "pickle.npz", "missing.npz"):
        with pytest.raises(EdgekitError):
            load(tmp_path / name)
    with pytest.raises(EdgekitError, match="holds no recordings"):
        load_folder(tmp_path / "empty")
