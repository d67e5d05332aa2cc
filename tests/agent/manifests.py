"""What tests of manifests share: a good one, its signers, the device it is for, a second writer of it."""

import hashlib
from dataclasses import replace

import cbor2
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from hypothesis import strategies as st

from edgekit.agent import native
from edgekit.assurance import fuzz_manifest
from edgekit.packages import encryption, package
from edgekit.packages.keys import FileSigner
from edgekit.packages.manifest import Manifest, PackageError

ED, ES = (
    FileSigner(ed25519.Ed25519PrivateKey.generate()),
    FileSigner(ec.generate_private_key(ec.SECP256R1())),
)
STRANGER = FileSigner(ed25519.Ed25519PrivateKey.generate())
TRUSTED = [ED.public, ES.public]
PAYLOAD = b"payload!" * 3
FULL = Manifest(
    sequence=70_000, vendor=b"v" * 16, model=b"m" * 16, digest=bytes(range(32)), size=9000,
    payload_digest=hashlib.sha256(PAYLOAD).digest(), payload_size=len(PAYLOAD), arena=300,
    operators=(0, 3, 25, 114), io=b"ioio", abi=b"abia", features=b"feat", kind=1, encoding=2,
    base=b"basebase", device=b"d" * 16, expires=1_900_000_000,
)  # fmt: skip


def raw(m: Manifest, **changes) -> Manifest:
    """The same with the image itself as its payload."""
    same = {"digest": m.payload_digest, "size": m.payload_size}
    return replace(m, **(same | {"encoding": 0, "base": b""} | changes))


DEVICE = package.Device(
    vendor=b"v" * 16, model=b"m" * 16, device=b"d" * 16, sequence=69_999, slot_bytes=9000,
    arena_bytes=300, operators=(114, 25, 3, 0, 9), io=b"ioio", abi=b"abia", features=b"feat",
    counter=69_000, base=b"basebase" + bytes(24), kind="weights",
)  # fmt: skip


# ---- A second writer, independent of suit.py: CBOR by hand, in which one item can be written otherwise ----


class Inside(list):
    """A byte string that holds the CBOR of its elements, one after the other; one is what belongs there."""


class Writer:
    """Deterministic CBOR; item number `twist` gets a longer head, or with `endless` an indefinite length."""

    def __init__(self, twist=None, endless=False):
        self.twist, self.endless, self.items = twist, endless, 0

    def head(self, major, n):
        twisted, self.items = self.items == self.twist, self.items + 1
        forms = ((24, n, 0), (2**8, 24, 1), (2**16, 25, 2), (2**32, 26, 4), (2**64, 27, 8))
        low, size = next((low, size) for limit, low, size in forms if n < limit)
        if twisted and self.endless:
            return bytes([major << 5 | 31])
        if twisted:
            low, size = (24, 1) if size == 0 else (low + 1, 2 * size)
        return bytes([major << 5 | low]) + (n.to_bytes(size, "big") if size else b"")

    def write(self, value) -> bytes:
        at = self.items
        if value is None:
            self.items += 1
            return b"\xf6"
        if isinstance(value, int):
            return self.head(0, value) if value >= 0 else self.head(1, -1 - value)
        if isinstance(value, cbor2.CBORTag):
            return self.head(6, value.tag) + self.write(value.value)
        if isinstance(value, dict):
            kind, n, parts = 5, len(value), [x for pair in value.items() for x in pair]
        elif isinstance(value, list) and not isinstance(value, Inside):
            kind, n, parts = 4, len(value), value
        else:
            return self.string(value)
        made = self.head(kind, n) + b"".join(map(self.write, parts))
        return made + (b"\xff" if self.endless and at == self.twist else b"")

    def string(self, value) -> bytes:
        at, self.items = self.items, self.items + 1
        if isinstance(value, Inside):
            data = b"".join(map(self.write, value))
        else:
            data = value.encode() if isinstance(value, str) else value
        after, self.items = (
            self.items,
            at,
        )  # the head is written behind its content, but counts before it
        head, self.items = self.head(3 if isinstance(value, str) else 2, len(data)), after
        if self.endless and at == self.twist:
            return head + Writer().write(data if not isinstance(value, str) else value) + b"\xff"
        return head + data


