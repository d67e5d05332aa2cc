"""Pictures of a model on a device: memory over time, instructions by layer, what fills the flash."""

from __future__ import annotations

from typing import TYPE_CHECKING

import matplotlib.pyplot as plt
from matplotlib.axes import Axes

from edgekit.view.palette import COLOURS

if TYPE_CHECKING:
    from edgekit.emulate import Profile
    from edgekit.export import Source


LETTERS, LINES = 120, 16  # that fit beside and above one another, in `plot_memory`


def plot_memory(source: Source) -> Axes:
    """The arena as a map: each buffer a box from the layer that writes it to the last that reads it.

    `source` is what `export.generate` returned. Returns the axes.
    """
    plan, layers = source.plan, source.layers
    _, axes = plt.subplots(figsize=(9, 3.2), layout="constrained")
    for k, buffer in enumerate(plan.buffers):
        left, width = buffer.first - 0.5, buffer.last - buffer.first + 1
        bottom = plan.offsets[buffer.key]
        scratch = isinstance(buffer.key, tuple)
        axes.bar(
            left,
            buffer.size,
            width,
            bottom,
            align="edge",
            color="0.8" if scratch else COLOURS[k % len(COLOURS)],
            edgecolor="white",
            alpha=0.85,
        )
        label = "scratch" if scratch else f"{buffer.size:,} B"
        fits = len(label) <= LETTERS * width / (len(layers) + 1)
        if fits and buffer.size >= plan.size / LINES:
            middle = left + width / 2, bottom + buffer.size / 2
            axes.text(*middle, label, ha="center", va="center", size=8)
    axes.axhline(plan.size, color="0.3", ls="--", lw=1)
    names = [layer.name.removeprefix(f"{source.name}_") for layer in layers]
    size = 8 if len(layers) < 20 else 6
    axes.set_xticks(range(-1, len(layers)), ["input", *names], rotation=40, ha="right", size=size)
    axes.set(
        ylabel="place in the arena (bytes)",
        title=f"one arena of {plan.size:,} bytes, used again and again",
    )
    return axes


def plot_instructions(profile: Profile) -> Axes:
    """Instructions of each layer of `profile` as bars. Returns the axes."""
    names = [layer.name for layer in profile.layers]
    counts = [layer.instructions for layer in profile.layers]
    _, axes = plt.subplots(figsize=(9, 0.45 * len(names) + 1), layout="constrained")
    bars = axes.barh(names, counts, color=COLOURS[0])
    axes.bar_label(bars, [f"{n:,}" for n in counts], padding=3)
    axes.margins(x=0.15)
    axes.invert_yaxis()
    axes.set(xlabel=f"instructions per inference (emulated {profile.cpu}, exact)")
    return axes


def plot_flash(parts: dict[str, int], limit: int | None = None) -> Axes:
    """What fills the flash, a bar a part: `parts` name -> bytes; and the share of the budget `limit`."""
    total = sum(parts.values())
    _, axes = plt.subplots(figsize=(8, 0.4 * len(parts) + 1), layout="constrained")
    bars = axes.barh(list(parts), list(parts.values()), color=COLOURS[: len(parts)])
    axes.bar_label(bars, [f"{size:,} B" for size in parts.values()], padding=3)
    axes.margins(x=0.15)
    axes.invert_yaxis()
    share = f", {100 * total / limit:.0f} % of the budget" if limit else ""
    axes.set(xlabel="flash (bytes)", title=f"{total:,} bytes of flash{share}")
    return axes
