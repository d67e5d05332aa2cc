"""Figures held against the budget, and the verdict on a whole run: what was kept, missed, and not judged."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from math import isnan, nan

from edgekit.core.errors import EdgekitError, did_you_mean
from edgekit.core.escape import html as escape
from edgekit.core.figures import Figure, number
from edgekit.design import SENSES, SIGNS, UNITS, Design, limit_text

MARKS = {"kept": "✓", "missed": "✗", "not judged": "?"}
COLOURS = {"kept": "#d8f0d8", "missed": "#f6d8d8", "not judged": "#fdf3d0"}


@dataclass(frozen=True)
class Verdict:
    """One line of the budget: limit, figure, and by how much it is kept (negative: missed).

    `margin` is NaN where there is no figure: such a line is *not judged*, which is neither kept nor missed.
    `note` says what a reader must know beside the number: why it was not judged, what the figure leaves out.
    """

    key: str
    limit: float | tuple[float, float]
    sense: str
    figure: Figure | None
    passed: bool
    margin: float
    note: str = ""

    @property
    def state(self) -> str:
        """`"kept"`, `"missed"` or `"not judged"`."""
        if self.passed:
            return "kept"
        return "not judged" if isnan(self.margin) else "missed"

    def to_dict(self) -> dict:
        limit = list(self.limit) if isinstance(self.limit, tuple) else self.limit
        figure = None if self.figure is None else self.figure.to_dict()
        return {**vars(self), "limit": limit, "figure": figure}

    @classmethod
    def from_dict(cls, values: dict) -> Verdict:
        limit, figure = values["limit"], values["figure"]
        limit = tuple(limit) if isinstance(limit, list) else limit
        figure = None if figure is None else Figure.from_dict(figure)
        margin = nan if values["margin"] is None else values["margin"]  # JSON has no NaN
        return cls(**{**values, "limit": limit, "figure": figure, "margin": margin})


class Verdicts(tuple):
    """The verdicts of one gate, or of a run. `.passed` only if every line was judged and kept."""

    __slots__ = ()

    @property
    def passed(self) -> bool:
        return all(verdict.passed for verdict in self)

    @property
    def missed(self) -> Verdicts:
        return Verdicts(v for v in self if v.state == "missed")

    @property
    def unjudged(self) -> Verdicts:
        return Verdicts(v for v in self if v.state == "not judged")

    @property
    def state(self) -> str:
        """`"missed"` if a line is, else `"not judged"` if one is open, else `"kept"`."""
        return "missed" if self.missed else "not judged" if self.unjudged else "kept"

    def to_dicts(self) -> list[dict]:
        return [verdict.to_dict() for verdict in self]

    @classmethod
    def from_dicts(cls, rows: list[dict]) -> Verdicts:
        return cls(Verdict.from_dict(row) for row in rows)

    def summary(self) -> str:
        """One line: how many lines were judged, which are missed, which are open and who judges them."""
        judged = len(self) - len(self.unjudged)
        parts = [f"{judged} of {len(self)} lines judged"]
        if self.missed:
            parts.append(f"missed: {', '.join(v.key for v in self.missed)}")
        elif judged:
            parts.append("all kept" if not self.unjudged else "those kept")
        if self.unjudged:
            open_lines = (f"{v.key} ({v.note})" if v.note else v.key for v in self.unjudged)
            parts.append(f"not judged: {', '.join(open_lines)}")
        return "; ".join(parts)

    def __str__(self) -> str:
        return "\n".join(_line(verdict) for verdict in self) or "no line of the budget applies"

    def _repr_html_(self) -> str:
        rows = "".join(_html_row(verdict) for verdict in self)
        titles = ("", "budget", "limit", "figure", "margin", "from")
        head = f"<tr>{''.join(f'<th>{title}</th>' for title in titles)}</tr>"
        return f"<table>{head}{rows}</table>"


def gate(
    design: Design, figures: Mapping[str, Figure | None], notes: Mapping[str, str] | None = None
) -> Verdicts:
    """Hold figures against the budget lines of the same name; one Verdict each.

    Lines for which the design sets no limit are left out. A figure that is None or NaN is not judged, and
    never passes; a value exactly at its limit does. `temperature_c` passes if the figure's `low` to
    `high` covers the range wanted. `notes`: by line, what its verdict says beside the number. Raises
    EdgekitError for a key that is no line of the budget, for something that is not a Figure, and for a
    figure in another unit.
    """
    verdicts, notes = [], notes or {}
    for key, figure in figures.items():
        if key not in SENSES:
            raise EdgekitError(f"gate: the budget has no line {key!r}.{did_you_mean(key, SENSES)}")
        _check_unit(key, figure)
        limit = getattr(design.budget, key)
        if limit is not None:
            margin = _margin(SENSES[key], limit, figure)
            row = (key, limit, SENSES[key], figure, margin >= 0, margin, notes.get(key, ""))
            verdicts.append(Verdict(*row))
    return Verdicts(verdicts)


def overall(
    design: Design, gates: Mapping[str, Verdicts], evaluates: Mapping[str, list[str]]
) -> Verdicts:
    """Every line of the budget once: as the last chapter that judged it did, or as not judged.

    `gates`: the verdicts by chapter, in order. `evaluates`: the chapters by line that judge it, in order; an
    open line names the first that has not. What is missed comes first, then what is open.
    """
    last = {v.key: v for verdicts in gates.values() for v in verdicts}
    lines = []
    for key, limit in asdict(design.budget).items():
        if limit is None:
            continue
        if key not in last:
            waiting = [chapter for chapter in evaluates.get(key, ()) if chapter not in gates]
            note = f"by {waiting[0]}" if waiting else "by no chapter"
            last[key] = Verdict(key, limit, SENSES[key], None, False, nan, note)
        lines.append(last[key])
    order = ("missed", "not judged", "kept")
    return Verdicts(sorted(lines, key=lambda v: order.index(v.state)))


def _check_unit(key: str, figure: Figure | None) -> None:
    if figure is None:
        return
    if not isinstance(figure, Figure):
        raise EdgekitError(
            f"gate: {key} is {figure!r}, not a Figure; say where it comes from, e.g. measured(…)"
        )
    units = UNITS.get(key)
    if (units and figure.unit not in units) or (not units and figure.unit == "%"):
        wanted = units[0] if units else "a fraction or a ratio"
        raise EdgekitError(f"gate: {key} is in {figure.unit!r}, the budget in {wanted}")


def _margin(sense: str, limit, figure: Figure | None) -> float:
    if figure is None or figure.value is None or isnan(figure.value):
        return nan
    if sense == "covers":
        if figure.low is None or figure.high is None or isnan(figure.low) or isnan(figure.high):
            return nan
        return min(limit[0] - figure.low, figure.high - limit[1])
    return limit - figure.value if sense == "upper" else figure.value - limit


def _figure(verdict: Verdict) -> str:
    figure = verdict.figure
    if figure is None:
        return "not judged"
    if verdict.sense == "covers" and figure.low is not None and figure.high is not None:
        return f"{number(figure.low)} to {number(figure.high)} {figure.unit}"
    return str(figure)


def _line(verdict: Verdict) -> str:
    word = {"kept": "pass", "missed": "FAIL", "not judged": "open"}[verdict.state]
    where = "" if verdict.figure is None else f" ({verdict.figure.origin})"
    note = f"; {verdict.note}" if verdict.note else ""
    return (
        f"{word}  {verdict.key} {SIGNS[verdict.sense]} "
        f"{limit_text(verdict.key, verdict.limit)}: {_figure(verdict)}{where}{note}"
    )


def _html_row(verdict: Verdict) -> str:
    figure = verdict.figure
    source = "" if figure is None else f"<b>{escape(figure.origin)}</b>: {escape(figure.source)}"
    note = f"<b>{escape(verdict.note)}</b>" if verdict.note else ""
    cells = (
        MARKS[verdict.state],
        verdict.key,
        f"{SIGNS[verdict.sense]} {limit_text(verdict.key, verdict.limit)}",
        escape(_figure(verdict)),
        number(verdict.margin),
        f"<small>{'<br>'.join(part for part in (source, note) if part)}</small>",
    )
    row = "".join(f'<td style="text-align:left">{cell}</td>' for cell in cells)
    return f'<tr style="background:{COLOURS[verdict.state]};color:#222">{row}</tr>'
