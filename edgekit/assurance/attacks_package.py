"""Attacks on what travels: a package that a device takes, changed, cut, signed otherwise or sent to another.

Whoever answers, the checks in Python or the agent on the emulated core, must refuse every attempt before
anything is activated.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from edgekit.agent.attempt import Attempt
from edgekit.assurance.attack_record import Attack
from edgekit.assurance.package_target import PackageTarget, flip_bit
from edgekit.packages import cbor, encryption, suit
from edgekit.packages.keys import FileSigner
from edgekit.packages.manifest import BASE, ENCODINGS, RAW
from edgekit.packages.package import DAY, MAX_FAST_FORWARD, digest

OTHER = bytes(16)  # an id that is nobody's
ALGORITHMS = (-7, -8, -19, -9, -35)  # of COSE, one of them unknown here
IMAGE = "image"  # no rule of the manifest: what came cannot be decoded


def _older(t: PackageTarget) -> Iterable[Attempt]:
    return (t.signed(sequence=n) for n in sorted({t.newest - 1, t.newest}) if n > 0)


def _ahead(t: PackageTarget) -> Iterable[Attempt]:
    first = max(t.newest + MAX_FAST_FORWARD, t.start.now + DAY) + 1
    return (t.signed(sequence=min(n, (1 << 32) - 1)) for n in (first, 1 << 32))


def _strange_operator(t: PackageTarget) -> Iterable[Attempt]:
    strange = next(n for n in range(255) if n not in t.start.device.operators)
    yield t.signed(operators=tuple(sorted({*t.manifest.operators, strange})))


def _broken(t: PackageTarget) -> Iterable[bytes]:
    return (flip_bit(t.payload, i) for i in range(0, len(t.payload), t.every))


def _by_strangers(t: PackageTarget) -> Iterable[Attempt]:
    return t.sent(*(suit.sign(t.manifest, t.payload, stranger) for stranger in _strangers()))


def _delta_of_another(t: PackageTarget) -> Iterable[Attempt]:
    if ENCODINGS[t.manifest.encoding] == "delta":
        yield t.signed(base=digest(b"another image")[:BASE])


def _signed_otherwise(t: PackageTarget) -> Iterable[Attempt]:
    if not t.manifest.is_image:
        yield t.signed(payload_digest=digest(b"another payload"))


def _signed_so(t: PackageTarget) -> Iterable[Attempt]:
    if not t.manifest.is_image:
        yield from (t.signed(p, payload_digest=digest(p)) for p in _broken(t))


# ---- Of a payload that is encrypted ----


def _told(t: PackageTarget, *changes: tuple[bytes, list[bytes]]) -> Iterator[Attempt]:
    """Well signed, with another nonce or other wrapped keys."""
    return (t.signed(encryption=encryption.info(iv, wrapped)) for iv, wrapped in changes)


def _other_device(t: PackageTarget) -> Iterable[Attempt]:
    if t.manifest.encryption:
        yield t.to(kek=bytes([255 - b for b in t.start.device.kek]))


def _no_reader(t: PackageTarget) -> Iterable[Attempt]:
    if t.manifest.encryption:
        yield t.to(kek=b"")


def _other_nonce(t: PackageTarget) -> Iterable[Attempt]:
    if t.manifest.encryption:
        iv, wrapped = encryption.parsed(t.manifest.encryption)
        yield from _told(t, *((flip_bit(iv, i), wrapped) for i in range(0, len(iv), 5)))


def _other_key(t: PackageTarget) -> Iterable[Attempt]:
    if t.manifest.encryption:
        iv, wrapped = encryption.parsed(t.manifest.encryption)
        places = range(0, encryption.WRAPPED, 7)
        yield from _told(t, *((iv, [flip_bit(w, i) for w in wrapped]) for i in places))


def _key_of_another_package(t: PackageTarget) -> Iterable[Attempt]:
    if t.manifest.encryption:
        iv, _ = encryption.parsed(t.manifest.encryption)
        other = encryption.encrypt(t.payload, [t.start.device.kek])[1]
        yield from _told(t, (iv, encryption.parsed(other)[1]))


def _not_said(t: PackageTarget) -> Iterable[Attempt]:
    if t.manifest.encryption and t.manifest.encoding != RAW:  # a raw one would be another image
        yield t.signed(encryption=b"")


def _on_package(
    name: str, tries: Callable[[PackageTarget], Iterable[Attempt]], *rules: str
) -> Attack:
    return Attack(name, "package", tries, rules)


PACKAGE = (
    _on_package(
        "one bit flipped, at every byte",
        lambda t: t.sent(*(flip_bit(t.package, i) for i in t.places)),
        "envelope",
        "algorithm",
        "digest",
        "signature",
        "payload length",
        "short",
    ),
    _on_package(
        "cut short, at every byte (partial bundle)",
        lambda t: t.sent(*(t.package[:i] for i in t.places)),
        "short",
        "payload length",
    ),
    _on_package(
        "bytes appended",
        lambda t: t.sent(*(t.package + bytes(n) for n in (1, 64, 4096))),
        "payload length",
    ),
    _on_package(
        "manifest not in canonical CBOR, well signed",
        lambda t: t.sealed(*_loose(t.body)),
        "form",
    ),
    _on_package(
        "unknown fields in the manifest, well signed",
        lambda t: t.sealed(_with(t.body, {99: 1})),
        "form",
    ),
    _on_package(
        "unprotected header added",
        lambda t: t.sent(_resigned(t.package, t.sign1, {4: b"k"})),
        "envelope",
    ),
    _on_package(
        "algorithm swapped",
        lambda t: t.sent(*(_swapped(t.package, t.sign1, a) for a in ALGORITHMS)),
        "signature",
        "algorithm",
        "envelope",
    ),
    _on_package(
        "signed by an unknown key",
        _by_strangers,
        "signature",
    ),
    _on_package(
        "signed by a revoked key",
        lambda t: [replace(t.start, trusted=(), revoked=t.start.trusted)],
        "revoked",
    ),
    _on_package(
        "rollback: older, or the same again",
        _older,
        "rollback",
    ),
    _on_package(
        "fast-forward beyond the cap",
        _ahead,
        "leap",
    ),
    _on_package(
        "freeze: expired manifest",
        lambda t: [replace(t.signed(expires=1_000), now=1_000)],
        "expired",
    ),
    _on_package(
        "for another vendor",
        lambda t: [t.to(vendor=OTHER)],
        "vendor",
    ),
    _on_package(
        "for another model of device",
        lambda t: [t.to(model=OTHER)],
        "model",
    ),
    _on_package(
        "for another device",
        lambda t: [t.signed(device=OTHER)],
        "device",
    ),
    _on_package(
        "needs a larger arena",
        lambda t: [t.signed(arena=t.start.device.arena_bytes + 1)],
        "arena",
    ),
    _on_package(
        "needs an operator that is not there",
        _strange_operator,
        "operator",
    ),
    _on_package(
        "made for other inputs or outputs",
        lambda t: [t.signed(io=b"\xff" * 4)],
        "io",
    ),
    _on_package(
        "made for other firmware",
        lambda t: [t.signed(abi=b"\xff" * 4)],
        "abi",
    ),
    _on_package(
        "made for other features",
        lambda t: [t.signed(features=b"\xff" * 4)],
        "features",
    ),
    _on_package(
        "larger than the slot",
        lambda t: [t.to(slot_bytes=t.manifest.size - 1)],
        "size",
    ),
    _on_package(
        "delta against another base",
        _delta_of_another,
        "base",
    ),
    _on_package(
        "payload corrupted, at every byte",
        lambda t: map(t.signed, _broken(t)),
        "digest",
    ),
    _on_package(
        "another payload than was signed",
        _signed_otherwise,
        "digest",
    ),
    _on_package(
        "payload corrupted, and signed so",
        _signed_so,
        IMAGE,
        "digest",
    ),
    _on_package(
        "another image than was signed",
        lambda t: [t.signed(digest=digest(b"another image"))],
        "digest",
    ),
    _on_package(
        "encrypted for another device",
        _other_device,
        "encrypted",
    ),
    _on_package(
        "encrypted, to a device that reads no secrets",
        _no_reader,
        "encrypted",
    ),
    _on_package(
        "encrypted, the nonce another one",
        _other_nonce,
        IMAGE,
        "digest",
    ),
    _on_package(
        "encrypted, the key tampered with",
        _other_key,
        "encrypted",
    ),
    _on_package(
        "encrypted, under another package's key",
        _key_of_another_package,
        IMAGE,
        "digest",
    ),
    _on_package(
        "encrypted, and not said so",
        _not_said,
        IMAGE,
        "digest",
    ),
)


def _resigned(package: bytes, sign1: list, unprotected: dict) -> bytes:
    """With headers that nobody signed."""
    parts = suit.opened(package)
    hashed, _ = suit.authentication(parts[2])
    return suit.envelope(parts[3], hashed, [sign1[0], unprotected, *sign1[2:]], parts[suit.PAYLOAD])


def _swapped(package: bytes, sign1: list, algorithm: int) -> bytes:
    """The same signature under another algorithm's name; where it is the same name, one that is none."""
    header = cbor.encode({1: algorithm})
    if header == sign1[0]:
        header = cbor.encode({1: 0})
    parts = suit.opened(package)
    hashed, _ = suit.authentication(parts[2])
    return suit.envelope(parts[3], hashed, [header, *sign1[1:]], parts[suit.PAYLOAD])


def _loose(body: bytes) -> list[bytes]:
    """The same manifest in other encodings: a longer number, a longer head, keys in another order."""
    head, rest = body[:1], body[1:]  # a4, then 1: 1, …
    pairs = cbor.decode(body)
    turned = b"".join(cbor.encode(k) + cbor.encode(pairs[k]) for k in sorted(pairs, reverse=True))
    return [
        head + b"\x18\x01" + rest[1:],
        bytes([0xB8, head[0] & 31]) + rest,
        head + turned,
        b"\xbf" + rest + b"\xff",
    ]


def _with(body: bytes, more: dict) -> bytes:
    return cbor.encode({**cbor.decode(body), **more})


def _strangers() -> Iterator[FileSigner]:
    yield FileSigner(ed25519.Ed25519PrivateKey.generate())
    yield FileSigner(ec.generate_private_key(ec.SECP256R1()))
