"""An attack is a record: its name, what it is aimed at, and the attempts that a device must refuse."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import pandas as pd


class Target(Protocol):
    """What is attacked. Each family of attacks has its own, with what its attempts are made of."""

    def answer(self, attempt: Any) -> str:
        """The refusal of an attempt, "" if it got in; afterwards the target is as it was."""
        ...


@dataclass(frozen=True)
class Attack:
    """One attack.

    `on` is the family: "package", "keys" or "way". `tries(target)` makes the attempts, one after the other,
    none where the attack does not apply. `rules` (of `manifest.RULES`): those which refuse an attempt on a
    package, in Python where that is known; an attempt that another rule refuses proves nothing about them.
    """

    name: str
    on: str
    tries: Callable[[Any], Iterable[Any]]
    rules: tuple[str, ...] = ()


def refusals(attacks: Iterable[Attack], target: Target) -> Iterator[tuple[str, str]]:
    """(name of the attack, refusal) of each attempt, "" for one that got in."""
    for attack in attacks:
        for attempt in attack.tries(target):
            yield attack.name, target.answer(attempt)


def table(found: Iterable[tuple[str, str]]) -> pd.DataFrame:
    """One row for each attack: attack, tries, refused (True if every try was), answer (of the last)."""
    import pandas as pd

    answers: dict[str, list[str]] = {}
    for name, refusal in found:
        answers.setdefault(name, []).append(refusal)
    rows = [(n, len(r), all(r), r[-1] or "ACCEPTED") for n, r in answers.items()]
    return pd.DataFrame(rows, columns=["attack", "tries", "refused", "answer"])
