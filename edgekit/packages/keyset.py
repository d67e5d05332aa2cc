"""Whom devices trust, as a signed list that changes without new firmware: a key manifest.

    [bstr keys, 98([h'', {}, bstr [-16, SHA-256 of keys], [[{1: algorithm}, {4: key id}, signature], …]])]
    keys = [vendor, version, expires, threshold, [root, …], [signer, …], [revoked id, …]]

*Signers* sign packages and statements, *roots* sign this list, `threshold` of them together. A new list needs
the threshold of the old roots and that of its own (as The Update Framework rotates its root).
`firmware/agent/keyset.c` asks the same questions in the same order, and gives the same answers.
"""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from edgekit.core.errors import EdgekitError
from edgekit.core.escape import html
from edgekit.core.html_table import TABLE
from edgekit.packages.cbor import ARRAY, CborError, encode
from edgekit.packages.cbor_reader import CborReader
from edgekit.packages.manifest import SHA256, PackageError
from edgekit.packages.public_keys import ALGORITHMS, PublicKey, Signer, raw_key
from edgekit.packages.suit import SIGNED_AS

KEYS, REVOKED, SIGNATURES = 8, 32, 16  # at most, of each kind
BYTES = 1280  # of a key manifest, at most: what a device has memory for
MAX_VERSION_JUMP = 1000
SIGN = 98  # CBOR's tag of COSE_Sign
CONTEXT = b"keys"  # external data: a signature for a package is none for a key manifest
HEADER = b"\xa1\1"  # {1: …


@dataclass(frozen=True)
class KeyList:
    """Who may sign what. `expires` (POSIX seconds, 0: never): from when on no device takes it any more; who
    has it, keeps it. `revoked` key ids, which do not count wherever else they stand. `version` 0 is what is
    compiled into a firmware."""

    vendor: bytes
    version: int
    threshold: int
    roots: tuple[PublicKey, ...]
    signers: tuple[PublicKey, ...]
    revoked: tuple[str, ...] = ()
    expires: int = 0

    def __post_init__(self) -> None:
        numbers = (self.version, self.expires)
        if len(self.vendor) != 16 or not all(type(n) is int and 0 <= n < 1 << 32 for n in numbers):
            raise EdgekitError(
                "a key list has a vendor id of 16 bytes, a version and a time below 2^32"
            )
        for name in ("roots", "signers"):
            object.__setattr__(self, name, tuple(sorted(set(getattr(self, name)), key=_order)))
            if len(getattr(self, name)) > KEYS:
                raise EdgekitError(f"a device has room for {KEYS} {name}")
        object.__setattr__(self, "revoked", tuple(sorted(set(self.revoked))))
        if len(self.revoked) > REVOKED or not all(map(_is_id, self.revoked)):
            raise EdgekitError(f"at most {REVOKED} keys are revoked, by ids of 16 hex digits")
        if not 1 <= self.threshold <= KEYS:
            raise EdgekitError(f"between 1 and {KEYS} root keys have to sign, not {self.threshold}")

    @property
    def items(self) -> list:
        """What is in it, in its order."""
        lists = ([raw_key(k) for k in keys] for keys in (self.roots, self.signers))
        gone = [bytes.fromhex(i) for i in self.revoked]
        return [self.vendor, self.version, self.expires, self.threshold, *lists, gone]

    @property
    def encoded(self) -> bytes:
        """As it is hashed, and compiled in."""
        return encode(self.items)

    @property
    def valid_roots(self) -> dict[bytes, PublicKey]:
        """The roots that count, by their ids."""
        return {bytes.fromhex(k.id): k for k in self.roots if k.id not in self.revoked}

    @property
    def trusted(self) -> list[PublicKey]:
        """Whose packages are taken."""
        return [k for k in self.signers if k.id not in self.revoked]

    @property
    def refused(self) -> tuple[PublicKey, ...]:
        """Signers that are known and revoked."""
        return tuple(k for k in self.signers if k.id in self.revoked)

    def changed(self, **what: Any) -> KeyList:
        """The next version, in which `what` is new, by the field.

        Raises EdgekitError if nobody could sign what comes after it.
        """
        made = replace(self, **{"version": self.version + 1, **what})
        if len(made.valid_roots) < made.threshold:
            raise EdgekitError(
                f"{made.threshold} root keys would have to sign, and {len(made.valid_roots)} would be left"
            )
        return made

    def _repr_html_(self) -> str:
        def names(keys: Iterable[PublicKey]) -> str:
            return ", ".join(f"{k.id} ({k.algorithm})" for k in keys) or "none"

        rows = {
            "vendor": self.vendor.hex(),
            "version": self.version,
            f"roots ({self.threshold} must sign)": names(self.roots),
            "signers": names(self.signers),
            "revoked": ", ".join(self.revoked) or "none",
            "expires": self.expires or "never",
        }
        body = "".join(
            f"<tr><td>{html(k)}</td><td>{html(str(v))}</td></tr>" for k, v in rows.items()
        )
        return f"{TABLE}{body}</table>"


