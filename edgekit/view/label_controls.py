"""The controls of `view.label` in JupyterLab: sliders, menus and buttons around a picture."""

from __future__ import annotations

import io

import ipywidgets as widgets
import matplotlib.pyplot as plt
from IPython.display import display

from edgekit.core.errors import EdgekitError
from edgekit.core.escape import html
from edgekit.data.labelling import Labelling
from edgekit.view.label_pictures import draw_boxes, draw_signal

VIEWS = {"all": 1.0, "half": 0.5, "a quarter": 0.25, "a tenth": 0.1, "1 %": 0.01}
WIDE = {"width": "44em"}


def show(work: Labelling, folder) -> None:
    """Display the controls. `folder` None: nothing can be saved."""
    display(
        Films(work, folder).box if work.recording.samples.ndim == 3 else Signals(work, folder).box
    )


class _Controls:
    """What both kinds have in common: the picture, a message, and the buttons of the last row."""

    def __init__(self, work: Labelling, folder):
        self.work, self.folder, self.busy = work, folder, False
        self.picture = widgets.Image(format="png", layout={"width": "50em", "max_width": "100%"})
        self.message = widgets.HTML()
        self.word = widgets.Combobox(
            options=work.classes, value=work.recording.label or (work.classes or [""])[0],
            description="label", ensure_option=False,
        )  # fmt: skip
        self.count = widgets.Label()

    def button(self, text: str, do, tip: str = "", style: str = "") -> widgets.Button:
        made = widgets.Button(
            description=text, tooltip=tip, button_style=style, layout={"width": "auto"}
        )

        def press(_):
            try:
                said = do()
                self.message.value = html(said) if isinstance(said, str) else ""
            except EdgekitError as error:
                self.message.value = f"<b>{html(str(error))}</b>"
            self.redraw()

        made.on_click(press)
        return made

    def last_row(self) -> widgets.HBox:
        return widgets.HBox(
            [
                self.button("◀ previous", lambda: self.turn(-1)),
                self.button("next ▶", lambda: self.turn(1)),
                self.button("undo", self.work.undo, "take the last change back"),
                self.button("save", self.save, "write what was changed", "success"),
                self.count,
            ]
        )

    def save(self) -> str:
        if self.folder is None:
            raise EdgekitError("no folder was given to save to: label(…, folder=…)")
        paths = self.work.save(self.folder)
        return f"saved {len(paths)} recordings to {self.folder}"

    def turn(self, step: int) -> None:
        self.work.go(step)
        self.reset()

    def redraw(self) -> None:
        """Draw again, once for all controls that moved together."""
        if self.busy:
            return
        w = self.work
        self.word.options = tuple(w.classes)
        self.count.value = w.status
        self.draw()
        figure, out = plt.gcf(), io.BytesIO()
        figure.savefig(out, format="png", dpi=100)
        plt.close(figure)
        self.picture.value = out.getvalue()

    def reset(self) -> None:
        """Set the controls to what the recording in view holds; each kind has its own."""
        raise NotImplementedError

    def draw(self) -> None:
        """Draw what is in view as the current figure; each kind has its own."""
        raise NotImplementedError

    def watch(self, *controls) -> None:
        for control in controls:
            control.observe(lambda _: self.redraw(), "value")


