"""Hostile key manifests and statements: what Python says of each, and what the device's own C does."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache

from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from edgekit.assurance.keyset_device import KeysetDevice
from edgekit.packages import keyset, statement
from edgekit.packages.cbor import encode
from edgekit.packages.keys import FileSigner
from edgekit.packages.keyset import KeyList
from edgekit.packages.manifest import SHA256, PackageError
from edgekit.packages.suit import SIGNED_AS, to_sign

VENDOR, MODEL = b"v" * 16, b"m" * 16
TIME = 1_000_000


@cache
def sample_signers() -> tuple[FileSigner, ...]:
    """Eight signers, of both algorithms, always the same."""
    made = [ed25519.Ed25519PrivateKey.from_private_bytes(bytes([i]) * 32) for i in range(1, 5)]
    curve = ec.SECP256R1()
    return tuple(
        FileSigner(k) for k in (*made, *(ec.derive_private_key(i, curve) for i in range(2, 6)))
    )


# --- hostile key manifests


@dataclass(frozen=True)
class Case:
    """A key manifest and the device that it comes to."""

    data: bytes
    old: KeyList
    now: int
    algorithms: tuple[str, ...]


def cases(n: int, seed: int = 0) -> Iterator[Case]:
    """n key manifests; a part of them good, most others nearly."""
    rng = random.Random(seed)
    for _ in range(n):
        old = _list(rng)
        items = replace(
            _list(rng) if rng.random() < 0.5 else old,
            version=rng.choice((old.version, *range(8, 18))),
        ).items
        if rng.random() < 0.5:
            rng.choice(BODIES)(items, rng)
        body = encode(items)
        if rng.random() < 0.1:
            body = _bent(body, rng)
        data = encode(body)
        data = b"\x82" + data + _signed(body, rng)
        if rng.random() < 0.1:
            data = _bent(data, rng)
        known = ("EdDSA",) if rng.random() < 0.1 else ("EdDSA", "ES256")
        yield Case(data, old, rng.choice((0, TIME)), known)


def agree(case: Case, device: KeysetDevice) -> tuple[str, str]:
    """The answers of Python and of the device's C, "" for taken."""
    device.reflash(case.old, case.algorithms)
    try:
        keyset.accept(case.data, case.old, case.now, case.algorithms)
        host = ""
    except PackageError as refusal:
        host = str(refusal)
    try:
        device.take_keys(case.data, case.now, piece=97)
        return host, ""
    except PackageError as refusal:
        return host, str(refusal)


def compare_keysets(
    n: int, seed: int = 0, change=(), stop: bool = False
) -> tuple[Counter, list[Case]]:
    """How often each answer came; and the cases where Python and C do not agree, or C kept something else."""
    device = KeysetDevice(_list(random.Random(0)), change=change)
    counted: Counter = Counter()
    unlike: list = []
    for case in cases(n, seed):
        host, here = agree(case, device)
        counted[here] += 1
        device.start()
        if (
            host != here
            or device.version != (case.old if here else keyset.contents(case.data)[0]).version
        ):
            unlike.append(case)
        if unlike and stop:
            break
    return counted, unlike


def _list(rng: random.Random) -> KeyList:
    keys = [p.public for p in sample_signers()]
    roots = rng.sample(keys[:6], rng.randrange(1, 5))
    gone = [k.id for k in rng.sample(keys, rng.choice((0, 0, 0, 1, 2)))]
    gone += [rng.choice(keys).id[:14] + "00"] * rng.randrange(2)  # of nobody, but nearly
    signers = rng.sample(keys, rng.randrange(4))
    most = min(len(roots), 3)
    return KeyList(
        VENDOR, rng.randrange(8), rng.randint(1, most), tuple(roots), tuple(signers), tuple(gone)
    )


def _set(place: int, *values):
    def change(items: list, rng: random.Random) -> None:
        items[place] = rng.choice(values)

    return change


def _twice(items: list, rng: random.Random) -> None:
    place = rng.choice((4, 5, 6))
    if items[place]:
        items[place].append(items[place][-1])


def _turned(items: list, rng: random.Random) -> None:
    items[rng.choice((4, 5, 6))].reverse()


def _sized(items: list, rng: random.Random) -> None:
    items[rng.choice((4, 5, 6))].append(b"\xff" * rng.choice((0, 7, 9, 31, 33, 63, 65)))


def _many(items: list, rng: random.Random) -> None:
    items[6] = [i.to_bytes(8, "big") for i in range(1, rng.choice((32, 33, 40)))]


def _crowded(items: list, rng: random.Random) -> None:
    items[rng.choice((4, 5))] = [i.to_bytes(32, "big") for i in range(1, rng.choice((8, 9, 10)))]


