"""The pictures of chapter 02. Each returns its axes and says where its numbers are from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes

from edgekit.core.escape import picture
from edgekit.view.annotations import SMALL, caption, channel_name, legend_beside, name_points
from edgekit.view.palette import BLUE, COLOURS, GREEN, GREY, INK, RED

if TYPE_CHECKING:
    from edgekit.learn.adapt import Comparison

CHANNELS = 3  # shown of features that have more
WRAP = 4  # classes beside each other


def plot_shift(
    case: Any,
    source: tuple[np.ndarray, np.ndarray],
    target: tuple[np.ndarray, np.ndarray],
    title: str = "",
) -> np.ndarray:
    """Mean ± one standard deviation of lab and field, a panel per class (and row per channel).

    `source` and `target` are `(descriptors (n, d), y (n,))`, `case` the use case's module; `title` replaces
    the sentence that says where the numbers are from. Returns the panels (rows, columns). Descriptors that
    are flattened features are drawn over the use case's FEATURE_AXIS, images as mean images, all others
    over their number.
    """
    shape = case.features.shape
    flattened = source[0].shape[1] == np.prod(shape)  # features, and not numbers of another kind
    if not flattened:
        shape, axis = (
            (1, source[0].shape[1], 1),
            ("descriptor (number)", np.arange(source[0].shape[1])),
        )
    elif shape[0] > 1:
        return _plot_images(case, source, target, shape)
    else:
        axis = case.FEATURE_AXIS
    channels, k = min(shape[2], CHANNELS), len(case.CLASSES)
    across = k if channels > 1 else min(k, WRAP)
    down = channels if channels > 1 else -(-k // WRAP)
    figure, panels = plt.subplots(
        down, across, figsize=(max(4, 2.4 * across), 2.1 * down + 1), sharex=True,
        sharey="row" if channels > 1 else True, squeeze=False, layout="constrained",
    )  # fmt: skip
    for axes in panels.flat[channels * k :]:
        axes.axis("off")
    for number, axes in enumerate(panels.flat[: channels * k]):
        channel, c = divmod(number, k)
        for name, (X, y), colour in (("lab", source, BLUE), ("field", target, RED)):
            mine = X[y == c].reshape(-1, *shape)[:, 0, :, channel]
            if not len(mine):
                continue  # one world may lack the class
            mean, sd, style = mine.mean(axis=0), mine.std(axis=0), "-" if name == "lab" else "--"
            axes.plot(axis[1], mean, color=colour, ls=style, label=name)
            axes.fill_between(axis[1], mean - sd, mean + sd, color=colour, alpha=0.2, lw=0)
        if channel == 0:
            axes.set_title(picture(case.CLASSES[c]), fontsize=10)
        if channels > 1 and c == 0:
            axes.set_ylabel(channel_name(case, channel), fontsize=SMALL)
    figure.supxlabel(axis[0], fontsize=9)
    label = case.FEATURE_LABEL if flattened else "value (descriptor's own unit)"
    figure.supylabel(label, fontsize=9)
    figure.legend(
        *panels[0][0].get_legend_handles_labels(), loc="outside right upper", fontsize=SMALL
    )
    figure.suptitle(title or "measured: mean ± 1 sd over windows", fontsize=SMALL, color=INK)
    return panels


def _plot_images(case, source, target, shape):
    figure, panels = plt.subplots(
        2, len(case.CLASSES), figsize=(2.4 * len(case.CLASSES), 5), squeeze=False,
        layout="constrained",
    )  # fmt: skip
    for (row, c), axes in np.ndenumerate(panels):
        X, y = (source, target)[row]
        axes.set(xticks=[], yticks=[], title=f"{('lab', 'field')[row]}, {picture(case.CLASSES[c])}")
        if (y == c).any():
            axes.imshow(X[y == c].mean(axis=0).reshape(shape)[:, :, 0], cmap="gray")
    figure.suptitle("measured: mean over images", fontsize=SMALL, color=INK)
    return panels


def plot_distances(case: Any, distances: np.ndarray) -> Axes:
    """Wasserstein `distances` (n,) of lab and field, one for each of n features, in sd of the field.

    `case` is the use case's module.
    """
    shape, label = case.features.shape, "descriptor (number)"
    along_axis = len(distances) == np.prod(shape) and shape[0] == 1
    at = np.arange(len(distances))[:, None]
    if along_axis:
        label, places = case.FEATURE_AXIS
        at = np.repeat(np.asarray(places)[:, None], shape[2], 1)
    rows = distances.reshape(len(at), -1)
    _, axes = plt.subplots(figsize=(9, 2.6))
    for c, far in enumerate(rows.T[: len(COLOURS)]):
        axes.step(at[:, c], far, where="mid", color=COLOURS[c], label=channel_name(case, c))
    axes.set(xlabel=label, ylabel="distance (field sd)", ylim=(0, None))
    if rows.shape[1] > 1:
        legend_beside(axes)
    caption(axes, "measured: all windows of both worlds")
    return axes


def plot_adaptation(comparison: Comparison) -> Axes:
    """Balanced accuracy of each row of a `comparison` on held-out groups, with its 95 % interval.

    Grey needs no field label, blue is what was chosen without any, orange was given some, green all.
    """
    from edgekit.learn.adapt import Kind

    table = comparison.table
    _, axes = plt.subplots(figsize=(8, 0.27 * len(table) + 0.9))
    axes.margins(y=0.01)
    colour = np.select(
        [table.kind == Kind.CHOSEN, table.shots == 0, table.shots < np.inf],
        [BLUE, GREY, RED],
        GREEN,
    )
    wide = [table.balanced_accuracy - table.low, table.high - table.balanced_accuracy]
    bars = None if table.low.isna().all() else np.clip(wide, 0, None)
    axes.barh(table.method, table.balanced_accuracy, xerr=bars, color=colour, capsize=2)
    chance = 1 / sum(f"recall {name}" in table for name in comparison.classes)
    axes.axvline(chance, color=GREY, lw=1, ls=":")
    axes.axvline(table.balanced_accuracy.iloc[0], color="k", lw=0.8, ls="--")
    axes.set(xlabel="balanced accuracy (–)", xlim=(0, 1.02))
    axes.invert_yaxis()
    caption(
        axes,
        "measured on held-out field groups, 95 % intervals; dashed: lab only, dotted: chance\n"
        "grey: no field label, blue: chosen so, orange: some labels, green: all",
    )
    return axes


def plot_shots(comparison: Comparison) -> Axes:
    """Balanced accuracy over the number of labelled field windows per class, of a `comparison`."""
    from edgekit.learn.adapt import Kind

    table = comparison.table
    _, axes = plt.subplots(figsize=(7, 3.4))
    some = table[(table.shots > 0) & (table.shots < np.inf)]
    for colour, (kind, rows) in zip(COLOURS, some.groupby("kind", sort=False), strict=False):
        if len(rows) > 1:
            axes.plot(rows.shots, rows.balanced_accuracy, "o-", color=colour, label=str(kind))
            axes.fill_between(rows.shots, rows.low, rows.high, color=colour, alpha=0.12, lw=0)
    lines = (table.iloc[0], ":"), (comparison.row(Kind.CHOSEN), "-."), (table.iloc[-1], "--")
    for row, style in lines:
        axes.axhline(row.balanced_accuracy, color="k", lw=0.8, ls=style, label=row.method)
    ticks = sorted(set(some.shots))
    axes.set(xscale="log", xlabel="labelled field windows per class", ylim=(None, 1.02))
    axes.set(ylabel="balanced accuracy (–)")
    axes.set_xticks(ticks, [f"{k:g}" for k in ticks])
    axes.minorticks_off()
    legend_beside(axes)
    caption(axes, "measured: held-out field groups, bands are 95 % intervals")
    return axes


def plot_method_choice(comparison: Comparison) -> Axes:
    """What of a `comparison` needs no label: balanced accuracy over the confidence score of recordings.

    The rule takes the rightmost filled dot beyond the dashed line, or else leaves the lab as it is.
    """
    from edgekit.learn.adapt.choice import BASELINE, MARGIN

    table = comparison.table
    _, axes = plt.subplots(figsize=(7, 3.6))
    rows = table[table.confidence_score.notna()]
    for mine, face in ((rows.chosen.notna(), BLUE), (rows.chosen.isna(), "none")):
        size = 30 + 200 * rows.chosen[mine].fillna(0)
        axes.scatter(
            rows.confidence_score[mine],
            rows.balanced_accuracy[mine],
            size,
            facecolor=face,
            edgecolor=BLUE,
        )
    source = rows.set_index("method").confidence_score[BASELINE]
    axes.axvline(source + MARGIN, color="k", lw=0.8, ls="--")
    axes.set(
        xlabel="confidence over recordings, without labels (–)", ylabel="balanced accuracy (–)"
    )
    axes.margins(x=0.25, y=0.15)
    caption(
        axes,
        "measured: mean over splits; larger: chosen more often; dashed: what it takes; hollow: rated only",
    )
    name_points(axes, rows.confidence_score, rows.balanced_accuracy, list(rows.method))
    return axes
