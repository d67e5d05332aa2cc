"""What an attack must do to prove something: reach the rule that it is for, and be refused by it.

    from edgekit.testing.attack import lacks
    lacks(Attack("…", "package", tries, ("abi",)), targets)    # [] if it holds

An attack says which rules refuse it. That is looked at: an attempt that another rule refuses would go on
being refused if its own rule were gone. And what is honest must get in, before and after: who refuses
everything, or is broken by now, refuses an attack as well.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from edgekit.assurance.attack_record import Attack, Target
from edgekit.assurance.attacks_package import IMAGE
from edgekit.assurance.attacks_transfer import TransferTarget
from edgekit.assurance.keyset_target import KeysetTarget
from edgekit.assurance.package_target import PackageTarget, take_in_python
from edgekit.core.errors import EdgekitError
from edgekit.packages.manifest import RULES

FAMILIES: dict[str, type] = {"package": PackageTarget, "keys": KeysetTarget, "way": TransferTarget}
CHANCE = {IMAGE, "digest"}  # which of these two meets noise


@dataclass(frozen=True)
class Round:
    """What came of an attack on one target.

    `honest`: the answers to its controls, before and after; `met`: for each attempt the rule that refused it
    and the refusal in full, "" for one that was taken; `answers`: those of the target; `again`: how many
    attempts there are the next time; `same`: the target is what it was; `attacks`: no attempt is a control.
    """

    honest: tuple[list[str], list[str]]
    met: list[tuple[str, str]]
    answers: list[str]
    again: int
    same: bool
    attacks: bool


def lacks(attack: Attack, targets: Iterable[Any]) -> list[str]:
    """What an attack lacks, one sentence each; empty if it holds.

    targets: of its family (`FAMILIES`), which take what is honest. Of packages, the more kinds (raw, delta,
    encrypted), the better; their `answer` is asked too, whoever that is. Raises EdgekitError for a device
    that does not take what makes it ready for the attack.
    """
    targets = list(targets)
    if found := [
        f"{says_what_it_is.__name__}: {what}" for what in says_what_it_is(attack, targets)
    ]:
        return found
    rounds = [_round(attack, target) for target in targets]
    for check in CHECKS.values():
        found += [f"{check.__name__}: {what}" for what in check(attack, rounds)]
    return found


def says_what_it_is(attack: Attack, targets: list[Target]) -> Iterator[str]:
    """A name of one line, the family of its `targets`, and rules that there are."""
    if not attack.name.strip() or not attack.name.isprintable():
        yield f"the name {attack.name!r}"
    family = FAMILIES.get(attack.on, ())
    for strange in {type(t).__name__ for t in targets if not isinstance(t, family)}:
        yield f"aimed at {attack.on!r}, asked of a {strange}"
    if attack.on == "package" and set(attack.rules) - {*RULES[1:], IMAGE}:
        yield f"the rules {attack.rules}; there are {', '.join((*RULES[1:], IMAGE))}"
    if not attack.rules or not all(rule.strip() for rule in attack.rules):
        yield f"the rules {attack.rules}: what refuses it?"


def lets_the_honest_in(attack: Attack, rounds: list[Round]) -> Iterator[str]:
    """What is like the attempts, but honest: before any attack and after all of them, in all `rounds`."""
    for round in rounds:
        for when, answers in zip(("without any attack", "afterwards"), round.honest, strict=True):
            if round.met and not answers:
                yield f"nothing honest is tried {when}"
            for why in filter(None, answers):
                yield f"what is honest is refused {when}: {why}"


def tries_something(attack: Attack, rounds: list[Round]) -> Iterator[str]:
    """In one of the `rounds` at least, the same number each time, and never what is taken anyway."""
    if not any(round.met for round in rounds):
        yield "no attempt on any of the targets"
    for round in rounds:
        if len(round.met) != round.again:
            yield f"{len(round.met)} attempts, and then {round.again}"
        if not round.attacks:
            yield "an attempt is what is honest"


def is_refused_by_its_rules(attack: Attack, rounds: list[Round]) -> Iterator[str]:
    """In all `rounds` by those that it names, in one line; and each of them refuses something."""
    met = [refused for round in rounds for refused in round.met]
    for rule, refusal in met:
        if not refusal:
            yield "an attempt is taken"
            continue
        if not refusal.isprintable():
            yield f"a refusal of several lines: {refusal!r}"
        if rule not in attack.rules:
            yield f"an attempt is refused by the rule {rule!r}, not by {', '.join(attack.rules)}"
    missing = set(attack.rules) - {rule for rule, _ in met}
    if missing - CHANCE:
        yield f"nothing is refused by {', '.join(sorted(missing))}"


def is_refused_by_who_answers(attack: Attack, rounds: list[Round]) -> Iterator[str]:
    """By the targets of the `rounds` themselves, and they are what they were."""
    for round in rounds:
        for refusal in round.answers:
            if not refusal:
                yield "an attempt got in"
        if not round.same:
            yield "the target is not what it was"


CHECKS: dict[str, Callable[[Attack, list[Round]], Iterator[str]]] = {
    check.__name__: check
    for check in (
        lets_the_honest_in,
        tries_something,
        is_refused_by_its_rules,
        is_refused_by_who_answers,
    )
}


def _round(attack: Attack, target: Target) -> Round:
    def honest() -> list[str]:
        controls = attack.controls(target)
        return [target.answer(control) or _met(attack, control, "")[1] for control in controls]

    state, first = target.state, honest()
    answers, met = [], []
    for attempt in attack.tries(target):
        answers.append(target.answer(attempt))
        met.append(_met(attack, attempt, answers[-1]))
    same, controls = target.state == state, list(attack.controls(target))
    again = [attempt not in controls for attempt in attack.tries(target)]
    return Round((first, honest()), met, answers, len(again), same, all(again))


def _met(attack: Attack, attempt: Any, answer: str) -> tuple[str, str]:
    """Which rule refuses an attempt, and the refusal: of a package in Python, else in words of the answer."""
    if attack.on == "package":
        try:
            take_in_python(attempt)
        except EdgekitError as refusal:
            return getattr(refusal, "rule", "") or IMAGE, str(refusal)
        return "", ""
    return next((rule for rule in attack.rules if rule in answer), answer), answer
