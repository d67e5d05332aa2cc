"""CSV as people write it is understood, and what is no table is refused in a line."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgekit import bring
from edgekit.tables import UnreadableError, delimited, timing

X = np.random.default_rng(0).normal(size=(240, 3)).round(4)
T = np.arange(240) / 50


def read(tmp_path, text, name="a.csv", encoding="utf-8", **options):
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode(encoding))
    return delimited.read(path, name, delimited.ReadOptions(**options))


def lines(*columns, head="", by=",", comma=False, end="\n") -> str:
    rows = [
        by.join(str(v).replace(".", ",") if comma else str(v) for v in row)
        for row in zip(*columns, strict=True)
    ]
    return end.join([*([head] if head else []), *rows])


ISO = [str(np.datetime64("2024-05-01T10:00:00") + np.timedelta64(int(1e6 * t), "us")) for t in T]
LAYOUTS = {
    "German": (lines(T, *X.T, head="Zeit [s];x [g];y [g];z [g]", by=";", comma=True), 50, ("x", "y", "z")),
    "no header": (lines(*X.T), None, None),
    "no header, time first": (lines(T, *X.T), 50, None),
    "tabs and \\r\\n": (lines(*X.T, head="x\ty\tz", by="\t", end="\r\n"), None, ("x", "y", "z")),
    "white space": (lines(T, *X.T, head="t  x  y  z", by="  "), 50, ("x", "y", "z")),
    "Edge Impulse": (lines((1000 * T).astype(int), *X.T, head="timestamp,aX,aY,aZ"), 50, ("aX", "aY", "aZ")),
    "microseconds": (lines((1e6 * T).astype(int), *X.T, head="micros,x,y,z"), 50, ("x", "y", "z")),
    "epoch in ms": (lines((1.7e12 + 1000 * T).astype(int), *X.T, head="ts,x,y,z"), 50, ("x", "y", "z")),
    "epoch in s": (lines([f"{1.7e9 + t:.3f}" for t in T], *X.T, head="time,x,y,z"), 50, ("x", "y", "z")),
    "ISO": (lines(ISO, *X.T, head="when,x,y,z"), 50, ("x", "y", "z")),
    "ISO with zone": (lines([s + "Z" for s in ISO], *X.T, head="time,x,y,z"), 50, ("x", "y", "z")),
    "a rate above": ("# Sampling rate: 2 kHz\n" + lines(*X.T, head="x,y,z"), 2000, ("x", "y", "z")),
    "lines above": ("Sample rate (Hz);104\n" + lines(*X.T, head="x;y;z", by=";"), 104, ("x", "y", "z")),
    "a line of units": ("x,y,z\ng,g,g\n" + lines(*X.T), None, ("x", "y", "z")),
    "an index": (lines(range(240), *X.T, head=",x,y,z"), None, ("x", "y", "z")),
    "quoted": (lines(*[[f'"{v}"' for v in c] for c in X.T], head='"x","y","z"'), None, ("x", "y", "z")),
    "trailing separators": (lines(*X.T, [""] * 240, head="x;y;z;", by=";"), None, ("x", "y", "z")),
}  # fmt: skip


@pytest.mark.parametrize(("text", "rate", "channels"), LAYOUTS.values(), ids=LAYOUTS)
@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_every_layout_gives_the_same_numbers(tmp_path, text, rate, channels, encoding):
    (made,) = read(tmp_path, text, encoding=encoding)
    np.testing.assert_allclose(made.samples, X, atol=1e-6)
    assert made.channels == channels
    assert made.rate is None if rate is None else made.rate == pytest.approx(rate, rel=1e-6)


def test_units_stand_in_headers_of_any_style(tmp_path):
    (made,) = read(tmp_path, lines(*X.T, head="temp/°C,ax (m/s²),p [bar]"))
    assert made.channels == ("temp", "ax", "p")
    assert made.meta["units"] == ["°C", "m/s²", "bar"]


@settings(max_examples=80, deadline=None)
@given(
    st.sampled_from([";", ",", "\t", "|", " "]), st.booleans(), st.booleans(), st.integers(1, 6),
    st.integers(20, 60), st.integers(0, 2**31), st.sampled_from([0, 1, 4]),
)  # fmt: skip
def test_whatever_the_layout_the_numbers_come_back(
    tmp_path_factory, by, comma, head, width, count, seed, digits
):
    comma = comma and by != "," and width > 1  # "1,5" alone on a line is two numbers or one
    x = np.random.default_rng(seed).normal(0, 50, (count, width)).round(digits)
    names = [f"sensor{i}" for i in range(width)]
    cells = [[f"{v:.{digits}f}" for v in c] for c in x.T]
    text = lines(*cells, head=by.join(names) if head else "", by=by, comma=comma)
    (made,) = read(tmp_path_factory.mktemp("csv"), text)
    assert made.samples.shape == x.shape
    np.testing.assert_allclose(made.samples, x, rtol=1e-5)
    assert made.channels == (tuple(names) if head else None)


def test_a_label_column_cuts_the_file(tmp_path):
    labels = ["walk"] * 100 + ["run"] * 80 + ["walk"] * 60
    made = read(tmp_path, lines(T, *X.T, labels, head="t,x,y,z,activity"))
    assert [(m.label, len(m.samples)) for m in made] == [("walk", 100), ("run", 80), ("walk", 60)]
    assert len({m.name for m in made}) == 3
    np.testing.assert_allclose(np.concatenate([m.samples for m in made]), X, atol=1e-6)


def test_columns_of_labels_and_groups_by_their_names(tmp_path):
    table = lines(*X.T, [0] * 120 + [1] * 120, ["s1", "s2"] * 120, head="x,y,z,what,who")
    made = read(tmp_path, table, label="what")
    assert {m.label for m in made} == {"0", "1"}
    with pytest.raises(UnreadableError, match="no column 'how'"):
        read(tmp_path, table, label="how")
    people = lines(*X.T, ["s1"] * 120 + ["s2"] * 120, head="x,y,z,subject")
    assert [m.group for m in read(tmp_path, people)] == ["s1", "s2"]


def test_a_gap_in_time_cuts_and_is_told(tmp_path):
    t = T + np.where(np.arange(240) >= 90, 7.0, 0)
    first, second = read(tmp_path, lines(t, *X.T, head="t,x,y,z"))
    assert (len(first.samples), len(second.samples)) == (90, 150)
    assert first.rate == pytest.approx(50)
    assert first.meta["gaps"] == [[90, pytest.approx(7.02)]]
    assert any("1 gaps in time, 7.02 s" in n for n in first.notes)


def test_uneven_stamps_are_put_on_an_even_grid(tmp_path):
    t = np.cumsum(np.random.default_rng(1).uniform(0.01, 0.03, 400))
    (made,) = read(tmp_path, lines(t.round(5), np.sin(t).round(6), head="t,x"))
    assert made.meta["jitter"] > 0.15
    grid = t[0] + np.arange(len(made.samples)) / made.rate
    np.testing.assert_allclose(made.samples[:, 0], np.sin(grid), atol=1e-3)


def test_time_that_runs_backwards_is_cut_there(tmp_path):
    t = np.where(np.arange(240) >= 100, T - 1.5, T)
    made = read(tmp_path, lines(t.round(4), *X.T, head="t,x,y,z"))
    assert [len(m.samples) for m in made] == [100, 140]
    assert any("backwards" in n for n in made[0].notes)


def test_nothing_is_left_out_in_silence(tmp_path):
    rows = lines(*X.T, ["note"] * 240, range(240), head="x,y,z,comment,index").splitlines()
    rows[30] = "1,2"
    rows[60] = "1,2,3,4,5,6,7,8"
    (made,) = read(tmp_path, "\n".join(rows))
    said = " ".join(made.notes)
    assert len(made.samples) == 238
    assert "2 of 240 rows" in said
    assert "'comment' holds text" in said
    assert "'index' counts" in said


def test_missing_cells_are_mended_or_cut_and_told(tmp_path):
    x = X[:, :1].astype(object).copy()
    x[10:12] = ""
    x[100:160] = "NaN"
    (tmp_path / "a.csv").write_text(lines(x[:, 0], X[:, 1], head="x,y"))
    made = bring.read(tmp_path).readings
    assert all(np.isfinite(m.samples).all() for m in made)
    assert [len(m.samples) for m in made] == [100, 80]
    assert any("2 missing" in n for n in made[0].notes)
    assert any("60" in n and "cut" in n for n in made[0].notes)


NONSENSE = {
    "empty": b"",
    "binary": bytes(range(256)) * 20,
    "prose": b"Dear all,\nplease find the data attached.\nKind regards\n",
    "only a header": b"x,y,z\n",
    "only labels": b"label\na\na\nb\nb\n",
    "one example a row": lines(*np.random.default_rng(0).normal(size=(100, 30))).encode(),
    "HTML": b"<html><body>" + b"<p>not found</p>\n" * 50,
}


@pytest.mark.parametrize("content", NONSENSE.values(), ids=NONSENSE)
def test_what_is_no_table_is_refused_in_a_line(tmp_path, content):
    with pytest.raises(UnreadableError) as refusal:
        read(tmp_path, content)
    assert "\n" not in str(refusal.value)


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=400) | st.text(max_size=300).map(lambda t: t.encode("utf-8", "replace")))
def test_any_bytes_give_a_reading_or_one_line(tmp_path_factory, content):
    try:
        made = read(tmp_path_factory.mktemp("any"), content)
    except UnreadableError:
        return
    assert all(len(m.samples) for m in made)


@given(st.floats(0.01, 100_000), st.floats(-0.004, 0.004))
def test_a_clock_that_drifts_still_has_its_round_rate(rate, drift):
    assert timing.nominal(timing.nominal(rate) * (1 + drift / 10)) == pytest.approx(
        timing.nominal(rate), rel=0.011
    )


USUAL = [
    1,
    10,
    12.5,
    25,
    50,
    62.5,
    100,
    104,
    128,
    200,
    250,
    256,
    360,
    416,
    500,
    833,
    1000,
    1600,
    3200,
]
USUAL += [6400, 8000, 16000, 22050, 25600, 44100, 48000, 51200, 97656]


@pytest.mark.parametrize("rate", USUAL)
def test_usual_rates_are_kept(rate):
    assert timing.nominal(rate * 1.0008) == pytest.approx(rate, rel=2e-3)
    assert timing.nominal(rate) == pytest.approx(rate, rel=1e-3)


RATES = {
    "Sampling rate: 1,000 Hz": 1000, "Sampling rate;12,8 kHz": 12_800, "Sample rate: 1e3 Hz": 1000,
    "Sample rate: 1 MHz": 1e6, "Sample rate: 10 ms": 100, "Sample interval: 0.01 s": 100,
    "Sampling Rate [S/s],2560": 2560, "Mains frequency: 50 Hz\nSampling rate: 2000 Hz": 2000,
    "Sampling frequency (kHz): 25.6": 25_600, "fs = 1000": 1000, "Abtastrate: 500 Hz": 500,
    "Frequency: 100 Hz": 100, "Sampling rate: 50 samples/s": 50, "Sampling Rate,44100": 44_100,
    "Sampling Rate,1000,3,4": 1000, "Sample Rate,25.6,kHz": 25_600,
    "Filter cut-off frequency: 100 Hz": None, "Motor frequency: 25 Hz": None, "Heart rate: 72": None,
    "Bit rate: 115200": None, "Sampling rate: 3 of 5": None, "Sample period: 10": None,
}  # fmt: skip


@pytest.mark.parametrize(("above", "rate"), RATES.items(), ids=range(len(RATES)))
def test_a_rate_above_the_table_is_that_of_sampling_in_its_own_unit(tmp_path, above, rate):
    (made,) = read(tmp_path, f"{above}\nDate: today\n" + lines(*X.T, head="x,y,z"))
    assert made.rate == (rate and pytest.approx(rate))


def test_a_rate_is_written_as_the_table_is(tmp_path):
    above = "Abtastrate: 1.000 Hz\n"
    (made,) = read(tmp_path, above + lines(*X.T, head="x;y;z", by=";", comma=True))
    assert made.rate == 1000
    (made,) = read(tmp_path, above + lines(*X.T, head="x;y;z", by=";"))
    assert made.rate == 1


@pytest.mark.parametrize("head", ["time,T,RH", "time [s],T [°C],RH [%]"])
def test_a_temperature_that_rises_is_no_clock(tmp_path, head):
    warm = 20 + T / 2 + 0.001 * X[:, 0]
    (made,) = read(tmp_path, lines(T + 0.002 * X[:, 1], warm, X[:, 2], head=head))
    assert made.channels == ("T", "RH")
    assert made.rate == pytest.approx(50, rel=0.02)
    (made,) = read(tmp_path, lines(warm, X[:, 2], head="T [°C],RH [%]"))
    assert (made.channels, made.rate) == (("T", "RH"), None)
