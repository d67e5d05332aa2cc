"""The operating curve is drawn with what it was given, and says where that is from."""

import matplotlib as mpl
import numpy as np

from edgekit.monitor.drift import operating_curve
from edgekit.view.drift import plot_operating_curves

mpl.use("Agg")


def test_a_line_a_detector_and_its_source():
    rng = np.random.default_rng(0)
    clean, drifted = rng.normal(size=(40, 20)), rng.normal(2, 1, size=(30, 2))
    table = operating_curve(clean, drifted, (0.0, 1.0, 2.0, 3.0))
    axes = plot_operating_curves({"KS": table, "ADWIN $x$": table}, "simulated, 40 half-years")
    lines = {line.get_label() for line in axes.lines}
    assert {"KS", "asked for"} <= lines
    drawn = axes.lines[0].get_ydata()
    assert sorted(drawn) == sorted(table.found)
    words = " ".join(t.get_text() for t in axes.figure.findobj(mpl.text.Text))
    assert "simulated, 40 half-years" in words
