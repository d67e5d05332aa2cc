"""How a depthwise convolution slides its window over a channel's plane: along which axis, by which routine.

Either axis may run right on the plane, and each window has routines of its own (kernels/ek_window.h, and
`ek_window_any` of kernels/ek_depthwise.h). What they cost was counted on a Cortex-M4; the cheapest is taken.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

AXES = {"h": "w", "w": "h"}
MAX_TAPS = 1 << 12  # bytes of the arena for widened weights


@dataclass(frozen=True)
class Sliding:
    """A routine, and the plane that it wants.

    window: as `window.window` gives it, with the dilation; height and width exchanged if `swapped`.
    plane_w: even; words: that a turn of two outputs reads of a row, by twos, if its weights are widened in
    memory. instructions: for one channel, about.
    """

    routine: str
    window: dict[str, int]
    swapped: bool
    plane_h: int
    plane_w: int
    words: int
    instructions: int


def sliding(window: dict[str, int], exact: bool) -> Sliding:
    """The cheapest way; exact: whether the layer's rescaling needs EK_EXACT (kernels/ek_requantize.h)."""
    turned = {f"{k[:-1]}{AXES[k[-1]]}": v for k, v in window.items()}
    found = [*_ways(window, False, exact), *_ways(turned, True, exact)]
    return min(found, key=lambda s: s.instructions)


def _ways(w: dict[str, int], swapped: bool, exact: bool) -> Iterator[Sliding]:
    reach_h, reach_w = ((w[f"k_{a}"] - 1) * w[f"dilation_{a}"] + 1 for a in "hw")
    plane_h = (w["out_h"] - 1) * w["stride_h"] + reach_h
    stride, turns = w["stride_w"], -(-w["out_w"] // 2)  # two outputs a turn
    last = (turns - 1) * 2 * stride  # where the last turn begins
    fill = w["in_h"] * (10 + 3 * w["in_w"])

    def way(routine: str, width: int, words: int, turn: int, more: int) -> Sliding:
        cost = fill + more + w["out_h"] * (10 + turns * turn)
        return Sliding(routine, w, swapped, plane_h, (width + 1) // 2 * 2, words, cost)

    taps = w["k_h"] * w["k_w"]
    width = (w["out_w"] - 1) * stride + reach_w
    # counted half as dear again, as it is more code beside the others
    yield way("ek_window_any", width, 0, 60 + w["k_h"] * (12 + 12 * w["k_w"]), 90)
    if exact:
        return
    if w["k_h"] == w["k_w"] == reach_h == reach_w == 3 and stride <= 2:
        routine = "ek_window_3x3" + "_by_2" * (stride == 2)
        yield way(routine, max(width, last + 2 + 2 * stride), 0, 36 + 3 * stride, 120)
    words = -(-(reach_w + (stride if w["out_w"] > 1 else 0)) // 4)
    if 16 * words * w["k_h"] <= MAX_TAPS:
        turn = 27 + w["k_h"] * (5 + 8 * words)
        yield way("ek_window_rows", max(width, last + 4 * words), words, turn, 130 + 10 * taps)
