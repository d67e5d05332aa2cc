"""Tables as people have them, by kind: understood, or refused in a line that names the way out."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.bring_cases import CASES, judge
from benchmarks.bring_exports import EXPORTS
from edgekit.tables import UnreadableError, clock, column_roles, delimited, notation, timing


@pytest.mark.parametrize("name", CASES | EXPORTS)
def test_a_kind_of_table_is_understood(name, tmp_path):
    found, right = judge((CASES | EXPORTS)[name], tmp_path)
    assert right, found


# ---------------------------------------------------------------------------------------- clocks


def epoch(t):
    return np.datetime64("2024-02-28T23:59:50", "ns") + np.round(t * 1e9).astype("timedelta64[ns]")


def formatted(t, form):
    import pandas as pd

    return pd.DatetimeIndex(epoch(t)).strftime(form).tolist()


CLOCKS = {
    "seconds": ("time_s", lambda t: [f"{v:.6f}" for v in t]),
    "milliseconds": ("t_ms", lambda t: [f"{1e3 * v:.3f}" for v in t]),
    "µs, whole": ("Time [µs]", lambda t: np.round(1e6 * t).astype(np.int64).tolist()),
    "ns, whole": ("timestamp_ns", lambda t: np.round(1e9 * t).astype(np.int64).tolist()),
    "epoch in ms": ("ts", lambda t: [f"{1.7e12 + 1e3 * v:.3f}" for v in t]),
    "ISO": ("time", lambda t: np.datetime_as_string(epoch(t)).tolist()),
    "ISO with a zone": ("time", lambda t: [f"{s}+05:30" for s in np.datetime_as_string(epoch(t))]),
    "day first": ("time", lambda t: formatted(t, "%d.%m.%Y %H:%M:%S.%f")),
    "month first": ("time", lambda t: formatted(t, "%m/%d/%Y %H:%M:%S.%f")),
    "AM, PM": ("time", lambda t: formatted(t, "%m/%d/%Y %I:%M:%S.%f %p")),
    "time of day": ("time", lambda t: formatted(t, "%H:%M:%S.%f")),
    "a logger's": ("time", lambda t: formatted(t, "%Y%m%d_%H%M%S.%f")),
}


@settings(max_examples=80, deadline=None)
@given(
    st.sampled_from(sorted(CLOCKS)), st.sampled_from([0.02, 0.5, 1, 12.5, 50, 104, 256, 1000, 6400]),
    st.integers(40, 300), st.integers(0, 10**6),
)  # fmt: skip
def test_any_rate_in_any_notation_comes_back(tmp_path_factory, name, rate, n, seed):
    header, write = CLOCKS[name]
    x = np.random.default_rng(seed).normal(size=n).round(4)
    rows = zip(write(np.arange(n) / rate), x, strict=True)
    path = tmp_path_factory.mktemp("clock") / "a.csv"
    path.write_text("\n".join([f"{header},x", *(f"{t},{v}" for t, v in rows)]), encoding="utf-8")
    (made,) = delimited.read(path, "a.csv")
    assert made.rate == pytest.approx(rate, rel=2e-3)
    np.testing.assert_allclose(made.samples[:, 0], x, atol=1e-5)


@given(
    st.lists(st.integers(1, 20), min_size=30, max_size=80),
    st.sampled_from([2**16, 2**32]),
    st.integers(0, 60),
)
def test_a_clock_that_began_anew_runs_on(steps, modulus, at):
    t = np.cumsum(np.array([0, *steps])) + modulus - at * 8
    said: list[str] = []
    got = clock.unwrap_counter((t % modulus).astype(float), (2.0**32, 2.0**16), said)
    np.testing.assert_array_equal(np.diff(got), steps)


@given(st.integers(20, 200), st.integers(0, 10**6), st.booleans())
def test_rows_in_any_order_are_put_in_order_by_time(n, seed, reverse):
    t = np.arange(n) / 50
    index = np.arange(n)[::-1] if reverse else np.random.default_rng(seed).permutation(n)
    order, said = timing.order(t[index])
    if order is None:
        assert (np.diff(t[index]) > 0).all()
    else:
        np.testing.assert_array_equal(t[index][order], t)
        assert said


def test_a_logger_that_was_started_again_is_cut_and_not_mixed():
    t = np.concatenate([np.arange(100) / 50, 0.007 + np.arange(60) / 50])
    assert timing.order(t)[0] is None
    assert timing.contiguous(t, timing.analyze_timestamps(t)) == [(0, 100), (100, 160)]


def test_many_samples_to_a_stamp_give_their_rate_whatever_is_missing():
    t = np.floor(np.arange(5_000) / 104)
    t[2_000:] += 60
    seen = timing.analyze_timestamps(t)
    assert seen.rate == pytest.approx(104, rel=0.01)
    assert len(seen.gaps) == 1


# --------------------------------------------------------------------------------------- numbers


@given(
    st.floats(-1e7, 1e7).map(lambda v: round(v, 2)),
    st.sampled_from(["'", "\u2019", "\u202f", "mark"]),
    st.booleans(),
)
def test_a_number_is_read_however_its_thousands_are_set_apart(value, apart, comma):
    import pandas as pd

    mark = "," if comma else "."
    apart = {"mark": "." if comma else ","}.get(apart, apart)
    text = (
        f"{value:,.2f}".replace(",", "\0")
        .replace(".", mark)
        .replace("\0", apart)
        .replace("-", "\u2212")
    )
    got, wrong = notation.numbers(pd.Series([text]), mark)
    assert wrong == 0
    assert got[0] == pytest.approx(value)


TOLD = {
    (("0,5", "12,75"), ","), (("1.234,5", "3"), ","), (("1,234.5", "3"), "."), (("1,234", "987"), "."),
    (("0,123", "1,234"), ","), (("1.5", "2"), "."), (("1", "2"), ""), (("1.234.567", "5"), ","),
}  # fmt: skip


@pytest.mark.parametrize(("cells", "mark"), sorted(TOLD))
def test_what_tells_the_decimal_mark(cells, mark):
    assert notation.decimal(cells) == mark


# ----------------------------------------------------------------------------------------- names


@pytest.mark.parametrize(
    "name",
    ["participant_id", "ParticipantID", "Patient No", "subject #", "userid", "speakerId", "volunteer", "pid",
     "DeviceName", "bearing_no", "Session", "machine-id", "id"],
)  # fmt: skip
def test_names_that_say_who(name):
    assert column_roles.identity(name)
    assert not column_roles.label_strength(name, [name])
    assert not column_roles.is_time(name)


@pytest.mark.parametrize(
    "name", ["x", "acc_x", "motor current", "temperature", "hr", "heading", "Gyro Z"]
)
def test_names_of_channels_say_nothing_else(name):
    assert column_roles.identity(name) is None
    assert not column_roles.label_strength(name, ["x", "y", "z"])
    assert not column_roles.is_time(name)
    assert not column_roles.is_count(name)


@pytest.mark.parametrize(
    "name",
    ["time", "Time (s)", "epoch_ms", "elapsedTime", "Elapsed time", "timestamp", "Date Time"],
)
def test_names_of_clocks(name):
    assert column_roles.is_time(name)


def test_a_person_wins_over_every_guess(tmp_path):
    rows = [f"{i / 50},{i % 7},{np.sin(i):.3f},{int(i % 60 > 30)},{i // 100}" for i in range(400)]
    path = tmp_path / "a.csv"
    path.write_text("\n".join(["t,y,x,status,subject", *rows]))
    wanted = delimited.ReadOptions(None, None, "", ("y", "t", "status"), 10.0)
    (made,) = delimited.read(path, "a.csv", wanted)
    assert made.channels == ("y", "t", "status")
    assert (made.label, made.group, made.rate) == (None, None, 10.0)
    assert len(made.samples) == 400
    with pytest.raises(UnreadableError, match="no column 'how'"):
        delimited.read(path, "a.csv", delimited.ReadOptions("how"))
