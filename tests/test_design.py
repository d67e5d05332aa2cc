"""design.toml is read strictly, and the gate lets nothing through that misses its budget."""

import json
from importlib import resources
from math import inf, nan

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgekit import design
from edgekit.design import SENSES, UNITS, Verdicts, gate, load
from edgekit.errors import EdgekitError
from edgekit.figures import Figure, estimated, measured

BEARING = (resources.files("edgekit") / "usecases/bearing/design.toml").read_text(encoding="utf-8")
BUDGET = load(resources.files("edgekit") / "usecases/bearing/design.toml")
SCALAR = sorted(key for key, sense in SENSES.items() if sense != "covers")
values = st.floats(allow_nan=True, allow_infinity=True)
numbers = st.floats(allow_nan=False, allow_infinity=True)


def figure(key, value):
    return measured(value, UNITS.get(key, ("",))[0], "test")


def broken(tmp_path, old, new):
    path = tmp_path / "design.toml"
    assert old in BEARING
    path.write_text(BEARING.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(EdgekitError) as error:
        load(path)
    message = str(error.value)
    assert str(path) in message
    assert "\n" not in message
    return message


# ------------------------------------------------------------------------------------- reading


def test_the_bearing_design_reads_back_what_the_file_says():
    assert BUDGET.name == "bearing"
    assert BUDGET.budget.flash_bytes == 65_536
    assert BUDGET.budget.temperature_c == (-20, 70)
    assert BUDGET.board.key == "stm32u5"
    assert BUDGET.link.key == "lorawan-eu868-dr3"
    assert BUDGET.battery.key == "er14505"
    assert json.loads(json.dumps(BUDGET.to_dict()))["budget"]["temperature_c"] == [-20, 70]
    assert "STM32U575" in BUDGET._repr_html_()


def test_every_budget_line_has_a_sense():
    assert set(SENSES) == set(design.Budget.__dataclass_fields__)


def test_another_duty_cycle_leaves_the_first_alone():
    assert BUDGET.at(inferences_per_hour=60).duty.inferences_per_hour == 60
    assert BUDGET.duty.inferences_per_hour == 6


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("flash_bytes", "flash_byte", "unknown key 'flash_byte'. Did you mean 'flash_bytes'?"),
        ("[budget]", "[bugdet]", "unknown section [bugdet]. Did you mean 'budget'?"),
        ("latency_ms = 100", 'latency_ms = "100"', "[budget] latency_ms must be a number"),
        ("latency_ms = 100", "latency_ms = -1", "[budget] latency_ms must not be negative"),
        ("latency_ms = 100", "latency_ms = nan", "must not be negative, infinite or NaN"),
        ("latency_ms = 100", "latency_ms = true", "must be a number, not True"),
        ("flash_bytes = 65_536", "flash_bytes = 6.5", "flash_bytes must be a whole number"),
        ("[-20, 70]", "[70, -20]", "must be [coldest, hottest]"),
        ("[-20, 70]", "[-20]", "must be [coldest, hottest]"),
        ("[-20, 70]", "70", "must be [coldest, hottest]"),
        ("accuracy_loss = 0.02", "accuracy_loss = 2", "is a fraction between 0 and 1"),
        ('board = "stm32u5"', 'board = "stm32u7"', "Did you mean 'stm32u5'?"),
        ('battery = "er14505"', "", "[hardware] battery is missing"),
        ('link = "lorawan-eu868-dr3"', 'link = "lora"', "[hardware] link: There is no link 'lora'"),
        ('title = "Bearing faults', 'title = ""\nx = "', "[use_case] has an unknown key 'x'"),
        ('name = "bearing"', "name = 3", "[use_case] name must be a text"),
        ('name = "bearing"', 'name = "bearing', "not valid TOML"),
        ("[duty]", "[duty", "not valid TOML"),
        ("[use_case]", "duty = 3\n[use_case]", "not valid TOML"),
    ],
)
def test_a_broken_design_is_one_line_that_says_what_to_do(tmp_path, old, new, says):
    assert says in broken(tmp_path, old, new)


def test_a_syntax_error_says_where(tmp_path):
    assert "line 12" in broken(tmp_path, "ram_bytes = 49_152", "ram_bytes = ")


