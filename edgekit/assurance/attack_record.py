"""An attack is a record: its name, what it is aimed at, the attempts that a device must refuse, and why.

Beside them stands what is honest and else like them: a device that refused everything would refuse that, too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import pandas as pd

Call = Callable[
    [], str
]  # an attempt that is something to do; its answer is the refusal, "" if it got in


class Target(Protocol):
    """What is attacked. Each family of attacks has its own, with what its attempts are made of."""

    def answer(self, attempt: Any) -> str:
        """The refusal of an attempt, "" if it got in; afterwards the target is as it was."""
        ...

    def control(self) -> Iterable[Any]:
        """What it must let in: without that, no refusal says anything."""
        ...

    @property
    def state(self) -> object:
        """What is the same before and after every attempt."""
        ...


@dataclass(frozen=True)
class Attack:
    """One attack.

    `on` is the family: "package", "keys" or "way". `tries(target)` makes the attempts, one after the other,
    none where the attack does not apply. `rules`: what refuses them, each of it at least one; an attempt that
    another rule refuses proves nothing. On a package they are of `manifest.RULES`, in Python where that is
    known; else words of the refusal. `control(target)`: what is like the attempts, but honest, and gets in;
    the target's own unless given.
    """

    name: str
    on: str
    tries: Callable[[Any], Iterable[Any]]
    rules: tuple[str, ...] = ()
    control: Callable[[Any], Iterable[Any]] | None = None

    def controls(self, target: Target) -> Iterable[Any]:
        """What `target` must let in for a refusal of this attack to say anything."""
        return self.control(target) if self.control else target.control()


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
