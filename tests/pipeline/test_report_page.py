"""The report as somebody reads it: on a phone, on paper, beside another run's."""

import re

import pytest

from edgekit.cli import main
from edgekit.core.figures import emulated, measured
from edgekit.design.budget import Budget
from edgekit.design.gate import gate
from edgekit.view.comparison import change
from tests.browser import chromium, needs_chromium


def two_runs(toy):
    assert main(["run", "toy"]) == 0
    assert main(["run", "toy", "--seed", "1", "--run-dir", "<b>other"]) == 0
    return toy / "runs" / "toy-quick", toy / "<b>other"


def test_the_first_line_says_how_many_lines_were_judged():
    budget = Budget(latency_ms=20, flash_bytes=65_536, accuracy_floor=0.85)
    verdicts = gate(
        budget,
        {
            "latency_ms": None,
            "flash_bytes": emulated(70_000, "B", "ELF"),
            "accuracy_floor": measured(0.91, "", "ten people"),
        },
    )
    assert verdicts.summary() == (
        "2 of 3 lines judged, missed: flash; not judged: latency (no figure)"
    )
    assert [v.margin_text for v in verdicts] == ["–", "-7 %", "+6.0 points"]


@pytest.mark.parametrize(
    ("before", "after", "says"),
    [
        (200, 150, "-25.0 %"),
        (0, 1, ""),
        (-2, 1, "+150.0 %"),
        (float("nan"), 1, ""),
        (1, 1, "+0.0 %"),
    ],
)
def test_a_change_is_in_percent_of_what_was(before, after, says):
    assert change(measured(before, "B", ""), measured(after, "B", "")) == says


def test_two_runs_stand_side_by_side(toy, capsys):
    one, other = two_runs(toy)
    assert main(["report", str(one), str(other)]) == 0
    page = (one / "comparison.html").read_text(encoding="utf-8")
    assert capsys.readouterr().out.strip().endswith("comparison.html")
    assert "&lt;b&gt;other" in page
    assert "<b>other" not in page
    assert "flash" in page
    assert main(["report", str(one), str(one)]) == 2
    assert "compared with itself" in capsys.readouterr().err


@needs_chromium
def test_it_fits_a_phone_and_few_sheets_of_paper(toy, tmp_path):
    pytest.importorskip("playwright.sync_api", reason="the dev extra is not installed")
    one, other = two_runs(toy)
    assert main(["report", str(one), str(other)]) == 0
    with chromium() as browser:
        page = browser.new_page(viewport={"width": 390, "height": 800})
        for name in ("report", "comparison"):
            page.goto((one / f"{name}.html").as_uri())
            assert page.evaluate("document.documentElement.scrollWidth") <= 390, name
            assert page.locator("img:not([alt])").count() == 0
            pdf = page.pdf(format="A4", print_background=False)
            assert len(re.findall(rb"/Type\s*/Page\b", pdf)) <= 2, name