def unsigned(keys: KeyList) -> bytes:
    """A key manifest that nobody has signed yet."""
    if len(keys.valid_roots) < keys.threshold:
        raise EdgekitError(
            f"{keys.threshold} root keys have to sign the key list, it names {len(keys.valid_roots)}"
        )
    return _made(keys.encoded, {})


def signed(keys: KeyList, *signers: Signer) -> bytes:
    """A key manifest, signed by all of these."""
    data = unsigned(keys)
    for signer in signers:
        data = cosign(data, signer)
    return data


def cosign(data: bytes, signer: Signer) -> bytes:
    """The same list with this signature, too; what others signed stays. Raises PackageError for no key
    manifest, or one that would become too long for a device."""
    body, _, signatures = _opened(data)
    algorithm = encode(SIGNED_AS[signer.public.algorithm])
    signature = signer.sign(to_sign(algorithm, digest(body)))
    signatures[bytes.fromhex(signer.public.id)] = (algorithm, signature)
    return _made(body, signatures)


def contents(data: bytes) -> tuple[KeyList, list[str]]:
    """What a key manifest says, and the ids that its signatures name. Nothing is verified."""
    body, hashed, signatures = _opened(data)
    if hashed != digest(body):
        raise PackageError(REASONS["digest"])
    return parsed(body), [i.hex() for i in signatures]


def accept(
    data: bytes, old: KeyList, now: int = 0, algorithms: Iterable[str] = ALGORITHMS
) -> KeyList:
    """The new list, if a device that trusts `old` takes it.

    now: POSIX seconds, 0 without a clock. algorithms: those that the firmware has code for. Raises
    PackageError, in the words that the device's C has for it.
    """
    if len(data) > BYTES:
        raise PackageError(REASONS["long"])
    body, hashed, signatures = _opened(data)
    if hashed != digest(body):
        raise PackageError(REASONS["digest"])
    _enough(signatures, hashed, old, "few", algorithms)
    new = parsed(body)
    kinds = {k.algorithm for k in (*new.roots, *new.signers)}
    rules = (
        (new.vendor == old.vendor, "vendor"),
        (kinds <= set(algorithms), "algorithm"),
        (new.version > old.version, "rollback"),
        (new.version <= old.version + MAX_VERSION_JUMP, "leap"),
        (not (new.expires and now) or now < new.expires, "expired"),
    )
    for kept, why in rules:
        if not kept:
            raise PackageError(REASONS[why])
    _enough(signatures, hashed, new, "few_new", algorithms)
    return new


def _enough(signatures, hashed: bytes, keys: KeyList, few: str, algorithms) -> None:
    """Do enough roots of `keys` sign? Raises PackageError, too, for a signature by another than it names."""
    counted, valid_roots = 0, keys.valid_roots
    for name, (algorithm, signature) in signatures.items():
        if key := valid_roots.get(name):
            good = algorithm == encode(SIGNED_AS[key.algorithm]) and key.algorithm in algorithms
            if not good or not key.verifies(signature, to_sign(algorithm, hashed)):
                raise PackageError(REASONS["signature"])
            counted += 1
    if counted < keys.threshold:
        raise PackageError(REASONS[few])


def to_sign(algorithm: bytes, hashed: bytes) -> bytes:
    """What a root signs: COSE's Sig_structure. algorithm: COSE's number of it, encoded."""
    return encode(["Signature", b"", HEADER + algorithm, CONTEXT, encode([SHA256, hashed])])


