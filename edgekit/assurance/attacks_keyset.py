"""Attacks on whom a device trusts, on what it hears of releases, and on what it reports of itself.

An attempt is something to call that answers as a device does. A device that was made today and one that has
changed its keys before must refuse every one, and be what it was.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property, partial
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ed25519

from edgekit.agent.simulator import DeviceSimulator
from edgekit.assurance.attack_record import Attack
from edgekit.assurance.package_target import flip_bit
from edgekit.core.errors import EdgekitError
from edgekit.packages import keyset, statement, status
from edgekit.packages.keys import FileSigner
from edgekit.packages.keyset import KeyList, signed, unsigned
from edgekit.packages.public_keys import Signer
from edgekit.packages.statement import Statement

NOW = 1_800_000_000  # POSIX seconds, of a device that has a clock
TAKES = statement.FRESHNESS[:2]  # a statement that was believed
Call = Callable[[], str]


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
    roots, successor = (_new_key(), _new_key(), _new_key()), _new_key()
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
        before, runs = self.core.flash, self.core.sequence
        refused = attempt()
        if self.core.flash != before or self.core.sequence != runs:
            refused = ""
            self.core.restore_flash(before)
        return refused

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
        _must(self.core.take_statement(first, NOW), "behind", "a statement")
        _must(self.core.take_statement(second, NOW), "behind", "a newer statement")
        flash = self.core.flash
        self.core.restore_flash(self.start)
        return flash, first, second

    def hear(self, *statements: bytes) -> Iterator[Call]:
        """Statements to a device that was told the two before."""
        self.core.restore_flash(self.told[0])
        yield from (partial(self._believed, data) for data in statements)
        self.core.restore_flash(self.start)

    def _believed(self, data: bytes) -> str:
        """What the device answers, as a refusal: "" if it believes."""
        said = self.core.take_statement(data, NOW)
        return "" if said in TAKES else said

    @cached_property
    def lists_without_signer(self) -> tuple[KeyList, KeyList]:
        """The key that signs packages was stolen: it is revoked, or no longer there."""
        signer, successor = self.keys.signer.public, self.keys.successor.public
        revoked = self.old.changed(signers=(signer, successor), revoked=(signer.id,))
        return revoked, self.old.changed(signers=(successor,))

    def without_signer(self) -> Iterator[None]:
        """The device after each of these lists."""
        for new in self.lists_without_signer:
            self.core.restore_flash(self.start)
            _must(self.core.take_keys(self.signed_by_two(new), NOW), "", "a revocation")
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
    _must(core.take_keys(data, NOW), "", "a rotation of roots")
    yield KeysetTarget(core, keys, package, old, core.flash, every)


def _moved(keys: AttackKeys) -> tuple[KeyList, bytes]:
    """The third root replaced by a fresh one: what devices in the field have taken before."""
    a, b, _ = keys.roots
    new = keys.first.changed(roots=(a.public, b.public, keys.successor.public))
    return new, signed(new, a, b)


# ---- Lists of keys ----


def _new_key() -> FileSigner:
    return FileSigner(ed25519.Ed25519PrivateKey.generate())


def _too_few(t: KeysetTarget) -> Iterable[Call]:
    new = t.old.changed()
    return t.take_keys(unsigned(new), signed(new, t.keys.roots[0]))


def _twice(t: KeysetTarget) -> Iterable[Call]:
    new, a = t.old.changed(), t.keys.roots[0]
    return t.take_keys(signed(new, a, a), _doubled(signed(new, a)))


def _new_roots(t: KeysetTarget, by_old: bool) -> Iterable[Call]:
    fresh = _new_key(), _new_key()
    new = t.old.changed(roots=tuple(key.public for key in fresh))
    return t.take_keys(signed(new, *(t.keys.roots[:2] if by_old else fresh)))


def _by_package_key(t: KeysetTarget) -> Iterable[Call]:
    return t.take_keys(signed(t.old.changed(), t.keys.signer, t.keys.roots[0]))


def _revoked_signs(t: KeysetTarget) -> Iterable[Call]:
    new = t.old.changed(revoked=(t.keys.roots[1].public.id,))
    return t.take_keys(t.signed_by_two(new))


def _versions_back(t: KeysetTarget) -> Iterable[Call]:
    at = t.old.version
    older = [replace(t.old, version=v) for v in {0, at, max(at - 1, 0)}]
    return t.take_keys(*map(t.signed_by_two, older))


def _version_ahead(t: KeysetTarget) -> Iterable[Call]:
    far = t.old.version + keyset.MAX_VERSION_JUMP + 1
    return t.take_keys(t.signed_by_two(replace(t.old, version=far)))


def _good(t: KeysetTarget) -> bytes:
    return t.signed_by_two(t.old.changed())


def _cut(t: KeysetTarget) -> Iterable[Call]:
    good = _good(t)
    return t.take_keys(*(good[:i] for i in range(0, len(good), t.every)))


def _flipped(t: KeysetTarget) -> Iterable[Call]:
    good = _good(t)
    return t.take_keys(*(flip_bit(good, i) for i in range(0, len(good), t.every)))


def _endless(t: KeysetTarget) -> Iterable[Call]:
    good = _good(t)
    return t.take_keys(*(good + bytes(n) for n in (1, keyset.BYTES, 100_000)))


# ---- Statements: replayed, forged, about others, held back ----


def _forged(t: KeysetTarget) -> Iterable[Call]:
    second = t.told[2]
    return t.hear(t.said(3, NOW, NOW + 50, signer=_new_key()), second[:-1], second + b"\0")


def _freeze(t: KeysetTarget) -> Iterable[Call]:
    flash, _, second = t.told

    def noticed() -> str:
        said = t.core.take_statement(second, NOW + 51)
        return said if said == "frozen" else ""

    t.core.restore_flash(flash)
    yield noticed
    t.core.restore_flash(t.start)


# ---- Reports that a server must not count ----


def _reports(
    t: KeysetTarget, forge: Callable[[bytes, status.Status], list[bytes]]
) -> Iterable[Call]:
    """`forge` makes reports of a true one and of the one that would come next."""
    device = t.core.device
    with tempfile.TemporaryDirectory() as name:
        file, secrets = Path(name) / "reports.json", {device.device: device.secret}
        receiver = status.ReportReceiver(file, secrets)
        report = t.core.report(NOW)
        said = receiver.take(report)

        def counted(data: bytes) -> str:
            try:
                receiver.take(data)
            except EdgekitError as refusal:
                return str(refusal)
            return ""

        forged = forge(report, replace(said, number=said.number + 1))
        yield from (partial(counted, data) for data in forged)
        t.core.restart()
        again = receiver.take(t.core.report(NOW)).number > said.number
        _must(str(again), "True", "a report after a reset")
    t.core.restore_flash(t.start)


def _report_forged(t: KeysetTarget) -> Iterable[Call]:
    def forge(report: bytes, more: status.Status) -> list[bytes]:
        bits = (report[:i] + bytes([report[i] ^ 1]) + report[i + 1 :] for i in range(len(report)))
        return [status.report(more, bytes(32)), *bits]

    return _reports(t, forge)


def _report_of_another(t: KeysetTarget) -> Iterable[Call]:
    secret = t.core.device.secret
    return _reports(
        t, lambda _report, more: [status.report(replace(more, device=bytes(16)), secret)]
    )


# ---- The key that signs packages is stolen and revoked; who has it tries on ----


def _begun_before(t: KeysetTarget) -> Iterable[Call]:
    half = len(t.package) // 2
    _must(t.core.install(t.package, now=NOW), "", "the package")
    for new in t.lists_without_signer:
        t.core.restore_flash(t.start)
        t.core.begin(NOW)
        t.core.feed(t.package[:half])
        _must(t.core.take_keys(t.signed_by_two(new), NOW), "", "a revocation")
        yield lambda: t.core.end(t.core.feed(t.package[half:]))
    t.core.restore_flash(t.start)


def _package_of_revoked(t: KeysetTarget) -> Iterable[Call]:
    for _ in t.without_signer():
        yield lambda: t.core.install(t.package, now=NOW)


def _statement_of_revoked(t: KeysetTarget) -> Iterable[Call]:
    said = Statement(t.core.device.model, 9, NOW, NOW + 50)
    data = statement.sign_statement(said, t.keys.signer)
    for _ in t.without_signer():
        yield partial(t._believed, data)


def _on_keys(name: str, tries: Callable[[KeysetTarget], Iterable[Call]]) -> Attack:
    return Attack(name, "keys", tries)


KEYSET = (
    _on_keys("key rotation signed by too few", _too_few),
    _on_keys("one root key signs twice", _twice),
    _on_keys("new roots signed by the old alone", partial(_new_roots, by_old=True)),
    _on_keys("new roots signed by the new alone", partial(_new_roots, by_old=False)),
    _on_keys("key rotation signed by the package key", _by_package_key),
    _on_keys("a root revoked by the list signs it", _revoked_signs),
    _on_keys("key manifest rolled back, or the same again", _versions_back),
    _on_keys("key version beyond the cap", _version_ahead),
    _on_keys(
        "key manifest expired", lambda t: t.take_keys(t.signed_by_two(t.old.changed(expires=NOW)))
    ),
    _on_keys(
        "key manifest of another vendor",
        lambda t: t.take_keys(t.signed_by_two(replace(t.old.changed(), vendor=bytes(16)))),
    ),
    _on_keys("key manifest cut short, at every byte", _cut),
    _on_keys("key manifest with a flipped bit, at every byte", _flipped),
    _on_keys("key manifest without end", _endless),
    _on_keys("older statement played again", lambda t: t.hear(t.told[1])),
    _on_keys(
        "statement that names an older release", lambda t: t.hear(t.said(1, NOW - 10, NOW + 50))
    ),
    _on_keys(
        "statement about another class", lambda t: t.hear(t.said(3, NOW, NOW + 50, bytes(16)))
    ),
    _on_keys("statement from the future", lambda t: t.hear(t.said(3, NOW + 90_000, NOW + 99_000))),
    _on_keys("forged statement", _forged),
    _on_keys("freeze: nothing new is heard", _freeze),
    _on_keys("status report played again", lambda t: _reports(t, lambda report, _more: [report])),
    _on_keys("status report forged", _report_forged),
    _on_keys("status report in another device's name", _report_of_another),
    _on_keys("package of a revoked key, begun before", _begun_before),
    _on_keys("package of a revoked key", _package_of_revoked),
    _on_keys("statement by a revoked key", _statement_of_revoked),
)


def _doubled(data: bytes) -> bytes:
    """One signature, listed twice."""
    at = data.index(b"\x81\x83\x43")
    return data[:at] + b"\x82" + 2 * data[at + 1 :]


def _must(answer: str, right: str, what: str) -> None:
    if answer != right:
        raise EdgekitError(f"without any attack, {what} is answered {answer!r}: nothing is proved")
