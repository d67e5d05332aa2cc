"""The label queue on a screen: one window at a time, a button for each class."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING

import matplotlib.pyplot as plt
import numpy as np
from sqlalchemy import Engine

from edgekit.core.errors import EdgekitError
from edgekit.core.escape import html, picture
from edgekit.core.notebook import interactive
from edgekit.data.labelling import Labelling
from edgekit.data.recordings import Recording
from edgekit.labels.queue import Queue, Sample, check_annotator
from edgekit.labels.windows import stored_window
from edgekit.view.label_pictures import draw_signal

if TYPE_CHECKING:
    from edgekit.fleet.simulation import Simulation

BATCH = 20  # samples that are fetched at once


class QueueLabelling:
    """A person at the queue: the sample in view, what they said, and the way back.

    window: the samples (time, channel), or a picture, of one; `channels`: (name, unit) of each, for the axes.
    Each answer is its own transaction, so that nothing is lost and others see it at once. Raises EdgekitError
    for a name that is none, and where nothing is open.
    """

    def __init__(
        self,
        engine: Engine,
        classes: tuple[str, ...],
        annotator: str,
        window: Callable[[Sample], np.ndarray],
        rate: float = 1.0,
        channels: Sequence[tuple[str, str]] = (),
        needed: int = 1,
    ):
        check_annotator(annotator)
        self.engine, self.classes, self.annotator = engine, tuple(classes), annotator
        self.window, self.rate, self.channels = window, rate, tuple(channels)
        self.needed, self.said = needed, list[Sample]()
        self.waiting = self._fetch()
        if not self.waiting:
            raise EdgekitError(f"nothing is open for {annotator}: all of the queue is labelled")

    @property
    def sample(self) -> Sample | None:
        """The one in view; None when all is done."""
        return self.waiting[0] if self.waiting else None

    @property
    def status(self) -> str:
        """Why this one is asked for, and how many were answered, as a line."""
        s = self.sample
        if s is None:
            return f"all done: {len(self.said)} answered"
        disputed = ", others disagree" if len(s.said) >= self.needed else ""
        return f"sample {s.id} of {s.device}, week {s.week}: {s.reason}{disputed}; {len(self.said)} answered"

    def recording(self) -> Recording:
        """The window in view as a recording. Raises EdgekitError when all is done."""
        if self.sample is None:
            raise EdgekitError("nothing is open any more")
        X = np.asarray(self.window(self.sample))
        name = f"sample-{self.sample.id}"
        named = self.channels if len(self.channels) == X.shape[-1] else ()
        channels = named or tuple((f"channel {i}", "") for i in range(X.shape[-1]))
        names, units = zip(*channels, strict=True)
        return Recording(
            name, X, self.rate, None, name, "field", channels=names, unit="", meta={"units": units}
        )

    def answer(self, label: str) -> None:
        """This window shows `label`; the next one comes into view."""
        if self.sample is None:
            raise EdgekitError("nothing is open any more")
        work = Labelling([self.recording()], self.classes) if label in self.classes else None
        if work is None:
            raise EdgekitError(f"{label!r:.60} is none of {', '.join(self.classes)}")
        work.label_all(label)
        with self.engine.begin() as connection:
            self._queue(connection).answer(
                self.sample.id, self.annotator, str(work.recording.label)
            )
        self.said.append(self.waiting.pop(0))
        self.waiting = self.waiting or self._fetch()

    def skip(self) -> None:
        """Somebody else may know; behind all others for now."""
        if self.waiting:
            self.waiting.append(self.waiting.pop(0))

    def undo(self) -> None:
        """The last answer is taken back, and its window in view again. Raises EdgekitError where there is
        none."""
        if not self.said:
            raise EdgekitError("nothing was answered yet")
        last = self.said.pop()
        with self.engine.begin() as connection:
            self._queue(connection).take_back(last.id, self.annotator)
        self.waiting.insert(0, last)

    def _fetch(self) -> list[Sample]:
        with self.engine.begin() as connection:
            return self._queue(connection).next(self.annotator, BATCH)

    def _queue(self, connection) -> Queue:
        return Queue(connection, self.classes, self.needed)


def draw_window(recording: Recording, title: str = "") -> None:
    """A window as the current figure: its channels over time, or the picture."""
    if recording.samples.ndim == 3:
        _, axis = plt.subplots(figsize=(4, 4), layout="constrained")
        axis.imshow(recording.samples[..., 0], cmap="gray", vmin=0, vmax=255)
        axis.set_axis_off()
    else:
        axis = draw_signal(recording)[0]
    axis.set_title(picture(title), fontsize=9)


def label_queue(work: QueueLabelling) -> QueueLabelling:
    """Label: controls in JupyterLab, else a picture of the first window. Returns `work`."""
    if not interactive():
        draw_window(work.recording(), work.status)
        return work
    from IPython.display import display

    display(QueueControls(work).box)
    return work


def label_fleet(fleet: Simulation, annotator: str) -> QueueLabelling:
    """`label_queue` of a simulated fleet, whose oracle has had its say: each sample once more, by
    `annotator`.

    Raises EdgekitError where nothing was asked yet.
    """
    case, objects = fleet.use_case, fleet.objects
    firmware = fleet.site.program().firmware

    def window(sample: Sample) -> np.ndarray:
        return stored_window(objects.get(sample.object), firmware.step, firmware.sensitivity)

    needed = fleet.plan.labellers + 1
    return label_queue(
        QueueLabelling(
            fleet.engine, tuple(case.CLASSES), annotator, window, case.RATE, case.CHANNELS, needed
        )
    )


class QueueControls:
    """A picture, a button a class, skip and undo."""

    def __init__(self, work: QueueLabelling):
        import ipywidgets as widgets

        self.work, self.widgets = work, widgets
        self.picture = widgets.Image(format="png", layout={"max_width": "100%"})
        self.message = widgets.HTML()
        words = [self._button(c, partial(work.answer, c), "primary") for c in work.classes]
        ways = [self._button("skip", work.skip), self._button("undo", work.undo)]
        self.box = widgets.VBox(
            [self.picture, widgets.HBox(words), widgets.HBox(ways), self.message]
        )
        self.redraw()

    def _button(self, text: str, do: Callable[[], None], style: str = ""):
        made = self.widgets.Button(description=text, button_style=style, layout={"width": "auto"})

        def press(_) -> None:
            said = ""
            try:
                do()
            except EdgekitError as error:
                said = str(error)
            self.redraw(said)

        made.on_click(press)
        return made

    def redraw(self, said: str = "") -> None:
        """The window in view, and a line about it."""
        import io

        self.message.value = f"<b>{html(said)}</b> {html(self.work.status)}"
        out = io.BytesIO()
        if self.work.sample is not None:
            draw_window(self.work.recording(), self.work.status)
            plt.savefig(out, format="png", dpi=100)
            plt.close()
        self.picture.value = out.getvalue()
