"""What stands beside pictures and is no example: boxes of a detector, masks of where a fault is."""

from __future__ import annotations

import re
import warnings
from pathlib import Path, PurePosixPath

from edgekit.readers.folder_contents import FolderContents
from edgekit.readers.images import FORMATS, MOST_PIXELS
from edgekit.tables import file_types

TRUTH = {"ground_truth", "groundtruth", "ground-truth"}
MASKS = TRUTH | {
    "mask",
    "masks",
    "gt",
    "seg",
    "segmentation",
    "segmentations",
    "segmaps",
    "annotations",
    "labels",
}
TAIL = re.compile(r"[-_. ](mask|gt|seg|segmentation|label|labels|ground_?truth)$", re.I)
FEW = 32  # grey levels that a mask may have, and how many masks are looked at
BOX = re.compile(rb"\s*\d+(\s+-?(0?\.\d+|[01](\.\d*)?|\d+(\.\d+)?e-\d+)){4,}\s*$")
MARKS = (b'"imagePath"', b'"shapes"', b'"annotations"', b"<annotation", b"<object>")
LOOK = 65_536  # bytes of an annotation


def take(files: dict[str, Path], found: FolderContents) -> None:
    """Move annotations and masks of pictures out of `files` into `found.ignored`, and say so."""
    pictures = {n for n, p in files.items() if p.suffix.lower() in file_types.PICTURES}
    if not pictures:
        return
    stems = {PurePosixPath(n).stem.lower() for n in pictures}
    notes = {
        n: p for n, p in files.items()
        if n not in pictures and p.suffix.lower() in (".txt", ".json")
        and PurePosixPath(n).stem.lower() in stems and _annotates(p)
    }  # fmt: skip
    if notes:
        found.warnings.append(
            f"{len(notes):,} files hold boxes for the picture of the same name, as YOLO has them, "
            f"the first {min(notes)!r}: not used, a label here is one for a whole picture."
        )
    masks = _masks({n: files[n] for n in pictures})
    if masks:
        where = sorted({str(PurePosixPath(n).parent) for n in masks})
        found.warnings.append(
            f"{len(masks):,} pictures in {', '.join(where[:3])}{', …' * (len(where) > 3)} are masks of where "
            "something is in another picture, no examples of a class: left out."
        )
    for name in notes:
        found.ignored[name] = "annotates the picture of the same name"
        del files[name]
    for name in masks:
        found.ignored[name] = "is the mask of another picture"
        del files[name]


def _annotates(path: Path) -> bool:
    """Whether a text holds boxes or outlines: `0 0.51 0.43 0.12 0.20` in each line, or JSON that says so."""
    try:
        with path.open("rb") as file:
            head = file.read(LOOK)
    except OSError:
        return False
    if path.suffix.lower() == ".json":
        return any(mark in head for mark in MARKS)
    lines = [line for line in head.splitlines()[:200] if line.strip()]
    return all(map(BOX.match, lines[:-1] if len(head) == LOOK else lines))


def _masks(pictures: dict[str, Path]) -> list[str]:
    """Pictures in a folder of masks, or called `…_mask`, if others have their names without it."""
    own = {n: _key(n) for n in pictures if _named(n)}
    others = {PurePosixPath(n).stem.lower() for n in pictures if n not in own}
    if not others:
        return []
    sure = [n for n in own if {f.lower() for f in PurePosixPath(n).parts[:-1]} & TRUTH]
    perhaps = [n for n in own if n not in sure and own[n] in others]
    step = max(1, len(perhaps) // FEW)
    flat = perhaps and all(_few_levels(pictures[n]) for n in perhaps[::step])
    return sorted(sure + (perhaps if flat else []))


def _named(name: str) -> bool:
    path = PurePosixPath(name)
    return bool({f.lower() for f in path.parts[:-1]} & MASKS or TAIL.search(path.stem))


def _key(name: str) -> str:
    return TAIL.sub("", PurePosixPath(name).stem).lower()


def _few_levels(path: Path) -> bool:
    from PIL import Image

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(path, formats=FORMATS) as picture:
                if picture.size[0] * picture.size[1] > MOST_PIXELS:
                    return False
                return picture.convert("L").getcolors(FEW) is not None
    except Exception:  # a decoder raises whatever it likes; the reader will say so
        return False
