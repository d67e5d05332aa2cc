"""Messages that hold many samples: {"t0": 12.5, "dt": 0.01, "acc": [[0, 0, 1], [0, 0, 1]]}."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from edgekit.readers import multi_sensor
from edgekit.readers.message_text import moment, number
from edgekit.tables import clock, column_roles
from edgekit.tables.reading import UnreadableError

STEPS = {"dt", "interval", "period", "step", "delta", "sampling", "sample"}
STARTS = {"start", "begin", "first"}
AXES = 4  # numbers of a list without times that are one row: three axes, a quaternion
MOST = 200_000  # rows of a message


@dataclass
class Batches:
    """`all`: (rows, start, step) of each message; the names under which start and step were sent."""

    start: str = ""
    step: str = ""
    all: list[tuple[int, float | None, float | None]] = field(default_factory=list)

    def stamps(self) -> tuple[np.ndarray, str] | None:
        """The time of each row in the unit of the starts, and the name that tells this unit.

        Starts and steps may have different units, milliseconds since 1970 and seconds: how far starts are
        apart tells. None where some message had no start or step.
        """
        if not self.all or any(t is None or not d or not d > 1e-9 for _, t, d in self.all):
            return None
        n, t0, dt = (np.array(column, np.float64) for column in zip(*self.all, strict=True))
        ratio, unit = 1.0, clock.unit_of(self.start)
        own = clock.unit_of(self.step)
        if len(n) > 1 and 1e-12 < (seen := float(np.median(np.diff(t0) / (n * dt)[:-1]))) < 1e12:
            ratio = 10.0 ** (3 * round(math.log10(seen) / 3))
        elif own and unit:
            ratio = clock.UNITS[own] / clock.UNITS[unit]
        stamps = np.concatenate(
            [t + d * ratio * np.arange(int(k)) for k, t, d in zip(n, t0, dt, strict=True)]
        )
        if not unit and own:
            scale = {v: k for k, v in (("s", 1.0), ("ms", 1e-3), ("us", 1e-6), ("ns", 1e-9))}
            unit = scale.get(float(f"{clock.UNITS[own] / ratio:.3g}"), "")
        return stamps, {"s": "seconds"}.get(unit, unit) or self.start

    def rate(self) -> float | None:
        """Hz by the steps alone: below 1 they are seconds, else milliseconds, unless their name tells."""
        steps = [d for _, _, d in self.all if d and d > 1e-9]
        if not steps:
            return None
        step = float(np.median(steps))
        return 1 / (step * clock.UNITS[clock.unit_of(self.step) or ("s" if step < 1 else "ms")])


def unpack(value: dict, batches: Batches) -> list[dict] | None:
    """The rows of such a message, `value`, name -> number; None where it is none.

    Raises UnreadableError where its lists are of different length.
    """
    lists = {k: v for k, v in value.items() if isinstance(v, list) and v}
    if not lists:
        return None
    step, period = _first(value, _is_step)
    rate, hz = _first(value, multi_sensor.is_rate)
    start = next((k for k in value if k not in lists and _is_start(str(k))), None)
    short = all(len(v) <= AXES and not isinstance(v[0], list) for v in lists.values())
    if short and step is None and rate is None:
        rows = [{n: x for k, v in lists.items() for n, x in _axes(k, v)}]
        return [{**{k: v for k, v in value.items() if k not in lists}, **rows[0]}]
    counts = {k: len(v) for k, v in lists.items()}
    if len(set(counts.values())) > 1 or max(counts.values()) > MOST:
        raise UnreadableError(
            f"holds lists of {', '.join(map(str, sorted(set(counts.values()))))} values"
        )
    about = {k: v for k, v in value.items() if isinstance(v, str) and k not in (start, step, rate)}
    rows = [
        {**about, **{n: x for k, v in lists.items() for n, x in _axes(k, v[i])}}
        for i in range(next(iter(counts.values())))
    ]
    batches.start, batches.step = str(start or ""), str(step or ("s" if rate else ""))
    period = period or (1 / hz if hz else None)
    batches.all.append((len(rows), _start(value.get(start)), period))
    return rows


def _first(value: dict, called: Callable[[str], bool]) -> tuple[object, float | None]:
    """The first name that is called so and has a number other than 0, and this number."""
    return next(
        ((k, n) for k, v in value.items() if called(str(k)) and (n := number(v))), (None, None)
    )


def _axes(name: str, value) -> list[tuple[str, object]]:
    values = value if isinstance(value, list) else [value]
    return list(zip(column_roles.axis_names(name, len(values)), values, strict=True))


def _is_step(name: str) -> bool:
    words = set(column_roles.tokens(name))
    return bool(words & STEPS) and words <= STEPS | set(clock.UNITS)


def _is_start(name: str) -> bool:
    words = set(column_roles.plain_words(name))
    return column_roles.is_time(name) or bool(
        words & STARTS and words <= STARTS | column_roles.CLOCKS
    )


def _start(value) -> float | None:
    return moment(value) if isinstance(value, str) and number(value) is None else number(value)
