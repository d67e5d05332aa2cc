"""What attacks on trust are aimed at: a device with root keys above the one that signs packages."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, partial

from cryptography.hazmat.primitives.asymmetric import ed25519

from edgekit.agent.simulator import DeviceSimulator
from edgekit.assurance.attack_record import Call
from edgekit.core.errors import EdgekitError
from edgekit.packages import statement
from edgekit.packages.keys import FileSigner
from edgekit.packages.keyset import KeyList, signed
from edgekit.packages.public_keys import Signer
from edgekit.packages.statement import Statement

NOW = 1_800_000_000  # POSIX seconds, of a device that has a clock
TAKES = statement.FRESHNESS[:2]  # a statement that was believed


@dataclass(frozen=True)
class AttackKeys:
    """What is compiled in, and those who own the keys in it; two of three roots must sign.

    `successor` has the key that will sign packages when `signer`'s was stolen.
    """

    first: KeyList
    roots: tuple[Signer, Signer, Signer]
    signer: Signer
    successor: Signer


def generate_keys(vendor: bytes, signer: Signer) -> AttackKeys:
    """New root keys for an experiment, around the key that signs packages."""
    roots, successor = (new_key(), new_key(), new_key()), new_key()
    first = KeyList(vendor, 0, 2, tuple(r.public for r in roots), (signer.public,))
    return AttackKeys(first, roots, signer, successor)


@dataclass(frozen=True, eq=False)
class KeysetTarget:
    """A device that was made with `keys.first` and takes `package`, which `keys.signer` signed.

    `old` is the list that it has by now, `start` its flash before any attack; `every` n-th byte is flipped
    and cut at (1: all).
    """

    core: DeviceSimulator
    keys: AttackKeys
    package: bytes
    old: KeyList
    start: bytes
    every: int = 1

    def answer(self, attempt: Call) -> str:
        """The refusal; "" where there was none, or where the device is not what it was."""
        before = self.state
        refused = attempt()
        if self.state != before:
            refused = ""
            self.core.restore_flash(before[0])
        return refused

    def control(self) -> Iterator[Call]:
        """The same keys under the next version."""
        return self.take_keys(self.signed_by_two(self.old.changed()))

    @property
    def state(self) -> tuple[bytes, int]:
        """The flash, and the number of what runs."""
        return self.core.flash, self.core.sequence

    def take_keys(self, *lists: bytes) -> Iterator[Call]:
        return (partial(self.core.take_keys, data, NOW) for data in lists)

    def signed_by_two(self, new: KeyList) -> bytes:
        return signed(new, *self.keys.roots[:2])

    def said(
        self, ahead: int, issued: int, until: int, model: bytes = b"", signer: Signer | None = None
    ) -> bytes:
        """A statement that names the release so far `ahead` of the one that runs."""
        core = self.core
        made = Statement(model or core.device.model, core.sequence + ahead, issued, until)
        return statement.sign_statement(made, signer or self.keys.signer)

    @cached_property
    def told(self) -> tuple[bytes, bytes, bytes]:
        """The flash after two statements, and the two; the second is the newer."""
        first, second = self.said(1, NOW - 50, NOW + 50), self.said(2, NOW - 20, NOW + 50)
        must(self.core.take_statement(first, NOW), "behind", "a statement")
        must(self.core.take_statement(second, NOW), "behind", "a newer statement")
        flash = self.core.flash
        self.core.restore_flash(self.start)
        return flash, first, second

    def hear(self, *statements: bytes) -> Iterator[Call]:
        """Statements to a device that was told the two before."""
        self.core.restore_flash(self.told[0])
        yield from (partial(self.believed, data) for data in statements)
        self.core.restore_flash(self.start)

    def believed(self, data: bytes, now: int = NOW) -> str:
        """What the device answers, as a refusal: "" if it believes."""
        said = self.core.take_statement(data, now)
        return "" if said in TAKES else said

    @cached_property
    def lists_without_signer(self) -> tuple[KeyList, KeyList]:
        """The key that signs packages was stolen: it is revoked, or no longer there."""
        signer, successor = self.keys.signer.public, self.keys.successor.public
        revoked = self.old.changed(signers=(signer, successor), revoked=(signer.id,))
        return revoked, self.old.changed(signers=(successor,))

    def after(self, *lists: KeyList) -> Iterator[None]:
        """The device after it took each of these lists."""
        for new in lists:
            self.core.restore_flash(self.start)
            must(self.core.take_keys(self.signed_by_two(new), NOW), "", "a list of keys")
            yield
        self.core.restore_flash(self.start)


def states(
    core: DeviceSimulator, keys: AttackKeys, package: bytes, every: int = 1
) -> Iterator[KeysetTarget]:
    """The device as it is, and after a rotation of roots. Raises EdgekitError if it does not take that."""
    before = core.flash
    yield KeysetTarget(core, keys, package, keys.first, before, every)
    core.restore_flash(before)
    old, data = _moved(keys)
    must(core.take_keys(data, NOW), "", "a rotation of roots")
    yield KeysetTarget(core, keys, package, old, core.flash, every)


def _moved(keys: AttackKeys) -> tuple[KeyList, bytes]:
    """The third root replaced by a fresh one: what devices in the field have taken before."""
    a, b, _ = keys.roots
    new = keys.first.changed(roots=(a.public, b.public, keys.successor.public))
    return new, signed(new, a, b)


def new_key() -> FileSigner:
    """Of nobody."""
    return FileSigner(ed25519.Ed25519PrivateKey.generate())


def must(answer: str, right: str, what: str) -> None:
    """Raises EdgekitError where the device does not take what it should."""
    if answer != right:
        raise EdgekitError(f"without any attack, {what} is answered {answer!r}: nothing is proved")
