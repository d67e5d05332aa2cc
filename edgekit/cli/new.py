"""`edgekit new`: look at a folder, show what was understood, ask what cannot be known, write the use case."""

from __future__ import annotations

import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

from edgekit import bring, usecases
from edgekit.bring.folder import failure_summary, group_by_reason
from edgekit.bring.templates import plural
from edgekit.core import escape
from edgekit.core.errors import EdgekitError
from edgekit.core.progress import progress
from edgekit.core.workspace import Workspace

SHOWN = 12  # files of one reason
ASKABLE = {  # what stands in an error -> the option, and the question for a person at a terminal
    "say --rate": ("rate", "How many samples a second (Hz)? "),
    "--label-from": (
        "label_from",
        "Where are the labels (folder, folder:2, name, name:2, column:NAME)? ",
    ),
}


def create(
    name: str, source: str, options: bring.Options, *, lab="", question="", yes=False, dry=False
) -> list[Path]:
    """The command. Returns the paths written; raises EdgekitError."""
    root = Workspace.find().folder
    usecases.refuse_taken(name)
    bring.usecase_paths(name, root)
    asking = not yes and sys.stdin.isatty() and sys.stdout.isatty()
    plan, options, found = _read_plan(source, options, asking, yes)
    print(report(plan, found.ignored))
    second = None
    if lab:
        second, _, beside = _read_plan(lab, replace(options, group_from=""), asking, yes)
        _match_domains(plan, second, lab)
        print(f"the lab, {escape.line(lab)}:", report(second, beside.ignored), sep="\n")
    if asking:
        plan, options = _corrected(plan, options, source, yes)
    if dry:
        return []
    if asking and not options.licence:
        options = replace(options, licence=_ask("Licence of the data? [not stated] "))
    written = bring.write(name, plan, root, options, question, second)
    for path in written:
        print(f"wrote {_short(path)}")
    print(f"next: edgekit run {name}")
    return written


def _read_plan(source: str, options: bring.Options, asking: bool, yes: bool):
    """Read and understand; at a terminal, what cannot be known is asked for."""
    label_table = (
        options.label_from.removeprefix("file:") if options.label_from.startswith("file:") else ""
    )
    found = bring.read(source, wanted=bring.wanted(options), label_table=label_table, progress=_bar)
    try:
        return bring.infer_plan(found, options, assume=yes), options, found
    except EdgekitError as error:
        if found.failed:  # perhaps the class that is missing is one that could not be read
            what = f"left out: {plural(len(found.failed), 'file')}{failure_summary(found.failed)}"
            error = EdgekitError(f"{error} ({what})")
        key = next((k for k in ASKABLE if k in str(error)), None)
        if not asking or key is None:
            raise error from None
        print(error)
        field, text = ASKABLE[key]
        if not (said := _ask(text)):
            raise error from None
        answer: dict[str, Any] = {field: _number(said) if field == "rate" else said}
        options = replace(options, **answer)
        return _read_plan(source, options, asking, yes)  # a guess may have cut the files


def _corrected(plan, options: bring.Options, source: str, yes: bool):
    """Whether a person agrees; else they may say `rate 100`, `window 2`, `label-from name:2`, …"""
    while True:
        said = _ask(
            "Right? [yes, or for example: rate 100 | window 2 | label-from name:2 | normal ok] "
        )
        if said.lower() in ("", "y", "yes"):
            return plan, options
        key, _, value = said.partition(" ")
        key = key.lstrip("-").replace("-", "_")
        if key not in bring.Options.__dataclass_fields__ or not value.strip():
            print(f"not understood: {said!r}")
            continue
        number = isinstance(getattr(options, key), float)
        try:
            answer: dict[str, Any] = {key: _number(value) if number else value.strip()}
            plan, options, found = _read_plan(source, replace(options, **answer), True, yes)
            print(report(plan, found.ignored))
        except EdgekitError as error:
            print(error)


def _match_domains(field, lab, folder: str) -> None:
    """The two worlds must be comparable. The field decides rate, window and channels."""
    if not set(lab.classes) <= set(field.classes):
        more = sorted(set(lab.classes) - set(field.classes))
        raise EdgekitError(f"{folder} has classes that --from has not: {', '.join(more)}")
    if len(lab.channels) != len(field.channels) or (lab.kind == "image") != (field.kind == "image"):
        raise EdgekitError(
            f"{folder} has {len(lab.channels)} channels, --from {len(field.channels)}: they must be the "
            "same (--channels)"
        )
    lab.used = [replace(r, channels=field.channels) for r in lab.used]
    lab.window, lab.hop, lab.rate, lab.blocks = field.window, field.hop, field.rate, {}


def report(plan, ignored: dict[str, str] | None = None) -> str:
    """What was understood, as text for a terminal; `ignored`: file -> why it is no data."""
    lines = [f"{'class':<20} {'recordings':>10} {'groups':>7} {'seconds':>9}"]
    for c in plan.classes:
        mine = [r for r in plan.used if r.label == c]
        blocks = f"  cut into {plan.blocks[c]} blocks each" if c in plan.blocks else ""
        seconds = sum(len(r.samples) / r.rate for r in mine)
        mark = "  (normal)" if c == plan.normal else ""
        lines.append(
            f"{escape.line(c):<20} {len(mine):>10} {len(plan.groups(c)):>7} {seconds:>9,.1f}{mark}{blocks}"
        )
    lines.append(f"labels from {plan.label_from}; groups from {plan.group_from}")
    if plan.kind == "image":
        lines.append(f"pictures of {' × '.join(map(str, plan.used[0].samples.shape[1:]))}, grey")
    else:
        lines.append(
            f"channels: {', '.join(plan.channels)}{f' ({plan.unit})' if plan.unit else ''}"
        )
        lines.append(f"rate: {plan.rate:g} Hz ({plan.why['rate']})")
        lines.append(f"window: {plan.window} samples, {plan.seconds:.3g} s ({plan.why['window']})")
    notes = Counter(n for r in plan.used for n in r.notes)
    lines += [
        f"note: {text} ({plural(count, 'recording')})" for text, count in notes.most_common(8)
    ]
    if plan.excluded:
        lines.append(f"left out, {plural(len(plan.excluded), 'file')}:")
        lines += _grouped(plan.excluded)
    if ignored:
        lines.append(f"beside the data, {plural(len(ignored), 'file')}:")
        lines += _grouped(ignored)
    return "\n".join(map(escape.line, [*lines, *(f"MIND: {s}" for s in plan.warnings)]))


def _grouped(files: dict[str, str]) -> list[str]:
    """A line for each reason, with the files that it concerns."""
    lines = []
    for why, names in group_by_reason(files).items():
        if len(names) == 1:
            lines.append(f"  {names[0]} {why}")
            continue
        more = f", … and {len(names) - SHOWN:,} more" if len(names) > SHOWN else ""
        lines.append(f"  {len(names):,} files, each {why}: {', '.join(names[:SHOWN])}{more}")
    return lines


def _bar(files):
    return progress(files, "reading", delay=1)


def _ask(text: str) -> str:
    try:
        return input(text).strip()
    except EOFError:
        return ""


def _number(text: str) -> float:
    try:
        return float(text.replace(",", ".").lower().removesuffix("hz").strip())
    except ValueError:
        raise EdgekitError(f"{text!r} is no number") from None


def _short(path: Path) -> str:
    here = Path.cwd()
    return str(path.relative_to(here) if path.is_relative_to(here) else path)
