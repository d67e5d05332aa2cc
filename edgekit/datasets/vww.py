"""Visual Wake Words: does a picture show a person? For those who have COCO on their disk.

Chowdhery, Warden, Shlens, Howard, Rhodes, "Visual Wake Words Dataset" (2019): a COCO picture shows a
person if one of its boxes labelled so covers at least half a percent of it. Annotations are CC BY 4.0;
the pictures belong to their authors on Flickr, each under a licence of its own, which COCO's file
names. Nothing is downloaded here: 13 GB of train2017 are for you to fetch, from cocodataset.org.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from edgekit.core.errors import EdgekitError
from edgekit.data.recordings import TARGET, Recording
from edgekit.data.video import opencv
from edgekit.data.windows import Windows

PERSON = "person"
CLASSES = ("nobody", "person")
SMALLEST = 0.005  # share of the picture that a person must cover, as the paper has it
LICENCE = "COCO: annotations CC BY 4.0; each picture under the licence its author chose on Flickr"
CREDIT = (
    "T.-Y. Lin and others, Microsoft COCO (2014); A. Chowdhery and others, Visual Wake Words (2019)"
)


def labels(annotations: Path | str, smallest: float = SMALLEST) -> dict[str, str]:
    """File name -> "person" or "nobody", of a COCO file such as `instances_val2017.json`.

    A picture whose people are all smaller than `smallest` of it is in neither class and left out, as in
    the paper. Raises EdgekitError where the file is not COCO's or knows no category "person".
    """
    try:
        facts = json.loads(Path(annotations).read_text(encoding="utf-8"))
        pictures = {p["id"]: p for p in facts["images"]}
        named = {c["name"]: c["id"] for c in facts["categories"]}
        boxes = [(a["image_id"], a["bbox"]) for a in facts["annotations"] if _is_person(a, named)]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise EdgekitError(
            f"{annotations} is no COCO annotation file ({type(error).__name__}: {error})"
        ) from None
    if PERSON not in named:
        raise EdgekitError(f"{annotations} knows no category {PERSON!r}; take instances_*.json")
    largest = dict.fromkeys(pictures, 0.0)
    for number, (_, _, w, h) in boxes:
        if number in pictures:
            area = w * h / (pictures[number]["width"] * pictures[number]["height"])
            largest[number] = max(largest[number], area)
    return {
        pictures[n]["file_name"]: "person" if share >= smallest else "nobody"
        for n, share in sorted(largest.items())
        if share == 0 or share >= smallest
    }


def licences(annotations: Path | str) -> dict[str, int]:
    """How many pictures carry which licence: name -> count, the commonest first."""
    facts = json.loads(Path(annotations).read_text(encoding="utf-8"))
    names = {entry["id"]: entry["name"] for entry in facts.get("licenses", [])}
    held: dict[str, int] = {}
    for picture in facts.get("images", []):
        name = names.get(picture.get("license"), "unknown")
        held[name] = held.get(name, 0) + 1
    return dict(sorted(held.items(), key=lambda item: -item[1]))


def load(
    folder: Path | str,
    annotations: Path | str,
    size: int = 96,
    most: int | None = None,
    seed: int = 0,
) -> Windows:
    """Square grey pictures of `folder` with their class, as many of each as there are, at most `most`.

    X (n, size, size, 1) float32, whole grey values 0…255: the middle square of each picture, reduced
    by averaging areas. `group` is the picture, so any split by group is honest. Prints licence and
    credit first. Raises EdgekitError where OpenCV or every picture is missing, or one is damaged.
    """
    cv2 = opencv()
    folder, wanted = Path(folder), labels(annotations)
    print(f"Visual Wake Words: {len(wanted):,} pictures\n  licence: {LICENCE}\n  credit:  {CREDIT}")
    for name, count in licences(annotations).items():
        print(f"  {count:,} pictures: {name}")
    there = {name: label for name, label in wanted.items() if (folder / name).is_file()}
    if not there:
        raise EdgekitError(f"{folder} holds none of the {len(wanted):,} pictures of {annotations}")
    rng = np.random.default_rng(seed)
    each = min(sum(v == c for v in there.values()) for c in CLASSES)
    each = min(each, most // 2) if most else each
    names = []
    for c in CLASSES:
        known = [name for name, label in there.items() if label == c]
        names += [known[i] for i in sorted(rng.permutation(len(known))[:each])]
    if not names:
        raise EdgekitError(f"{folder} holds pictures of one class only")
    X = np.stack([_square(cv2, folder / name, size) for name in names])
    return Windows(
        X=X.astype(np.float32)[..., None],
        y=np.array([CLASSES.index(there[name]) for name in names], np.int64),
        classes=CLASSES,
        group=np.array(names),
        domain=np.array([TARGET] * len(names)),
        origin=np.array([f"{name}@0" for name in names]),
        rate=1.0,
    )


def recordings(windows: Windows) -> list[Recording]:
    """The same as Recordings of one picture each, for `inspect` and the pictures of chapter 01."""
    return [
        Recording(
            name=str(g), samples=x[None, :, :, 0].astype(np.uint8), rate=1.0,
            label=windows.classes[y], group=str(g), domain=TARGET, channels=("grey",),
            unit="grey value", licence=LICENCE, source="visual-wake-words",
        )
        for x, y, g in zip(windows.X, windows.y, windows.group, strict=True)
    ]  # fmt: skip


def _is_person(annotation: dict, named: dict) -> bool:
    return annotation["category_id"] == named.get(PERSON)


def _square(cv2, path: Path, size: int) -> np.ndarray:
    picture = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
    if picture is None:
        raise EdgekitError(f"{path} is no readable picture; fetch it again")
    height, width = picture.shape
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    middle = picture[top : top + side, left : left + side]
    return cv2.resize(middle, (size, size), interpolation=cv2.INTER_AREA)
