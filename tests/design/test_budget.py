"""Each budget line has one meaning, a function that measures it, chapters that judge it, and sane limits."""

import importlib
import json
from math import inf, nan
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgekit.core.errors import EdgekitError
from edgekit.core.figures import Figure, measured
from edgekit.core.workspace import Workspace
from edgekit.design import LINES, Budget
from edgekit.design.budget import RENAMED, table
from edgekit.design.gate import gate
from edgekit.pipeline.chapters import chapters, evaluating

ROOT = Path(__file__).parents[2]
ONE = [line for line in LINES.values() if line.sense != "covers"]


@pytest.mark.parametrize("line", LINES.values(), ids=LINES)
def test_what_measures_a_line_exists_and_is_what_its_chapters_call(line):
    module, name = line.measured_by.rsplit(".", 1)
    assert callable(getattr(importlib.import_module(module), name))
    workspace = Workspace.find()
    for chapter in evaluating(workspace)[line.key]:
        cells = json.loads(chapters(workspace)[chapter].read_text(encoding="utf-8"))["cells"]
        code = "".join("".join(c["source"]) for c in cells if c["cell_type"] == "code")
        assert f".{name}" in code, (
            f"{chapter} judges {line.key} and does not call {line.measured_by}"
        )


def test_the_page_about_the_budget_is_the_table():
    assert table() in (ROOT / "docs" / "budget.md").read_text(encoding="utf-8")


def test_what_was_split_is_gone_and_its_parts_are_lines():
    for old, new in RENAMED.items():
        assert old not in LINES
        assert set(new) <= set(LINES)


@pytest.mark.parametrize("line", LINES.values(), ids=LINES)
@pytest.mark.parametrize("limit", [nan, inf, -1, "5", True, (nan, 1.0), [3.0, 2.0], (-inf, 5)])
def test_no_budget_can_be_made_with_a_limit_that_would_judge_nothing(line, limit):
    with pytest.raises(EdgekitError, match=line.key):
        Budget(**{line.key: limit})


@pytest.mark.parametrize("line", [line for line in LINES.values() if line.fraction])
def test_a_fraction_is_no_percentage(line):
    with pytest.raises(EdgekitError, match="fraction between 0 and 1"):
        Budget(**{line.key: 2})


@given(st.sampled_from(ONE), st.floats(0, 1), st.floats(allow_nan=True, allow_infinity=True))
def test_the_verdict_is_the_comparison_whatever_the_numbers(line, limit, value):
    limit = round(100 * limit) if line.whole else limit
    (verdict,) = gate(Budget(**{line.key: limit}), {line.key: measured(value, line.unit, "drawn")})
    if line.fraction and abs(value - limit) < 1e-11:
        return  # the rounding of a difference of two means
    within = value <= limit if line.sense == "upper" else value >= limit
    assert verdict.passed is within  # NaN is within nothing
    assert (verdict.state == "not judged") == (value != value)


def test_a_budget_shows_of_what_each_limit_is():
    html = Budget(accuracy_floor=0.9, update_bytes=2_048)._repr_html_()
    assert "balanced accuracy of the deployed model on the honest split" in html
    assert "≥ 0.9" in html
    assert "≤ 2,048 bytes" in html
    assert "latency" not in html


@pytest.mark.parametrize("value", [None, "3", [1.0]])
def test_a_figure_without_a_number_cannot_be_made(value):
    with pytest.raises(ValueError, match="a number"):
        measured(value, "ms", "nowhere")
    assert Figure.from_dict({**measured(1, "ms", "x").to_dict(), "value": None}).value != 0
