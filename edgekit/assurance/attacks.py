"""All attacks in one table, and the verbs that try them."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from edgekit.agent.attempt import Attempt
from edgekit.agent.simulator import DeviceSimulator
from edgekit.assurance.attack_record import Attack, refusals, table
from edgekit.assurance.attacks_keyset import KEYSET
from edgekit.assurance.attacks_package import PACKAGE
from edgekit.assurance.attacks_transfer import TRANSFER, TransferTarget
from edgekit.assurance.keyset_target import AttackKeys, states
from edgekit.assurance.package_target import PackageTarget, check_in_python
from edgekit.core.errors import EdgekitError
from edgekit.packages.package import Device
from edgekit.packages.public_keys import Signer

if TYPE_CHECKING:
    import pandas as pd

ATTACKS: dict[str, Attack] = {attack.name: attack for attack in (*PACKAGE, *KEYSET, *TRANSFER)}


def attack(
    package: bytes,
    signer: Signer,
    device: Device,
    base: bytes = b"",
    answer: Callable[[Attempt], str] = check_in_python,
    every: int = 1,
    now: int = 0,
) -> pd.DataFrame:
    """Try each attack on an accepted package; one row each: attack, tries, refused, answer.

    `base` is the image in the device's active slot; `every` n-th byte is flipped and cut at (1: all); `now`
    is the time on the device, POSIX seconds, 0 for none. `refused` is True if every try was; `answer` is the
    refusal of the last one.
    Raises EdgekitError if the device does not take the package as it is: then nothing is proved.
    """
    start = Attempt(package, device, (signer.public,), now=now, base=base)
    if why := answer(start):
        raise EdgekitError(f"the package is refused without any attack: {why}")
    target = PackageTarget(start, signer, answer, every)
    return table(refusals(aimed_at("package"), target))


def attempts(
    start: Attempt, signer: Signer, every: int = 1
) -> Iterator[tuple[str, Iterable[Attempt]]]:
    """Every attack on what travels: its name, and its attempts."""
    target = PackageTarget(start, signer, every=every)
    return ((attack.name, attack.tries(target)) for attack in aimed_at("package"))


def attack_keyset(
    core: DeviceSimulator, keys: AttackKeys, package: bytes, every: int = 1
) -> pd.DataFrame:
    """Try each attack on an emulated device; one row each: attack, tries, refused, answer.

    `core` was made with `keys.first` and takes `package`, which `keys.signer` signed. Tried on it as it is
    and after a rotation of roots; `every` n-th byte is flipped and cut at (1: all). Then it is as it was.
    Raises EdgekitError if it does not take what it should: then nothing is proved.
    """
    before, targets = core.flash, states(core, keys, package, every)
    try:
        return table(found for t in targets for found in refusals(aimed_at("keys"), t))
    finally:
        core.restore_flash(before)


def attack_transfer(package: bytes, core: DeviceSimulator) -> pd.DataFrame:
    """A hostile server, and a device that is played with; one row each: attack, refused, answer.

    `core` is a device that takes `package`; afterwards it runs what it ran before. Raises EdgekitError if it
    does not take it.
    """
    with tempfile.TemporaryDirectory() as folder:
        target = TransferTarget(core, package, Path(folder))
        return table(refusals(aimed_at("way"), target)).drop(columns="tries")


def aimed_at(family: str) -> list[Attack]:
    """The attacks of a family (`Attack.on`)."""
    return [attack for attack in ATTACKS.values() if attack.on == family]
