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
from edgekit.view.annotations import ROWS, SMALL, name_lines, name_points
from edgekit.view.signals import plot_spectra

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


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(("classes", "most"), [(2, 10), (7, 1_000), (7, 30_000_000), (12, 99_999)])
def test_the_counts_of_a_confusion_matrix_keep_to_their_cells(classes, most, seed):
    counts = np.random.default_rng(seed).integers(0, most, (classes, classes)) + most * np.eye(
        classes, dtype=int
    )
    names = [f"exercise {k}" for k in range(classes)]
    axes = view.plot_confusion(SimpleNamespace(recall=dict.fromkeys(names, 1.0), confusion=counts))
    axes.figure.draw_without_rendering()
    cell = axes.get_window_extent().width / classes
    boxes = [Text.get_window_extent(t) for t in axes.texts]
    assert not any(a.overlaps(b) for a, b in combinations(boxes, 2))
    assert max(box.width for box in boxes[: classes**2]) < cell


MARKS = st.lists(st.integers(0, 199), max_size=10, unique=True)


@DRAWN
@given(MARKS)
def test_the_marks_of_a_spectrum_can_be_read(hertz):
    names = [f"fault {k}" for k in range(len(hertz))]
    args = (np.arange(200.0), np.ones((1, 200)), np.zeros(1, int), ["good"])
    axes = plot_spectra(*args, dict(zip(names, hertz, strict=True)), title="lab")
    found = overlapping(axes)
    texts = [t.get_text() for t in axes.texts]
    above = [box.y1 for t in axes.texts if (box := Text.get_window_extent(t))]
    title = Text.get_window_extent(axes.title).y0
    plt.close("all")
    assert not found
    left_out = [int(t.split()[1]) for t in texts if t.endswith("more")]
    assert len([t for t in texts if t in names]) + sum(left_out) == len(names)
    assert title >= max(above, default=0)


def test_names_above_stand_in_one_row_where_there_is_room():
    axes = plt.subplots()[1]
    axes.set(xlim=(0, 1))
    texts = name_lines(axes, [0.9, 0.1, 0.5], ["c", "a", "b"])
    assert [t.get_text() for t in texts] == ["a", "b", "c"]
    assert len({t.get_position()[1] for t in texts}) == 1


def test_names_in_one_place_are_stacked_and_the_rest_is_counted():
    axes = plt.subplots()[1]
    texts = name_lines(axes, [0.5] * 9, ["beat"] * 9)
    assert [t.get_text() for t in texts] == ["beat"] * ROWS + [f"and {9 - ROWS} more"]
    assert not overlapping(axes)


def test_the_events_of_a_recording_can_be_read():
    from edgekit.data import Recording

    events = tuple((k, k + 9, f"walk_{k}") for k in (0, 20, 40, 300))
    samples, units = np.zeros((500, 2), np.float32), {"units": ("g", "rad/s")}
    walk = Recording(
        "a", samples, 10.0, None, "a", "field", channels=("x", "w"), meta=units, events=events
    )
    view.plot_recordings([walk])
    panels = plt.gcf().axes
    assert [panel.get_ylabel().split("\n")[-1] for panel in panels] == ["(g)", "(rad/s)"]
    assert all(len(panel.texts) == len(events) and not overlapping(panel) for panel in panels)
