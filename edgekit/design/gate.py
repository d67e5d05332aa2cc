"""Figures held against the budget, and the verdict on a whole run: what was kept, missed, and not judged."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import isnan, nan
from typing import Any

from edgekit.core.escape import html as escape
from edgekit.core.figures import Figure, number
from edgekit.core.html_table import VERDICTS
from edgekit.core.palette import KEPT, MISSED, OPEN
from edgekit.design.budget import LINES, Budget, Limit, Sense, line_of

MARKS = {"kept": "✓", "missed": "✗", "not judged": "?"}
COLOURS = {"kept": KEPT, "missed": MISSED, "not judged": OPEN}


@dataclass(frozen=True)
class Verdict:
    """One line of the budget: limit, figure, and by how much it is kept (negative: missed).

    `margin` is NaN where there is no figure: such a line is *not judged*, which is neither kept nor missed.
    `note` says what a reader must know beside the number: why it was not judged, what the figure leaves out.
    """

    key: str
    limit: Limit
    sense: Sense
    figure: Figure | None
    passed: bool
    margin: float
    note: str = ""

    @property
    def meaning(self) -> str:
        """Of what the figure is."""
        return LINES[self.key].meaning

    @property
    def name(self) -> str:
        """The line's name in a sentence."""
        return LINES[self.key].name

    @property
    def margin_text(self) -> str:
        """The margin for people: `"+12 %"`."""
        return LINES[self.key].margin_text(self.limit, self.margin)

    @property
    def state(self) -> str:
        """`"kept"`, `"missed"` or `"not judged"`."""
        if self.passed:
            return "kept"
        return "not judged" if isnan(self.margin) else "missed"

    def to_dict(self) -> dict[str, Any]:
        limit = list(self.limit) if isinstance(self.limit, tuple) else self.limit
        figure = None if self.figure is None else self.figure.to_dict()
        return {**vars(self), "limit": limit, "figure": figure}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Verdict:
        """What `to_dict` gave. Raises EdgekitError for a line that the budget no longer has."""
        line_of(values["key"])
        limit, figure = values["limit"], values["figure"]
        limit = tuple(limit) if isinstance(limit, list) else limit
        figure = None if figure is None else Figure.from_dict(figure)
        margin = nan if values["margin"] is None else values["margin"]  # JSON has no NaN
        return cls(**{**values, "limit": limit, "figure": figure, "margin": margin})


class Verdicts(tuple[Verdict, ...]):
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

    def to_dicts(self) -> list[dict[str, Any]]:
        return [verdict.to_dict() for verdict in self]

    @classmethod
    def from_dicts(cls, rows: Iterable[dict[str, Any]]) -> Verdicts:
        return cls(Verdict.from_dict(row) for row in rows)

    def summary(self) -> str:
        """`"9 of 10 lines judged, all kept; not judged: latency (by 05_export)"`: a line by its name, an open
        one with the reason."""
        judged, missed = len(self) - len(self.unjudged), ", ".join(v.name for v in self.missed)
        verdict = f", missed: {missed}" if missed else ", all kept" if judged else ""
        open_lines: dict[str, list[str]] = {}
        for v in self.unjudged:
            open_lines.setdefault(v.note, []).append(v.name)
        reasons = "; ".join(
            ", ".join(names) + (f" ({note})" if note else "") for note, names in open_lines.items()
        )
        rest = f"; not judged: {reasons}" if reasons else ""
        return f"{judged} of {len(self)} lines judged{verdict}{rest}"

    def __str__(self) -> str:
        return "\n".join(_line(verdict) for verdict in self) or "no line of the budget applies"

    def _repr_html_(self) -> str:
        if not self:
            return "<i>this chapter judges no line of the budget</i>"
        rows = "".join(_html_row(verdict) for verdict in self)
        titles = ("", "budget, of what", "limit", "figure", "margin", "from")
        head = f"<tr>{''.join(f'<th>{title}</th>' for title in titles)}</tr>"
        return f"{VERDICTS}{head}{rows}</table>"


def gate(
    budget: Budget,
    figures: Mapping[str, Figure | None],
    notes: Mapping[str, str] | None = None,
) -> Verdicts:
    """Hold figures against the budget lines of the same name; one Verdict each. The one judge of a budget.

    Lines for which the design sets no limit are left out. A figure that is None or NaN is not judged, never
    passes, and says so; a value exactly at its limit passes. `notes`: by line, what its verdict says beside
    the number. Raises EdgekitError for a key that is no line of the budget, for something that is not a
    Figure, and for a figure in another unit.
    """
    verdicts, notes = [], notes or {}
    for key, figure in figures.items():
        line = line_of(key)
        if figure is not None:
            line.check_figure(figure)
        if (limit := getattr(budget, key)) is not None:
            margin = line.margin(limit, figure)
            note = notes.get(key) or (_why_open(figure) if isnan(margin) else "")
            verdicts.append(Verdict(key, limit, line.sense, figure, margin >= 0, margin, note))
    return Verdicts(verdicts)


def overall(
    budget: Budget, gates: Mapping[str, Verdicts], evaluates: Mapping[str, list[str]]
) -> Verdicts:
    """Every line of the budget once: as the last chapter that judged it did, or as not judged.

    `gates`: the verdicts by chapter, in order. `evaluates`: the chapters by line that judge it, in order; an
    open line names the first that has not. What is missed comes first, then what is open.
    """
    last = {v.key: v for verdicts in gates.values() for v in verdicts}
    lines = []
    for key, limit in budget.limits.items():
        if key not in last:
            waiting = [chapter for chapter in evaluates.get(key, ()) if chapter not in gates]
            note = f"by {waiting[0]}" if waiting else "by no chapter"
            last[key] = Verdict(key, limit, LINES[key].sense, None, False, nan, note)
        lines.append(last[key])
    order = ("missed", "not judged", "kept")
    return Verdicts(sorted(lines, key=lambda v: order.index(v.state)))


def _why_open(figure: Figure | None) -> str:
    """Why there was nothing to judge."""
    if figure is None:
        return "no figure"
    what = "the figure is NaN" if isnan(figure.value) else "the figure has no range"
    return f"{what}: {figure.source}"


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
    limit = LINES[verdict.key].limit_text(verdict.limit)
    return f"{word}  {verdict.key} {limit}: {_figure(verdict)}{where}{note}; {verdict.meaning}"


def _html_row(verdict: Verdict) -> str:
    figure = verdict.figure
    source = "" if figure is None else f"<b>{escape(figure.origin)}</b>: {escape(figure.source)}"
    note = f"<b>{escape(verdict.note)}</b>" if verdict.note else ""
    cells = (
        MARKS[verdict.state],
        f"<b>{escape(verdict.name)}</b><br>"
        f"<small><code>{verdict.key}</code>: {escape(verdict.meaning)}</small>",
        escape(LINES[verdict.key].limit_text(verdict.limit)),
        escape(_figure(verdict)),
        verdict.margin_text,
        f"<small>{'<br>'.join(part for part in (source, note) if part)}</small>",
    )
    row = "".join(f'<td style="text-align:left">{cell}</td>' for cell in cells)
    return f'<tr style="background:{COLOURS[verdict.state]};color:#222">{row}</tr>'
