"""WAV, NumPy, Edge Impulse and pictures: read right, and refused in a line where they lie."""

from __future__ import annotations

import io
import json
import struct
import wave
import zipfile

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgekit import bring
from edgekit.core.errors import EdgekitError
from edgekit.data import recording_file
from edgekit.data.recording_file import DamagedError
from edgekit.readers import arrays, edge_impulse, images, waves
from edgekit.tables import UnreadableError
from tests.bring import folders
from tests.data.samples import recording

X = (0.4 * np.random.default_rng(0).normal(size=(500, 2))).clip(-0.99, 0.99)


# -------------------------------------------------------------------------------------------- WAV


@pytest.mark.parametrize(("bits", "kind"), [(8, 1), (16, 1), (24, 1), (32, 1), (32, 3), (64, 3)])
@pytest.mark.parametrize("channels", [1, 2])
def test_every_kind_of_wav_gives_the_samples(tmp_path, bits, kind, channels):
    path = tmp_path / "a.wav"
    folders.wav(path, X[:, :channels], 16_000, bits, kind, tail=b"LIST\x04\0\0\0abcd")
    (made,) = waves.read(path, "a.wav")
    assert made.rate == 16_000
    assert made.sound
    step = 1e-6 if kind == 3 else 1.01 * 2.0 ** -min(bits - 1, 23)
    np.testing.assert_allclose(made.samples, X[:, :channels], atol=step)


def test_wav_as_scipy_writes_and_reads_it(tmp_path):
    from scipy.io import wavfile

    path = tmp_path / "a.wav"
    wavfile.write(path, 8_000, (X * 32767).astype(np.int16))
    (made,) = waves.read(path, "a.wav")
    np.testing.assert_array_equal(made.samples, wavfile.read(path)[1] / np.float32(32768))


def cut(data: bytes) -> bytes:
    return data[:1_000]


def claims(data: bytes, size: int = 0xF0000000) -> bytes:
    return data[:40] + struct.pack("<I", size) + data[44:]


BROKEN_WAVES = {
    "cut off": (cut, "cut off or lies"),
    "claims 4 GB": (claims, "claims 4,026,531,840 bytes"),
    "no samples": (lambda d: d[:36], "without data"),
    "no format": (lambda d: d[:12] + d[36:], "without format"),
    "compressed": (lambda d: d[:20] + b"\x55\0" + d[22:], "compressed"),
    "no channels": (lambda d: d[:22] + b"\0\0" + d[24:], "contradicts"),
    "more bits than bytes": (lambda d: d[:34] + b"\x18\0" + d[36:], "contradicts"),
    "empty": (lambda d: b"", "no WAV"),
}


@pytest.mark.parametrize(("change", "words"), BROKEN_WAVES.values(), ids=BROKEN_WAVES)
def test_broken_waves_are_refused(tmp_path, change, words):
    path = tmp_path / "a.wav"
    folders.wav(path, X, 16_000)
    path.write_bytes(change(path.read_bytes()))
    with pytest.raises(UnreadableError, match=words):
        waves.read(path, "a.wav")


def test_a_recorder_that_never_closed_its_file_is_read_to_the_end(tmp_path):
    path = tmp_path / "a.wav"
    folders.wav(path, X, 16_000)
    path.write_bytes(claims(path.read_bytes(), 0xFFFFFFFF))
    (made,) = waves.read(path, "a.wav")
    assert len(made.samples) == 500
    assert "knows no length" in made.notes[0]


@settings(max_examples=80, deadline=None)
@given(st.integers(0, 200), st.binary(min_size=1, max_size=6), st.integers(0, 400))
def test_damaged_waves_are_read_or_refused(tmp_path_factory, at, value, end):
    path = tmp_path_factory.mktemp("wav") / "a.wav"
    folders.wav(path, X[:60], 16_000)
    data = bytearray(path.read_bytes())
    data[at : at + len(value)] = value
    path.write_bytes(data[: max(1, len(data) - end)])
    try:
        waves.read(path, "a.wav")
    except UnreadableError as error:
        assert "\n" not in str(error)  # noqa: PT017


# ------------------------------------------------------------------------------------------ NumPy


def test_npy_of_any_orientation_and_npz_with_names(tmp_path):
    np.save(tmp_path / "a.npy", X.T)
    (made,) = arrays.read(tmp_path / "a.npy", "a.npy")
    assert made.samples.shape == (500, 2)
    assert "turned" in made.notes[0]
    np.savez(tmp_path / "b.npz", x=X, rate=250.0, channels=["left", "right"])
    (made,) = arrays.read(tmp_path / "b.npz", "b.npz")
    assert (made.rate, made.channels) == (250, ("left", "right"))
    np.testing.assert_allclose(made.samples, X, rtol=1e-6)


