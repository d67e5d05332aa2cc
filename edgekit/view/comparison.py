"""Two runs side by side: which lines of the budget differ, by how much, and what else is not the same."""

from __future__ import annotations

from html import escape
from pathlib import Path
from string import Template

from edgekit.core.atomic import atomic_write
from edgekit.core.errors import EdgekitError
from edgekit.core.figures import Figure
from edgekit.design import LINES
from edgekit.design.gate import COLOURS, MARKS, Verdict
from edgekit.pipeline.review import Review, review
from edgekit.view.report import BADGES, TEMPLATE, result

BETTER, WORSE = "▲", "▼"


def write_comparison(one: Path, other: Path) -> Path:
    """Write `comparison.html` into the run `one`, against `other`; its path.

    Raises EdgekitError if either holds no run, or both are the same.
    """
    if one.resolve() == other.resolve():
        raise EdgekitError(f"{one} would be compared with itself: name two runs")
    a, b = review(one), review(other)
    names = [escape(_name(directory, run)) for directory, run in ((one, a), (other, b))]
    empty = dict.fromkeys(("stages", "chapters", "artefacts", "inputs", "versions"), "")
    page = Template(TEMPLATE.read_text(encoding="utf-8")).substitute(
        empty,
        title=" and ".join(names),
        question=escape(a.design.use_case.question),
        badge=BADGES[a.verdicts.state],
        verdict=f"{names[0]}: {escape(a.verdicts.summary())}",
        result="<br>".join(
            f"{name}: {escape(result(run))}" for name, run in zip(names, (a, b), strict=True)
        ),
        summary=f"{names[1]}: {escape(b.verdicts.summary())}",
        notes="".join(f'<p class="note">{escape(note)}</p>' for note in _notes(a, b)),
        budget=_budget(a, b, names),
        figures=_figures(a, b, names),
    )
    target = one / "comparison.html"
    with atomic_write(target) as half:
        half.write_text(page, encoding="utf-8")
    return target


def change(before: Figure | None, after: Figure | None) -> str:
    """From one figure to the other, `"+12.0 %"`; "" where one is missing, or zero was before."""
    if before is None or after is None or not before.value or before.unit != after.unit:
        return ""
    share = 100 * (after.value - before.value) / abs(before.value)
    return f"{share:+.1f} %" if abs(share) < float("inf") else ""  # NaN is not below it


def _notes(a: Review, b: Review) -> list[str]:
    """What makes two runs hard to compare."""
    notes = []
    for what, x, y in (
        ("use case", a.manifest["use_case"], b.manifest["use_case"]),
        ("profile", a.manifest["profile"], b.manifest["profile"]),
        ("data", a.data, b.data),
        ("board", a.design.board.name, b.design.board.name),
        ("Python", a.manifest["python"], b.manifest["python"]),
    ):
        if x != y:
            notes.append(f"Not the same {what}: {x or 'none'} and {y or 'none'}.")
    if a.design.budget != b.design.budget:
        notes.append("Not judged by the same budget: each figure is marked by its own run's.")
    return notes


def _budget(a: Review, b: Review, names: list[str]) -> str:
    left, right = ({v.key: v for v in run.verdicts} for run in (a, b))
    head = f"<tr><th>line</th><th>{names[0]}</th><th>{names[1]}</th><th>change</th></tr>"
    rows = []
    for key in [k for k in LINES if k in left or k in right]:
        one, other = left.get(key), right.get(key)
        figures = [None if v is None else v.figure for v in (one, other)]
        cells = f"<td><b>{escape(LINES[key].name)}</b></td>{_cell(one)}{_cell(other)}"
        rows.append(f"<tr>{cells}<td>{_arrow(key, *figures)}{change(*figures)}</td></tr>")
    return f"<table>{head}{''.join(rows)}</table>"


def _cell(verdict: Verdict | None) -> str:
    if verdict is None:
        return "<td>no such line</td>"
    shown = "not judged" if verdict.figure is None else escape(str(verdict.figure))
    limit = escape(LINES[verdict.key].limit_text(verdict.limit))
    colour = COLOURS[verdict.state]
    return (
        f'<td style="background:{colour};color:#222">{MARKS[verdict.state]} {shown} '
        f"<small>{limit}, {verdict.margin_text}</small></td>"
    )


def _arrow(key: str, before: Figure | None, after: Figure | None) -> str:
    sense = LINES[key].sense
    if before is None or after is None or before.value == after.value or sense == "covers":
        return ""
    better = (after.value > before.value) == (sense == "lower")
    return f"{BETTER} " if better else f"{WORSE} "


def _figures(a: Review, b: Review, names: list[str]) -> str:
    found = (a.figures, b.figures)
    rows = "".join(
        f"<tr><td>{escape(step[3:])}</td><td>{escape(key)}</td>"
        + "".join(
            f"<td>{escape(str(f[step, key]) if (step, key) in f else '–')}</td>" for f in found
        )
        + f"<td>{change(*(f.get((step, key)) for f in found))}</td></tr>"
        for step, key in sorted({*found[0], *found[1]})
    )
    head = "".join(f"<th>{t}</th>" for t in ("chapter", "figure", *names, "change"))
    return f"<table><tr>{head}</tr>{rows}</table>"


def _name(directory: Path, run: Review) -> str:
    return f"{directory.name} ({run.design.use_case.title})"
