"""What an attack must do to prove something: reach the rule that it is for, and be refused by it.

    from edgekit.testing.attack import lacks
    lacks(Attack("…", "package", tries, ("abi",)), targets)    # [] if it holds

An attack on a package says which rules refuse it. That is looked at: an attempt that another rule refuses
would go on being refused if its own rule were gone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from edgekit.assurance.attack_record import Attack
from edgekit.assurance.attacks_package import IMAGE
from edgekit.assurance.package_target import PackageTarget, take_in_python
from edgekit.core.errors import EdgekitError
from edgekit.packages.manifest import RULES


def lacks(attack: Attack, targets: Iterable[PackageTarget]) -> list[str]:
    """What an attack on packages lacks, one sentence each; empty if it holds.

    targets: packages that are taken as they are, the more kinds (raw, delta, encrypted), the better; their
    `answer` is asked too, whoever that is. Raises EdgekitError for one that is not taken.
    """
    targets = list(targets)
    for target in targets:
        take_in_python(target.start)
        if why := target.answer(target.start):
            raise EdgekitError(f"the package is refused without any attack: {why}")
    found = []
    for check in CHECKS.values():
        found += [f"{check.__name__}: {what}" for what in check(attack, targets)]
    return found


def says_what_it_is(attack: Attack, targets: list[PackageTarget]) -> Iterator[str]:
    """A name of one line, and rules that there are; no `targets` are needed."""
    if not attack.name.strip() or not attack.name.isprintable():
        yield f"the name {attack.name!r}"
    if attack.on != "package":
        yield f"aimed at {attack.on!r}, asked of packages"
    if not attack.rules or set(attack.rules) - {*RULES[1:], IMAGE}:
        yield f"the rules {attack.rules}; there are {', '.join((*RULES[1:], IMAGE))}"


def tries_something(attack: Attack, targets: list[PackageTarget]) -> Iterator[str]:
    """On one of the targets at least, the same number each time, and never what is taken anyway."""
    counts = [[sum(1 for _ in attack.tries(target)) for target in targets] for _ in range(2)]
    if not any(counts[0]):
        yield "no attempt on any of the targets"
    if counts[0] != counts[1]:
        yield f"{counts[0]} attempts, and then {counts[1]}"
    for target in targets:
        if any(attempt == target.start for attempt in attack.tries(target)):
            yield "an attempt is the package as it is, to the device as it is"


def is_refused_by_its_rules(attack: Attack, targets: list[PackageTarget]) -> Iterator[str]:
    """On all `targets` by those that it names, in one line; and each of them refuses something."""
    met: set[str] = set()
    for target in targets:
        for attempt in attack.tries(target):
            try:
                take_in_python(attempt)
                yield "an attempt is taken"
                continue
            except EdgekitError as refusal:
                rule = getattr(refusal, "rule", "") or IMAGE
                if not str(refusal).isprintable():
                    yield f"a refusal of several lines: {refusal!r}"
            met.add(rule)
            if rule not in attack.rules:
                yield f"an attempt is refused by the rule {rule!r}, not by {', '.join(attack.rules)}"
    if not met >= set(attack.rules) - {IMAGE, "digest"}:  # which of these two meets noise is chance
        yield f"nothing is refused by {', '.join(sorted(set(attack.rules) - met))}"


def is_refused_by_who_answers(attack: Attack, targets: list[PackageTarget]) -> Iterator[str]:
    """A device of the `targets`, too; and it takes the package afterwards."""
    for target in targets:
        for attempt in attack.tries(target):
            if not target.answer(attempt):
                yield "an attempt got in"
        if why := target.answer(target.start):
            yield f"the device no longer takes the package: {why}"


CHECKS: dict[str, Callable[[Attack, list[PackageTarget]], Iterator[str]]] = {
    check.__name__: check
    for check in (
        says_what_it_is,
        tries_something,
        is_refused_by_its_rules,
        is_refused_by_who_answers,
    )
}
