"""The envelope: a SUIT manifest (draft-ietf-suit-manifest), signed by COSE (RFC 9052), in CBOR (RFC 8949).

    107({ 2: [digest of the manifest, COSE_Sign1 over that digest], 3: manifest, "#m": payload })

The manifest names the payload and the image by their digests, so one signature covers every byte that will
run. Every map is sorted, every number is as short as can be, and a reader that finds it otherwise refuses:
one manifest has exactly one encoding. `manifest.c` asks the same, in the same order.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from edgekit.packages import cbor
from edgekit.packages.cbor import encode
from edgekit.packages.manifest import (
    PAYLOAD,
    SHA256,
    Manifest,
    PackageError,
    body,
    hashed,
    parsed,
)
from edgekit.packages.public_keys import SIGNATURE_BYTES, PublicKey, Signer

TAG, SIGN1 = 107, 18  # CBOR tags of an envelope and of COSE_Sign1
ALGORITHMS = {-7: "ES256", -9: "ES256", -8: "EdDSA", -19: "EdDSA"}  # RFC 9053, RFC 9864
SIGNED_AS = {"ES256": -9, "EdDSA": -19}
HEAD_LIMIT = 512  # bytes before the payload, what a device keeps in memory


def unsigned(manifest: Manifest, payload: bytes) -> bytes:
    """An envelope with an empty signature. Raises PackageError for a manifest that no device would take."""
    made = body(manifest)
    _is_payload(manifest, payload)
    return _limited(envelope(made, hashed(made), [b"", {}, None, b""], payload))


def sign(manifest: Manifest, payload: bytes, signer: Signer) -> bytes:
    """The envelope. Raises PackageError for a manifest that no device would take."""
    made = body(manifest)
    _is_payload(manifest, payload)
    return _limited(sealed(made, payload, signer))


def sealed(body: bytes, payload: bytes, signer: Signer) -> bytes:
    """An envelope, well signed, around any bytes as its manifest: what a stolen key can make."""
    digest, protected = hashed(body), encode({1: SIGNED_AS[signer.public.algorithm]})
    signature = signer.sign(to_sign(protected, digest))
    return envelope(body, digest, [protected, {}, None, signature], payload)


def envelope(body: bytes, digest: bytes, sign1: list, payload: bytes) -> bytes:
    """The outermost layer, from parts; anything goes, which is what attacks are made with."""
    from cbor2 import CBORTag

    wrapper = encode([digest, encode(CBORTag(SIGN1, sign1))])
    return encode(CBORTag(TAG, {2: wrapper, 3: body, PAYLOAD: payload}))


def head_size(data: bytes) -> int:
    """Bytes of an envelope before its payload, which is its last item."""
    return _split(data)[3]


def read(data: bytes, trusted: list[PublicKey]) -> tuple[Manifest, bytes, PublicKey]:
    """The manifest, the payload and the key that signed.

    Raises PackageError for whatever is not one envelope in its one encoding, signed by a trusted key;
    nothing of the manifest is looked at before the signature is. Whether the payload is the one that the
    manifest names is asked by `packages.verify`, and by a device when it has all of it.
    """
    wrapper, made, size, at = _split(data)
    key = authenticated(wrapper, made, trusted)
    manifest = parsed(made)
    if {size, len(data) - at} != {manifest.payload_size}:
        raise PackageError(
            f"{len(data) - at} bytes of payload, {size} are announced, {manifest.payload_size} signed",
            "payload length",
        )
    return manifest, data[at:], key


def authenticated(wrapper: bytes, body: bytes, trusted: list[PublicKey]) -> PublicKey:
    """The key of `trusted` that signed `body`, any SUIT manifest. Raises PackageError if none did."""
    digest, sign1 = authentication(wrapper)
    protected, unprotected, content, signature = sign1
    if unprotected:
        raise PackageError("the signature has unprotected headers, which nobody signed", "envelope")
    if not signature and not protected:
        raise PackageError("nobody has signed it", "envelope")
    if content is not None or len(signature) != SIGNATURE_BYTES or len(protected) != 3:
        raise PackageError("the signature is not a COSE_Sign1 of 64 bytes", "envelope")
    if protected[:2] != b"\xa1\x01":
        raise PackageError("the signature's header is not its algorithm alone", "envelope")
    if digest != hashed(body):  # before the signature: it is the cheaper check
        raise PackageError("the signed digest is not the manifest's", "digest")
    return signed_by(protected[2:], to_sign(protected, digest), signature, trusted)


def signed_by(algorithm: bytes, message: bytes, signature: bytes, keys) -> PublicKey:
    """Whose of `keys` the signature is, as `cose_verify` in C; `algorithm` as it is encoded.

    Raises PackageError for an algorithm that no device knows, and for a signature by none of them.
    """
    kind = {encode(number): name for number, name in ALGORITHMS.items()}.get(algorithm)
    if kind is None:
        raise PackageError("the signature's algorithm is none that this device knows", "algorithm")
    for key in keys:
        if key.algorithm == kind and key.verifies(signature, message):
            return key
    raise PackageError("the signature fits no key this device trusts", "signature")


def authentication(wrapper: bytes) -> tuple[bytes, list]:
    """The digest (as it was encoded) and the four parts of COSE_Sign1."""
    both = decode(wrapper, "the authentication")
    if not _is(both, [bytes, bytes]) or both[0][:4] != encode([SHA256, bytes(32)])[:4]:
        raise PackageError("the authentication is not a digest and one signature", "envelope")
    tag = decode(both[1], "the signature", (SIGN1,))
    if getattr(tag, "tag", 0) != SIGN1 or not _is(tag.value, [bytes, Mapping, type(None), bytes]):
        raise PackageError("the signature is not a COSE_Sign1", "envelope")
    return both[0], list(tag.value)


def to_sign(protected: bytes, payload: bytes, external: bytes = b"") -> bytes:
    """What the signature is over: COSE's Sig_structure. `external` is signed, and does not travel."""
    return encode(["Signature1", protected, external, payload])


