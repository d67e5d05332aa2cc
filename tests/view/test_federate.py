"""Chapter 08's pictures show the numbers that they were given, and what a name contains is text."""

from types import SimpleNamespace

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from edgekit.view import plot_inversions, plot_rows

TABLE = pd.DataFrame(
    {"row": ["centralized", "$x_1$ lies"], "score": [0.9, 0.7], "low": [0.85, 0.6], "high": [0.95, 0.8]}
)  # fmt: skip


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


def test_each_row_is_a_dot_at_its_score_with_its_interval():
    axes = plot_rows(TABLE, "made up")
    dots = axes.collections[1].get_offsets()
    np.testing.assert_allclose(dots[:, 0], TABLE.score)
    lines = [segment[:, 0] for segment in axes.collections[0].get_segments()]
    np.testing.assert_allclose(lines, TABLE[["low", "high"]])
    assert "made up" in axes.get_xlabel()
    axes.figure.canvas.draw()
    assert "\\$" in axes.get_yticklabels()[1].get_text()  # no formula


@pytest.mark.parametrize("shape", [(1, 8, 1), (1, 8, 3), (5, 8, 1)])
def test_a_drawn_window_stands_beside_the_clients_own(shape):
    case = SimpleNamespace(
        features=SimpleNamespace(shape=shape), FEATURE_AXIS=("line", np.arange(8))
    )
    found = SimpleNamespace(drawn=np.ones(shape), true=np.zeros(shape), likeness=0.87, chance=0.31)
    panels = plot_inversions(case, {"one window": found, "a round": found})
    assert len(panels) == 2
    assert "0.87" in panels[0].get_title()
    assert "0.31" in panels[0].get_title()
    panels[0].figure.canvas.draw()
