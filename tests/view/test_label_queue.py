"""The queue on a screen: buttons write what they say, and nothing is lost."""

import matplotlib as mpl
import numpy as np
import pytest

from edgekit.cloud.database import open_database
from edgekit.core.errors import EdgekitError
from edgekit.labels import Queue, choose_windows
from edgekit.view.label_queue import QueueControls, QueueLabelling, label_queue

mpl.use("Agg")
CLASSES = ("idle", "<i>row</i>")
CHANNELS = (("ahead", "g"), ("up", "g"), ("turning", "rad/s"))


@pytest.fixture
def engine(tmp_path):
    made = open_database(tmp_path / "fleet.db")
    with made.begin() as connection:
        chosen = choose_windows(np.ones(9), np.ones(9), 3, np.random.default_rng(0))
        answers = np.zeros(9, int), np.ones(9), np.ones(9)
        Queue(connection, CLASSES).add("dev", 1, chosen, answers, lambda row: (f"k{row}", 9))
    yield made
    made.dispose()


def votes(engine):
    with engine.begin() as connection:
        return Queue(connection, CLASSES).votes()


def labelling(engine, window=lambda sample: np.random.default_rng(sample.id).normal(size=(40, 3))):
    return QueueLabelling(engine, CLASSES, "ann", window, 20.0, CHANNELS)


def test_a_button_a_class_and_the_way_back(engine):
    work = labelling(engine)
    controls = QueueControls(work)
    buttons = {b.description: b for row in controls.box.children[1:3] for b in row.children}
    first = work.sample.id
    assert bytes(controls.picture.value).startswith(b"\x89PNG")
    buttons["<i>row</i>"].click()
    assert votes(engine) == {first: {"ann": "<i>row</i>"}}
    assert work.sample.id != first
    buttons["undo"].click()
    assert votes(engine) == {}
    assert work.sample.id == first
    buttons["undo"].click()
    assert "nothing was answered" in controls.message.value
    buttons["skip"].click()
    assert work.sample.id != first
    for _ in range(3):
        buttons["idle"].click()
    assert len(votes(engine)) == 3
    buttons["idle"].click()
    assert "nothing is open" in controls.message.value
    assert "all done: 3 answered" in controls.message.value
    with pytest.raises(EdgekitError, match="nothing is open for ann"):
        labelling(engine)


def test_each_channel_has_its_own_unit(engine):
    import matplotlib.pyplot as plt

    label_queue(labelling(engine))
    named = [axis.get_ylabel() for axis in plt.gcf().axes]
    plt.close("all")
    assert named == ["ahead\n(g)", "up\n(g)", "turning\n(rad/s)"]


def test_without_a_screen_it_is_a_picture_of_a_signal_or_of_a_picture(engine):
    import matplotlib.pyplot as plt

    for window in (lambda s: np.ones((40, 3)), lambda s: np.full((12, 12, 1), 99.0)):
        plt.close("all")
        work = label_queue(labelling(engine, window))
        assert len(plt.get_fignums()) == 1
        assert "random" in plt.gcf().axes[0].get_title()
        work.answer("idle")
    plt.close("all")
    with pytest.raises(EdgekitError, match="none of"):
        work.answer("rwo")