def test_a_missing_section_is_named(tmp_path):
    path = tmp_path / "design.toml"
    path.write_text(BEARING.split("[duty]")[0], encoding="utf-8")
    with pytest.raises(EdgekitError, match=r"section \[duty\] is missing"):
        load(path)


def test_a_section_that_is_a_value_is_refused(tmp_path):
    path = tmp_path / "design.toml"
    path.write_text("duty = 3\n" + BEARING.split("[duty]")[0], encoding="utf-8")
    with pytest.raises(EdgekitError, match="duty must be a section"):
        load(path)


def test_a_budget_without_limits_is_refused(tmp_path):
    path = tmp_path / "design.toml"
    head, rest = BEARING.split("[budget]")
    path.write_text(head + "[budget]\n[hardware]" + rest.split("[hardware]")[1], encoding="utf-8")
    with pytest.raises(EdgekitError, match="sets no limit"):
        load(path)


def test_a_file_that_is_not_there_or_not_text(tmp_path):
    with pytest.raises(EdgekitError, match="no such file"):
        load(tmp_path / "design.toml")
    with pytest.raises(EdgekitError, match="cannot be read"):
        load(tmp_path)
    (tmp_path / "binary.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(EdgekitError, match="not UTF-8"):
        load(tmp_path / "binary.toml")


@given(st.text(max_size=200))
def test_no_text_makes_it_raise_anything_else(tmp_path_factory, text):
    path = tmp_path_factory.mktemp("d") / "design.toml"
    path.write_text(text, encoding="utf-8", errors="replace")
    with pytest.raises(EdgekitError):
        load(path)


# -------------------------------------------------------------------------------------- gating


@given(st.sampled_from(SCALAR), numbers, numbers)
def test_a_better_figure_never_fails_where_a_worse_one_passes(key, a, b):
    worse, better = sorted((a, b), reverse=SENSES[key] == "upper")
    passed = [gate(BUDGET, {key: figure(key, v)})[0].passed for v in (worse, better)]
    assert passed != [True, False]


@given(st.sampled_from(SCALAR), values)
def test_passing_means_being_within_the_limit(key, value):
    limit, verdict = getattr(BUDGET.budget, key), gate(BUDGET, {key: figure(key, value)})[0]
    within = value <= limit if SENSES[key] == "upper" else value >= limit
    assert verdict.passed == within
    assert verdict.passed == (verdict.margin >= 0)


@pytest.mark.parametrize("key", SCALAR)
def test_a_tie_passes_and_nothing_or_nan_does_not(key):
    limit = getattr(BUDGET.budget, key)
    assert gate(BUDGET, {key: figure(key, limit)}).passed
    assert not gate(BUDGET, {key: figure(key, nan)}).passed
    assert not gate(BUDGET, {key: None}).passed


@pytest.mark.parametrize(
    ("low", "high", "passes"),
    [(-40, 85, True), (-20, 70, True), (-19, 85, False), (-40, 69, False), (None, None, False)],
)
def test_temperature_must_be_covered(low, high, passes):
    range_ = Figure(85, "°C", "published", "test", low, high)
    assert gate(BUDGET, {"temperature_c": range_}).passed is passes


def test_a_line_the_design_does_not_set_is_left_out():
    from dataclasses import replace

    free = replace(BUDGET, budget=replace(BUDGET.budget, size_ratio=None))
    assert gate(free, {"size_ratio": figure("size_ratio", 1)}) == ()


@pytest.mark.parametrize(
    ("key", "value", "says"),
    [
        ("latency", measured(1, "ms", "t"), "no line 'latency'. Did you mean 'latency_ms'?"),
        ("latency_ms", measured(1, "s", "t"), "latency_ms is in 's', the budget in ms"),
        ("accuracy_floor", measured(97, "%", "t"), "a fraction or a ratio"),
        ("latency_ms", 3.2, "not a Figure"),
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
    assert [v.key for v in verdicts.failed] == ["flash_bytes", "accuracy_floor"]
    html = verdicts._repr_html_()
    assert html.count("✓") == html.count("✗") == 2
    assert "<b>estimated</b>: a guess" in html
    assert "missing" in html
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
