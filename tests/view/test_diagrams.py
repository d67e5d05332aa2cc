"""The diagrams at the head of chapters: every chapter has one, and its words stay in their boxes."""

import matplotlib.pyplot as plt
import pytest

from edgekit.core.errors import EdgekitError
from edgekit.view.diagrams import DIAGRAMS, plot_chapter


@pytest.mark.parametrize("name", DIAGRAMS)
def test_words_stay_in_their_boxes_and_arrows_meet_boxes(name):
    axes = plot_chapter(name)
    axes.figure.canvas.draw()
    boxes = [patch.get_window_extent() for patch in axes.patches]
    inside = [t.get_window_extent() for t in axes.texts if t.get_fontsize() == 9]
    assert len(boxes) == len(inside) == len(DIAGRAMS[name].boxes)
    for box, text in zip(boxes, inside, strict=True):
        assert box.x0 <= text.x0
        assert text.x1 <= box.x1
        assert box.y0 <= text.y0
        assert text.y1 <= box.y1
    assert {end for a, b, _ in DIAGRAMS[name].arrows for end in (a, b)} == set(DIAGRAMS[name].boxes)
    plt.close(axes.figure)


def test_an_unknown_chapter_is_named():
    with pytest.raises(EdgekitError, match="no diagram 'x'; there are design"):
        plot_chapter("x")
