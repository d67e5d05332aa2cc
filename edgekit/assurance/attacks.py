"""What an attacker would try, and what the device answers.

Each attack is a list of attempts on an accepted package; whoever answers them, the checks in Python or the
agent on the emulated core, must refuse every one before anything is activated.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import pandas as pd
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from edgekit.agent.attempt import Attempt
from edgekit.core.errors import EdgekitError
from edgekit.packages import cbor, encryption, suit
from edgekit.packages.keys import FileSigner
from edgekit.packages.manifest import BASE, ENCODINGS, RAW
from edgekit.packages.package import DAY, MAX_FAST_FORWARD, Device, digest, verify
from edgekit.packages.public_keys import Signer


def check_in_python(attempt: Attempt) -> str:
    """The refusal of the checks in Python, "" if they take it."""
    a = attempt
    try:
        verify(a.data, list(a.trusted), a.device, now=a.now, revoked=a.revoked).image(
            a.base, a.device.kek
        )
    except EdgekitError as refusal:
        return str(refusal)
    return ""


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
    rows = []
    for name, tries in attempts(start, signer, every):
        answers = [answer(a) for a in tries]
        row = {"attack": name, "tries": len(answers), "refused": all(answers)}
        rows.append(row | {"answer": answers[-1] or "ACCEPTED"})
    return pd.DataFrame(rows)


def attempts(
    start: Attempt, signer: Signer, every: int = 1
) -> Iterator[tuple[str, Iterator[Attempt]]]:
    """Every attack on what travels, by name."""
    package, device = start.data, start.device
    manifest, payload, _ = suit.read(package, [signer.public])
    body, sign1 = _parts(package)

    def sent(*data: bytes) -> Iterator[Attempt]:
        return (replace(start, data=d) for d in data)

    def signed(payload=payload, **changes) -> Attempt:
        """Well signed, by the right key, but another manifest."""
        if manifest.is_image:  # which says once what payload and image are
            changes |= {"payload_" + k: v for k, v in changes.items() if k in ("digest", "size")}
        return replace(start, data=sealed(suit.body(replace(manifest, **changes)), payload))

    def to(**changes) -> Attempt:
        return replace(start, device=replace(device, **changes))

    def sealed(body: bytes, payload=payload) -> bytes:
        """Any manifest at all, well signed."""
        return suit.sealed(body, payload, signer)

    places = range(0, len(package), every)
    newest, other = max(device.sequence, device.counter), bytes(16)
    yield "one bit flipped, at every byte", sent(*(flip_bit(package, i) for i in places))
    yield "cut short, at every byte (partial bundle)", sent(*(package[:i] for i in places))
    yield "bytes appended", sent(*(package + bytes(n) for n in (1, 64, 4096)))
    yield "manifest not in canonical CBOR, well signed", sent(*map(sealed, _loose(body)))
    yield "unknown fields in the manifest, well signed", sent(sealed(_with(body, {99: 1})))
    yield "unprotected header added", sent(_resigned(package, sign1, unprotected={4: b"k"}))
    yield "algorithm swapped", sent(*(_swapped(package, sign1, a) for a in (-7, -8, -19, -9, -35)))
    yield "signed by an unknown key", (_by(s, start, manifest, payload) for s in _strangers())
    yield "signed by a revoked key", iter([replace(start, trusted=(), revoked=start.trusted)])
    older = sorted({n for n in (newest - 1, newest) if n > 0})
    if older:
        yield "rollback: older, or the same again", (signed(sequence=n) for n in older)
    ahead = max(newest + MAX_FAST_FORWARD, start.now + DAY) + 1
    yield (
        "fast-forward beyond the cap",
        (signed(sequence=min(n, (1 << 32) - 1)) for n in (ahead, 1 << 32)),
    )
    yield "freeze: expired manifest", iter([replace(signed(expires=1_000), now=1_000)])
    yield "for another vendor", iter([to(vendor=other)])
    yield "for another model of device", iter([to(model=other)])
    yield "for another device", iter([signed(device=other)])
    yield "needs a larger arena", iter([signed(arena=device.arena_bytes + 1)])
    strange = next(n for n in range(255) if n not in device.operators)
    more = tuple(sorted({*manifest.operators, strange}))
    yield "needs an operator that is not there", iter([signed(operators=more)])
    for name, text in (("io", "inputs or outputs"), ("abi", "firmware"), ("features", "features")):
        yield f"made for other {text}", iter([signed(**{name: b"\xff" * 4})])
    yield "larger than the slot", iter([to(slot_bytes=manifest.size - 1)])
    if ENCODINGS[manifest.encoding] == "delta":
        strange = digest(b"another image")[:BASE]
        yield "delta against another base", iter([signed(base=strange)])
    broken = [flip_bit(payload, i) for i in range(0, len(payload), every)]
    yield "payload corrupted, at every byte", (signed(p) for p in broken)
    if not manifest.is_image:
        strange = digest(b"another payload")
        yield "another payload than was signed", iter([signed(payload_digest=strange)])
        yield (
            "payload corrupted, and signed so",
            (signed(p, payload_digest=digest(p)) for p in broken),
        )
    yield "another image than was signed", iter([signed(digest=digest(b"another image"))])
    if manifest.encryption:
        yield from _on_secrets(manifest, payload, signed, to)


def _on_secrets(manifest, payload: bytes, signed, to) -> Iterator[tuple[str, Iterator[Attempt]]]:
    """Attacks on a payload that is encrypted. `signed` and `to` make an attempt, as in `attempts`."""
    iv, wrapped = encryption.parsed(manifest.encryption)

    def told(iv=iv, wrapped=wrapped) -> Attempt:
        return signed(encryption=encryption.info(iv, wrapped))

    yield "encrypted for another device", iter([to(kek=bytes([255 - b for b in to().device.kek]))])
    yield "encrypted, to a device that reads no secrets", iter([to(kek=b"")])
    yield "encrypted, the nonce another one", (told(flip_bit(iv, i)) for i in range(0, len(iv), 5))
    yield (
        "encrypted, the key tampered with",
        (told(wrapped=[flip_bit(w, i) for w in wrapped]) for i in range(0, encryption.WRAPPED, 7)),
    )
    other = encryption.parsed(encryption.encrypt(payload, [to().device.kek])[1])[1]
    yield "encrypted, under another package's key", iter([told(wrapped=other)])
    if manifest.encoding != RAW:  # of a raw one that would be another, well signed image
        yield "encrypted, and not said so", iter([signed(encryption=b"")])


def _parts(package: bytes) -> tuple[bytes, list]:
    parts = suit.opened(package)
    return parts[3], suit.authentication(parts[2])[1]


def _resigned(package: bytes, sign1: list, unprotected: dict) -> bytes:
    parts = suit.opened(package)
    hashed, _ = suit.authentication(parts[2])
    return suit.envelope(parts[3], hashed, [sign1[0], unprotected, *sign1[2:]], parts[suit.PAYLOAD])


def _swapped(package: bytes, sign1: list, algorithm: int) -> bytes:
    """The same signature under another algorithm's name; where it is the same name, one that is none."""
    header = suit.encode({1: algorithm})
    if header == sign1[0]:
        header = suit.encode({1: 0})
    parts = suit.opened(package)
    hashed, _ = suit.authentication(parts[2])
    return suit.envelope(parts[3], hashed, [header, *sign1[1:]], parts[suit.PAYLOAD])


def _loose(body: bytes) -> list[bytes]:
    """The same manifest in other encodings: a longer number, a longer head, keys in another order."""
    head, rest = body[:1], body[1:]  # a4, then 1: 1, …
    pairs = cbor.decode(body)
    turned = b"".join(suit.encode(k) + suit.encode(pairs[k]) for k in sorted(pairs, reverse=True))
    return [
        head + b"\x18\x01" + rest[1:],
        bytes([0xB8, head[0] & 31]) + rest,
        head + turned,
        b"\xbf" + rest + b"\xff",
    ]


def _with(body: bytes, more: dict) -> bytes:
    return suit.encode({**cbor.decode(body), **more})


def _strangers() -> Iterator[FileSigner]:
    yield FileSigner(ed25519.Ed25519PrivateKey.generate())
    yield FileSigner(ec.generate_private_key(ec.SECP256R1()))


def _by(stranger: Signer, start: Attempt, manifest, payload: bytes) -> Attempt:
    return replace(start, data=suit.sign(manifest, payload, stranger))


def flip_bit(data: bytes, i: int) -> bytes:
    """One bit of byte i the other way."""
    return data[:i] + bytes([data[i] ^ (1 << i % 8)]) + data[i + 1 :]
