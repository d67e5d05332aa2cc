"""The gate lets nothing through that misses its budget, and says what it did not judge."""

import json
from dataclasses import replace
from importlib import resources
from math import inf, isnan, nan

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgekit.core.errors import EdgekitError
from edgekit.core.figures import Figure, estimated, measured
from edgekit.design import LINES, load
from edgekit.design.gate import Verdicts, gate, overall

BUDGET = load(resources.files("edgekit") / "usecases/bearing/design.toml").budget
SCALAR = sorted(key for key, line in LINES.items() if line.sense != "covers")
values = st.floats(allow_nan=True, allow_infinity=True)
numbers = st.floats(allow_nan=False, allow_infinity=True)


def figure(key, value):
    return measured(value, LINES[key].unit, "test")


@given(st.sampled_from(SCALAR), numbers, numbers)
def test_a_better_figure_never_fails_where_a_worse_one_passes(key, a, b):
    worse, better = sorted((a, b), reverse=LINES[key].sense == "upper")
    passed = [gate(BUDGET, {key: figure(key, v)})[0].passed for v in (worse, better)]
    assert passed != [True, False]


@given(st.sampled_from(SCALAR), values)
def test_passing_means_being_within_the_limit(key, value):
    limit, verdict = BUDGET.limits[key], gate(BUDGET, {key: figure(key, value)})[0]
    if LINES[key].fraction and abs(value - limit) < 1e-11:
        return  # a difference of two means: its last digits are rounding
    within = value <= limit if LINES[key].sense == "upper" else value >= limit
    assert verdict.passed == within
    assert verdict.state == ("not judged" if isnan(value) else "kept" if within else "missed")


@pytest.mark.parametrize("key", SCALAR)
def test_a_tie_passes_and_what_is_a_little_worse_does_not(key):
    limit, worse = BUDGET.limits[key], 1 if LINES[key].sense == "upper" else -1
    assert gate(BUDGET, {key: figure(key, limit)}).passed
    assert gate(BUDGET, {key: figure(key, limit * (1 + 1e-6 * worse))}).state == "missed"


def test_two_points_lost_are_two_points_however_they_were_computed():
    assert BUDGET.accuracy_loss < 1 - 0.98  # in binary
    assert gate(BUDGET, {"accuracy_loss": measured(1 - 0.98, "", "two means")}).passed


@pytest.mark.parametrize(
    ("key", "figure", "says"),
    [
        *((key, None, "no figure") for key in LINES),
        *((key, figure(key, nan), "the figure is NaN: test") for key in LINES),
        (
            "temperature_c",
            Figure(nan, "°C", "published", "torn", -40, 85),
            "the figure is NaN: torn",
        ),
        (
            "temperature_c",
            Figure(85, "°C", "published", "torn", nan, 85),
            "the figure has no range: torn",
        ),
        (
            "temperature_c",
            Figure(85, "°C", "published", "torn", -40, nan),
            "the figure has no range: torn",
        ),
        (
            "temperature_c",
            Figure(85, "°C", "published", "torn", None, 85),
            "the figure has no range: torn",
        ),
    ],
)
def test_what_has_no_number_is_not_judged_and_says_so(key, figure, says):
    verdicts = gate(BUDGET, {key: figure})
    assert (verdicts.state, verdicts.passed) == ("not judged", False)
    assert f"{LINES[key].name} ({says}" in verdicts.summary()
    assert says in str(verdicts)
    assert says in verdicts._repr_html_()
    assert Verdicts.from_dicts(json.loads(json.dumps(verdicts.to_dicts()))).state == "not judged"


@pytest.mark.parametrize(
    ("low", "high", "passes"),
    [(-40, 85, True), (-20, 70, True), (-19, 85, False), (-40, 69, False), (None, None, False)],
)
def test_temperature_must_be_covered(low, high, passes):
    range_ = Figure(85, "°C", "published", "test", low, high)
    assert gate(BUDGET, {"temperature_c": range_}).passed is passes


def test_a_line_the_design_does_not_set_is_left_out():
    free = replace(BUDGET, size_ratio=None)
    assert gate(free, {"size_ratio": figure("size_ratio", 1)}) == ()


@pytest.mark.parametrize(
    ("key", "value", "says"),
    [
        ("latency", measured(1, "ms", "t"), "no line 'latency'. Did you mean 'latency_ms'?"),
        ("latency_ms", measured(1, "s", "t"), "latency_ms is in 's', the budget in ms"),
        ("accuracy_floor", measured(97, "%", "t"), "a fraction or a ratio"),
        ("latency_ms", 3.2, "not a Figure"),
        ("ota_bytes", measured(1, "bytes", "t"), "It was split; set instead"),
    ],
)
def test_what_cannot_be_gated_is_refused(key, value, says):
    with pytest.raises(EdgekitError) as error:
        gate(BUDGET, {key: value})
    assert says in str(error.value)


