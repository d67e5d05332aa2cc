"""Words of names that cross: `0_jackson_0.wav`, where each digit was said by each speaker. One of them is
the label, the other the group, and a name alone does not say which."""

from __future__ import annotations

import re
from collections import Counter
from statistics import median

from edgekit.bring import path_labels

LEAST = 3  # groups, fewer tell nothing
HASH = re.compile(r"(?=.*[a-f])(?=.*\d)[0-9a-f]{8,}")


def label(paths: list[str], found: str | None) -> tuple[str | None, str]:
    """Where the label stands, and what a person should know: `found`, or the digits before it.

    Digits 0 to 9 at the beginning of all names are what was said or written where they cross the words of
    `found`, or numbers of persons, and each pair occurs several times; of other numbers it is only said.
    """
    if found is None or found == "name:1" or found.endswith(path_labels.UNNUMBERED):
        return found, ""
    places = [path_labels.words(p) for p in paths]
    if not all("name:1" in p for p in places):
        return found, ""
    numbers = [p["name:1"] for p in places]
    if not (_from_zero(set(numbers)) and _often([p.get(found, "") for p in places], numbers)):
        return found, ""
    some = _some(places, "name:1")
    if set(numbers) != set("0123456789"):
        return found, (
            f"name:1 holds numbers that cross the labels ({some}): if they are the label, say --label-from "
            f"name:1 --group-from {found}; if they are persons or machines: --group-from name:1"
        )
    return "name:1", (
        f"The label is taken from name:1 ({some}); {found} ({_some(places, found)}) "
        "occurs with each of them, as speakers do. If it is the other way round: "
        f"--label-from {found} --group-from name:1"
    )


def digits(paths: list[str]) -> str | None:
    """`name:1` where all names begin with a digit and all ten occur several times; nothing else told."""
    places = [path_labels.words(p) for p in paths]
    values = Counter(p.get("name:1", "") for p in places)
    return "name:1" if set(values) == set("0123456789") and min(values.values()) > 1 else None


def group(paths: list[str], labels: list[str], label_from: str) -> tuple[str | None, str]:
    """Where words stand that occur with several labels each, as persons and machines do; and what to say."""
    places = [path_labels.words(p) for p in paths]
    for where in _common(places):
        values = [p[where] for p in places]
        if where == label_from or not _words(values, where.startswith("folder")):
            continue
        counts = Counter(values)
        if not LEAST <= len(counts) < len(values):
            continue
        again = {v for v, n in counts.items() if n > 1}
        seen = Counter(v for v, _ in set(zip(values, labels, strict=True)) if v in again)
        covered = sum(counts[v] for v in again) >= 0.5 * len(values)
        if covered and sum(n > 1 for n in seen.values()) >= 0.8 * len(again):
            return where, (
                f"Groups are from {where} ({_some(places, where)}): each occurs with several classes, as "
                "persons and machines do. If they are none: --group-from file"
            )
    return None, ""


def _common(places: list[dict[str, str]]) -> list[str]:
    return [w for w in places[0] if all(w in p for p in places)] if places else []


def _from_zero(kinds: set[str]) -> bool:
    """0, 1, 2, … without a gap, or from 1 on, none of them as 01."""
    if not 2 <= len(kinds) <= path_labels.MOST or not all(
        re.fullmatch(r"0|[1-9]\d?", k) for k in kinds
    ):
        return False
    low, high = min(map(int, kinds)), max(map(int, kinds))
    return low < 2 and high - low == len(kinds) - 1


def _often(words: list[str], numbers: list[str]) -> bool:
    """Whether most pairs occur several times: a number that counts the takes of a word does not."""
    pairs = Counter(zip(words, numbers, strict=True))
    several = Counter(n for _, n in pairs)
    return median(pairs.values()) > 1 and min(several.values()) > 1


def _words(values: list[str], folder: bool) -> bool:
    kinds = set(values)
    if path_labels.technical(kinds):
        return False
    if folder and all(k.isdigit() for k in kinds):
        return True
    if len({re.sub(r"\d+$", "", k) for k in kinds}) == 1:  # r0, r1: takes
        return False
    return all(map(HASH.fullmatch, kinds)) or not any(map(path_labels.COUNTER.fullmatch, kinds))


def _some(places: list[dict[str, str]], where: str) -> str:
    kinds = sorted({p[where] for p in places})
    return ", ".join(kinds[:3]) + (", …" if len(kinds) > 3 else "")