BODIES = (
    _set(0, b"w" * 16, b"v" * 15, b"", "v" * 16),
    _set(1, 0, 3, 7, 1000, 1004, 1009, 1 << 32, -1, None),
    _set(2, TIME - 1, TIME, TIME + 1, 1 << 32),
    _set(3, 0, 0, 0, 2, 9, 9, 1 << 31),
    lambda items, rng: items.append(rng.choice((0, [], b"", {}))),
    lambda items, rng: items.pop(),
    _twice, _turned, _sized, _many, _crowded,
)  # fmt: skip


def _bent(data: bytes, rng: random.Random) -> bytes:
    """A bit turned, a byte more, less or doubled."""
    i = rng.randrange(len(data))
    return rng.choice(
        (
            data[:i] + bytes([data[i] ^ 1 << rng.randrange(8)]) + data[i + 1 :],
            data[:i],
            data + b"\0",
            data[:i] + data[i : i + 1] + data[i:],
        )
    )


def _signed(body: bytes, rng: random.Random) -> bytes:
    """98(…), signed by some, and not always well."""
    from cbor2 import CBORTag

    hashed = keyset.digest(body if rng.random() < 0.97 else body + b"\0")
    by: list = []
    for signer in rng.sample(sample_signers(), rng.choice((0, 1, 2, 3, 4, 8, 8, 8))):
        algorithm = encode(SIGNED_AS[signer.public.algorithm])
        name, message = bytes.fromhex(signer.public.id), keyset.to_sign(algorithm, hashed)
        fault = rng.randrange(80)
        if fault == 0:
            algorithm = encode(rng.choice((-7, -8, -9, -19, 5)))
            message = keyset.to_sign(algorithm, hashed) if rng.random() < 0.7 else message
        elif fault == 1:
            message = message.replace(keyset.CONTEXT, b"latest")
        elif fault == 2:
            name = bytes.fromhex(rng.choice(sample_signers()).public.id)
        by.append([b"\xa1\x01" + algorithm, {4: name}, signer.sign(message)])
        if fault == 3:
            by[-1][2] = bytes(64)
        elif fault == 4:
            by.append(by[-1])
    if rng.random() < 0.97:
        by.sort(key=lambda b: b[1][4])
    if rng.random() < 0.02:
        by = [
            [b"\xa1\x01\x32", {4: i.to_bytes(8, "big")}, bytes(64)]
            for i in range(rng.choice((12, 16, 17)))
        ]
    return encode(CBORTag(rng.choice([98] * 50 + [18]), [b"", {}, encode([SHA256, hashed]), by]))


# --- statements


def compare_statements(
    n: int, seed: int = 0, change=(), stop: bool = False
) -> tuple[Counter, list[bytes]]:
    """As `compare_keysets`, of statements that one device hears, one after the other."""
    rng, unlike = random.Random(seed), []
    counted: Counter = Counter()
    old = _list(rng)
    keys = replace(
        old,
        signers=tuple(p.public for p in sample_signers()[:6]),
        revoked=(sample_signers()[1].public.id,),
    )
    device, before = KeysetDevice(keys, model=MODEL, change=change), None
    for i in range(n):
        if i % 40 == 0:
            before = None
            device.reflash(keys)
        running, now = rng.randrange(1, 6), rng.choice((0, TIME, TIME + 400))
        data = _statement(rng)
        try:
            before = statement.accept(data, keys.trusted, MODEL, before, now, keys.refused)
            host = before.freshness(running, now)
        except PackageError as refusal:
            host = str(refusal)
        try:
            here = device.take_statement(data, running, now)
        except PackageError as refusal:
            here = str(refusal)
        counted[here] += 1
        device.start()
        freshness = before.freshness(running, now) if before else "frozen"
        if (here, device.freshness(running, now)) != (host, freshness):
            unlike.append(data)
        if unlike and stop:
            break
    return counted, unlike


def _statement(rng: random.Random) -> bytes:
    from cbor2 import CBORTag

    issued = TIME + rng.choice((0, 1, 2, 3, 5, 8, 86_400, 86_401, 90_000, -TIME))
    items = [MODEL, rng.randrange(5), issued, issued + rng.choice((-1, 0, 100, 399, 500, 90_000))]
    if rng.random() < 0.1:
        items[0] = rng.choice((VENDOR, MODEL[:15], b""))
    if rng.random() < 0.1:
        items[rng.randrange(4)] = rng.choice((1 << 32, "1", -1, None))
    if rng.random() < 0.05:
        items.append(0)
    signer = rng.choice(sample_signers() if rng.random() < 0.2 else sample_signers()[2:6])
    header, payload = encode({1: SIGNED_AS[signer.public.algorithm]}), encode(items)
    if rng.random() < 0.1:
        payload = _bent(payload, rng)
    context = statement.CONTEXT if rng.random() < 0.95 else keyset.CONTEXT
    signature = signer.sign(to_sign(header, payload, context))
    if rng.random() < 0.05:
        header = encode({1: rng.choice((-7, -8, -9, -19, -35))})
    data = encode(CBORTag(18, [header, {}, payload, signature]))
    return _bent(data, rng) if rng.random() < 0.05 else data