def opened(data: bytes) -> dict:
    """The three parts of an envelope, by their keys. Nothing is verified."""
    wrapper, made, size, at = _split(data)
    if len(data) - at != size:
        raise PackageError(
            f"{len(data) - at} bytes of payload, {size} are announced", "payload length"
        )
    return {2: wrapper, 3: made, PAYLOAD: data[at:]}


def decode(data: bytes, what: str, tags: tuple[int, ...] = ()):
    """One CBOR item in its one encoding, as `cbor.decode`; `what` it is begins the refusal."""
    try:
        return cbor.decode(data, tags)
    except cbor.CborError as error:
        raise PackageError(f"{what} is {error}", "envelope") from None


def _split(data: bytes) -> tuple[bytes, bytes, int, int]:
    """Authentication, manifest, announced bytes of payload, and where it begins: as the device reads them."""
    first = data[:HEAD_LIMIT]
    try:
        at = cbor.expect(first, 0, b"\xd8\x6b\xa3\x02")
        wrapper, at = cbor.string(first, at)
        made, at = cbor.string(first, cbor.expect(first, at, b"\x03"))
        major, size, at = cbor.head(first, cbor.expect(first, at, encode(PAYLOAD)))
    except cbor.TruncatedError:
        if len(data) < HEAD_LIMIT:
            raise PackageError("the package ends within its head", "short") from None
        raise PackageError("the package's head is longer than 512 bytes", "long") from None
    except cbor.CborError:
        raise PackageError("not a package: no SUIT envelope of ours", "envelope") from None
    if major != cbor.BYTES or size >= 1 << 32:
        raise PackageError("not a package: its payload is not bytes", "envelope")
    return wrapper, made, size, at


def _is_payload(manifest: Manifest, payload: bytes) -> None:
    if len(payload) != manifest.payload_size:
        raise PackageError(
            f"{len(payload)} bytes of payload, the manifest says {manifest.payload_size}",
            "payload length",
        )
    if hashlib.sha256(payload).digest() != manifest.payload_digest:
        raise PackageError("the payload is not the one that the manifest names", "digest")


def _limited(data: bytes) -> bytes:
    head_size(data)  # whoever builds what no device can keep shall hear it first
    return data


def _is(value, kinds: list) -> bool:
    return (
        isinstance(value, (list, tuple))
        and len(value) == len(kinds)
        and all(isinstance(v, k) for v, k in zip(value, kinds, strict=True))
    )
