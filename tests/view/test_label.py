"""Labelling on a screen: the controls do what they say, and without any it is a picture."""

from __future__ import annotations

import numpy as np

from edgekit import view
from edgekit.data import Recording
from edgekit.data.labelling import Labelling
from edgekit.data.video import Box


def signal(name="a", label=None, n=100) -> Recording:
    return Recording(name, np.zeros((n, 1)), 10.0, label, name, "field")


def film() -> Recording:
    boxes = [[Box(1, 2, 5, 6, "person")], [], [Box(3, 3, 4, 4, "person"), Box(9, 9, 3, 3, "dog")]]
    samples = np.zeros((3, 20, 30), np.uint8)
    return Recording("film", samples, 1.0, None, "film", "field", meta={"boxes": boxes})


def test_headless_it_is_a_picture(tmp_path):
    import matplotlib.pyplot as plt

    for recordings in ([signal()], [film()]):
        plt.close("all")
        assert view.label(recordings).recording is not None
        assert len(plt.get_fignums()) == 1
    plt.close("all")


def test_the_controls_do_what_the_buttons_say(tmp_path):
    """Without a browser: press the buttons as ipywidgets would."""
    from edgekit.view.label_controls import Films, Signals

    controls = Signals(Labelling([signal("a"), signal("b")], ["on", "off"]), tmp_path)
    buttons = {b.description: b for b in _buttons(controls.box)}
    controls.stretch.value = (2.0, 5.0)
    controls.word.value = "on"
    buttons["mark stretch"].click()
    assert controls.work.recording.events == ((20, 50, "on"),)
    assert bytes(controls.picture.value).startswith(b"\x89PNG")
    buttons["next ▶"].click()
    controls.zoom.value = "a tenth"
    controls.scroll.value = 1.0
    assert controls.stretch.max == 10.0
    buttons["save"].click()
    assert [p.name for p in tmp_path.glob("*.npz")] == ["a.npz"]
    films = Films(Labelling([film()]), None)
    buttons = {b.description: b for b in _buttons(films.box)}
    films.frame.value = 2
    films.which.value = 1
    assert [s.value for s in films.sides] == [9, 9, 3, 3]
    buttons["remove box"].click()
    buttons["confirm frame"].click()
    assert [b.provenance for b in films.work.recording.meta["boxes"][2]] == ["confirmed"]
    buttons["save"].click()
    assert "no folder" in films.message.value


def _buttons(box):
    import ipywidgets

    for child in getattr(box, "children", ()):
        if isinstance(child, ipywidgets.Button):
            yield child
        yield from _buttons(child)
