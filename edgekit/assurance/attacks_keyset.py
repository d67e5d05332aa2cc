"""Attacks on whom a device trusts, on what it hears of releases, and on what it reports of itself.

Each attack is a list of attempts, as in `attacks`; a device that was made today and one that has changed its
keys before must refuse every one, and be what it was.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd
from cryptography.hazmat.primitives.asymmetric import ed25519

from edgekit.agent.simulator import DeviceSimulator
from edgekit.assurance.attacks import flip_bit
from edgekit.core.errors import EdgekitError
from edgekit.packages import keyset, statement, status
from edgekit.packages.keys import FileSigner
from edgekit.packages.keyset import KeyList, signed, unsigned
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
    roots = tuple(FileSigner(ed25519.Ed25519PrivateKey.generate()) for _ in range(3))
    successor = FileSigner(ed25519.Ed25519PrivateKey.generate())
    first = KeyList(vendor, 0, 2, tuple(r.public for r in roots), (signer.public,))
    return AttackKeys(first, roots, signer, successor)


def attack_keyset(
    core: DeviceSimulator, keys: AttackKeys, package: bytes, every: int = 1
) -> pd.DataFrame:
    """Try each attack on an emulated device; one row each: attack, tries, refused, answer.

    `core` was made with `keys.first` and takes `package`, which `keys.signer` signed. Tried on it as it is
    and after a rotation of roots; `every` n-th byte is flipped and cut at (1: all). Then it is as it was.
    Raises EdgekitError if it does not take what it should: then nothing is proved.
    """
    before, rows = core.flash, {}
    try:
        for provisioned in (False, True):
            core.restore_flash(before)
            old = keys.first
            if provisioned:
                old, data = _moved(keys)
                _must(core.take_keys(data, NOW), "", "a rotation of roots")
            _try(rows, core, _on_keys(old, keys, every), lambda d: core.take_keys(d, NOW))
            _statements(rows, core, keys)
            _reports(rows, core)
            _stolen(rows, core, old, keys, package)
    finally:
        core.restore_flash(before)
    table = [
        {"attack": a, "tries": len(r), "refused": all(r), "answer": r[-1] or "ACCEPTED"}
        for a, r in rows.items()
    ]
    return pd.DataFrame(table)


def _moved(keys: AttackKeys) -> tuple[KeyList, bytes]:
    """The third root replaced by a fresh one: what devices in the field have taken before."""
    a, b, _ = keys.roots
    new = keys.first.changed(roots=(a.public, b.public, keys.successor.public))
    return new, signed(new, a, b)


def _on_keys(old: KeyList, keys: AttackKeys, every: int) -> Iterator[tuple[str, list[bytes]]]:
    """Key manifests that must not be taken, by the name of the attack."""
    a, b, _ = keys.roots
    c, d = (FileSigner(ed25519.Ed25519PrivateKey.generate()) for _ in range(2))
    good, new = signed(old.changed(), a, b), old.changed(roots=(c.public, d.public))
    yield "key rotation signed by too few", [unsigned(old.changed()), signed(old.changed(), a)]
    yield (
        "one root key signs twice",
        [signed(old.changed(), a, a), _doubled(signed(old.changed(), a))],
    )
    yield "new roots signed by the old alone", [signed(new, a, b)]
    yield "new roots signed by the new alone", [signed(new, c, d)]
    yield "key rotation signed by the package key", [signed(old.changed(), keys.signer, a)]
    yield "a root revoked by the list signs it", [signed(old.changed(revoked=(b.public.id,)), a, b)]
    older = [replace(old, version=v) for v in {0, old.version, max(old.version - 1, 0)}]
    yield "key manifest rolled back, or the same again", [signed(k, a, b) for k in older]
    ahead = replace(old, version=old.version + keyset.MAX_VERSION_JUMP + 1)
    yield "key version beyond the cap", [signed(ahead, a, b)]
    yield "key manifest expired", [signed(old.changed(expires=NOW), a, b)]
    yield "key manifest of another vendor", [signed(replace(old.changed(), vendor=bytes(16)), a, b)]
    places = range(0, len(good), every)
    yield "key manifest cut short, at every byte", [good[:i] for i in places]
    yield (
        "key manifest with a flipped bit, at every byte",
        [flip_bit(good, i) for i in places],
    )
    yield "key manifest without end", [good + bytes(n) for n in (1, keyset.BYTES, 100_000)]


def _doubled(data: bytes) -> bytes:
    """One signature, listed twice."""
    at = data.index(b"\x81\x83\x43")
    return data[:at] + b"\x82" + 2 * data[at + 1 :]


def _statements(rows: dict, core: DeviceSimulator, keys: AttackKeys) -> None:
    """Of the latest release: replayed, forged, about others, held back."""
    model, running = core.device.model, core.sequence

    def said(latest: int, issued: int, until: int, model=model, signer=keys.signer) -> bytes:
        return statement.sign_statement(Statement(model, latest, issued, until), signer)

    before = core.flash
    first, second = said(running + 1, NOW - 50, NOW + 50), said(running + 2, NOW - 20, NOW + 50)
    _must(core.take_statement(first, NOW), "behind", "a statement")
    _must(core.take_statement(second, NOW), "behind", "a newer statement")
    stranger = FileSigner(ed25519.Ed25519PrivateKey.generate())
    bad = {
        "older statement played again": [first],
        "statement that names an older release": [said(running + 1, NOW - 10, NOW + 50)],
        "statement about another class": [said(running + 3, NOW, NOW + 50, bytes(16))],
        "statement from the future": [said(running + 3, NOW + 90_000, NOW + 99_000)],
        "forged statement": [
            said(running + 3, NOW, NOW + 50, signer=stranger),
            second[:-1],
            second + b"\0",
        ],
    }
    refuses = _words(lambda data: core.take_statement(data, NOW))
    _try(rows, core, bad.items(), refuses)
    later = {"freeze: nothing new is heard": [second]}
    _try(rows, core, later.items(), lambda data: _frozen(core.take_statement(data, NOW + 51)))
    core.restore_flash(before)


def _words(take_statement: Callable[[bytes], str]) -> Callable[[bytes], str]:
    """What a device answers, as a refusal: "" if it believes."""

    def answer(data: bytes) -> str:
        said = take_statement(data)
        return "" if said in TAKES else said

    return answer


def _frozen(said: str) -> str:
    """Noticed, if the device says so itself."""
    return said if said == "frozen" else ""


def _reports(rows: dict, core: DeviceSimulator) -> None:
    """Reports that a server must not count."""
    device = core.device
    with tempfile.TemporaryDirectory() as name:
        receiver = status.ReportReceiver(
            Path(name) / "reports.json", {device.device: device.secret}
        )
        report = core.report(NOW)
        said = receiver.take(report)
        more = replace(said, number=said.number + 1)
        bad = {
            "status report played again": [report],
            "status report forged": [
                status.report(more, bytes(32)),
                *(
                    report[:i] + bytes([report[i] ^ 1]) + report[i + 1 :]
                    for i in range(len(report))
                ),
            ],
            "status report in another device's name": [
                status.report(replace(more, device=bytes(16)), device.secret)
            ],
        }

        def answer(data: bytes) -> str:
            try:
                receiver.take(data)
            except EdgekitError as refusal:
                return str(refusal)
            return ""

        _try(rows, core, bad.items(), answer)
        core.restart()
        _must(
            str(receiver.take(core.report(NOW)).number > said.number),
            "True",
            "a report after a reset",
        )


def _stolen(
    rows: dict, core: DeviceSimulator, old: KeyList, keys: AttackKeys, package: bytes
) -> None:
    """The key that signs packages is stolen and revoked; who has it tries on."""
    before, (a, b, _), half = core.flash, keys.roots, len(package) // 2
    _must(core.install(package, now=NOW), "", "the package")
    both = (keys.signer.public, keys.successor.public)
    for new in (
        old.changed(signers=both, revoked=(keys.signer.public.id,)),
        old.changed(signers=both[1:]),
    ):
        core.restore_flash(before)
        core.begin(NOW)
        core.feed(package[:half])
        _must(core.take_keys(signed(new, a, b), NOW), "", "a revocation")
        begun = core.end(core.feed(package[half:]))
        rows.setdefault("package of a revoked key, begun before", []).append(begun)
        revoked = {"package of a revoked key": [package]}
        _try(rows, core, revoked.items(), lambda data: core.install(data, now=NOW))
        said = statement.sign_statement(Statement(core.device.model, 9, NOW, NOW + 50), keys.signer)
        heard = {"statement by a revoked key": [said]}
        _try(rows, core, heard.items(), _words(lambda data: core.take_statement(data, NOW)))
    core.restore_flash(before)


def _try(
    rows: dict,
    core: DeviceSimulator,
    attacks: Iterable[tuple[str, list[bytes]]],
    answer: Callable[[bytes], str],
) -> None:
    """Note the refusals; "" where there was none, or where the device is not what it was."""
    for name, tries in attacks:
        for data in tries:
            before, runs = core.flash, core.sequence
            refused = answer(data)
            if core.flash != before or core.sequence != runs:
                refused = ""
                core.restore_flash(before)
            rows.setdefault(name, []).append(refused)


def _must(answer: str, right: str, what: str) -> None:
    if answer != right:
        raise EdgekitError(f"without any attack, {what} is answered {answer!r}: nothing is proved")
