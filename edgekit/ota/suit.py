"""The envelope: a SUIT manifest (draft-ietf-suit-manifest), signed by COSE (RFC 9052), in CBOR (RFC 8949).

    107({ 2: [digest of the manifest, COSE_Sign1 over that digest], 3: manifest, "#m": payload })

The manifest names the image by its digest, so one signature covers every byte that will run. Beside what SUIT
defines it carries, under private keys, what makes a model safe to run. Every map is sorted, every number is
as short as can be, and a reader that finds it otherwise refuses: one manifest has exactly one encoding.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, fields

from edgekit.errors import EdgekitError
from edgekit.escape import html
from edgekit.extras import missing
from edgekit.ota.keys import PublicKey, Signer

TAG, SIGN1 = 107, 18  # CBOR tags of an envelope and of COSE_Sign1
SHA256 = -16
ALGORITHMS = {-7: "ES256", -9: "ES256", -8: "EdDSA", -19: "EdDSA"}  # RFC 9053, RFC 9864
SIGNED_AS = {"ES256": -9, "EdDSA": -19}
PAYLOAD = "#m"  # the integrated payload's name; short, it stands there twice
HEAD_LIMIT = 512  # bytes before the payload, what a device keeps in memory
KINDS = ("tflite", "weights")
ENCODINGS = ("raw", "packed", "delta")
HASH = 4  # bytes of what guards against mistakes; what guards against people has 32
BASE = 8
INSTALL = [20, {21: PAYLOAD}, 21, 2, 3, 15]  # override: URI; fetch; condition: image matches


class PackageError(EdgekitError):
    """The package is refused; the message says why."""


@dataclass(frozen=True)
class Manifest:
    """What a package says of its image.

    `sequence` its number, higher is newer; `vendor`, `model` (SUIT's class), `device` 16-byte ids, the last
    one empty for all devices; `expires` in POSIX seconds, 0 never. `digest` (SHA-256) and `size` of the image
    as it will lie in the slot; `kind` and `encoding` numbers of KINDS and ENCODINGS; `payload_size` bytes
    that travel; `base` the first 8 bytes of the digest of the image that a delta starts from. `arena` bytes
    and `operators` (TFLite's numbers) that the model needs; `io`, `abi`, `features` 4-byte hashes of shapes
    and quantization, of the generated code and of the feature pipeline.
    """

    sequence: int
    vendor: bytes
    model: bytes
    digest: bytes
    size: int
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

    def _repr_html_(self) -> str:
        def shown(name, value):
            if name in ("kind", "encoding"):
                return {"kind": KINDS, "encoding": ENCODINGS}[name][value]
            return value.hex() if isinstance(value, bytes) else value

        rows = ((f.name, shown(f.name, getattr(self, f.name))) for f in fields(self))
        return (
            "<table>"
            + "".join(f"<tr><td>{k}</td><td>{html(str(v))}</td></tr>" for k, v in rows)
            + "</table>"
        )


def unsigned(manifest: Manifest, payload: bytes) -> bytes:
    """An envelope with an empty signature. Raises PackageError for a manifest that no device would take."""
    body = encode(_body(manifest))
    parsed(body)  # whoever builds nonsense shall hear it first
    if len(payload) != manifest.payload_size:
        raise PackageError(
            f"{len(payload)} bytes of payload, the manifest says {manifest.payload_size}"
        )
    return envelope(body, _digest(body), [b"", {}, None, b""], payload)


def sign(manifest: Manifest, payload: bytes, signer: Signer) -> bytes:
    """The envelope. Raises PackageError for a manifest that no device would take."""
    body = opened(unsigned(manifest, payload))[3]
    protected = encode({1: SIGNED_AS[signer.public.algorithm]})
    signature = signer.sign(to_sign(protected, _digest(body)))
    return envelope(body, _digest(body), [protected, {}, None, signature], payload)


def envelope(body: bytes, digest: bytes, sign1: list, payload: bytes) -> bytes:
    """The outermost layer, from parts; anything goes, which is what attacks are made with."""
    from cbor2 import CBORTag

    wrapper = encode([digest, encode(CBORTag(SIGN1, sign1))])
    return encode(CBORTag(TAG, {2: wrapper, 3: body, PAYLOAD: payload}))


def head_size(data: bytes) -> int:
    """Bytes of an envelope before its payload, which is its last item."""
    parts = opened(data)
    return len(data) - len(parts[PAYLOAD])


def read(data: bytes, trusted: list[PublicKey]) -> tuple[Manifest, bytes, PublicKey]:
    """The manifest, the payload and the key that signed.

    Raises PackageError for whatever is not one envelope in its one encoding, signed by a trusted key;
    nothing of the manifest is looked at before the signature is.
    """
    parts = opened(data)
    key = authenticated(parts[2], parts[3], trusted)
    manifest = parsed(parts[3])
    if len(parts[PAYLOAD]) != manifest.payload_size:
        raise PackageError(
            f"{len(parts[PAYLOAD])} bytes of payload, the manifest says {manifest.payload_size}"
        )
    return manifest, parts[PAYLOAD], key


def authenticated(wrapper: bytes, body: bytes, trusted: list[PublicKey]) -> PublicKey:
    """The key of `trusted` that signed `body`, any SUIT manifest. Raises PackageError if none did."""
    digest, sign1 = authentication(wrapper)
    key = _signer(sign1, digest, trusted)
    if digest != _digest(body):
        raise PackageError("the signed digest is not the manifest's")
    return key


def authentication(wrapper: bytes) -> tuple[bytes, list]:
    """The digest (as it was encoded) and the four parts of COSE_Sign1."""
    from cbor2 import CBORTag

    both = decode(wrapper, "the authentication")
    if not _is(both, [bytes, bytes]):
        raise PackageError("the authentication is not a digest and one signature")
    tag = decode(both[1], "the signature")
    if not isinstance(tag, CBORTag) or tag.tag != SIGN1:
        raise PackageError("the signature is not a COSE_Sign1")
    if not _is(tag.value, [bytes, Mapping, type(None), bytes]):
        raise PackageError("the signature is not a COSE_Sign1")
    return both[0], list(tag.value)


def _signer(sign1: list, digest: bytes, trusted: list[PublicKey]) -> PublicKey:
    protected, unprotected, _, signature = sign1
    if unprotected:
        raise PackageError("the signature has unprotected headers, which nobody signed")
    header = decode(protected, "the signature's header")
    known = isinstance(header, dict) and set(header) == {1} and type(header[1]) is int
    if not known or header[1] not in ALGORITHMS or protected != encode({1: header[1]}):
        raise PackageError("the signature's algorithm is none that this device knows")
    message = to_sign(protected, digest)
    for key in trusted:
        if key.algorithm == ALGORITHMS[header[1]] and key.verifies(signature, message):
            return key
    raise PackageError("the signature fits no key this device trusts")


def to_sign(protected: bytes, digest: bytes) -> bytes:
    """What the signature is over: COSE's Sig_structure."""
    return encode(["Signature1", protected, b"", digest])


def opened(data: bytes) -> dict:
    """The three parts of an envelope, by their keys. Nothing is verified."""
    from cbor2 import CBORTag

    tag = decode(data, "the package")
    if not isinstance(tag, CBORTag) or tag.tag != TAG or not isinstance(tag.value, Mapping):
        raise PackageError("not a package: no SUIT envelope")
    parts = tag.value
    if list(parts) != [2, 3, PAYLOAD] or not all(isinstance(v, bytes) for v in parts.values()):
        raise PackageError("the envelope must hold a signature, a manifest and a payload, no more")
    return parts


def _body(m: Manifest) -> dict:
    """The manifest as SUIT has it."""
    known = {1: m.vendor, 2: m.model, 3: encode([SHA256, m.digest])}
    checks = [1, 15, 2, 15]
    if m.expires:
        known[4] = m.expires
    known[14] = m.size
    if m.device:
        known[24] = m.device
        checks += [24, 15]
    if m.expires:
        checks += [4, 15]
    if m.base:
        known[-1] = m.base
    known[-2], known[-3] = m.arena, list(m.operators)
    known[-4] = m.io + m.abi + m.features
    known[-5] = [m.kind, m.encoding, m.payload_size]
    common = {2: [[b"\0"]], 4: encode([20, known, *checks])}
    return {1: 1, 2: m.sequence, 3: encode(common), 20: encode(INSTALL)}


def parsed(body: bytes) -> Manifest:
    """The inverse of `_body`: build again what was read and compare, so that nothing else gets through."""
    whole = decode(body, "the manifest")
    try:
        common = decode(whole[3], "the manifest")
        known = decode(common[4], "the manifest")[1]
        form = {1: bytes, 2: bytes, 3: bytes, 14: int, -2: int, -3: list, -4: bytes, -5: list}
        optional = {4: int, 24: bytes, -1: bytes}
        if any(type(known[k]) is not kind for k, kind in form.items()):
            raise PackageError("the manifest's parameters are of the wrong types")
        if any(type(known[k]) is not kind for k, kind in optional.items() if k in known):
            raise PackageError("the manifest's parameters are of the wrong types")
        if len(known[-4]) != 3 * HASH:
            raise PackageError("the manifest's compatibility hashes are not there")
        kind, encoding, payload_size = known[-5]
        made = Manifest(
            sequence=whole[2], vendor=known[1], model=known[2], digest=decode(known[3], "")[1],
            size=known[14], payload_size=payload_size, arena=known[-2],
            operators=tuple(known[-3]), io=known[-4][:4], abi=known[-4][4:8],
            features=known[-4][8:], kind=kind, encoding=encoding,
            base=known.get(-1, b""), device=known.get(24, b""), expires=known.get(4, 0),
        )  # fmt: skip
        _check(made)
        same = encode(_body(made)) == body
    except (KeyError, TypeError, ValueError, IndexError):
        same = False
    if not same:
        raise PackageError("the manifest is not one that this device understands")
    return made


def _check(m: Manifest) -> None:
    numbers = (m.sequence, m.size, m.payload_size, m.arena, m.expires, *m.operators)
    right = all(type(n) is int and 0 <= n < 1 << 32 for n in numbers)
    right &= (
        m.size > 0
        and m.sequence > 0
        and m.kind in range(len(KINDS))
        and m.encoding in range(len(ENCODINGS))
    )
    right &= type(m.kind) is int and type(m.encoding) is int and len(m.operators) <= 32
    right &= list(m.operators) == sorted(set(m.operators))
    right &= {len(m.vendor), len(m.model)} == {16} and len(m.device) in (0, 16)
    right &= len(m.digest) == 32 and {len(m.io), len(m.abi), len(m.features)} == {HASH}
    right &= len(m.base) == (BASE if m.encoding and ENCODINGS[m.encoding] == "delta" else 0)
    if not right:
        raise PackageError("the manifest holds a value that no device can take")


def encode(value) -> bytes:
    """Deterministic CBOR (RFC 8949, 4.2.1): shortest numbers, map keys in the order of their bytes."""
    import cbor2

    def ordered(v):
        if isinstance(v, Mapping):
            return {k: ordered(v[k]) for k in sorted(v, key=cbor2.dumps)}
        if isinstance(v, cbor2.CBORTag):
            return cbor2.CBORTag(v.tag, ordered(v.value))
        return [ordered(x) for x in v] if isinstance(v, (list, tuple)) else v

    return cbor2.dumps(ordered(value))


def decode(data: bytes, what: str):
    """One CBOR item in its one encoding, and nothing behind it."""
    try:
        import cbor2
    except ImportError:
        raise missing("packages need", "cbor2", "ota") from None
    try:
        value = cbor2.loads(data)
        same = encode(value) == data
    except (cbor2.CBORError, RecursionError, TypeError, ValueError, OverflowError, EOFError):
        raise PackageError(f"{what} is not CBOR") from None
    if not same:
        raise PackageError(f"{what} is not in its one encoding")
    return value


def _is(value, kinds: list) -> bool:
    return (
        isinstance(value, (list, tuple))
        and len(value) == len(kinds)
        and all(isinstance(v, k) for v, k in zip(value, kinds, strict=True))
    )


def _digest(body: bytes) -> bytes:
    """What is signed: the digest of the manifest with its CBOR head."""
    return encode([SHA256, hashlib.sha256(encode(body)).digest()])
