"""Attacks on whom a device trusts, on what it hears of releases, and on what it reports of itself.

An attempt is something to call that answers as a device does. A device that was made today and one that has
changed its keys before must refuse every one, and be what it was.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial
from pathlib import Path

from edgekit.assurance.attack_record import Attack, Call
from edgekit.assurance.keyset_target import NOW, KeysetTarget, must, new_key
from edgekit.assurance.package_target import flip_bit
from edgekit.core.errors import EdgekitError
from edgekit.packages import keyset, statement, status
from edgekit.packages.keyset import KeyList, signed, unsigned
from edgekit.packages.statement import Statement

# ---- Lists of keys ----


def _too_few(t: KeysetTarget) -> Iterable[Call]:
    new = t.old.changed()
    return t.take_keys(unsigned(new), signed(new, t.keys.roots[0]))


def _twice(t: KeysetTarget) -> Iterable[Call]:
    new, a = t.old.changed(), t.keys.roots[0]
    return t.take_keys(signed(new, a, a), _doubled(signed(new, a)))


def _new_roots(t: KeysetTarget, old: bool, new: bool) -> Iterable[Call]:
    fresh = new_key(), new_key()
    listed = t.old.changed(roots=tuple(key.public for key in fresh))
    by = (*(t.keys.roots[:2] if old else ()), *(fresh if new else ()))
    return t.take_keys(signed(listed, *by))


def _by_package_key(t: KeysetTarget) -> Iterable[Call]:
    return t.take_keys(signed(t.old.changed(), t.keys.signer, t.keys.roots[0]))


def _root_revoked(t: KeysetTarget, signs: bool) -> Iterable[Call]:
    """One of the two that sign the list, or another."""
    two = {root.public.id for root in t.keys.roots[:2]}
    gone = next(root.id for root in t.old.roots if (root.id in two) is signs)
    return t.take_keys(t.signed_by_two(t.old.changed(revoked=(gone,))))


def _versions_back(t: KeysetTarget) -> Iterable[Call]:
    at = t.old.version
    older = [replace(t.old, version=v) for v in {0, at, max(at - 1, 0)}]
    return t.take_keys(*map(t.signed_by_two, older))


def _version_ahead(t: KeysetTarget, by: int) -> Iterable[Call]:
    return t.take_keys(t.signed_by_two(replace(t.old, version=t.old.version + by)))


def _expires(t: KeysetTarget, at: int) -> Iterable[Call]:
    return t.take_keys(t.signed_by_two(t.old.changed(expires=at)))


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


def _statement(t: KeysetTarget, ahead: int = 3, issued: int = NOW, **more) -> Iterable[Call]:
    """Signed by the right key; newer than those before, unless something else is said."""
    return t.hear(t.said(ahead, issued, issued + 50, **more))


def _forged(t: KeysetTarget) -> Iterable[Call]:
    second = t.told[2]
    return t.hear(t.said(3, NOW, NOW + 50, signer=new_key()), second[:-1], second + b"\0")


def _long_after(t: KeysetTarget, newer: bool) -> Iterable[Call]:
    """The last statement has run out; it is heard again, or a newer one is."""
    flash, _, second = t.told
    data = t.said(3, NOW, NOW + 99) if newer else second
    t.core.restore_flash(flash)
    yield lambda: t.believed(data, NOW + 51)
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
        must(str(again), "True", "a report after a reset")
    t.core.restore_flash(t.start)


def _report_forged(t: KeysetTarget) -> Iterable[Call]:
    def forge(report: bytes, more: status.Status) -> list[bytes]:
        bits = (report[:i] + bytes([report[i] ^ 1]) + report[i + 1 :] for i in range(len(report)))
        return [status.report(more, bytes(32)), *bits]

    return _reports(t, forge)


def _next_report(t: KeysetTarget, **changes) -> Iterable[Call]:
    secret = t.core.device.secret
    return _reports(t, lambda _report, more: [status.report(replace(more, **changes), secret)])


# ---- The key that signs packages is stolen and revoked; who has it tries on ----


def _same_signers(t: KeysetTarget) -> tuple[KeyList, ...]:
    return (t.old.changed(),)


def _without_signer(t: KeysetTarget) -> tuple[KeyList, ...]:
    return t.lists_without_signer


Lists = Callable[[KeysetTarget], tuple[KeyList, ...]]


def _begun_before(t: KeysetTarget, counts: bool) -> Iterable[Call]:
    """Half of a package, and a list that revokes its signer: one that counts, or that nobody signed."""
    half = len(t.package) // 2
    must(t.core.install(t.package, now=NOW), "", "the package")
    for new in t.lists_without_signer:
        t.core.restore_flash(t.start)
        t.core.begin(NOW)
        t.core.feed(t.package[:half])
        data, right = (t.signed_by_two(new), "") if counts else (unsigned(new), LISTS["few"])
        must(t.core.take_keys(data, NOW), right, "a revocation")
        yield lambda: t.core.end(t.core.feed(t.package[half:]))
    t.core.restore_flash(t.start)


def _package_after(t: KeysetTarget, lists: Lists) -> Iterable[Call]:
    for _ in t.after(*lists(t)):
        yield lambda: t.core.install(t.package, now=NOW)


def _statement_after(t: KeysetTarget, lists: Lists) -> Iterable[Call]:
    said = Statement(t.core.device.model, 9, NOW, NOW + 50)
    data = statement.sign_statement(said, t.keys.signer)
    for _ in t.after(*lists(t)):
        yield partial(t.believed, data)


Tries = Callable[[KeysetTarget], Iterable[Call]]
LISTS, STATEMENTS = keyset.REASONS, statement.REASONS
NOT_BY_IT = "the report is not by the device that it names"


def _on_list(name: str, tries: Tries, *rules: str, control: Tries | None = None) -> Attack:
    return Attack(name, "keys", tries, tuple(LISTS[r] for r in rules), control)


def _on_statement(name: str, tries: Tries, *rules: str, control: Tries = _statement) -> Attack:
    return Attack(name, "keys", tries, tuple(STATEMENTS.get(r, r) for r in rules), control)


def _on_report(name: str, tries: Tries, *rules: str) -> Attack:
    return Attack(name, "keys", tries, rules, _next_report)


KEYSET = (
    _on_list("key rotation signed by too few", _too_few, "few"),
    _on_list("one root key signs twice", _twice, "few", "form"),
    _on_list(
        "new roots signed by the old alone",
        partial(_new_roots, old=True, new=False),
        "few_new",
        control=partial(_new_roots, old=True, new=True),
    ),
    _on_list(
        "new roots signed by the new alone",
        partial(_new_roots, old=False, new=True),
        "few",
        control=partial(_new_roots, old=True, new=True),
    ),
    _on_list("key rotation signed by the package key", _by_package_key, "few"),
    _on_list(
        "a root revoked by the list signs it",
        partial(_root_revoked, signs=True),
        "few_new",
        control=partial(_root_revoked, signs=False),
    ),
    _on_list("key manifest rolled back, or the same again", _versions_back, "rollback"),
    _on_list(
        "key version beyond the cap",
        partial(_version_ahead, by=keyset.MAX_VERSION_JUMP + 1),
        "leap",
        control=partial(_version_ahead, by=keyset.MAX_VERSION_JUMP),
    ),
    _on_list(
        "key manifest expired",
        partial(_expires, at=NOW),
        "expired",
        control=partial(_expires, at=NOW + 1),
    ),
    _on_list(
        "key manifest of another vendor",
        lambda t: t.take_keys(t.signed_by_two(replace(t.old.changed(), vendor=bytes(16)))),
        "vendor",
    ),
    _on_list("key manifest cut short, at every byte", _cut, "form"),
    _on_list(
        "key manifest with a flipped bit, at every byte",
        _flipped,
        "form",
        "digest",
        "signature",
        "few",
    ),
    _on_list("key manifest without end", _endless, "form", "long"),
    _on_statement("older statement played again", lambda t: t.hear(t.told[1]), "older"),
    _on_statement(
        "statement that names an older release",
        partial(_statement, ahead=1, issued=NOW - 10),
        "falls",
        control=partial(_statement, ahead=2, issued=NOW - 10),
    ),
    _on_statement("statement about another class", partial(_statement, model=bytes(16)), "class"),
    _on_statement(
        "statement from the future",
        partial(_statement, issued=NOW + 90_000),
        "ahead",
        control=partial(_statement, issued=NOW + statement.EARLY),
    ),
    _on_statement("forged statement", _forged, "form", "signature"),
    _on_statement(
        "freeze: nothing new is heard",
        partial(_long_after, newer=False),
        "frozen",
        control=partial(_long_after, newer=True),
    ),
    _on_report(
        "status report played again",
        lambda t: _reports(t, lambda report, _more: [report]),
        "was sent before",
    ),
    _on_report("status report forged", _report_forged, NOT_BY_IT, "not a device's report"),
    _on_report(
        "status report in another device's name",
        partial(_next_report, device=bytes(16)),
        NOT_BY_IT,
    ),
    Attack(
        "package of a revoked key, begun before",
        "keys",
        partial(_begun_before, counts=True),
        ("not a package",),  # with new keys a transfer begins anew, and this is no beginning
        partial(_begun_before, counts=False),
    ),
    Attack(
        "package of a revoked key",
        "keys",
        partial(_package_after, lists=_without_signer),
        ("signed by a key that was revoked", "the signature fits no key"),
        partial(_package_after, lists=_same_signers),
    ),
    _on_statement(
        "statement by a revoked key",
        partial(_statement_after, lists=_without_signer),
        "revoked",
        "signature",
        control=partial(_statement_after, lists=_same_signers),
    ),
)


def _doubled(data: bytes) -> bytes:
    """One signature, listed twice."""
    at = data.index(b"\x81\x83\x43")
    return data[:at] + b"\x82" + 2 * data[at + 1 :]
