"""Clocks in parts, stamps of something else, long form, columns of 0 and 1; pandas is the oracle."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgekit import bring
from edgekit.core.errors import EdgekitError
from edgekit.tables import UnreadableError, column_roles, delimited, units
from tests.bring.folders import series, understood


def read(folder, text, wanted=delimited.DEFAULT_READ_OPTIONS):
    path = folder / "a.csv"
    path.write_text(text, encoding="utf-8")
    return delimited.read(path, "a.csv", wanted)


@settings(max_examples=25, deadline=None)
@given(
    st.datetimes(pd.Timestamp(1990, 1, 1), pd.Timestamp(2090, 1, 1)), st.sampled_from([0.1, 1, 10, 50]),
    st.sampled_from([0, 2, 3]), st.booleans(),
)  # fmt: skip
def test_a_clock_in_columns_has_the_rate_over_every_border(
    tmp_path_factory, start, rate, first, reverse
):
    """Over the end of a month, a year, a day: pandas makes the parts."""
    at = pd.Timestamp(start).floor("s") + pd.to_timedelta(np.arange(200) / rate, "s")
    x = np.random.default_rng(0).normal(size=200).round(4)
    seconds = at.second + at.microsecond / 1e6
    parts = {
        "year": at.year,
        "month": at.month,
        "day": at.day,
        "hour": at.hour,
        "minute": at.minute,
    }
    frame = pd.DataFrame(dict(list(parts.items())[first:]) | {"second": seconds.round(3), "x": x})
    frame = frame[frame.columns[::-1]] if reverse else frame
    made = read(tmp_path_factory.mktemp("parts"), frame.to_csv(index=False))
    assert all(r.rate == pytest.approx(rate, rel=1e-3) for r in made)
    assert {r.channels for r in made} == {("x",)}
    if first != 2:  # a day without its month begins anew, and is cut there
        np.testing.assert_allclose(np.concatenate([r.samples[:, 0] for r in made]), x, atol=1e-5)


def test_hours_run_on_over_midnight(tmp_path):
    at = pd.Timestamp(2024, 3, 1, 23, 59, 58) + pd.to_timedelta(np.arange(200) / 50, "s")
    rows = [
        f"{a.hour},{a.minute},{a.second + a.microsecond / 1e6:.2f},{k % 7}"
        for k, a in enumerate(at)
    ]
    (made,) = read(tmp_path, "\n".join(["Hour,Min,Sec,x", *rows]))
    assert (len(made.samples), made.rate) == (200, pytest.approx(50))


@settings(max_examples=25, deadline=None)
@given(
    st.integers(2, 6), st.integers(40, 120), st.integers(0, 10**6), st.booleans(),
    st.sampled_from(["in turn", "in blocks"]),
)  # fmt: skip
def test_long_form_is_what_pandas_pivots(tmp_path_factory, tags, n, seed, numbered, order):
    rng = np.random.default_rng(seed)
    names = list(range(tags)) if numbered else [f"p{k}" for k in range(tags)]
    rows = pd.DataFrame(
        {"time_s": np.repeat(np.arange(n) / 10, tags), "TagIndex": names * n, "Value": 0.0}
    )
    rows["Value"] = rng.normal(size=len(rows)).round(4)
    if order == "in blocks":
        rows = rows.sort_values(["TagIndex", "time_s"])
    else:  # single values are lost
        rows = rows.drop(index=rng.choice(np.arange(tags, len(rows) - tags), 2, replace=False))
    (made,) = read(tmp_path_factory.mktemp("long"), rows.to_csv(index=False))
    wide = rows.pivot(index="time_s", columns="TagIndex", values="Value")
    assert made.channels == tuple(f"TagIndex {k}" if numbered else k for k in names)
    assert made.rate == pytest.approx(10)
    np.testing.assert_allclose(made.samples, wide[names].to_numpy(), atol=1e-5)


def test_tags_that_were_not_measured_together_are_refused(tmp_path):
    rows = [f"{i / 10},{int(i > 100)},{i % 7}" for i in range(300)]
    made = read(
        tmp_path, "\n".join(["t_s,TagIndex,Value", *rows])
    )  # two machines, one after the other
    assert {r.group for r in made} == {"0", "1"}
    rows = [f"{i / 10},{'ab'[i % 3 == 0]},{i % 7}" for i in range(300)]
    with pytest.raises(UnreadableError, match="not measured at the same times"):
        read(tmp_path, "\n".join(["t_s,sensor,value", *rows]))


def test_a_person_says_that_numbers_are_no_tags(tmp_path):
    rows = [f"{i // 2 / 10},{i % 2},{i % 7}" for i in range(300)]
    made = read(
        tmp_path, "\n".join(["t_s,TagIndex,Value", *rows]), delimited.ReadOptions(group="TagIndex")
    )
    assert {r.group for r in made} == {"0", "1"}
    assert {r.channels for r in made} == {("Value",)}


@pytest.mark.parametrize("n", [50, 400])
def test_a_stamp_of_something_else_is_neither_clock_nor_channel(tmp_path, n):
    rng = np.random.default_rng(0)
    stands = np.sort(rng.choice([81_000.5, 81_003.25, 81_004.0], n))  # when an activity began
    rows = [f"{a},{i / 50:.3f},{rng.normal():.4f}" for i, a in enumerate(stands)]
    (made,) = read(
        tmp_path,
        "\n".join(["activityTimestamp_sinceReboot(s),motionTimestamp_sinceReboot(s),x", *rows]),
    )
    assert (made.channels, made.rate) == (("x",), pytest.approx(50))
    rows = [f"{a},{b}" for a, _, b in (r.split(",") for r in rows)]
    (alone,) = read(tmp_path, "\n".join(["activityTimestamp_sinceReboot(s),x", *rows]))
    assert (alone.channels, alone.rate) == (("x",), None)


@pytest.mark.parametrize("name", ["response_time", "Rise Time", "lap time"])
def test_how_long_something_takes_is_a_channel(tmp_path, name):
    rng = np.random.default_rng(1)
    rows = [f"{i / 50},{rng.uniform(1, 2):.4f},{rng.normal():.4f}" for i in range(200)]
    (made,) = read(tmp_path, "\n".join([f"t_s,{name},x", *rows]))
    assert made.channels == (name, "x")


def flags(tmp_path, names, columns, folders=False):
    for i in range(3):
        for label in ("on", "off"):
            rows = [f"{k / 50},{np.sin(k * (i + 1)):.4f}," + ",".join(str(int(c[k])) for c in columns)
                    for k in range(600)]  # fmt: skip
            path = tmp_path / (label if folders else ".") / f"{label}{i}.csv"
            path.parent.mkdir(exist_ok=True)
            path.write_text("\n".join([f"t_s,x,{names}", *rows]))
    return tmp_path


THIRDS = [np.arange(600) // 200 == k for k in range(3)]


@pytest.mark.parametrize(
    ("names", "classes"),
    [
        ("class_walk,class_run,class_sit", ("run", "sit", "walk")),
        ("activity=walk,activity=run,activity=sit", ("run", "sit", "walk")),
        ("walk,run,sit", ("run", "sit", "walk")),
    ],
)
def test_columns_of_which_one_is_1_are_the_label(tmp_path, names, classes):
    plan = understood(flags(tmp_path, names, THIRDS))
    assert plan.classes == classes
    assert plan.channels == ("x",)
    assert any("taken for the label" in n for r in plan.used for n in r.notes)


@pytest.mark.parametrize(
    ("name", "column"),
    [("is_fault", THIRDS[1]), ("Machine failure", THIRDS[1]), ("anomaly", THIRDS[0])],
)
def test_a_column_that_says_fault_is_the_label_and_in_class_folders_left_out(
    tmp_path, name, column
):
    (tmp_path / "a").mkdir()
    plan = understood(flags(tmp_path / "a", name, [column]))
    assert plan.classes == ("0", "1")
    assert plan.channels == ("x",)
    (tmp_path / "b").mkdir()
    plan = understood(flags(tmp_path / "b", name, [column], folders=True))
    assert plan.classes == ("off", "on")
    assert plan.channels == ("x",)
    assert any("looks like a label" in n for r in plan.used for n in r.notes)


def test_a_switch_that_may_be_the_label_is_asked_for(tmp_path):
    for i in range(4):
        rows = [f"{k / 50},{np.sin(k * (i + 1)):.4f},{int(k > 300)}" for k in range(600)]
        (tmp_path / f"{i}.csv").write_text("\n".join(["t_s,x,lamp", *rows]))
    with pytest.raises(EdgekitError, match="--label-from column:lamp"):
        understood(tmp_path)
    options = bring.Options(label_from="column:lamp")
    plan = bring.infer_plan(bring.read(tmp_path, wanted=bring.wanted(options)), options)
    assert plan.channels == ("x",)


def test_one_label_in_all_files_gives_way_to_their_folders(tmp_path):
    for i in range(3):
        for name in ("on", "off"):
            series(tmp_path / name / f"{i}.csv", seed=i + 10 * (name == "on"))
            path = tmp_path / name / f"{i}.csv"
            lines = path.read_text().splitlines()
            path.write_text("\n".join([lines[0] + ",label", *(f"{r},0" for r in lines[1:])]))
    plan = understood(tmp_path, rate=50.0)
    assert plan.classes == ("off", "on")
    assert any("one label only" in s for s in plan.warnings)


@pytest.mark.parametrize(
    "text",
    ["m/s2", "m/s^2", "m·s⁻²", "°/s", "deg/s", "mVolts", "µT",
     "uT", "hPa", "kPa", "kOhm", "nS", "%RH", "l/min",
     "mm/s", "W/m2", "m/(sec^2)*", "km/h", "dBFS", "yyyy/mm/dd hh:mm:ss.000", "mSecs", "g"],
)  # fmt: skip
def test_units_are_known(text):
    assert units.known(text)


@pytest.mark.parametrize("text", ["foo", "left", "x", "sensor 1", "acc"])
def test_words_are_no_units(text):
    assert not units.known(text)


@pytest.mark.parametrize(
    ("name", "strength"),
    [("activityTimestamp_sinceReboot", 2), ("locationTimestamp_since1970", 2), ("TimeStamp", 2),
     ("loggingTime", 1), ("startDate", 1), ("x", 0), ("since", 0), ("temperature", 0)],
)  # fmt: skip
def test_names_of_stamps(name, strength):
    assert column_roles.stamp_strength(name) == strength
