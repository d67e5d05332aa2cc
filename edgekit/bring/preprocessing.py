"""What the networks of a new use case hear: steps of `edgekit.signal`, as the Python that makes them."""

from __future__ import annotations

import math

import numpy as np

from edgekit.bring.plan import Plan
from edgekit.core.errors import EdgekitError
from edgekit.data.recordings import Recording
from edgekit.signal import WelchBands, log_edges


def nice(value: float) -> float:
    """The next of 1, 2, 5 · 10ⁿ: ranges of sensors are such numbers, and a training set is not in them."""
    if not value > 0:
        return 1.0
    decade = 10.0 ** math.floor(math.log10(value))
    return float(f"{next(m * decade for m in (1, 2, 5, 10) if m * decade >= value * 0.999):.6g}")


def ranges(plan: Plan, made: list[Recording]) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Offset and span of each channel, that hold all but a thousandth of the samples."""
    if plan.kind == "sound":
        return (0.0,) * len(plan.channels), (1.0,) * len(plan.channels)
    offsets, spans = [], []
    for c in range(len(plan.channels)):
        some = [r.samples[:: max(1, len(r.samples) // 2000), c] for r in made]
        x = np.concatenate([s[np.isfinite(s)] for s in some] or [np.zeros(1)])
        low, high = np.quantile(x, [0.001, 0.999]) if len(x) else (-1.0, 1.0)
        half, middle = (high - low) / 2, (high + low) / 2
        far = plan.kind != "fast" and abs(middle) > 2 * half  # 20 ± 3 °C, and not 0 ± 25
        if far and half > 0:
            span = nice(2 * half)
            offset = round(middle / span) * span
        else:
            offset, span = 0.0, nice(max(abs(low), abs(high)))
        if not (1e-9 <= span <= 1e9 and abs(offset) <= 1e12):
            raise EdgekitError(
                f"channel {plan.channels[c]!r} has values to {max(abs(low), abs(high)):.3g}, which no "
                "sensor has: is it a time stamp or a counter? --channels leaves it out"
            )
        offsets.append(float(f"{offset:.6g}"))
        spans.append(span)
    return tuple(offsets), tuple(spans)


def steps(plan: Plan, made: list[Recording]) -> dict:
    """The two steps as Python, what is said about them, and cheaper ones: `cheaper`, name -> Python."""
    if plan.kind == "image":
        side = made[0].samples.shape[1]
        return {
            "features": f"signal.Pixels({side}, {side}, block=2)",
            "teacher_input": f"signal.Pixels({side}, {side})",
            "student_input_text": f"the picture, {side // 2} × {side // 2} grey values",
            "cheaper": {"coarse": f"signal.Pixels({side}, {side}, block=4)"}
            if side % 4 == 0
            else {},
        }
    offset, span = ranges(plan, made)
    rate, window, kind = plan.rate, plan.window, plan.kind
    power = 2 ** int(math.log2(window))
    channels = len(plan.channels)
    if kind == "sound":
        frame = min(power, 2 ** round(math.log2(rate * 0.032)))
        slices = max(1, min(8 // channels, 1 + (window - frame) // (frame // 2)))
        bands, low, level = 20, max(60.0, rate / frame), False
    elif kind == "fast":
        frame = min(power // 2, 1024)
        slices, bands, level = 1, min(32, 300 // channels - 1), False
        low = 2 * rate / frame
    else:
        frame, slices, level = max(16, power // 2), 1, True
        bands = max(4, min(10, 300 // channels - 2)) if kind == "motion" else 4
        low = rate / frame
        if kind == "slow":
            slices = 2 if 1 + (window - frame) // (frame // 2) >= 2 else 1
    hop = frame // 2
    edges = log_edges(low, rate / 2, bands, rate, frame)
    WelchBands(rate, window, frame, hop, edges, offset, span, slices, level)  # else it raises here
    more = f", slices={slices}" if slices > 1 else ""
    more += "" if level else ", level=False"
    welch = (
        "signal.WelchBands(\n    RATE, WINDOW, {frame}, {hop}, "
        "signal.log_edges({low:.6g}, {high:.6g}, {bands}, RATE, {frame}),\n    OFFSET, SPAN{more}\n)"
    )
    values = {
        "frame": frame,
        "hop": hop,
        "low": low,
        "high": rate / 2,
        "bands": bands,
        "more": more,
    }
    student_input = (
        f"{'level, ' if level else ''}loudness and {len(edges) - 1} bands of the spectrum"
    )
    student_input += f" in {slices} slices of time" if slices > 1 else ""
    cheaper = {}
    try:  # half of the window, where a frame of the spectrum still fits
        WelchBands(rate, window // 2, frame, hop, edges, offset, span, slices, level)
        shorter = welch.format(**values).replace("RATE, WINDOW,", "RATE, WINDOW // 2,", 1)
        cheaper["half the time"] = f"signal.Subwindow({shorter}, WINDOW)"
    except ValueError:
        pass
    result = {
        "cheaper": cheaper,
        "features": welch.format(**values),
        "student_input_text": student_input,
        "offset": repr(offset),
        "span": repr(span),
    }
    if kind == "sound":
        moments = min(32, 1 + (window - frame) // (frame // 2))
        finer = {**values, "bands": 40, "more": f", slices={moments}, level=False"}
        result["teacher_input"] = welch.format(**finer)
        result["teacher_input_text"] = "the spectrum, finer: more bands, more moments"
    else:
        result["teacher_input"] = "signal.InRange(WINDOW, OFFSET, SPAN)"
        result["teacher_input_text"] = "the samples themselves, in shares of the sensor's range"
    return result


def sensitivity(plan: Plan, made: list[Recording]) -> tuple[str, str]:
    """Physical units of a count of an int16 sensor, and the reason."""
    if plan.kind == "image":
        return "None", "grey values have no unit"
    if plan.kind == "sound":
        return "1 / 32768", "full scale, as 16-bit sound has it"
    offset, span = ranges(plan, made)
    units = made[0].meta.get("units") or plan.unit.split(", ")
    if len(set(units)) > 1 or max(span) > 10 * min(span) or any(offset):
        return "None", "the channels have ranges of their own: the device hands over float32"
    full = nice(max(float(np.nanmax(np.abs(r.samples), initial=0)) for r in made))
    return f"{full:g} / 32768", f"{plan.unit or 'units'} a count of an int16 sensor of ±{full:g}"