class Signals(_Controls):
    """Scroll, choose a stretch, say what it is."""

    def __init__(self, work: Labelling, folder):
        super().__init__(work, folder)
        self.zoom = widgets.Dropdown(options=list(VIEWS), description="show")
        self.scroll = widgets.FloatSlider(
            min=0, max=1, step=0.01, description="scroll", readout=False, continuous_update=False,
            layout=WIDE,
        )  # fmt: skip
        self.stretch = widgets.FloatRangeSlider(
            description="stretch (s)", readout_format=".2f", continuous_update=False, layout=WIDE,
            style={"description_width": "initial"},
        )  # fmt: skip
        self.reset()
        self.watch(self.scroll, self.stretch)
        self.zoom.observe(self.move, "value")
        self.scroll.observe(self.move, "value")
        self.box = widgets.VBox(
            [
                widgets.HBox([self.zoom, self.scroll]),
                self.picture,
                self.stretch,
                widgets.HBox(
                    [
                        self.word,
                        self.button(
                            "mark stretch", self.mark, "the stretch shows this label", "primary"
                        ),
                        self.button("clear stretch", self.clear),
                        self.button("whole recording", lambda: work.label_all(self.word.value)),
                        self.button("confirm", work.confirm, "what stands there is right"),
                    ]
                ),
                self.last_row(),
                self.message,
            ]
        )
        self.redraw()

    def move(self, _) -> None:
        """Another part of the recording is in view."""
        self.reset()
        self.redraw()

    @property
    def view(self) -> tuple[int, int]:
        return self.work.in_view(VIEWS[self.zoom.value], self.scroll.value)

    @property
    def chosen(self) -> tuple[int, int]:
        a, b = self.stretch.value
        return round(a * self.work.recording.rate), round(b * self.work.recording.rate)

    def reset(self) -> None:
        """The stretch slider spans what is in view, its handles the middle fifth."""
        self.busy = True
        first, stop = self.view
        rate = self.work.recording.rate
        low, high = first / rate, stop / rate
        self.stretch.min, self.stretch.max = min(low, self.stretch.min), max(high, self.stretch.max)
        self.stretch.value = (low + 0.4 * (high - low), low + 0.6 * (high - low))
        self.stretch.min, self.stretch.max = low, high
        self.stretch.step = max((high - low) / 500, 1 / rate)
        self.busy = False

    def mark(self) -> None:
        self.work.mark(*self.chosen, self.word.value)

    def clear(self) -> None:
        self.work.clear(*self.chosen)

    def draw(self) -> None:
        draw_signal(self.work.recording, *self.view, self.work.classes, self.chosen)


class Films(_Controls):
    """Step through frames, confirm the boxes that were proposed, correct the others."""

    def __init__(self, work: Labelling, folder):
        super().__init__(work, folder)
        self.frame = widgets.IntSlider(description="frame", continuous_update=False, layout=WIDE)
        self.which = widgets.Dropdown(description="box")
        self.sides = [
            widgets.IntSlider(description=text, continuous_update=False, layout={"width": "22em"})
            for text in ("left", "top", "width", "height")
        ]
        self.reset()
        self.frame.observe(lambda _: self.choose(0), "value")
        self.which.observe(lambda _: self.choose(), "value")
        self.watch(self.frame, self.which)
        self.box = widgets.VBox(
            [
                self.frame,
                self.picture,
                widgets.HBox([self.which, self.word]),
                widgets.HBox(self.sides[:2]),
                widgets.HBox(self.sides[2:]),
                widgets.HBox(
                    [
                        self.button(
                            "confirm frame", self.confirm, "all its boxes are right", "primary"
                        ),
                        self.button("correct box", self.correct, "to these sides and this label"),
                        self.button("add box", self.add, "a new one with these sides"),
                        self.button("remove box", self.remove),
                    ]
                ),
                self.last_row(),
                self.message,
            ]
        )
        self.redraw()

    @property
    def boxes(self) -> list:
        return self.work.boxes(self.frame.value)

    def reset(self) -> None:
        self.busy = True
        frames, height, width = self.work.recording.samples.shape
        self.frame.value, self.frame.max = 0, frames - 1
        for slider, most in zip(self.sides, (width, height, width, height), strict=True):
            slider.max = most
        self.busy = False
        self.choose(0)

    def choose(self, which: int | None = None) -> None:
        """The sides of the box in the menu; `which` puts another one into it."""
        was, self.busy = self.busy, True
        options = [(f"{i} {b.label} ({b.provenance})", i) for i, b in enumerate(self.boxes)]
        now = self.which.value if which is None else which
        self.which.options = options
        if options:
            self.which.value = min(now or 0, len(options) - 1)
            box = self.boxes[self.which.value]
            for slider, side in zip(self.sides, box[:4], strict=True):
                slider.value = round(side)
            self.word.value = box.label
        self.busy = was

    def confirm(self) -> None:
        self.work.confirm(self.frame.value)
        self.choose()

    def correct(self) -> None:
        if self.which.value is None:
            raise EdgekitError("there is no box in this frame: add one")
        self.work.box(self.frame.value, self.which.value, self._sides())
        self.choose()

    def add(self) -> None:
        self.work.box(self.frame.value, None, self._sides())
        self.choose(len(self.boxes) - 1)

    def remove(self) -> None:
        if self.which.value is None:
            raise EdgekitError("there is no box in this frame")
        self.work.box(self.frame.value, self.which.value, None)
        self.choose(0)

    def _sides(self) -> tuple:
        return (*(s.value for s in self.sides), self.word.value)

    def draw(self) -> None:
        draw_boxes(self.work.recording, self.frame.value, self.work.classes, self.which.value)
