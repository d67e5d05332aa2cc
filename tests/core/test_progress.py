"""Bars are for whoever looks, and are text."""

import pytest

from edgekit.core.progress import progress


@pytest.mark.parametrize("looked_at", [False, True])
def test_a_bar_is_text_where_somebody_looks_and_nothing_in_a_headless_run(
    looked_at, monkeypatch, capsys
):
    monkeypatch.delenv("JPY_SESSION_NAME", raising=False)
    if looked_at:
        monkeypatch.setenv("JPY_SESSION_NAME", "chapter.ipynb")
    assert list(progress(range(3), "folds", leave=True)) == [0, 1, 2]
    said = capsys.readouterr()
    assert ("folds: 100%" in said.out) == looked_at
    assert not said.err


def test_a_bar_may_be_moved_by_hand(monkeypatch, capsys):
    monkeypatch.setenv("JPY_SESSION_NAME", "chapter.ipynb")
    with progress(None, "file", total=10, leave=True) as bar:
        bar.update(10)
    assert "10/10" in capsys.readouterr().out
