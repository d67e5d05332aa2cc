"""The lines of the budget: what each one means, in which unit, how it is judged, and what measures it.

`Budget` is the table. Each field is a limit and carries its `Line`; whoever checks a limit, judges a figure,
or shows either, reads it there. To add a line, add a field, a function that measures it, and a chapter that
judges it.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from math import isfinite, isnan, nan
from numbers import Integral, Real
from typing import Any, Literal, TypeAlias

from edgekit.core.errors import EdgekitError, did_you_mean
from edgekit.core.escape import html as escape
from edgekit.core.figures import Figure, number
from edgekit.core.html_table import TABLE

Sense: TypeAlias = Literal["upper", "lower", "covers"]
Limit: TypeAlias = "int | float | tuple[float, float]"

SIGNS: dict[Sense, str] = {"upper": "≤", "lower": "≥", "covers": "covers"}
BYTES = ("bytes", "byte", "B")
DIGITS = 12  # of a fraction: what differs behind them is the rounding of a difference of two means
RENAMED = {"ota_bytes": ("model_bytes", "first_package_bytes", "update_bytes")}


@dataclass(frozen=True)
class Line:
    """One line of the budget.

    `sense`: a figure stays at or below the limit (upper), reaches it (lower), or its `low` to `high` covers
    it. `units`: the first is shown, the others are taken as the same. `name` is what a sentence calls it,
    `meaning` says of what, `measured_by` is the function whose figure is judged. A `fraction` lies between 0
    and 1; `whole` limits are whole.
    """

    key: str
    sense: Sense
    name: str
    meaning: str
    measured_by: str
    units: tuple[str, ...] = ("",)
    fraction: bool = False
    whole: bool = False

    @property
    def unit(self) -> str:
        return self.units[0]

    def check(self, limit: Any) -> Limit:
        """The limit, if this line can have it. Raises EdgekitError that says what is wrong with it."""
        if self.sense == "covers":
            return self._range(limit)
        if not _is_number(limit) or (self.whole and not isinstance(limit, Integral)):
            kind = "whole number" if self.whole else "number"
            raise EdgekitError(f"{self.key} must be a {kind}, not {limit!r}")
        if not limit >= 0 or not isfinite(limit):
            raise EdgekitError(f"{self.key} must not be negative, infinite or NaN, it is {limit!r}")
        if self.fraction and limit > 1:
            raise EdgekitError(
                f"{self.key} is a fraction between 0 and 1 (0.02 is two points), not {limit!r}"
            )
        return limit  # type: ignore[no-any-return]

    def _range(self, limit: Any) -> tuple[float, float]:
        able = isinstance(limit, list | tuple) and len(limit) == 2
        if not able or not all(_is_number(v) and abs(v) < 1000 for v in limit):
            raise EdgekitError(f"{self.key} must be [coldest, hottest], not {limit!r}")
        low, high = limit
        if not low < high:
            raise EdgekitError(f"{self.key} must be [coldest, hottest], not {limit!r}")
        return low, high

    def check_figure(self, figure: object) -> None:
        """Raises EdgekitError for what is no Figure, and for one in another unit."""
        if not isinstance(figure, Figure):
            raise EdgekitError(
                f"gate: {self.key} is {figure!r}, not a Figure; say where it comes from, e.g. measured(…)"
            )
        unitless = self.units == ("",)  # such a figure may say of what it is: "balanced accuracy"
        if figure.unit == "%" if unitless else figure.unit not in self.units:
            wanted = "a fraction or a ratio" if unitless else self.unit
            raise EdgekitError(f"gate: {self.key} is in {figure.unit!r}, the budget in {wanted}")

    def margin(self, limit: Limit, figure: Figure | None) -> float:
        """By how much the limit is kept, in the line's unit; negative: missed; NaN: there is no number."""
        if figure is None or isnan(figure.value):
            return nan
        if isinstance(limit, tuple):
            low, high = figure.low, figure.high
            if low is None or high is None or isnan(low) or isnan(high):
                return nan
            return min(limit[0] - low, high - limit[1])
        margin = limit - figure.value if self.sense == "upper" else figure.value - limit
        return round(margin, DIGITS) if self.fraction and isfinite(margin) else margin

    def margin_text(self, limit: Limit, margin: float) -> str:
        """A margin for people: `"+12 %"` of the limit, in points for a fraction, in its unit for a range."""
        if isnan(margin):
            return "–"
        if isinstance(limit, tuple):
            return f"{margin:+.0f} {self.unit}"
        if self.fraction:
            return f"{100 * margin:+.1f} points"
        return f"{100 * margin / limit:+.0f} %" if limit and isfinite(margin) else f"{margin:+g}"

    def limit_text(self, limit: Limit) -> str:
        """`"≤ 65,536 bytes"`, `"covers -20 to 70 °C"`."""
        values = limit if isinstance(limit, tuple) else (limit,)
        text = " to ".join(number(v) for v in values)
        return f"{SIGNS[self.sense]} {text} {self.unit}".strip()


def _is_number(value: Any) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool)


