"""design.toml is read strictly, and what is wrong is said in one line."""

import json
from importlib import resources

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgekit.core.errors import EdgekitError
from edgekit.design import Design, load

BEARING = (resources.files("edgekit") / "usecases/bearing/design.toml").read_text(encoding="utf-8")
BUDGET = load(resources.files("edgekit") / "usecases/bearing/design.toml")


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


def test_the_bearing_design_reads_back_what_the_file_says():
    assert BUDGET.name == "bearing"
    assert BUDGET.budget.flash_bytes == 65_536
    assert BUDGET.budget.temperature_c == (-20, 70)
    assert BUDGET.board.key == "stm32u5"
    assert BUDGET.link.key == "lorawan-eu868-dr3"
    assert BUDGET.battery.key == "er14505"
    assert json.loads(json.dumps(BUDGET.to_dict()))["budget"]["temperature_c"] == [-20, 70]
    assert "STM32U575" in BUDGET._repr_html_()


def test_what_a_run_keeps_is_the_design_and_is_checked_again():
    kept = json.loads(json.dumps(BUDGET.to_dict()))
    assert Design.from_dict(kept).digest == BUDGET.digest
    del kept["budget"]["update_bytes"]
    kept["budget"]["ota_bytes"] = 16_384
    with pytest.raises(
        EdgekitError, match=r"manifest.json: \[budget\] has an unknown key 'ota_byt"
    ):
        Design.from_dict(kept, "manifest.json")


def test_another_duty_cycle_leaves_the_first_alone():
    assert BUDGET.at(inferences_per_hour=60).duty.inferences_per_hour == 60
    assert BUDGET.duty.inferences_per_hour == 6


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("flash_bytes", "flash_byte", "unknown key 'flash_byte'. Did you mean 'flash_bytes'?"),
        (
            "update_bytes",
            "ota_bytes",
            "It was split; set instead what you mean of model_bytes (what",
        ),
        ("[budget]", "[bugdet]", "unknown section [bugdet]. Did you mean 'budget'?"),
        ("latency_ms = 100", 'latency_ms = "100"', "[budget] latency_ms must be a number"),
        ("latency_ms = 100", "latency_ms = -1", "[budget] latency_ms must not be negative"),
        ("latency_ms = 100", "latency_ms = nan", "must not be negative, infinite or NaN"),
        ("latency_ms = 100", "latency_ms = true", "must be a number, not True"),
        ("flash_bytes = 65_536", "flash_bytes = 6.5", "flash_bytes must be a whole number"),
        ("[-20, 70]", "[70, -20]", "must be [coldest, hottest]"),
        ("[-20, 70]", "[-20]", "must be [coldest, hottest]"),
        ("[-20, 70]", "70", "must be [coldest, hottest]"),
        ("[-20, 70]", "[nan, 70]", "must be [coldest, hottest]"),
        ("[-20, 70]", "[-20, inf]", "must be [coldest, hottest]"),
        (
            "messages_per_day = 24",
            "messages_per_day = nan",
            "must not be negative, infinite or NaN",
        ),
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
