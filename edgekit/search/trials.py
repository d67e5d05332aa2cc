"""The trials of a search as they are kept and shown: states, reasons, rows."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from edgekit.core.figures import Figure
from edgekit.search.config import SearchConfig
from edgekit.search.prune import PruneReason


class State(StrEnum):
    """What became of a trial."""

    COMPLETE = "complete"
    PRUNED = "pruned"
    FAILED = "failed"


class Constraint(StrEnum):
    """Constraints of a trial beside the lines of the budget: what the sampler learns to avoid."""

    INSTRUCTIONS = "too_many_instructions"
    ESTIMATE = "over_estimate"


class Attr(StrEnum):
    """The keys of a trial's attributes in the study's database."""

    INDEX = "index"  # of the task that asked for it
    TRIES = "tries"
    REASON = "reason"  # in words: why it was pruned, or failed
    PRUNED = "pruned"  # a PruneReason
    CANDIDATE = "candidate"
    ESTIMATE = "estimate"
    FIGURES = "figures"
    SECONDS = "seconds"


@dataclass(frozen=True)
class Row:
    """One trial: its `state`, `reason` why in words, and the PruneReason if it was `pruned`."""

    number: int
    state: State
    reason: str
    candidate: dict
    figures: dict[str, Figure]
    estimate: dict
    kept: bool  # every line of the budget
    seconds: float
    pruned: PruneReason | None = None

    def value(self, name: str) -> float:
        """Of a figure; NaN where it has none of this name."""
        return self.figures[name].value if name in self.figures else float("nan")


def rows_of(study) -> list[Row]:
    """All finished trials of an Optuna study, by number."""
    rows = []
    for trial in study.get_trials(deepcopy=False, states=tuple(_states())):
        attrs = trial.user_attrs
        pruned = attrs.get(Attr.PRUNED)
        rows.append(
            Row(
                trial.number,
                _states()[trial.state],
                attrs.get(Attr.REASON, ""),
                attrs.get(Attr.CANDIDATE, {}),
                {k: Figure.from_dict(f) for k, f in attrs.get(Attr.FIGURES, {}).items()},
                attrs.get(Attr.ESTIMATE, {}),
                all(v <= 0 for k, v in trial.constraints.items() if k != Constraint.INSTRUCTIONS),
                attrs.get(Attr.SECONDS, 0.0),
                PruneReason(pruned) if pruned else None,
            )
        )
    return sorted(rows, key=lambda r: r.number)


def _states() -> dict:
    from optuna.trial import TrialState

    return {
        TrialState.COMPLETE: State.COMPLETE,
        TrialState.PRUNED: State.PRUNED,
        TrialState.FAIL: State.FAILED,
    }


def count(rows: list[Row], state: State) -> int:
    """How many of the rows are in this state."""
    return sum(row.state == state for row in rows)


def predictions_path(config: SearchConfig, number: int) -> Path:
    """Where a complete trial's predictions for `Context.held_out` are."""
    return config.folder / "trials" / f"{number:04d}.npy"


def line(row: Row, progress: str) -> str:
    """A finished trial in one line; `progress` says how far the search is."""
    what = f"trial {row.number:3d}  {progress:<16}  {row.state:<8}"
    if row.state != State.COMPLETE:
        return f"{what} {row.reason}"
    kept = "" if row.kept else "  over the budget"
    return (
        f"{what} {row.value('accuracy'):.3f}  {row.value('instructions'):>9,.0f} instructions  "
        f"{row.value('flash'):>7,.0f} B flash  {row.seconds:5.1f} s  {described(row.candidate)}{kept}"
    )


def described(candidate: dict) -> str:
    """A candidate in a few words."""
    if not candidate:
        return ""
    words = {"distilled": candidate["distil"], "qat": candidate["quantize"] == "qat"}
    words[f"rate x {candidate['rate']:g}"] = candidate["rate"] != 1
    how = ", ".join(word for word, on in words.items() if on)
    if candidate["network"] == "student":
        what = f"student x {candidate['share']:g}"
    else:
        widths = "-".join(map(str, candidate["widths"])) or "dense"
        what = (
            f"{widths} k{candidate['kernel']} s{candidate['stride']}"
            if candidate["widths"]
            else widths
        )
        what += " separable" if candidate.get("separable") else ""
        what += f" {candidate['pool']}" if candidate["widths"] else ""
        what += f" +{candidate['hidden']}" if candidate["hidden"] else ""
    return f"{candidate['features']}: {what}{', ' + how if how else ''}"
