"""The manifest of a package (draft-ietf-suit-manifest), as `manifest.c` reads it: every byte has its place.

    {1: 1, 2: sequence,
     3: bstr {2: [[h'00']],                            one component: the slot
              4: bstr [20, {1: vendor, 2: class, 3: bstr [-16, digest], 4: use before, 14: size, 24: device},
                       1, 15, 2, 15, 24, 15, 4, 15]},  conditions: vendor, class, device, use before
     20: bstr [20, {21: "#m", -257: bstr OURS}, 21, 2, 3, 15]}  fetch it; condition: it is what was meant

One that is encrypted (draft-ietf-suit-firmware-encryption) is fetched into a second component, h'01', which
all of the above is then about, and decrypted from there into the slot:

     20: bstr [12, 1, 20, {21: "#m"}, 21, 2, 3, 15,
               12, 0, 20, {19: bstr COSE_Encrypt, 22: 1, -257: bstr OURS}, 22, 2]

Digest and size are those of what is fetched, the payload: any SUIT processor can fetch it and check it. What
only our devices know stands in one private parameter, which others pass over:

    OURS = [kind, encoding, arena, [operator …], io | abi | features, size, digest, base]

`size` and `digest` of the image, which a packed payload, a delta or an encrypted one is not yet; `base` for a
delta only.
Use before (draft-ietf-suit-update-management) and device stand there with their conditions, or both do not.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, fields

from edgekit.core.errors import EdgekitError
from edgekit.core.escape import html
from edgekit.core.html_table import TABLE
from edgekit.packages import cbor, encryption
from edgekit.packages.cbor import encode

SHA256 = -16
PAYLOAD = "#m"  # the integrated payload's name; short, it stands there twice
PRIVATE = -257  # "custom" by the draft: for whom the standard commands are enough, it is not there
KINDS = ("tflite", "weights")
ENCODINGS = ("raw", "packed", "delta")
RAW, PACKED, DELTA = range(3)
HASH = 4  # bytes of what guards against mistakes; what guards against people has 32
BASE = 8
OPERATORS = 32
# what a refusal is called, and its number in `manifest.h`
RULES = (
    "", "short", "long", "envelope", "algorithm", "digest", "signature", "revoked", "form",
    "payload length", "vendor", "model", "device", "rollback", "leap", "expired", "kind", "size",
    "payload size", "base", "arena", "operator", "io", "abi", "features", "encrypted",
)  # fmt: skip


class PackageError(EdgekitError):
    """The package is refused; the message says why, `rule` (of RULES) which rule it breaks."""

    def __init__(self, message: str, rule: str = ""):
        super().__init__(message)
        self.rule = rule


@dataclass(frozen=True)
class Manifest:
    """What a package says of its image.

    `sequence` its number, higher is newer; `vendor`, `model` (SUIT's class), `device` 16-byte ids, the last
    one empty for all devices; `expires` in POSIX seconds, 0 never. `digest` (SHA-256) and `size` of the image
    as it will lie in the slot, `payload_digest` and `payload_size` of what travels, the same if that is the
    image itself; `kind` and `encoding` numbers of KINDS and ENCODINGS; `base` the first 8 bytes of the digest
    of the image that a delta starts from. `arena` bytes and `operators` (TFLite's numbers) that the model
    needs; `io`, `abi`, `features` 4-byte hashes of shapes and quantization, of the generated code and of the
    feature pipeline. `encryption` the COSE_Encrypt of what travels, empty if everybody may read it.
    """

    sequence: int
    vendor: bytes
    model: bytes
    digest: bytes
    size: int
    payload_digest: bytes
    payload_size: int
    arena: int
    operators: tuple[int, ...]
    io: bytes
    abi: bytes
    features: bytes
    kind: int = 0
    encoding: int = 0
    base: bytes = b""
    device: bytes = b""
    expires: int = 0
    encryption: bytes = b""

    @property
    def is_image(self) -> bool:
        """Is what travels the image itself, byte for byte?"""
        return self.encoding == RAW and not self.encryption

    def _repr_html_(self) -> str:
        def shown(name, value):
            if name in ("kind", "encoding"):
                return {"kind": KINDS, "encoding": ENCODINGS}[name][value]
            return value.hex() if isinstance(value, bytes) else value

        rows = ((f.name, shown(f.name, getattr(self, f.name))) for f in fields(self))
        return (
            f"{TABLE}"
            + "".join(f"<tr><td>{k}</td><td>{html(str(v))}</td></tr>" for k, v in rows)
            + "</table>"
        )


def body(m: Manifest) -> bytes:
    """The manifest in its one encoding. Raises PackageError for a value that no device can take."""
    _check(m)
    return encode(_tree(m))


def parsed(data: bytes) -> Manifest:
    """The inverse of `body`: build again what was read and compare, so that nothing else gets through."""
    try:
        whole = cbor.decode(data)
        common, install = cbor.decode(whole[3]), cbor.decode(whole[20])
        hidden = len(common[2]) > 1
        known, about = cbor.decode(common[4])[3 if hidden else 1], install[11 if hidden else 1]
        kind, encoding, arena, operators, hashes, *image = cbor.decode(about[PRIVATE])
        fetched = cbor.decode(known[3])[1]
        size, digest, *base = image or (known[14], fetched)
        made = Manifest(
            sequence=whole[2], vendor=known[1], model=known[2], digest=digest, size=size,
            payload_digest=fetched, payload_size=known[14], arena=arena,
            operators=tuple(operators), io=hashes[:4], abi=hashes[4:8], features=hashes[8:],
            kind=kind, encoding=encoding, base=base[0] if base else b"",
            device=known.get(24, b""), expires=known.get(4, 0),
            encryption=about[19] if hidden else b"",
        )  # fmt: skip
        same = body(made) == data
    except (cbor.CborError, PackageError, LookupError, TypeError, ValueError, AttributeError):
        same = False
    if not same:
        raise PackageError("the manifest is not one that this device understands", "form")
    return made


def hashed(manifest: bytes) -> bytes:
    """What is signed: the SUIT digest of a manifest, with its CBOR head."""
    return encode([SHA256, hashlib.sha256(encode(manifest)).digest()])


def _tree(m: Manifest) -> dict:
    """The manifest as SUIT has it."""
    known = {1: m.vendor, 2: m.model, 3: encode([SHA256, m.payload_digest]), 14: m.payload_size}
    checks = [1, 15, 2, 15]
    if m.device:
        known[24] = m.device
        checks += [24, 15]
    if m.expires:
        known[4] = m.expires
        checks += [4, 15]
    ours = [m.kind, m.encoding, m.arena, list(m.operators), m.io + m.abi + m.features]
    if not m.is_image:
        ours += [m.size, m.digest]
    if m.encoding == DELTA:
        ours += [m.base]
    slot, fetched, private = [b"\0"], [b"\1"], {PRIVATE: encode(ours)}
    components, shared = [slot], [20, known, *checks]
    install = [20, {21: PAYLOAD} | private, 21, 2, 3, 15]
    if m.encryption:
        components, shared = [slot, fetched], [12, 1, *shared]
        install = [12, 1, 20, {21: PAYLOAD}, 21, 2, 3, 15]
        install += [12, 0, 20, {19: m.encryption, 22: 1} | private, 22, 2]
    common = {2: components, 4: encode(shared)}
    return {1: 1, 2: m.sequence, 3: encode(common), 20: encode(install)}


def _check(m: Manifest) -> None:
    def numbers(*values) -> bool:
        return all(type(n) is int and 0 <= n < 1 << 32 for n in values)

    def sized(size: int, *values) -> bool:
        return all(type(v) is bytes and len(v) == size for v in values)

    right = (
        numbers(m.sequence, m.size, m.payload_size, m.arena, m.expires, m.kind, m.encoding)
        and numbers(*m.operators)
        and min(m.sequence, m.size, m.payload_size) > 0
        and m.kind < len(KINDS)
        and m.encoding < len(ENCODINGS)
        and len(m.operators) <= OPERATORS
        and list(m.operators) == sorted(set(m.operators))
        and sized(16, m.vendor, m.model)
        and (sized(16, m.device) or m.device == b"")
        and sized(32, m.digest, m.payload_digest)
        and sized(HASH, m.io, m.abi, m.features)
        and sized(BASE if m.encoding == DELTA else 0, m.base)
    )
    if right and m.is_image:
        right = (m.payload_digest, m.payload_size) == (m.digest, m.size)
    if right and m.encryption:
        right = type(m.encryption) is bytes and _is_encryption(m.encryption)
    if not right:
        raise PackageError("the manifest holds a value that no device can take", "form")


def _is_encryption(data: bytes) -> bool:
    try:
        encryption.parsed(data)
    except EdgekitError:
        return False
    return True