def test_a_stack_of_windows_comes_apart_by_label_and_group(tmp_path):
    stack = np.random.default_rng(1).normal(size=(20, 50, 3))
    y, group = np.arange(20) % 2, np.repeat([1, 2], 10)
    np.savez(tmp_path / "a.npz", X=stack, y=y, groups=group, class_names=["off", "on"])
    made = arrays.read(tmp_path / "a.npz", "a.npz")
    assert {(m.label, m.group) for m in made} == {
        ("off", "1"),
        ("on", "1"),
        ("off", "2"),
        ("on", "2"),
    }
    first = next(m for m in made if (m.label, m.group) == ("on", "2"))
    assert first.row == 50
    np.testing.assert_allclose(first.samples.reshape(-1, 50, 3), stack[11::2], rtol=1e-6)


def test_our_own_files_keep_label_group_and_marked_stretches(tmp_path):
    events = ((0, 100, "walk"), (100, 180, "run"))
    whole = recording("r", X[:, 0], rate=50, label="walk", group="s1", licence="CC0")
    torn = recording("t", X[:, 0], rate=50, label=None, group="s2", events=events)
    for r in (whole, torn):
        recording_file.save(r, tmp_path / f"{r.name}.npz")
    found = {r.name: r for r in bring.read(tmp_path).readings}
    assert (found["r.npz"].label, found["r.npz"].group) == ("walk", "s1")
    assert found["r.npz"].meta["licence"] == "CC0"
    assert [(found[f"t.npz#{i}"].label, len(found[f"t.npz#{i}"].samples)) for i in (0, 1)] == [
        ("walk", 100), ("run", 80),
    ]  # fmt: skip


def test_pickles_and_bombs_are_refused(tmp_path):
    np.save(tmp_path / "pickle.npy", np.array([{"a": 1}], object), allow_pickle=True)
    np.savez(tmp_path / "pickle.npz", X=np.array([print], object))
    with zipfile.ZipFile(tmp_path / "bomb.npz", "w", zipfile.ZIP_DEFLATED) as z:
        out = io.BytesIO()
        np.save(out, np.zeros(30_000_000, np.float32))
        z.writestr("x.npy", out.getvalue())
    (tmp_path / "claims.npy").write_bytes(
        b"\x93NUMPY\x01\x00\x76\x00"
        + b"{'descr': '<f4', 'fortran_order': False, 'shape': (2500000000,), }".ljust(117) + b"\n"
    )  # fmt: skip
    for path in tmp_path.iterdir():
        with pytest.raises(DamagedError) as refusal:
            arrays.read(path, path.name)
        assert "\n" not in str(refusal.value), path.name
    with pytest.raises(EdgekitError, match="nothing that can be read"):
        bring.read(tmp_path)


# ----------------------------------------------------------------------------------- Edge Impulse


def test_acquisitions_in_json_and_cbor_are_the_same(tmp_path):
    cbor2 = pytest.importorskip("cbor2")
    content = folders.acquisition(X, 16, ("a", "b"))
    (tmp_path / "a.json").write_text(json.dumps(content))
    (tmp_path / "b.cbor").write_bytes(cbor2.dumps(content))
    made = [edge_impulse.read(p, p.name)[0] for p in sorted(tmp_path.iterdir())]
    for m in made:
        assert (m.rate, m.channels, m.unit) == (62.5, ("a", "b"), "m/s2")
        np.testing.assert_allclose(m.samples, X, atol=1e-4)
    assert np.array_equal(made[0].samples, made[1].samples)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.text(max_size=8) | st.binary(max_size=8)
    | st.floats(allow_nan=False),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=12,
)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(VALUES)
def test_plain_cbor_is_read(value):
    cbor2 = pytest.importorskip("cbor2")
    try:
        assert edge_impulse.cbor(cbor2.dumps(value)) == value
    except UnreadableError as error:
        assert "nesting depth" in str(error) or "CBOR tag" in str(error)  # noqa: PT017


@pytest.mark.parametrize("content", [b"\x01", b"\x61a", b"\x41a", b"\x82\x01\x02", b"\xa0"])
def test_no_tag_of_cbor_is_followed(content):
    """Not those that a library decodes by itself, dates, fractions, shared values, nor any other."""
    for tag in (*range(300), 1004, 43_000, 55_798, 2**31, 2**63):
        size = next(i for i, most in enumerate((24, 2**8, 2**16, 2**32, 2**64)) if tag < most)
        head = bytes([0xC0 | (tag if size == 0 else 23 + size)])
        tagged = head + (tag.to_bytes(1 << size - 1, "big") if size else b"") + content
        with pytest.raises(UnreadableError, match=f"CBOR tag {tag},"):
            edge_impulse.cbor(tagged)


def test_cbor_is_as_deep_as_the_format_and_some(monkeypatch):
    assert edge_impulse.cbor(b"\x81" * 8 + b"\x01")
    with pytest.raises(UnreadableError, match="depth"):
        edge_impulse.cbor(b"\x81" * 9 + b"\x01")
    monkeypatch.setattr(edge_impulse, "MOST", 100)
    with pytest.raises(UnreadableError, match="larger"):
        edge_impulse.cbor(b"\x98\x64" + b"\x01" * 100)


