"""Pictures of recordings while they are labelled: stretches of a signal, boxes in a frame."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from edgekit.core.escape import picture
from edgekit.data.labelling import CONFIRMED
from edgekit.data.recordings import Recording
from edgekit.view.palette import COLOURS


def draw_signal(
    recording: Recording,
    first: int = 0,
    stop: int | None = None,
    classes: Sequence[str] = (),
    chosen: tuple[int, int] | None = None,
) -> np.ndarray:
    """Samples `first` … `stop` of each channel (at most six), marked stretches coloured by label, the
    `chosen` one (first, stop) in grey. A label's place in `classes` gives its colour. Returns the axes (n,),
    one a channel."""
    stop = min(stop or len(recording.samples), len(recording.samples))
    count = min(6, recording.samples.shape[1])
    _, axes = plt.subplots(
        count,
        1,
        figsize=(9, 0.9 + (2.2 if count == 1 else 0.75 * count)),
        sharex=True,
        squeeze=False,
    )
    step = max(1, (stop - first) // 4000)  # more points than pixels only cost time
    seconds = np.arange(first, stop, step) / recording.rate
    units = recording.units
    for c, axis in enumerate(axes[:, 0]):
        axis.plot(seconds, recording.samples[first:stop:step, c], color="0.25", lw=0.7)
        unit = f"\n({picture(units[c])})" if units[c] else ""
        axis.set_ylabel(f"{picture(recording.channels[c])}{unit}", fontsize=8)
        _shade(axis, recording, first, stop, classes, with_words=c == 0)
        if chosen:
            axis.axvspan(
                chosen[0] / recording.rate, chosen[1] / recording.rate, color="0.4", alpha=0.2
            )
    axes[-1, 0].set_xlabel("time (s)")
    axes[-1, 0].set_xlim(first / recording.rate, stop / recording.rate)
    axes[0, 0].set_title(_title(recording), pad=16, fontsize=10)
    # by hand, because a layout engine takes longer than all the rest
    axes[0, 0].figure.subplots_adjust(0.09, 0.13, 0.98, 0.87)
    return axes[:, 0]


def _shade(axis, recording: Recording, first: int, stop: int, classes, with_words: bool) -> None:
    """The marked stretches between two samples, with their words above where `with_words`."""
    classes = list(classes)
    for a, b, word in recording.events:
        if b <= first or a >= stop:
            continue
        low, high = max(a, first) / recording.rate, min(b, stop) / recording.rate
        colour = COLOURS[classes.index(word) % len(COLOURS)] if word in classes else "0.5"
        axis.axvspan(low, high, color=colour, alpha=0.25, lw=0)
        if with_words:
            middle = ((low + high) / 2, 1)
            axis.annotate(
                picture(word), middle, xycoords=("data", "axes fraction"), ha="center", va="bottom", size=8,
                color=colour,
            )  # fmt: skip


def draw_boxes(
    recording: Recording,
    frame: int = 0,
    classes: Sequence[str] = (),
    chosen: int | None = None,
) -> Axes:
    """One frame with its boxes: dashed while only proposed, thick the `chosen` one. Returns the axes.

    A label's place in `classes` gives its colour.
    """
    _, axis = plt.subplots(figsize=(7, 5), layout="constrained")
    axis.imshow(recording.samples[frame], cmap="gray", vmin=0, vmax=255)
    for i, box in enumerate(recording.meta.get("boxes", [()] * (frame + 1))[frame]):
        k = list(classes).index(box.label) if box.label in classes else 0
        colour = COLOURS[(k + 1) % len(COLOURS)]
        axis.add_patch(
            Rectangle(
                (box.x, box.y), box.width, box.height, fill=False, color=colour,
                lw=3 if i == chosen else 1.3, ls="--" if box.provenance == "proposed" else "-",
            )
        )  # fmt: skip
        axis.annotate(
            f"{i} {picture(box.label)}", (box.x, box.y), color=colour, size=8, va="bottom"
        )
    axis.set(xlabel="x (pixel)", ylabel="y (pixel)")
    axis.set_title(f"{_title(recording)}, frame {frame} of {len(recording.samples)}", fontsize=10)
    return axis


def _title(recording: Recording) -> str:
    shown = recording.label or ("stretches" if recording.events else "no label yet")
    done = ", confirmed" if recording.meta.get(CONFIRMED) else ""
    return picture(f"{recording.name}: {shown}{done}")