def body(m: Manifest) -> dict:
    """The manifest by the layout in the documentation, as a tree."""
    known = {1: m.vendor, 2: m.model, 3: Inside([[-16, m.payload_digest]])}
    known |= ({4: m.expires} if m.expires else {}) | {14: m.payload_size}
    known |= {24: m.device} if m.device else {}
    ours = [m.kind, m.encoding, m.arena, list(m.operators), m.io + m.abi + m.features]
    ours += ([m.size, m.digest] if not m.is_image else []) + ([m.base] if m.base else [])
    shared = [20, known, 1, 15, 2, 15] + [24, 15] * bool(m.device) + [4, 15] * bool(m.expires)
    components, install = [[b"\0"]], [20, {21: "#m", -257: Inside([ours])}, 21, 2, 3, 15]
    if m.encryption:
        components, shared = [[b"\0"], [b"\1"]], [12, 1, *shared]
        install = [12, 1, 20, {21: "#m"}, 21, 2, 3, 15, 12, 0, 20]
        install += [{19: Inside([hidden(m)]), 22: 1, -257: Inside([ours])}, 22, 2]
    common = {2: components, 4: Inside([shared])}
    return {1: 1, 2: m.sequence, 3: Inside([common]), 20: Inside([install])}


def hidden(m: Manifest) -> cbor2.CBORTag:
    """The COSE_Encrypt of a manifest by the layout in the documentation."""
    iv, wrapped = encryption.parsed(m.encryption)
    recipients = [[b"", {1: -3}, key] for key in wrapped]
    return cbor2.CBORTag(96, [b"", {1: -65534, 5: iv}, None, recipients])


def wrap(
    manifest: bytes, signer=ED, algorithm=None, unprotected=None, protected=None, payload=PAYLOAD
) -> bytes:
    """An envelope around the bytes of a manifest, well signed."""
    algorithm = algorithm or {"EdDSA": -19, "ES256": -9}[signer.public.algorithm]
    digest = [-16, hashlib.sha256(Writer().write(manifest)).digest()]
    header = Inside([protected or {1: algorithm}])
    signature = signer.sign(Writer().write(["Signature1", header, b"", Inside([digest])]))
    sign1 = cbor2.CBORTag(18, [header, unprotected or {}, None, signature])
    parts = {2: Inside([[Inside([digest]), Inside([sign1])]]), 3: manifest, "#m": payload}
    return Writer().write(cbor2.CBORTag(107, parts))


def package_of(m: Manifest = FULL, signer=ED, **options) -> bytes:
    return wrap(Writer().write(body(m)), signer, **options)


def reason(data, keys=TRUSTED, revoked=()) -> str:
    """Why the C refuses these bytes, for which Python has the same reason."""
    with pytest.raises(PackageError) as refused:
        native.read(data, keys, revoked)
    with pytest.raises(PackageError) as python:
        package.verify(bytes(data), list(keys), revoked=revoked)
    assert (
        fuzz_manifest.kind_of(python.value.rule) == fuzz_manifest.kind_of(refused.value.rule) != ""
    )
    return str(refused.value)


GOOD = package_of()
HEAD = len(GOOD) - len(PAYLOAD)
uint = st.integers(0, 2**32 - 1)


@st.composite
def manifests(draw):
    exactly = lambda n: st.binary(min_size=n, max_size=n)  # noqa: E731
    encoding = draw(st.integers(0, 2))
    made = Manifest(
        sequence=draw(uint) or 1, vendor=draw(exactly(16)), model=draw(exactly(16)), digest=draw(exactly(32)),
        size=draw(st.integers(1, 2**32 - 1)), payload_size=len(PAYLOAD), arena=draw(uint),
        payload_digest=FULL.payload_digest,
        operators=tuple(sorted(draw(st.sets(uint | st.integers(0, 30), max_size=32)))),
        io=draw(exactly(4)), abi=draw(exactly(4)), features=draw(exactly(4)),
        kind=draw(st.integers(0, 1)), encoding=encoding, base=draw(exactly(8)) if encoding == 2 else b"",
        device=draw(st.just(b"") | exactly(16)), expires=draw(uint),
    )  # fmt: skip
    return made if encoding else raw(made)
