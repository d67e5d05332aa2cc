"""The model card of a release: what it is for, how well it does on whom, at what cost, and what nobody tried.

In Markdown, after Mitchell and others, *Model cards for model reporting* (2019).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from edgekit import usecases
from edgekit.core import escape
from edgekit.core.workspace import Workspace
from edgekit.learn.scores import interval
from edgekit.pipeline.review import Review
from edgekit.view.report import result

if TYPE_CHECKING:
    import numpy as np

    from edgekit.data import Split, Windows
    from edgekit.pipeline.records import ModelCard

PLAIN = re.compile(r"(?:[^\W_]|[-–+.,()%°/: ])*")  # no letter of it is markup within a line


def model_card(found: Review, card: ModelCard, field: Windows, split: Split) -> str:
    """The card of a reviewed run's release, as Markdown.

    `card`: what chapter 04 says of the model. `field`, `split`: the windows, and which of them were trained
    on, chosen by and tested on.
    """
    design, name = found.design, found.manifest["use_case"]
    parts = {"trained on": split.train, "chosen by": split.val, "tested on": split.test}
    groups = [
        (part, len(set(field.group[at])), len(at), _classes(field, at))
        for part, at in parts.items()
    ]
    recalls = [(label, f"{share:.3f}") for label, share in card.test.recall.items()]
    budget = [
        (v.name, v.state, v.figure or "–", v.margin_text, v.figure.origin if v.figure else v.note)
        for v in found.verdicts
    ]
    told = (
        found.manifest["steps"].get("01_collect", {}).get("figures", {}).get("field_recordings", {})
    )
    about = usecases.notes(name, Workspace.find().folder, "00")
    verdict = escape.markdown(found.verdicts.summary())
    sections = {
        "What it is for": f"{escape.markdown(design.use_case.question)}\n\n{about}",
        "What came out": f"{result(found) or 'nothing was judged'}\n\n{verdict}.",
        "The model": _list(
            {
                "row of the ledger": card.name,
                "answers": ", ".join(card.classes),
                "takes": card.input,
                "balanced accuracy, test groups": f"{card.test.balanced_accuracy:.3f} "
                f"({interval(card.test)}), by {card.runtime}",
                "before rounding": f"{card.float_accuracy:.3f}",
                "below its teacher": f"{card.loss_points:+.2f} points",
                "an answer is trusted from": f"{card.confidence_gate.floor:.2f}",
            }
        ),
        "Recall of each class": _table(("class", "recall"), recalls),
        "The data": _list(
            {
                "recordings": str(told.get("source", "not said")),
                "they are": found.data or "unknown",
                "makers, licence, flaws": f"the cards in data/, and usecases/{name}/notes.md",
            }
        ),
        "Who was where": _table(("part", "groups", "windows", "of each class"), groups),
        "The budget": _table(("line", "verdict", "figure", "margin", "origin"), budget),
        "Limits": _limits(found.data, card.test.groups),
    }
    text = "\n\n".join(f"## {title}\n\n{body}" for title, body in sections.items())
    return f"# {escape.markdown(design.use_case.title)}\n\n{text}\n"


def _limits(data: str, groups: int) -> str:
    lines = [
        f"* Scores are of {groups} groups that nothing was trained on; for others of the same kind the "
        "interval is the promise, for other kinds there is none.",
        "* Latency and energy are estimated from exact instruction counts; no board was attached.",
        "* A class that is not in the list above is answered as one that is.",
    ]
    if data != "real":
        lines.insert(0, f"* Every figure rests on **{data or 'unknown'}** data.")
    return "\n".join(lines)


def _classes(field: Windows, at: np.ndarray) -> str:
    return ", ".join(f"{int((field.y[at] == k).sum())}" for k in range(len(field.classes)))


def _list(facts: Mapping[str, str]) -> str:
    return "\n".join(f"* **{_inline(k)}**: {_inline(v)}" for k, v in facts.items())


def _table(head: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    lines = [tuple(head), *(tuple(map(str, row)) for row in rows)]
    lines.insert(1, ("---",) * len(lines[0]))
    return "\n".join(f"| {' | '.join(map(_inline, line))} |" for line in lines)


def _inline(text: str) -> str:
    """Text within a line: what is plain stays readable as text, the rest is escaped."""
    return text if PLAIN.fullmatch(text) else escape.markdown(text)
