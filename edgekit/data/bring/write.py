"""Write a use case: recordings in the format, `usecase.py`, `design.toml`, `notes.md` and a data card."""

from __future__ import annotations

import json
import re
import shutil
import textwrap
from dataclasses import replace
from pathlib import Path

import numpy as np

from edgekit.data import format as recording_format
from edgekit.data.bring import own, templates
from edgekit.data.bring.plan import Options, Plan
from edgekit.data.recordings import Recording
from edgekit.errors import EdgekitError


def recordings(name: str, plan: Plan, options: Options) -> list[Recording]:
    """The readings as recordings, cut into blocks where a class has too few groups."""
    result, used = [], set()
    for r in plan.used:
        own = re.sub(r"[^\w.+-]+", "_", r.name.replace("/", "__")).strip("._") or "recording"
        while own.lower() in used:
            own += "_"
        used.add(own.lower())
        meta = {**r.meta, "file": r.path}
        events = tuple(map(tuple, meta.pop("events", ())))
        licence = meta.pop("licence", "") if not options.licence else options.licence
        meta.pop("source", None)
        if r.notes:
            meta["notes"] = list(r.notes)
        recording = Recording(
            own, r.samples, r.rate, r.label, r.group, "field", r.channels or plan.channels,
            r.unit or plan.unit or "as recorded", licence or options.licence or "not stated", name,
            meta, events,
        )  # fmt: skip
        result += _blocks(recording, plan)
    return _bundled(result) if plan.kind == "image" else result


def _blocks(recording: Recording, plan: Plan) -> list[Recording]:
    """Equal blocks with a gap of one window between, each a group of its own."""
    count = plan.blocks.get(recording.label, 1)
    if count == 1:
        return [recording]
    length = len(recording.samples)
    window = 1 if plan.kind == "image" else int(plan.window * recording.rate / plan.rate)
    step = plan.row or 1
    gap = window if plan.kind != "image" else max(1, length // (10 * count))
    block = (length - (count - 1) * gap) // count // step * step
    if block < window:
        raise EdgekitError(
            f"{recording.meta['file']}: {recording.label!r} cannot be cut into {count} blocks of a window "
            f"({plan.seconds:.3g} s); record more of it, or take a shorter --window"
        )
    starts = [i * (block + -(-gap // step) * step) for i in range(count)]
    return [
        replace(
            recording, name=f"{recording.name}.block{i + 1}", samples=recording.samples[s : s + block],
            group=f"{recording.group}, block {i + 1}", events=(),
            meta={**recording.meta, "block": f"{i + 1} of {count}"},
        )
        for i, s in enumerate(starts)
        if len(recording.samples[s : s + block]) == block
    ]  # fmt: skip


def _bundled(found: list[Recording]) -> list[Recording]:
    """Pictures of one label and group in one file."""
    together: dict[tuple, list[Recording]] = {}
    for r in found:
        together.setdefault((r.label, r.group), []).append(r)
    result = []
    for part in together.values():
        samples = np.concatenate([r.samples for r in part])
        meta = {**part[0].meta, "files": [r.meta["file"] for r in part]}
        result.append(replace(part[0], samples=samples, meta=meta))
    return result


def write(
    name: str, plan: Plan, root: Path, options: Options, question: str = "", lab: Plan | None = None
) -> list[Path]:
    """All files of the use case; returns their paths. Whole or not at all.

    Raises EdgekitError for a name that C cannot have, or one that is taken.
    """
    if not re.fullmatch(r"[a-z][a-z0-9_]{0,30}", name):
        raise EdgekitError(
            f"{name!r} cannot be the name: lower-case letters, digits and _, beginning with a letter"
        )
    folder, card = root / "usecases" / name, root / "data" / f"{name}.toml"
    for path in (folder, card):
        if path.exists():
            raise EdgekitError(f"{path} is there already: take another name, or remove it")
    made = recordings(name, plan, options)
    others = recordings(name, lab, options) if lab else []
    draft = folder.with_name(f".{name}.draft")
    shutil.rmtree(draft, ignore_errors=True)
    try:
        for recording in made:
            recording_format.save(recording, draft / "recordings" / f"{recording.name}.npz")
        for recording in others:
            recording_format.save(recording, draft / "recordings" / "lab" / f"{recording.name}.npz")
        left = "".join(f"{_quoted(k)} = {_quoted(v)}\n" for k, v in plan.left.items())
        (draft / "recordings" / own.LEFT).write_text(left, encoding="utf-8")
        texts = templates.fill(name, plan, made, question, bool(lab))
        for file, text in texts.items():
            (draft / file).write_text(text, encoding="utf-8")
        draft.rename(folder)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    card.parent.mkdir(parents=True, exist_ok=True)
    card.write_text(templates.card(name, plan, made, options), encoding="utf-8")
    return [*(folder / file for file in texts), folder / "recordings", card]


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def wrapped(text: str, width: int = 100, indent: str = "") -> str:
    return textwrap.fill(text, width, initial_indent=indent, subsequent_indent=indent)
