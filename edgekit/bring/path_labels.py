"""Labels and groups from the names of folders and files.

`pump/subject3/walk.02.csv` has the words `subject3`, `walk`, `02`. A label is a word that takes a few values
over the whole folder; a group is one that looks like a person, a machine or a day.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from pathlib import PurePosixPath

from edgekit.core.errors import EdgekitError
from edgekit.tables import column_roles

MOST = 20  # classes
SPLITS = {"train", "training", "test", "testing", "val", "valid", "validation", "data", "dataset"}
PARTS = {
    "x",
    "y",
    "subject",
    "subjects",
    "label",
    "labels",
    "feature",
    "features",
}  # X_train, y_train
UNNUMBERED = ", without numbers"  # of `walk_01`, `walk-2024-05-01_10-00-00`
TAIL = re.compile(r"[ _.-]*(?:(?:19|20)\d\d[-_.]?\d\d[-_.]?\d\d[ T_.-]*[\d_.:-]*|\(?\d{1,4}\)?)$")
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


def is_group(word: str) -> bool:
    """Whether a word looks like one person, machine or day: `Actor_01`, `sub-01`, `Patient_B`."""
    if GROUP.fullmatch(word):
        return True
    *nouns, last = column_roles.tokens(word) or [""]
    one = last.isdigit() or (len(last) == 1 and bool(re.search(r"[ _-]", word)))
    known = (
        column_roles.PERSON
        | column_roles.MACHINE
        | column_roles.GENERIC
        | {"sub", "vol", "fold", "visit"}
    )
    return (
        one
        and bool(nouns)
        and set(nouns) <= known | column_roles.ID_SUFFIX
        and bool(set(nouns) & known)
    )


def technical(kinds) -> bool:
    """Whether words tell parts of a data set or sensors apart, and no classes: `X`, `y`; `seg_train`,
    `seg_test`; `Accelerometer`, `Gyroscope`."""
    kinds = [k.lower() for k in kinds]
    return (
        all(k in PARTS for k in kinds)
        or all(set(column_roles.tokens(k)) & SPLITS - {"data", "dataset"} for k in kinds)
        or all(map(column_roles.is_sensor, kinds))
        or all(map(column_roles.is_place, kinds))
    )


def sensors(paths: list[str]) -> list[str]:
    """The sensors that files are called after where these are several: `ACC`, `BVP`; empty: one, or none."""
    places = [words(p) for p in paths]
    common = [w for w in places[0] if all(w in p for p in places)] if places else []
    for where in common:
        kinds = sorted({p[where] for p in places})
        if len(kinds) > 1 and all(map(column_roles.is_sensor, kinds)):
            return kinds
    return []


def _numbered(kinds) -> bool:
    """Whether folders are recordings of a class each, `walk_01`, `walk_02`, `run_01`, `run_02`: all have a
    number or a date, and each stem stands at least twice. `level1`, `level2` are classes."""
    stems = Counter(TAIL.sub("", k) for k in kinds)
    return (
        len(stems) > 1 and min(stems.values()) > 1 and all(stems) and not stems.keys() & set(kinds)
    )


def find_label(paths: list[str]) -> str | None:
    """Where the label stands in all paths, `"folder:1"` say; None where nothing convinces."""
    places = [words(p) for p in paths]
    common = [w for w in places[0] if all(w in p for p in places)] if places else []
    scores = {}
    for where in common:
        values = [p[where] for p in places]
        values = [plain(v) for v in values] if where.startswith("name") else values
        numbered = where.startswith("folder") and _numbered(set(values))
        values = [TAIL.sub("", v) for v in values] if numbered else values
        kinds = Counter(values)
        if not 2 <= len(kinds) <= MOST or technical(kinds):
            continue
        if where.startswith("name") and len(kinds) > max(2, 0.75 * len(paths)):
            continue
        if all(COUNTER.fullmatch(k) for k in kinds) or all(map(is_group, values)):
            continue
        whole_where, where = where, where + UNNUMBERED * numbered
        # folders before names, the first word before later ones, even classes before odd ones
        order = 10 * where.startswith("folder") - int(whole_where.split(":")[1])
        scores[where] = order + min(kinds.values()) / max(kinds.values())
        if any(is_group(p[whole_where]) for p in places) and not numbered:
            scores[where] -= 5
    if scores:
        return max(scores, key=scores.__getitem__)
    counted = [w for w in common if w.startswith("folder") and _classes_by_number(places, w)]
    if counted:
        return counted[0]
    whole = [PurePosixPath(p).stem for p in paths]  # one file a class: normal.csv, leak.csv
    plain_words = all(re.fullmatch(r"[^\W\d]+", w) for w in whole)
    if 2 <= len(set(whole)) == len(paths) <= MOST and plain_words and not technical(whole):
        return "name:1"
    return None


def _classes_by_number(places: list[dict[str, str]], where: str) -> bool:
    """Folders `0` … `9`: they may count persons or days too, so anything else that tells goes first."""
    kinds = {p[where] for p in places}
    return 2 <= len(kinds) <= MOST and all(re.fullmatch(r"\d{1,3}", k) for k in kinds)


def alike(classes: tuple[str, ...]) -> list[str]:
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
        if where != label_from and len(values) > 1 and all(map(is_group, values)):
            return where
    if label_from and label_from.endswith(UNNUMBERED):  # each of those folders is a recording
        return label_from.removesuffix(UNNUMBERED)
    return None


def word(path: str, where: str, what: str) -> str | None:
    """The word at `where`: `folder`, `folder:2`, `name`, `name:2`, `file` (the whole path), or `re:…`."""
    if where == "file":
        return path
    if where.startswith("re:"):
        try:
            match = re.search(where[3:], path)
        except re.error as error:
            raise EdgekitError(f"--{what}-from {where}: no regular expression ({error})") from None
        return (match[1] if match.re.groups else match[0]) if match else None
    if where == "folder":
        folders = [w for w in words(path) if w.startswith("folder")]
        return words(path)[folders[-1]] if folders else None
    if where.endswith(UNNUMBERED):
        found = words(path).get(where.removesuffix(UNNUMBERED))
        return found and TAIL.sub("", found)
    if re.fullmatch(r"(folder|name)(:\d+)?", where):
        where = where if ":" in where else f"{where}:1"
        found = words(path).get(where)
        return plain(found) if found and where.startswith("name") and what == "label" else found
    raise EdgekitError(
        f"--{what}-from {where}: write folder, folder:2, name, name:2, column:NAME, file:labels.csv, "
        f"re:EXPRESSION{' or file' if what == 'group' else ''}"
    )