def digest(body: bytes) -> bytes:
    """SHA-256 of a list as it is encoded."""
    return hashlib.sha256(body).digest()


def parsed(body: bytes) -> KeyList:
    """A list in its one encoding. Raises PackageError for anything else."""
    r = CborReader(body)
    try:
        r.expect(0x87)
        vendor, version, expires, threshold = r.bytes(16), r.number(), r.number(), r.number()
        roots, signers = _list(r, KEYS, 32, 64), _list(r, KEYS, 32, 64)
        revoked = _list(r, REVOKED, 8)
        r.end()
        if not 1 <= threshold <= KEYS:
            raise CborError("another form")
    except CborError:
        raise PackageError(REASONS["content"]) from None
    gone = tuple(i.hex() for i in revoked)
    return KeyList(vendor, version, threshold, _keys(roots), _keys(signers), gone, expires)


def _keys(items: list[bytes]) -> tuple[PublicKey, ...]:
    return tuple(
        PublicKey("ES256", b"\4" + i) if len(i) == 64 else PublicKey("EdDSA", i) for i in items
    )


def _order(key: PublicKey) -> tuple[int, bytes]:
    return len(raw_key(key)), raw_key(key)


def _is_id(text: str) -> bool:
    try:
        return len(bytes.fromhex(text)) == 8 and len(text) == 16 and text == text.lower()
    except (TypeError, ValueError):
        return False


def _list(r: CborReader, most: int, *sizes: int) -> list[bytes]:
    """Byte strings that rise strictly, a shorter one before a longer."""
    count = r.number(ARRAY)
    if count > most:
        raise CborError("another form")
    items = [r.bytes(*sizes) for _ in range(count)]
    if any((len(a), a) >= (len(b), b) for a, b in itertools.pairwise(items)):
        raise CborError("another form")
    return items


def _opened(data: bytes) -> tuple[bytes, bytes, dict[bytes, tuple[bytes, bytes]]]:
    """The list, the digest that is signed, and {key id: (algorithm as encoded, signature)}; unverified."""
    r = CborReader(data)
    try:
        r.expect(0x82)
        body = r.bytes()
        r.expect(0xD8, SIGN, 0x84, 0x40, 0xA0, 0x58, 0x24, 0x82, 0x2F, 0x58, 0x20)
        signatures: dict = {}
        hashed, last = r.take(32), b""
        count = r.number(ARRAY)
        if count > SIGNATURES:
            raise CborError("another form")
        for _ in range(count):
            r.expect(0x83, 0x43, 0xA1, 0x01)
            algorithm = r.take(1)
            r.expect(0xA1, 0x04, 0x48)
            name = r.take(8)
            r.expect(0x58, 0x40)
            if signatures and name <= last:
                raise CborError("another form")
            signatures[name], last = (algorithm, r.take(64)), name
        r.end()
    except CborError:
        raise PackageError(REASONS["form"]) from None
    return body, hashed, signatures


def _made(body: bytes, signatures: dict[bytes, tuple[bytes, bytes]]) -> bytes:
    from cbor2 import CBORTag

    by = [[HEADER + a, {4: name}, s] for name, (a, s) in sorted(signatures.items())]
    data = encode([body, CBORTag(SIGN, [b"", {}, encode([SHA256, digest(body)]), by])])
    if len(data) > BYTES or len(by) > SIGNATURES:
        raise PackageError(
            f"{len(data):,} bytes with {len(by)} signatures: a device takes {BYTES:,} and {SIGNATURES}"
        )
    return data


REASONS = {  # as in keyset.c
    "form": "not a key manifest, or not in its one encoding",
    "digest": "the signed digest is another key list's",
    "signature": "a signature is not by the root key that it names",
    "few": "signed by fewer of the present root keys than have to",
    "content": "the key list is not one that this device understands",
    "vendor": "keys of another vendor",
    "algorithm": "holds a key of an algorithm that this firmware has no code for",
    "rollback": "not newer than the keys that this device has",
    "leap": "its version is too far ahead of this device's",
    "expired": "the key manifest has expired",
    "few_new": "signed by fewer of its own root keys than have to",
    "long": "longer than a key manifest may be",
}
