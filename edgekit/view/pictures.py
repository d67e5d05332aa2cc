"""Pictures of pictures: frames with their boxes, mean crops, variations, heat maps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from edgekit.core.escape import picture as shown
from edgekit.view.annotations import SMALL
from edgekit.view.palette import COLOURS

if TYPE_CHECKING:
    from edgekit.data.recordings import Recording
    from edgekit.data.video import Box

LEAST_FRAMES = 4  # shown of a set of recordings


def plot_frames(recordings: list[Recording], count: int = 6) -> np.ndarray:
    """`count` frames of several recordings with their boxes, coloured by label. Returns the axes (n,), flat.

    One frame of each recording, spread over them all; fewer recordings show more of their frames.
    At least four are asked for.
    """
    frames = _spread(recordings, max(LEAST_FRAMES, count))
    columns = min(3, len(frames))
    rows = -(-len(frames) // columns)
    height, width = frames[0][0].samples.shape[1:]
    size = (9, 9 / columns * rows * height / width + 0.4)
    _, axes = plt.subplots(rows, columns, figsize=size, squeeze=False, layout="constrained")
    labels = sorted({b.label for r, t in frames for b in r.meta.get("boxes", [()] * (t + 1))[t]})
    for axis in axes.flat:
        axis.set_axis_off()
    for axis, (recording, t) in zip(axes.flat, frames, strict=False):
        draw_frame(axis, recording.samples[t], recording.meta.get("boxes", {t: ()})[t], labels)
        axis.set_title(f"{shown(recording.name)}, {t / recording.rate:g} s", fontsize=SMALL)
    for k, label in enumerate(labels):
        axes.flat[0].plot([], [], color=COLOURS[(k + 1) % len(COLOURS)], label=shown(label))
    if labels:
        axes.flat[0].figure.legend(loc="outside lower left", fontsize=SMALL, ncols=len(labels))
    return axes.ravel()


def draw_frame(axis, picture, boxes, labels=(), scale: float = 1.0):
    """One grey picture and its boxes on `axis`; `scale` if the boxes are measured in another size."""
    axis.imshow(picture, cmap="gray", vmin=0, vmax=255)
    for box in boxes:
        k = labels.index(box.label) if box.label in labels else 0
        axis.add_patch(
            Rectangle(
                (box.x * scale, box.y * scale), box.width * scale, box.height * scale,
                fill=False, color=COLOURS[(k + 1) % len(COLOURS)], lw=1.2,
            )
        )  # fmt: skip
    axis.set_axis_off()
    return axis


def plot_mean_images(case, *domains, examples: int = 4):
    """For each class of each domain: some crops as the student sees them, then the mean of all.

    `case` is the UseCase, each domain the Windows of one world. The mean shows what a
    class has in common: little, if things may be anywhere in the crop.
    """
    classes = domains[0].classes
    rows = [(w, c) for w in domains for c in range(len(classes))]
    _, axes = plt.subplots(
        len(rows), examples + 1, figsize=(1.5 * (examples + 1) + 0.6, 1.5 * len(rows) + 0.4),
        squeeze=False, layout="constrained",
    )  # fmt: skip
    for row, (windows, c) in zip(axes, rows, strict=True):
        X = windows.X[windows.y == c]
        picked = np.linspace(0, len(X) - 1, examples if len(X) else 0).astype(int)
        for axis, i in zip(row, picked, strict=False):
            axis.imshow(case.features(X[i : i + 1])[0, :, :, 0], cmap="gray", vmin=-1, vmax=1)
        if len(X):
            row[-1].imshow(case.features(X)[:, :, :, 0].mean(axis=0), cmap="gray")
        for axis in row:
            axis.set(xticks=[], yticks=[])
        row[0].set_ylabel(f"{windows.domain[0]}\n{shown(classes[c])}", fontsize=SMALL)
    axes[0][-1].set_title("mean", fontsize=SMALL)
    return axes


def plot_augmented_images(case, one, augmented):
    """A crop (1, height, width, 1) and its variation, as the teacher and as the student see them."""
    _, axes = plt.subplots(1, 4, figsize=(9, 2.5), layout="constrained")
    seen = [
        (f"{who}: {name}", step(X)[0, :, :, 0])
        for who, step in (("teacher", case.teacher_input), ("student", case.features))
        for name, X in (("as recorded", one), ("varied", augmented))
    ]
    for axis, (title, picture) in zip(axes, seen, strict=True):
        axis.imshow(picture, cmap="gray", vmin=-1, vmax=1)
        axis.set_title(f"{title}\n{picture.shape[1]} x {picture.shape[0]} pixels", fontsize=SMALL)
        axis.set_axis_off()
    return axes


def plot_heatmap(
    picture: np.ndarray,
    heat: np.ndarray,
    found: Sequence | np.ndarray,
    boxes: Sequence[Box] = (),
    scale: float = 1.0,
    axis: Axes | None = None,
) -> Axes:
    """A frame under its heat map (rows, columns of probabilities), found centres as crosses.

    `found` is (n, 2) of x and y in pixels of `picture`; `boxes` are what was confirmed;
    times `scale`, their pixels are those of `picture`. Drawn on `axis`, or a new one; returns it.
    """
    axis = axis or plt.subplots(figsize=(6, 4.6), layout="constrained")[1]
    draw_frame(axis, picture, boxes, scale=scale)
    height, width = picture.shape
    axis.imshow(
        np.ma.masked_less(heat, 0.05), cmap="autumn_r", vmin=0, vmax=1, alpha=0.45,
        extent=(-0.5, width - 0.5, height - 0.5, -0.5), interpolation="nearest",
    )  # fmt: skip
    found = np.asarray(found).reshape(-1, 2)
    axis.plot(found[:, 0], found[:, 1], "+", color=COLOURS[0], ms=11, mew=2)
    axis.set_title(f"{len(found)} found, {len(boxes)} confirmed", fontsize=9)
    return axis


def plot_counts(
    seconds: np.ndarray, counted: np.ndarray, confirmed: np.ndarray, title: str = ""
) -> Axes:
    """People `counted` and people `confirmed` (both (n,)) over the time `seconds` (n,), under a `title`."""
    _, axis = plt.subplots(figsize=(9, 2.6), layout="constrained")
    axis.step(seconds, confirmed, where="mid", color=COLOURS[2], label="confirmed by eye")
    axis.plot(seconds, counted, "o", color=COLOURS[0], ms=4, label="counted on the device")
    axis.set(xlabel="time (s)", ylabel="people in the frame", title=title, ylim=(0, None))
    axis.legend(fontsize=SMALL)
    return axis


def _spread(recordings, count: int) -> list[tuple]:
    """(recording, frame) pairs, evenly over recordings first, then over their frames."""
    if len(recordings) >= count:
        picked = np.linspace(0, len(recordings) - 1, count).astype(int)
        return [(recordings[i], 0) for i in picked]
    each = -(-count // len(recordings))
    return [
        (r, int(t))
        for r in recordings
        for t in np.unique(np.linspace(0, len(r.samples) - 1, each).astype(int))
    ][:count]