def test_verdicts_survive_json_and_show_where_a_figure_comes_from():
    verdicts = gate(
        BUDGET,
        {
            "latency_ms": estimated(42, "ms", "a guess", low=30, high=60),
            "flash_bytes": measured(70_000, "bytes", "the ELF"),
            "temperature_c": Figure(85, "°C", "published", "data sheet", -40, 85),
            "accuracy_floor": None,
        },
    )
    assert Verdicts.from_dicts(json.loads(json.dumps(verdicts.to_dicts())))[:3] == verdicts[:3]
    assert not verdicts.passed
    assert [v.key for v in verdicts.missed] == ["flash_bytes"]
    assert [v.key for v in verdicts.unjudged] == ["accuracy_floor"]
    html = verdicts._repr_html_()
    assert (html.count("✓"), html.count("✗"), html.count(">?<")) == (2, 1, 1)
    assert "<b>estimated</b>: a guess" in html
    assert "not judged" in html
    assert "FAIL  flash_bytes ≤ 65,536 bytes: 70,000 bytes (measured)" in str(verdicts)


def test_a_verdict_without_a_number_comes_back_from_strict_json():
    rows = gate(BUDGET, {"power_mw": estimated(nan, "mW", "unknown")}).to_dicts()
    rows[0]["margin"] = rows[0]["figure"]["value"] = None  # what JSON makes of NaN
    verdicts = Verdicts.from_dicts(rows)
    assert not verdicts.passed
    assert "–" in verdicts._repr_html_()


def test_an_empty_gate_says_so():
    assert str(gate(BUDGET, {})) == "no line of the budget applies"
    assert gate(BUDGET, {"battery_years": estimated(inf, "years", "mains")}).passed


# ----------------------------------------------------------------------------------- a whole run


def kept(keys):
    return {
        k: Figure(85, "°C", "published", "sheet", -40, 85) if LINES[k].sense == "covers"
        else figure(k, 0 if LINES[k].sense == "upper" else inf)
        for k in keys
    }  # fmt: skip


@given(st.sets(st.sampled_from(sorted(LINES))))
def test_a_run_is_within_budget_only_if_every_line_was_judged(keys):
    verdicts = overall(BUDGET, {"05_export": gate(BUDGET, kept(keys))}, {})
    assert len(verdicts) == len(LINES)  # bearing sets all of them
    assert verdicts.passed == (keys == set(LINES))
    assert {v.key for v in verdicts.unjudged} == set(LINES) - keys
    assert verdicts.summary().startswith(f"{len(keys)} of {len(LINES)} lines judged")


def test_an_open_line_names_the_chapter_that_will_judge_it():
    evaluates = {"latency_ms": ["05_export"], "power_mw": ["00_design", "05_export"]}
    verdicts = overall(BUDGET, {"00_design": gate(BUDGET, kept(["power_mw"]))}, evaluates)
    assert "latency (by 05_export)" in verdicts.summary()
    assert LINES["power_mw"].name not in verdicts.summary()
    assert verdicts.state == "not judged"


def test_a_missed_line_outweighs_open_ones_and_the_last_chapter_has_the_last_word():
    early = gate(BUDGET, {"latency_ms": measured(1, "ms", "t")})
    late = gate(BUDGET, {"latency_ms": measured(1e6, "ms", "t")})
    assert overall(BUDGET, {"00": early, "05": late}, {}).state == "missed"
    assert overall(BUDGET, {"00": late, "05": early}, {}).state == "not judged"


def test_what_a_reader_must_know_stands_beside_the_number():
    (verdict,) = gate(BUDGET, {"accuracy_loss": None}, {"accuracy_loss": "no <b>reference</b>"})
    assert verdict.state == "not judged"
    assert "no <b>reference</b>" in str(Verdicts([verdict]))
    assert "no &lt;b&gt;reference" in Verdicts([verdict])._repr_html_()


def test_a_figure_on_simulated_data_says_so_wherever_it_is_shown():
    simulated = replace(measured(1, "ms", "a clock"), data="simulated")
    verdicts = gate(BUDGET, {"latency_ms": simulated})
    for text in (str(verdicts), verdicts._repr_html_(), simulated._repr_html_()):
        assert "measured on simulated data" in text
    assert Figure.from_dict(simulated.to_dict()) == simulated
