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
    code = (
        "from edgekit.core.errors import EdgekitError; raise EdgekitError('run 01_collect first')"
    )
    command = [sys.executable, "-m", "IPython", "--no-banner", "-c", code]
    told = subprocess.run(command, capture_output=True, text=True)
    assert told.stdout.strip() == "EdgekitError: run 01_collect first"


def test_a_control_shows_what_the_function_returns(monkeypatch):
    from edgekit.view import explore

    monkeypatch.setenv("JPY_SESSION_NAME", "lab")
    controls = explore(lambda x: x + 1, x=(1, 9, 5))
    assert controls.auto_display  # or a slider that returns years moves, and nothing is seen
    assert [w.value for w in controls.children if hasattr(w, "min")] == [5]


def test_frames_are_drawn_with_their_names_and_boxes():
    import numpy as np

    from edgekit import view
    from edgekit.data import Recording
    from edgekit.data.video import Box

    frames = np.zeros((3, 8, 8), np.uint8)
    boxes = [(Box(1, 1, 3, 3, "a_b"),), (), ()]
    made = [
        Recording(f"r_{i}", frames, 1.0, "a", f"g{i}", "field", channels=("grey",), meta=meta)
        for i, meta in enumerate(({"boxes": boxes}, {}))
    ]
    axes = view.plot_recordings(made)
    assert any("r_0" in axis.get_title().replace("\\", "") for axis in axes)


def test_each_label_of_signals_has_an_axis():
    import numpy as np

    from edgekit import view
    from edgekit.data import Recording

    samples = np.zeros((50, 1), np.float32)
    made = [Recording(x, samples, 10.0, x, x, "field", channels=("x",), unit="g") for x in "aab"]
    assert [axis.get_ylabel() for axis in view.plot_recordings(made)] == ["a\n(g)", "b\n(g)"]


def test_acceleration_and_turning_have_an_axis_each_with_its_unit():
    import matplotlib.pyplot as plt

    from edgekit import simulators, view

    view.plot_recordings(simulators.wrists.campaign("field")[:1])
    labels = [axis.get_ylabel() for axis in plt.gcf().axes]
    drawn = [[line.get_label() for line in axis.lines] for axis in plt.gcf().axes]
    plt.close("all")
    assert [label.split("\n")[-1] for label in labels] == ["(g)", "(rad/s)"]
    assert drawn == [["ax", "ay", "az"], ["wx", "wy", "wz"]]


def test_a_class_without_windows_is_left_out_of_the_spectra():
    import numpy as np

    from edgekit.view.signals import plot_spectra

    axis = plot_spectra(np.arange(4), np.ones((3, 4)), np.zeros(3, int), ("there", "not there"))
    assert [line.get_label() for line in axis.lines] == ["there"]
