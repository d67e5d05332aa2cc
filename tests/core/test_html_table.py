"""A table shows whole sentences, keeps numbers whole, and runs no markup of a file."""

import re

import numpy as np
import pandas as pd
import pytest

from edgekit.core.html_table import TABLE, frame_html, show_frames
from tests.browser import chromium, needs_chromium

SENTENCE = ("samples of eight devices over one link take more air than there is. " * 9).strip()
LEDGER = (
    "stripped_bytes packed_bytes flash_bytes ram_bytes app_flash_bytes network_bytes model_bytes "
    "app_ram_bytes instructions latency_ms energy_uj flash_ratio train_seconds"
)  # chapter 04's widest table


def cells(html: str) -> list[str]:
    return [re.sub("<[^>]*>", "", c) for c in re.findall(r"<td.*?</td>", html, re.S)]


def test_a_sentence_is_never_cut():
    assert SENTENCE in frame_html(pd.DataFrame({"reason": [SENTENCE]}))


def test_counts_with_gaps_are_counts_and_nothing_is_a_dash():
    frame = pd.DataFrame({"bytes": [54_438.0, np.nan], "n": pd.array([3, None], "Int64")})
    assert cells(frame_html(frame)) == ["54,438", "3", "–", "–"]
    mixed = pd.DataFrame({"energy": [12.5, None], "word": ["a", None]}, dtype=object)
    assert cells(frame_html(mixed)) == ["12.5", "a", "–", "–"]
    assert cells(frame_html(pd.DataFrame({"share": [0.25, 1.0]}), number=".3f")) == [
        "0.250",
        "1.000",
    ]
    assert cells(frame_html(pd.DataFrame({"shots": [3.0, np.inf]}))) == ["3", "inf"]
    assert cells(frame_html(pd.DataFrame({"share": [0.0, 1.0]}))) == ["0.0", "1.0"]


def test_a_cell_is_no_markup():
    frame = pd.DataFrame({"<b>": ["<script>x</script>"]}, index=["<i>"])
    html = frame_html(frame)
    assert "<script>" not in html
    assert "<i>" not in html
    assert "&lt;b&gt;" in html


def test_numbers_are_flush_right_where_row_names_span_rows():
    frame = pd.DataFrame({"a": ["x", "x"], "b": ["y", "z"], "words": "w", "n": [1, 2]})
    html = frame_html(frame.set_index(["a", "b"]))
    assert re.findall(r'<td class="number">(\d)</td>', html) == ["1", "2"]
    assert html.count("<td>w</td>") == 2


def test_a_long_frame_is_shortened_as_pandas_does():
    html = frame_html(pd.DataFrame({"n": range(500)}))
    assert html.count("<tr") < 20
    assert "500 rows" in html


def test_every_frame_of_a_notebook_is_shown_so():
    shell = pytest.importorskip("IPython.core.interactiveshell").InteractiveShell()
    show_frames(shell)
    show_frames(None)  # a script has no shell
    data, _ = shell.display_formatter.format(pd.DataFrame({"reason": [SENTENCE]}))
    assert SENTENCE in data["text/html"]


@needs_chromium
def test_nothing_lies_beside_the_screen():
    pytest.importorskip("playwright.sync_api", reason="the dev extra is not installed")
    frame = pd.DataFrame(
        {
            "variant": "distil, prune, qat",
            **{key: [1_534_920.0, np.nan] for key in LEDGER.split()},
            "note": SENTENCE,
        }
    )
    own = f"{TABLE}<tr><th>why</th><td>{SENTENCE * 3}</td></tr></table>"
    with chromium() as browser:
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.set_content(
            f"<div style='width:1150px;font:13px sans-serif'>{frame_html(frame)}{own}</div>"
        )
        right = page.evaluate(
            "[...document.querySelectorAll('td,th')].map(e => e.getBoundingClientRect().right)"
        )
    assert max(right) <= 1170
