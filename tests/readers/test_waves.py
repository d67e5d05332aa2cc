"""WAV as recorders, editors and people really leave it, and what libsndfile reads besides."""

from __future__ import annotations

import struct
import sys

import numpy as np
import pytest

from edgekit import bring
from edgekit.core.extras import how_to_get
from edgekit.readers import sounds, waves
from edgekit.readers.folder_contents import FolderContents
from edgekit.tables import UnreadableError
from tests.bring import folders

X = (0.4 * np.random.default_rng(0).normal(size=(500, 1))).clip(-0.99, 0.99)
COUNTS = np.rint(X * 32768).astype("<i2")


def chunk(name: bytes, body: bytes) -> bytes:
    return name + struct.pack("<I", len(body)) + body + b"\0" * (len(body) % 2)


def fmt(bits=16, kind=1, width=None, channels=1, rate=8_000) -> bytes:
    block = channels * (width or -(-bits // 8))
    return chunk(b"fmt ", struct.pack("<HHIIHH", kind, channels, rate, rate * block, block, bits))


def riff(*chunks: bytes, name=b"RIFF", size=None) -> bytes:
    body = b"WAVE" + b"".join(chunks)
    return name + struct.pack("<I", len(body) if size is None else size) + body


DATA, LIST = chunk(b"data", COUNTS.tobytes()), chunk(b"LIST", b"INFOISFT\x05\0\0\0Lavf\0\0")
LONG = struct.pack("<QQQI", 0, COUNTS.nbytes, len(COUNTS), 0)
RF64 = riff(
    chunk(b"ds64", struct.pack("<QQQI", 4 + 36 + 24 + len(DATA) + len(LIST), COUNTS.nbytes, len(COUNTS), 0)),
    fmt(), b"data\xff\xff\xff\xff" + DATA[8:], LIST, name=b"RF64", size=0xFFFFFFFF,
)  # fmt: skip
WHOLE = {
    "a chunk of an odd length before": riff(chunk(b"LGWV", b"abc"), fmt(), DATA),
    "junk behind the end": riff(fmt(), DATA) + b"\0\0\0junkjunkjunk",
    "a second file behind the end": riff(fmt(), DATA) + riff(fmt(), DATA),
    "RF64 with a LIST behind": RF64,
    "BW64 with a LIST behind": b"BW64" + RF64[4:],
    "a RIFF that never learned its length": riff(fmt(), DATA, LIST, size=0),
    "a RIFF that ends too early": riff(fmt(), DATA, size=36),
    "samples until the file ends": riff(fmt(), b"data\0\0\0\0" + DATA[8:], size=0),
}


@pytest.mark.parametrize("content", WHOLE.values(), ids=WHOLE)
def test_every_layout_gives_the_samples_and_nothing_else(tmp_path, content):
    (tmp_path / "a.wav").write_bytes(content)
    (made,) = waves.read(tmp_path / "a.wav", "a.wav")
    np.testing.assert_array_equal(made.samples, COUNTS / np.float32(32768))


@pytest.mark.parametrize(
    "content",
    [riff(fmt(), chunk(b"data", b"")), riff(fmt(), chunk(b"data", b""), LIST),
     riff(fmt(), chunk(b"data", b""), chunk(b"LIST", b"INFO" + bytes(20_000)))],
    ids=["nothing behind", "a LIST behind", "a long LIST behind"],
)  # fmt: skip
def test_no_samples_are_no_samples_whatever_stands_behind(tmp_path, content):
    (tmp_path / "a.wav").write_bytes(content)
    with pytest.raises(UnreadableError, match="is empty"):
        waves.read(tmp_path / "a.wav", "a.wav")


@pytest.mark.parametrize(("bits", "width"), [(12, 2), (14, 2), (20, 3), (24, 4), (18, 4), (6, 1)])
@pytest.mark.parametrize("upper", [True, False], ids=["upper bits", "lower bits"])
def test_bits_that_do_not_fill_their_bytes(tmp_path, bits, width, upper):
    counts = np.floor(X[:, 0] * 2 ** (bits - 1)).astype(np.int64)
    if width == 1:
        if not upper:
            pytest.skip("8 bits and fewer have no sign; they stand at the upper end")
        body = ((counts << (8 - bits)) + 128).astype("u1").tobytes()
    else:
        shifted = counts << (8 * width - bits) if upper else counts
        body = shifted.astype("<i4").view("u1").reshape(-1, 4)[:, :width].tobytes()
    (tmp_path / "a.wav").write_bytes(riff(fmt(bits, width=width), chunk(b"data", body)))
    (made,) = waves.read(tmp_path / "a.wav", "a.wav")
    np.testing.assert_allclose(made.samples[:, 0], counts / 2 ** (bits - 1), atol=1e-7)


def test_floats_that_are_counts_are_scaled_and_others_keep_their_unit(tmp_path):
    for scale, unit, sound in ((1.0, "full scale", True), (1.9, "full scale", True),
                               (11_000.0, "full scale", True), (40.0, "as recorded", False)):  # fmt: skip
        x = X / np.abs(X).max() * scale
        x[7] = np.nan
        folders.wav(tmp_path / "a.wav", x, 8_000, 32, 3)
        (made,) = waves.read(tmp_path / "a.wav", "a.wav")
        assert (made.unit, made.sound) == (unit, sound)
        assert np.isnan(made.samples[7]).all()
        assert bool(made.notes) == (scale > 2)
        wanted = x / 32768 if scale > 1000 else x
        np.testing.assert_allclose(made.samples, wanted, rtol=1e-5)


@pytest.mark.parametrize("suffix", [".flac", ".ogg", ".mp3", ".aiff", ".w64", ".au"])
def test_what_libsndfile_reads_is_read(tmp_path, suffix):
    soundfile = pytest.importorskip("soundfile")
    t = np.arange(16_000) / 16_000
    x = np.stack([0.5 * np.sin(2 * np.pi * 440 * t), 0.25 * np.sin(2 * np.pi * 220 * t)], axis=1)
    soundfile.write(tmp_path / f"a{suffix}", x, 16_000)
    (made,) = bring.read(tmp_path).readings
    assert (made.rate, made.channels, made.sound) == (16_000, ("left", "right"), True)
    lossy = suffix in (".ogg", ".mp3")
    n = min(len(made.samples), 15_000)
    error = made.samples[1_000:n] - x[1_000:n]
    assert np.abs(error).max() < (0.2 if lossy else 1e-3)


def test_compressed_wav_is_decoded_or_refused(tmp_path):
    soundfile = pytest.importorskip("soundfile")
    soundfile.write(tmp_path / "a.wav", X[:, 0], 8_000, "ULAW")
    (made,) = waves.read(tmp_path / "a.wav", "a.wav")
    np.testing.assert_allclose(made.samples, X, atol=0.05)
    (tmp_path / "b.wav").write_bytes(riff(fmt(kind=0x161), DATA))
    with pytest.raises(UnreadableError, match=r"compressed .*save it as PCM"):
        waves.read(tmp_path / "b.wav", "b.wav")


@pytest.mark.parametrize(
    ("package", "file"), [("soundfile", "a.flac"), ("h5py", "a.mat"), ("pyarrow", "a.parquet")]
)
def test_a_missing_library_is_named_with_what_to_install(tmp_path, monkeypatch, package, file):
    for module in [m for m in sys.modules if m.split(".")[0] == package]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.setitem(sys.modules, package, None)
    (tmp_path / file).write_bytes(b"\x89HDF\r\n\x1a\n" if package == "h5py" else b"fLaC?PAR1")
    from edgekit.bring import folder

    found = FolderContents(tmp_path)
    folder._add(found, file, tmp_path / file, ("", "", ""))
    assert found.failed == {file: f"needs {package} to be read: {how_to_get(package)}"}


def test_sound_that_cannot_be_decoded_is_one_line(tmp_path):
    pytest.importorskip("soundfile")
    for name, content in {
        "a.flac": b"fLaC" + bytes(60),
        "a.mp3": b"hello",
        "a.ogg": b"OggS",
    }.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(UnreadableError) as refusal:
            sounds.read(tmp_path / name, name)
        assert len(str(refusal.value).splitlines()) == 1
