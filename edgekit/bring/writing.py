"""Write a use case: recordings in the format, `usecase.py`, `design.toml`, `notes.md` and a data card."""

from __future__ import annotations

import hashlib
import re
import shutil
import unicodedata
from dataclasses import replace
from pathlib import Path

import numpy as np
import tomli_w

from edgekit.bring import templates, usecase_helpers
from edgekit.bring.plan import Options, Plan
from edgekit.core import escape, naming
from edgekit.core.errors import EdgekitError
from edgekit.data import recording_file
from edgekit.data.recordings import Recording

LONGEST = 120  # bytes of a file's name, where 255 would do: blocks and suffixes come behind


def recordings(name: str, plan: Plan, options: Options) -> list[Recording]:
    """The readings as recordings, cut into blocks where a class has too few groups."""
    result: list[Recording] = []
    used: set[str] = set()
    for r in plan.used:
        own = file_name(r.name, used)
        meta = {**r.meta, "file": r.path}
        events = tuple(map(tuple, meta.pop("events", ())))
        licence = meta.pop("licence", "") if not options.licence else options.licence
        meta.pop("source", None)
        if r.notes:
            meta["notes"] = list(r.notes)
        recording = Recording(
            own, r.samples, r.rate, r.label, r.group, "field", r.channels,
            r.unit or plan.unit or "as recorded", escape.encodable(licence) or "not stated", name,
            meta, events,
        )  # fmt: skip
        result += _blocks(recording, plan)
    return _bundled(result) if plan.kind == "image" else result


def file_name(name: str, used: set[str]) -> str:
    """A file's name, without its suffix, that any system takes; `used` are the others, so that no two are
    one where case or the writing of accents makes no difference."""
    plain = unicodedata.normalize("NFC", name).replace("/", "__")
    plain = re.sub(r"[^\w.+-]+", "_", plain).strip("._") or "recording"
    if plain.split(".")[0].lower() in naming.DEVICES:
        plain = f"_{plain}"
    if len(plain.encode()) > LONGEST:
        short = plain.encode()[:LONGEST].decode("utf-8", "ignore")
        plain = f"{short}~{hashlib.sha256(name.encode()).hexdigest()[:8]}"
    while (key := unicodedata.normalize("NFKD", plain).casefold()) in used:
        plain += "_"
    used.add(key)
    return plain


def _blocks(recording: Recording, plan: Plan) -> list[Recording]:
    """Equal blocks with a gap of one window between, each a group of its own."""
    count = plan.blocks.get(recording.label or "", 1)
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


def usecase_paths(name: str, root: Path) -> tuple[Path, Path]:
    """The folder and the data card of a new use case. Raises EdgekitError as `write` does."""
    naming.refuse(name)
    folder, card = root / "usecases" / name, root / "data" / f"{name}.toml"
    for path in (folder, card):
        if path.exists():
            raise EdgekitError(f"{path} is there already: take another name, or remove it")
    return folder, card


def write(
    name: str, plan: Plan, root: Path, options: Options, question: str = "", lab: Plan | None = None
) -> list[Path]:
    """All files of the use case; returns their paths. Whole or not at all.

    `question` is what the use case asks of its data, `lab` the plan of the recordings of a second domain.

    Raises EdgekitError for a name that C cannot have, or one that is taken.
    """
    folder, card = usecase_paths(name, root)
    made = recordings(name, plan, options)
    others = recordings(name, lab, options) if lab else []
    draft = folder.with_name(f".{name}.draft")
    shutil.rmtree(draft, ignore_errors=True)
    try:
        for recording in made:
            recording_file.save(recording, draft / "recordings" / f"{recording.name}.npz")
        for recording in others:
            recording_file.save(recording, draft / "recordings" / "lab" / f"{recording.name}.npz")
        excluded = plan.excluded | (
            {f"lab/{k}": why for k, why in lab.excluded.items()} if lab else {}
        )
        (draft / "recordings" / usecase_helpers.EXCLUDED_FILE).write_text(
            tomli_w.dumps(excluded), encoding="utf-8"
        )
        texts = templates.fill(name, plan, made, question, bool(lab))
        for file, text in texts.items():
            (draft / file).write_text(text, encoding="utf-8")
        draft.rename(folder)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    card.parent.mkdir(parents=True, exist_ok=True)
    card.write_text(templates.card(name, plan, made, options), encoding="utf-8")
    return [*(folder / file for file in texts), folder / "recordings", card]
