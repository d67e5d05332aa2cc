"""Sliders for people, one call for everybody else; what is wrong in one line."""

import subprocess
import sys

import pytest

from edgekit.view import explore


def test_headless_exploring_calls_once_with_the_starting_values(monkeypatch):
    monkeypatch.delenv("JPY_SESSION_NAME", raising=False)
    calls = []
    result = explore(lambda **k: calls.append(k) or 7, hertz=(1, 60, 6), kind=["a", "b"])
    assert calls == [{"hertz": 6, "kind": "a"}]
    assert result == 7


def test_in_jupyterlab_there_is_a_slider_and_a_menu(monkeypatch):
    monkeypatch.setenv("JPY_SESSION_NAME", "x.ipynb")
    widget = explore(lambda **_: None, hertz=(1, 60, 6), share=(0.0, 1.0, 0.5), kind=["a", "b"])
    assert [child.value for child in widget.children[:3]] == [6, 0.5, "a"]


def test_a_control_that_is_none_says_so():
    with pytest.raises(ValueError, match="hertz must be"):
        explore(lambda **_: None, hertz=5)


def test_in_a_notebook_an_error_is_one_line():
    code = "from edgekit.errors import EdgekitError; raise EdgekitError('run 01_collect first')"
    command = [sys.executable, "-m", "IPython", "--no-banner", "-c", code]
    told = subprocess.run(command, capture_output=True, text=True)
    assert told.stdout.strip() == "EdgekitError: run 01_collect first"


def test_a_control_shows_what_the_function_returns(monkeypatch):
    from edgekit.view import explore

    monkeypatch.setenv("JPY_SESSION_NAME", "lab")
    controls = explore(lambda x: x + 1, x=(1, 9, 5))
    assert controls.auto_display  # or a slider that returns years moves, and nothing is seen
    assert [w.value for w in controls.children if hasattr(w, "min")] == [5]
