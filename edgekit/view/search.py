"""What a search found, in lines for a terminal."""

from __future__ import annotations

from edgekit.core.figures import Figure
from edgekit.search.executor import TRIES
from edgekit.search.finalists import SearchResult
from edgekit.search.trials import described


def summary(found: SearchResult) -> list[str]:
    """The front, the choice beside the hand-made student, and where the files are."""
    counts = found.record["trials"]
    lines = [
        "",
        f"{counts['complete']} trained, {counts['pruned']} pruned before training, "
        f"{counts['failed']} failed"
        + (f" ({TRIES} tries each; search.csv says why)" if counts["failed"] else ""),
        f"all of it on {found.record['data'] or 'unnamed'} data",
        "Pareto front (accuracy in folds; the rest from the binary, emulated core):",
    ]
    for row in found.front:
        lines.append(
            f"  trial {row.number:3d}  {row.value('accuracy'):.3f}  "
            f"{row.value('instructions'):>10,.0f} instructions  {row.value('flash'):>8,.0f} B flash  "
            f"{described(row.candidate)}"
        )
    lines.append("")
    for what, key in (("found", "found"), ("hand-made", "hand_made")):
        one = found.record[key]
        figures = {k: Figure.from_dict(f) for k, f in one["figures"].items()}
        test = Figure.from_dict(one["test"])
        lines.append(
            f"{what:<10} {figures['instructions']} ({figures['network']} of the network), "
            f"flash {figures['flash']}, RAM {figures['ram']}; in folds "
            f"{one['validation_mean']:.3f}, test {one['test_mean']:.3f} (means); "
            f"this file on test {test}"
        )
        lines.append(f"{'':<10} {described(one['candidate'])}")
    fewer = 100 * found.record["fewer_instructions"]
    differences = (
        f"{100 * d['mean']:+.1f} points {where} ({100 * d['low']:+.1f} to {100 * d['high']:+.1f})"
        for where, d in (
            ("in folds", found.record["paired_difference"]),
            ("on test", found.record["test_paired_difference"]),
        )
    )
    lines.append(
        f"{fewer:.0f} % fewer instructions than the hand-made student, accuracy {', '.join(differences)}"
        if found.chosen is not found.reference
        else "nothing beats the hand-made student: more trials, or another SEARCH"
    )
    if found.chosen.accuracy < found.reference.accuracy:
        lines.append(
            "none is better in folds; this one cannot be told from it there, and is cheaper"
        )
    lines.append(f"files: found.tflite, found.json, search.csv in {found.directory / 'artefacts'}")
    return lines