def _limit(sense: Sense, name: str, meaning: str, measured_by: str, **more: Any) -> Any:
    """A field of Budget: a limit that is not set, and the line that it is of."""
    line = {"sense": sense, "name": name, "meaning": meaning, "measured_by": measured_by, **more}
    return field(default=None, metadata=line)


@dataclass(frozen=True)
class Budget:
    """The limits; None where the design sets none. Raises EdgekitError for one that its line cannot have."""

    latency_ms: float | None = _limit(
        "upper",
        "latency",
        "one inference on the board's core, from samples to class",
        "edgekit.emulate.latency_on",
        units=("ms",),
    )
    flash_bytes: int | None = _limit(
        "upper",
        "flash",
        "the whole program that ships (features, network, update agent, cryptography) and both slots; not "
        "what a board adds, a radio's stack or an RTOS",
        "edgekit.agent.flash_total",
        units=BYTES,
        whole=True,
    )
    ram_bytes: int | None = _limit(
        "upper",
        "RAM",
        "data of that program and the deeper of its stacks, of an inference or an installation",
        "edgekit.agent.memory",
        units=BYTES,
        whole=True,
    )
    battery_years: float | None = _limit(
        "lower",
        "battery life",
        "life of the battery under the duty cycle, self-discharge included",
        "edgekit.select.power_budget",
        units=("years", "year", "a"),
    )
    temperature_c: tuple[float, float] | None = _limit(
        "covers",
        "temperature",
        "the range that the board is rated for",
        "edgekit.catalog.board",
        units=("°C",),
    )
    accuracy_floor: float | None = _limit(
        "lower",
        "accuracy",
        "balanced accuracy of the deployed model on the honest split: groups that it was not trained on",
        "edgekit.learn.score",
        fraction=True,
    )
    accuracy_loss: float | None = _limit(
        "upper",
        "accuracy lost",
        "balanced accuracy of the float teacher less that of the deployed model, on the same groups",
        "edgekit.learn.accuracy_loss",
        fraction=True,
    )
    size_ratio: float | None = _limit(
        "lower",
        "compression",
        "bytes of the float teacher's .tflite over those of the deployed one",
        "edgekit.learn.Ledger",
    )
    model_bytes: int | None = _limit(
        "upper",
        "model in its slot",
        "what lies in a slot: the model's constants and the answer to its self-test",
        "edgekit.emulate.model_bytes",
        units=BYTES,
        whole=True,
    )
    first_package_bytes: int | None = _limit(
        "upper",
        "first package",
        "the signed package of a whole model, for a device that has none",
        "edgekit.packages.first_package_bytes",
        units=BYTES,
        whole=True,
    )
    update_bytes: int | None = _limit(
        "upper",
        "update",
        "the signed package of a retrained model, for a device that has the one before: a delta if that is "
        "smaller",
        "edgekit.packages.update_bytes",
        units=BYTES,
        whole=True,
    )
    power_mw: float | None = _limit(
        "upper",
        "average power",
        "average power under the duty cycle: sleep, sensor, core, radio",
        "edgekit.select.power_budget",
        units=("mW",),
    )
    decision_ms: float | None = _limit(
        "upper",
        "time to a decision",
        "from the end of a window to the reaction, 99 of 100 times, wherever it is decided",
        "edgekit.select.place",
        units=("ms",),
    )

    def __post_init__(self) -> None:
        for key, limit in self.limits.items():
            object.__setattr__(self, key, LINES[key].check(limit))

    @property
    def limits(self) -> dict[str, Limit]:
        """The limits that are set, by line."""
        values = {key: getattr(self, key) for key in LINES}
        return {key: limit for key, limit in values.items() if limit is not None}

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><td>{key}</td><td><b>{escape(LINES[key].limit_text(limit))}</b></td>"
            f'<td style="text-align:left"><small>{escape(LINES[key].meaning)}</small></td></tr>'
            for key, limit in self.limits.items()
        )
        return f"{TABLE}<tr><th>budget</th><th>limit</th><th>of what</th></tr>{rows}</table>"


LINES: dict[str, Line] = {f.name: Line(f.name, **f.metadata) for f in fields(Budget)}


def line_of(key: str) -> Line:
    """The line of this name. Raises EdgekitError for a name that is none, or no longer one."""
    if key in LINES:
        return LINES[key]
    raise EdgekitError(f"the budget has no line {key!r}.{renamed(key) or did_you_mean(key, LINES)}")


def renamed(key: str) -> str:
    """What has become of a line that meant several things; "" for any other word."""
    new = ", ".join(f"{name} ({LINES[name].meaning})" for name in RENAMED.get(key, ()))
    return new and f" It was split; set instead what you mean of {new}"


def table() -> str:
    """All lines as a table in Markdown, which docs/budget.md shows."""
    rows = [
        f"| `{line.key}` | {SIGNS[line.sense]} | {line.unit or ('fraction' if line.fraction else '–')} "
        f"| {line.meaning} | `{line.measured_by}` |"
        for line in LINES.values()
    ]
    return "\n".join(["| line | | unit | of what | measured by |", "|---|---|---|---|---|", *rows])
