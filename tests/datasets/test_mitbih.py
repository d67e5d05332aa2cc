"""The arrhythmia database: WFDB files as the wfdb package reads them, and hostile ones in one line."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgekit import datasets
from edgekit.core.errors import EdgekitError
from edgekit.datasets import mitbih, wfdb_files

wfdb = pytest.importorskip("wfdb")


def written(folder, name="100", kind="212", seconds=20, rate=360.0, symbols="NNAVF"):
    """A record written by the wfdb package, and what is in it."""
    rng = np.random.default_rng(3)
    counts = rng.integers(-2000, 2000, (round(seconds * rate) + 1, 2))
    wfdb.wrsamp(
        name, fs=rate, units=["mV", "mV"], sig_name=["V5", "MLII"], d_signal=counts,
        fmt=[kind, kind], adc_gain=[200, 400], baseline=[1024, -7], write_dir=str(folder),
    )  # fmt: skip
    at = np.cumsum(rng.integers(200, 1500, len(symbols)))
    wfdb.wrann(name, "atr", at, symbol=list(symbols), write_dir=str(folder))
    return folder / name, at


@pytest.mark.parametrize("kind", ["212", "16"])
def test_reads_what_wfdb_reads(tmp_path, kind):
    path, at = written(tmp_path, kind=kind)
    truth, record = wfdb.rdrecord(str(path)), wfdb_files.read(path)
    np.testing.assert_allclose(record.signals, truth.p_signal, atol=1e-5)
    assert record.rate == truth.fs
    assert record.channels == ("V5", "MLII")
    assert record.beats == tuple(zip(at.tolist(), "NNAVF", strict=True))


def test_annotations_of_every_kind(tmp_path):
    path, _ = written(tmp_path, seconds=300)
    symbols = ["+", "N", "[", "!", "]", "V", "~", "|", "/", "N"]
    at = np.array([10, 400, 500, 600, 900, 1100, 1200, 1300, 5000, 90_000])
    notes = ["(AFIB"] + [""] * 9
    wfdb.wrann(
        path.name, "atr", at, symbol=symbols, aux_note=notes, chan=np.arange(10) % 2,
        subtype=np.arange(10) % 3, write_dir=str(tmp_path),
    )  # fmt: skip
    record = wfdb_files.read(path)
    assert record.beats == ((400, "N"), (1100, "V"), (5000, "/"), (90_000, "N"))
    assert record.flutter == ((500, 900),)


@pytest.mark.parametrize("missing", ["hea", "dat", "atr"])
def test_a_missing_file_is_named(tmp_path, missing):
    path, _ = written(tmp_path)
    path.with_suffix(f".{missing}").unlink()
    with pytest.raises(EdgekitError, match=rf"100\.{missing}"):
        wfdb_files.read(path)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("212", "310"),
        ("212", "99x"),
        ("100 2 360", "100/3 2 360"),
        ("100 2 360", "100 x 360"),
        ("mV", "furlong"),
    ],
)
def test_a_strange_header_is_refused_in_one_line(tmp_path, old, new):
    path, _ = written(tmp_path)
    header = path.with_suffix(".hea")
    header.write_text(header.read_text().replace(old, new))
    with pytest.raises(EdgekitError) as refused:
        wfdb_files.read(path)
    assert "\n" not in str(refused.value)


@settings(max_examples=60, deadline=None)
@given(junk=st.binary(max_size=400), which=st.sampled_from(["hea", "dat", "atr"]))
def test_damaged_files_never_crash(tmp_path_factory, junk, which):
    path, _ = written(tmp_path_factory.mktemp("record"))
    path.with_suffix(f".{which}").write_bytes(junk)
    try:
        wfdb_files.read(path)
    except EdgekitError as refused:
        assert "\n" not in str(refused)  # noqa: PT017


def test_the_lead_is_found_by_name_and_beats_are_mapped(tmp_path):
    written(tmp_path, "114")
    (recording,) = mitbih.load(tmp_path)
    truth = wfdb.rdrecord(str(tmp_path / "114")).p_signal[:, 1]
    np.testing.assert_allclose(recording.samples[:, 0], truth, atol=1e-5)
    assert [label for *_, label in recording.events] == ["N", "N", "S", "V", "F"]
    assert recording.meta["set"] == "DS1"


def test_the_table_loses_no_beat(tmp_path):
    written(tmp_path, "114")
    written(tmp_path, "100", symbols="NVVQ/")
    recordings = mitbih.load(tmp_path)
    table = mitbih.table(recordings)
    assert table.loc["all", ["N", "S", "V", "F", "Q"]].sum() == sum(
        len(r.events) for r in recordings
    )
    assert table.loc["100", "left out"] == 2


def test_halves_of_de_chazal():
    assert len(set(mitbih.DS1)) == len(set(mitbih.DS2)) == 22
    assert not set(mitbih.DS1) & set(mitbih.DS2)
    paced = {"102", "104", "107", "217"}  # excluded by EC57: a pacemaker sets their rhythm
    assert not paced & {*mitbih.DS1, *mitbih.DS2}


def test_where_the_database_is(tmp_path, monkeypatch):
    monkeypatch.setenv("EDGEKIT_CACHE", str(tmp_path))
    monkeypatch.delenv(mitbih.VARIABLE, raising=False)
    assert mitbih.folder() is None
    monkeypatch.setenv(mitbih.VARIABLE, str(tmp_path))
    with pytest.raises(EdgekitError, match="EDGEKIT_MITBIH"):
        mitbih.folder()
    written(tmp_path)
    assert mitbih.folder() == tmp_path


def test_a_changed_download_is_removed(tmp_path):
    written(tmp_path, "101")
    with pytest.raises(EdgekitError, match="101"):
        mitbih.check(tmp_path)


def test_the_source_of_the_outside_check_is_pinned():
    source = datasets.sources.sources()["aha-0001"]
    assert source.package == "wfdb"
    assert len(source.sha256) == 64