@pytest.mark.parametrize(
    "odd", [b"\xe5", b"\xf7", b"\xf8\xff"], ids=["simple", "undefined", "simple 255"]
)
def test_values_that_are_no_numbers_are_refused_in_a_line(odd):
    import cbor2

    content = folders.acquisition([[1.0], [2.0]], 16, ("a",))
    content["payload"]["values"] = [1.5, 77_777.0]
    data = cbor2.dumps(content).replace(cbor2.dumps(77_777.0), odd)
    with pytest.raises(UnreadableError, match="no numbers"):
        edge_impulse.acquisition(edge_impulse.cbor(data), "x")


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=60))
def test_any_bytes_are_cbor_or_one_line(data):
    try:
        edge_impulse.cbor(data)
    except UnreadableError as error:
        assert "\n" not in str(error)  # noqa: PT017


HOSTILE_CBOR = {
    "nested": b"\x81" * 100_000,
    "nested maps": b"\xa1\x61a" * 50_000,
    "an endless array": b"\x9f" * 1_000,
    "claims 2^60 elements": b"\x9b" + b"\x10" + b"\0" * 7,
    "claims a long text": b"\x7a\xff\xff\xff\xff",
    "a tag": b"\xc2\x49" + b"\x01" * 9,
    "bytes behind": b"\x01\x01",
}


@pytest.mark.parametrize("data", HOSTILE_CBOR.values(), ids=HOSTILE_CBOR)
def test_hostile_cbor_is_refused(data):
    with pytest.raises(UnreadableError):
        edge_impulse.cbor(data)


def changed(**payload) -> bytes:
    content = folders.acquisition(X[:5], 16, ("a", "b"))
    content["payload"].update(payload)
    return json.dumps(content).encode()


ODD = {
    "no interval": changed(interval_ms=None),
    "interval 0": changed(interval_ms=0),
    "interval true": changed(interval_ms=True),
    "no sensors": changed(sensors=5),
    "too few sensors": changed(sensors=[{"name": "a"}]),
    "no values": changed(values=[]),
    "ragged": changed(values=[[1, 2], [3]]),
    "texts": changed(values=[["a", "b"]]),
    "elsewhere": changed(values=["Ref-BINARY-i16 (12 bytes) 0"]),
    "other JSON": b'{"a": 1}',
    "nested": b"[" * 200_000,
    "no JSON": b"hello",
}


@pytest.mark.parametrize("data", ODD.values(), ids=ODD)
def test_odd_acquisitions_are_refused(tmp_path, data):
    path = tmp_path / "a.json"
    path.write_bytes(data)
    with pytest.raises(UnreadableError) as refusal:
        edge_impulse.read(path, "a.json")
    assert "\n" not in str(refusal.value)


# --------------------------------------------------------------------------------------- pictures


def test_pictures_become_small_grey_squares(tmp_path):
    from PIL import Image

    picture = np.zeros((120, 200, 3), np.uint8)
    picture[:, 100:] = 200
    Image.fromarray(picture).save(tmp_path / "a.png")
    (made,) = images.read(tmp_path / "a.png", "a.png")
    assert made.samples.shape == (1, 96, 96)
    assert made.samples[0, :, :40].max() < 5
    assert made.samples[0, :, 56:].min() > 190
    assert "middle square of 200 × 120" in made.notes[0]


def test_no_picture_and_a_picture_that_claims_too_much_are_refused(tmp_path):
    (tmp_path / "a.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(50))
    header = struct.pack(">IIBBBBB", 100_000, 100_000, 8, 0, 0, 0, 0)
    import zlib

    chunk = (
        struct.pack(">I", 13) + b"IHDR" + header + struct.pack(">I", zlib.crc32(b"IHDR" + header))
    )
    (tmp_path / "bomb.png").write_bytes(b"\x89PNG\r\n\x1a\n" + chunk + bytes(200))
    for name in ("a.png", "bomb.png"):
        with pytest.raises(UnreadableError):
            images.read(tmp_path / name, name)


def test_a_table_of_labels_under_its_own_name_is_one(tmp_path):
    """As ESC-50 and UrbanSound8K have them: the table is called like the data set."""
    (tmp_path / "audio").mkdir()
    (tmp_path / "meta").mkdir()
    rows = ["slice_file_name,fold,class"]
    for i in range(8):
        x = np.random.default_rng(i).normal(0, 0.1, 16000)
        with wave.open(str(tmp_path / "audio" / f"{i}.wav"), "wb") as wav:
            wav.setnchannels(1), wav.setsampwidth(2), wav.setframerate(16000)
            wav.writeframes((x * 32767).clip(-32768, 32767).astype("<i2").tobytes())
        rows.append(f"{i}.wav,{i % 4},{'dog' if i % 2 else 'rain'}")
    (tmp_path / "meta" / "esc50.csv").write_text("\n".join(rows))
    found = bring.read(tmp_path)
    assert {f: row["label"] for f, row in found.label_table.items()} == {
        f"audio/{i}.wav": "dog" if i % 2 else "rain" for i in range(8)
    }
    assert len(found.readings) == 8
