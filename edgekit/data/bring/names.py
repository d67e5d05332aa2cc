"""Labels and groups from the names of folders and files.

`pump/subject3/walk.02.csv` has the words `subject3`, `walk`, `02`. A label is a word that takes a few values
over the whole folder; a group is one that looks like a person, a machine or a day.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from pathlib import PurePosixPath

from edgekit.errors import EdgekitError

MOST = 20  # classes
SPLITS = {"train", "training", "test", "testing", "val", "valid", "validation", "data", "dataset"}
GROUP = re.compile(
    r"(subj(ect)?|person|patient|part(icipant)?|user|machine|mach|motor|pump|rig|bearing|device|dev|unit|cam(era)?"
    r"|session|sess|day|house|site|plant|speaker|spk)[ _-]?\w{0,3}\d+\w?"
    r"|[spmu]\d{1,3}|(19|20)\d{2}-?\d{2}-?\d{2}",
    re.I,
)
COUNTER = re.compile(
    r"[\d.]*|[0-9a-f]{8,}|\d+[a-z]{0,2}|(take|rec|run|trial|sample|file|nr|no)\d*", re.I
)


def words(path: str) -> dict[str, str]:
    """Where -> word: `folder:1` the outermost folder, `name:1` the first part of the file's name.

    >>> words("left/walk.s03.csv")
    {'folder:1': 'left', 'name:1': 'walk', 'name:2': 's03'}
    """
    pure = PurePosixPath(path)
    folders = [f for f in pure.parts[:-1] if f.lower() not in SPLITS]
    found = {f"folder:{i}": f for i, f in enumerate(folders, 1)}
    parts = (
        re.split(r"[._\-\s]+", pure.name.removesuffix(pure.suffix)) if pure.suffix else [pure.name]
    )
    return found | {f"name:{i}": p for i, p in enumerate((p for p in parts if p), 1)}


def plain(word: str) -> str:
    """A word without the number that counts the files: `normal12` -> `normal`."""
    return re.sub(r"(?<=[A-Za-z]{3})\d+$", "", word)


def find_label(paths: list[str]) -> str | None:
    """Where the label stands in all paths, `"folder:1"` say; None where nothing convinces."""
    places = [words(p) for p in paths]
    common = [w for w in places[0] if all(w in p for p in places)] if places else []
    scores = {}
    for where in common:
        values = [p[where] for p in places]
        values = [plain(v) for v in values] if where.startswith("name") else values
        kinds = Counter(values)
        if not 2 <= len(kinds) <= MOST:
            continue
        if where.startswith("name") and len(kinds) > max(2, 0.75 * len(paths)):
            continue
        if all(COUNTER.fullmatch(k) for k in kinds) or all(GROUP.fullmatch(v) for v in values):
            continue
        # folders before names, the first word before later ones, even classes before odd ones
        order = 10 * where.startswith("folder") - int(where.split(":")[1])
        scores[where] = order + min(kinds.values()) / max(kinds.values())
        if any(GROUP.fullmatch(p[where]) for p in places):
            scores[where] -= 5
    if scores:
        return max(scores, key=scores.get)
    counted = [w for w in common if w.startswith("folder") and _classes_by_number(places, w)]
    if counted:
        return counted[0]
    whole = [PurePosixPath(p).stem for p in paths]  # one file a class: normal.csv, leak.csv
    if 2 <= len(set(whole)) == len(paths) <= MOST and all(
        re.fullmatch(r"[^\W\d]+", w) for w in whole
    ):
        return "name:1"
    return None


def _classes_by_number(places: list[dict[str, str]], where: str) -> bool:
    """Folders `0` … `9`: they may count persons or days too, so anything else that tells goes first."""
    kinds = {p[where] for p in places}
    return 2 <= len(kinds) <= MOST and all(re.fullmatch(r"\d{1,3}", k) for k in kinds)


def alike(classes) -> list[str]:
    """A sentence for each set of classes whose names only look different to a computer."""
    same: dict[str, list[str]] = {}
    for c in classes:
        same.setdefault(unicodedata.normalize("NFKC", c).casefold().strip(), []).append(c)
    return [
        f"{' and '.join(map(repr, names))} differ only in how they are written, and were taken for "
        f"{len(names)} classes: if they are one, give their files or folders one name."
        for names in same.values()
        if len(names) > 1
    ]


def find_group(paths: list[str], label_from: str | None) -> str | None:
    """Where a person, machine or day stands in all paths; None: nowhere."""
    places = [words(p) for p in paths]
    common = [w for w in places[0] if all(w in p for p in places)] if places else []
    for where in common:
        values = {p[where] for p in places}
        if where != label_from and len(values) > 1 and all(GROUP.fullmatch(v) for v in values):
            return where
    return None


def word(path: str, where: str, what: str) -> str | None:
    """The word at `where`: `folder`, `folder:2`, `name`, `name:2`, `file` (the whole path), or `re:…`."""
    if where == "file":
        return path
    if where.startswith("re:"):
        try:
            found = re.search(where[3:], path)
        except re.error as error:
            raise EdgekitError(f"--{what}-from {where}: no regular expression ({error})") from None
        return (found[1] if found.re.groups else found[0]) if found else None
    if where == "folder":
        folders = [w for w in words(path) if w.startswith("folder")]
        return words(path)[folders[-1]] if folders else None
    if re.fullmatch(r"(folder|name)(:\d+)?", where):
        where = where if ":" in where else f"{where}:1"
        found = words(path).get(where)
        return plain(found) if found and where.startswith("name") and what == "label" else found
    raise EdgekitError(
        f"--{what}-from {where}: write folder, folder:2, name, name:2, column:NAME, file:labels.csv, "
        f"re:EXPRESSION{' or file' if what == 'group' else ''}"
    )
