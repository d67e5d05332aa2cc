"""The first chapter in JupyterLab, in a browser; `python -m benchmarks.lab` reads all of them so."""

import shutil
from pathlib import Path

import pytest

from tests.browser import needs_chromium
from tests.notebooks.lab import read_through, served

CHAPTER = Path(__file__).resolve().parents[2] / "notebooks" / "00_design.ipynb"


@needs_chromium
def test_a_chapter_runs_in_the_browser_and_comes_back_whole(tmp_path):
    pytest.importorskip("playwright.sync_api", reason="the dev extra is not installed")
    place = tmp_path / "work"
    place.mkdir()
    notebook = Path(shutil.copy(CHAPTER, place))
    with served(place, tmp_path / "runs") as address:
        wrong, moved = read_through(address, notebook)
    assert not wrong
    assert moved >= 2
