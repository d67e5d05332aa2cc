"""Names beside points can be read: none lies over another, whatever the ledger."""

from itertools import combinations, product
from types import SimpleNamespace

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from matplotlib.text import Text

from edgekit import view
from edgekit.learn.adapt.choice import BASELINE
from edgekit.view.annotations import SMALL, name_points

# shrinking a picture would take minutes
DRAWN = settings(max_examples=8, deadline=None, phases=[Phase.explicit, Phase.generate])
SHARES = st.integers(0, 100)  # few values: many points lie together, and in one place
METHODS = ["mean and spread", "CORAL", "subspace alignment", "optimal transport", "augmentation",
           "noise of the field", "mirrored", "network, lab only", "AdaBN", "DANN"]  # fmt: skip


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


def overlapping(axes) -> list:
    """Pairs of texts of a picture that lie over one another: names, ticks, labels, caption, legend."""
    figure = axes.figure
    figure.draw_without_rendering()
    ticks = [  # of those that are drawn: an axis keeps some beyond its ends
        t
        for k, axis in enumerate((axes.xaxis, axes.yaxis))
        for t in axis.get_ticklabels(which="both")
        if min(axis.get_view_interval()) <= t.get_position()[k] <= max(axis.get_view_interval())
    ]
    legend = axes.get_legend().get_texts() if axes.get_legend() else []
    texts = [*axes.texts, axes.xaxis.label, axes.yaxis.label, *legend]
    pairs = [*combinations(texts, 2), *product(texts, ticks)]
    box = {t: Text.get_window_extent(t) for t in (*texts, *ticks)}
    return [
        (a.get_text(), b.get_text())
        for a, b in pairs
        if a.get_text() and b.get_text() and box[a].overlaps(box[b])
    ]


@DRAWN
@given(st.lists(st.tuples(SHARES, SHARES), min_size=1, max_size=len(METHODS)))
def test_the_methods_of_a_choice_can_be_read(points):
    confidence, accuracy = np.array([(30, 25), *points]).T / 100
    rows = {"method": [BASELINE, *METHODS[: len(points)]], "confidence_score": confidence}
    table = pd.DataFrame({**rows, "balanced_accuracy": accuracy, "chosen": np.nan})
    axes = view.plot_method_choice(SimpleNamespace(table=table))
    found, named = overlapping(axes), ", ".join(t.get_text() for t in axes.texts)
    plt.close("all")
    assert not found
    assert all(method in named for method in table.method)


@DRAWN
@given(st.lists(st.tuples(st.integers(1, 40), SHARES, SHARES), min_size=2, max_size=20))
def test_the_rows_of_a_ledger_can_be_read(points):
    cost, accuracy, validation = np.array(points, float).T
    table = pd.DataFrame({"app_flash_bytes": 500 * cost, "accuracy": accuracy / 100})
    names = [f"variant {k}" for k in range(len(points))]
    table = table.assign(variant=names, input="features", type="int8", loss_low=0.0, loss_high=1.0)
    axes = view.plot_pareto(table.assign(val_accuracy=validation / 100), names[0])
    found = overlapping(axes)
    numbers = {n for t in axes.texts for n in t.get_text().split(", ")}
    plt.close("all")
    assert not found
    assert {str(k) for k in table.index} <= numbers


def test_a_single_name_stands_beside_its_point():
    axes = plt.subplots()[1]
    axes.set(xlim=(0, 1), ylim=(0, 1))
    (text,) = name_points(axes, [0.5], [0.5], ["one"])
    axes.figure.draw_without_rendering()
    box, point = Text.get_window_extent(text), axes.transData.transform((0.5, 0.5))
    assert 0 < box.x0 - point[0] < 15
    assert abs((box.y0 + box.y1) / 2 - point[1]) < 3
    assert not text.arrow_patch.get_visible()


def test_names_keep_their_places_in_a_finer_picture():
    axes = plt.subplots(dpi=72)[1]
    axes.set(xlim=(0, 1), ylim=(0, 1))
    name_points(axes, [0.5] * 8, np.linspace(0.5, 0.52, 8), [f"name {k}" for k in range(8)])
    axes.figure.set_dpi(200)
    assert not overlapping(axes)


def test_many_classes_can_be_read_below_a_confusion_matrix():
    names = ["pendulum", "abduction", "elevation", "internal", "external", "trapezius", "row"]
    score = SimpleNamespace(recall=dict.fromkeys(names, 1.0), confusion=np.eye(7, dtype=int))
    axes = view.plot_confusion(score)
    axes.figure.draw_without_rendering()
    feet = [Text.get_window_extent(t).x1 for t in axes.get_xticklabels()]
    assert np.diff(feet).min() > SMALL, "turned names end below their columns"
    assert all(t.get_rotation() == 45 for t in axes.get_xticklabels())
