"""What travels to the device, and every question it asks before it trusts it.

An image is what lies in a slot: a `.tflite`, or the constants of generated code. It travels as it is, packed,
or as a delta against the image of the release in the field, whichever is smallest.
"""

from __future__ import annotations

import hashlib
import uuid
from dataclasses import dataclass

from edgekit.errors import EdgekitError
from edgekit.ota import delta, suit
from edgekit.ota.keys import PublicKey, Signer
from edgekit.ota.suit import BASE, ENCODINGS, HASH, KINDS, Manifest, PackageError

AHEAD = 1000  # a sequence number further on than this would lock out all releases before it


@dataclass(frozen=True)
class Device:
    """What a device knows of itself; `manifest.c` asks the same questions in the same order.

    `vendor`, `model`, `device` 16-byte ids; `sequence` of the confirmed image, `counter` the number that a
    package must be above (raised at confirm); `base` the SHA-256 of the image in the active slot, empty for
    none. `slot_bytes` and `arena_bytes` limits, `operators` what the firmware was linked with, `kind` of
    image it runs (of KINDS); `io`, `abi`, `features` hashes that must be equal.
    """

    vendor: bytes
    model: bytes
    device: bytes
    sequence: int
    slot_bytes: int
    arena_bytes: int
    operators: tuple[int, ...]
    io: bytes
    abi: bytes
    features: bytes
    counter: int = 0
    base: bytes = b""
    kind: str = "weights"


@dataclass(frozen=True)
class Package:
    """A package that was verified."""

    manifest: Manifest
    payload: bytes
    key: PublicKey
    size: int

    @property
    def overhead(self) -> int:
        """Bytes over the payload."""
        return self.size - len(self.payload)

    def image(self, base: bytes = b"") -> bytes:
        """What will lie in the slot; `base` is the image in the active one, for a delta.

        Raises PackageError unless its size and digest are the manifest's.
        """
        m = self.manifest
        encoding = ENCODINGS[m.encoding]
        if encoding == "delta" and digest(base)[:BASE] != m.base:
            raise PackageError("the delta starts from another image than the one that is here")
        if encoding == "raw":
            made = self.payload
        else:
            made = delta.decode(self.payload, base if encoding == "delta" else None, m.size)
        if len(made) != m.size or digest(made) != m.digest:
            raise PackageError("the image is not the one that was signed")
        return made

    def _repr_html_(self) -> str:
        return (
            f"{self.manifest._repr_html_()}<p>{self.size:,} bytes in all, {self.overhead} of them "
            f"over the payload; signed by {self.key.algorithm} key {self.key.id}</p>"
        )


def build(image: bytes, needs: dict, signer: Signer, **what) -> bytes:
    """A signed package of `image`, in the smallest encoding; `what` as `unsigned` takes it."""
    return resign(unsigned(image, needs, **what), signer)


def unsigned(
    image: bytes,
    needs: dict,
    *,
    sequence: int,
    vendor: str,
    board: str,
    base: bytes | None = None,
    kind: str = "tflite",
    regions=None,
    device: bytes = b"",
    expires: int = 0,
) -> bytes:
    """A package that still has to be signed, perhaps on another machine, by `resign`.

    `needs` is `export.compatibility`; `vendor` a domain name and `board` a board's name, of which the ids
    are made. With `base`, the image of the release in the field, a delta may be sent. `regions` tell what a
    weights image is made of (`export.image_regions`); a `.tflite` tells by itself. `device` is the id of the
    only device that shall take it, `expires` in POSIX seconds. Raises EdgekitError where an image or a
    value is not usable.
    """
    if kind not in KINDS:
        raise EdgekitError(f"no kind {kind!r} of image; there are {', '.join(KINDS)}")
    made = delta.best(image, base, target_regions=regions, base_regions=regions)
    manifest = Manifest(
        sequence=sequence,
        vendor=vendor_id(vendor),
        model=model_id(vendor, board),
        digest=digest(image),
        size=len(image),
        payload_size=len(made.data),
        kind=KINDS.index(kind),
        encoding=made.encoding,
        base=digest(base)[:BASE] if ENCODINGS[made.encoding] == "delta" else b"",
        device=device,
        expires=expires,
        **fields(needs, kind),
    )
    return suit.unsigned(manifest, made.data)


def resign(data: bytes, signer: Signer) -> bytes:
    """The same manifest and payload under another signature, or the first one."""
    parts = suit.opened(data)
    return suit.sign(suit.parsed(parts[3]), parts[suit.PAYLOAD], signer)


def manifest_of(data: bytes) -> Manifest:
    """What a package says of itself. Nothing is verified: `verify` is for whoever acts on it."""
    return suit.parsed(suit.opened(data)[3])


def verify(
    data: bytes,
    trusted: list[PublicKey],
    device: Device | None = None,
    *,
    now: int = 0,
    revoked: tuple[PublicKey, ...] = (),
) -> Package:
    """Check form, signature and (given a device) every rule, in this order.

    `now` in POSIX seconds, 0 where the device has no clock; then nothing expires. `revoked` keys are
    recognized and refused. Raises PackageError at the first failure.
    """
    manifest, payload, key = suit.read(data, [*trusted, *revoked])
    if key in revoked:
        raise PackageError("signed by a key that was revoked")
    if device is not None:
        check(manifest, device, now)
    return Package(manifest, payload, key, len(data))


def check(m: Manifest, device: Device, now: int = 0) -> None:
    """The rules, in the order in which the device's C asks them. Raises PackageError for a broken one."""
    newest = max(device.sequence, device.counter)
    rules = (
        (m.vendor == device.vendor, "made by another vendor"),
        (m.model == device.model, "made for another model of device"),
        (m.device in (b"", device.device), "made for another device"),
        (m.sequence > newest, f"number {m.sequence} is not newer than {newest}"),
        (m.sequence <= newest + AHEAD, f"number {m.sequence} is too far beyond {newest}"),
        (not (m.expires and now) or now < m.expires, "the package has expired"),
        (KINDS[m.kind] == device.kind, f"an image of kind {KINDS[m.kind]}, not {device.kind}"),
        (m.size <= device.slot_bytes, f"{m.size} bytes do not fit a slot of {device.slot_bytes}"),
        (m.payload_size <= m.size, "the payload is larger than the image"),
        (
            not m.base or (device.base and m.base == device.base[:BASE]),
            "the delta starts from another image than the one that is here",
        ),
        (
            m.arena <= device.arena_bytes,
            f"needs an arena of {m.arena} bytes, there are {device.arena_bytes}",
        ),
        (
            set(m.operators) <= set(device.operators),
            "needs an operator that the firmware was linked without",
        ),
        (m.io == device.io, "other inputs or outputs than the firmware's"),
        (m.abi == device.abi, "made for another firmware"),
        (m.features == device.features, "made for another feature pipeline"),
    )
    for kept, why in rules:
        if not kept:
            raise PackageError(why)


def fields(needs: dict, kind: str) -> dict:
    """`export.compatibility` as a manifest and a device hold it; an interpreter runs no generated code."""
    io = repr((needs["inputs"], needs["outputs"])).encode()
    return {
        "arena": needs["arena_bytes"],
        "operators": tuple(sorted(needs["operators"].values())),
        "io": digest(io)[:HASH],
        "abi": bytes.fromhex(needs["abi"])[:HASH] if kind == "weights" else bytes(HASH),
        "features": bytes.fromhex(needs["features"])[:HASH],
    }


def device_for(
    needs: dict,
    *,
    vendor: str,
    board: str,
    slot_bytes: int,
    name: str = "device 1",
    sequence: int = 1,
    base: bytes = b"",
    kind: str = "weights",
) -> Device:
    """A device whose firmware was made for a model with these `needs`, running `base` with this number."""
    known = fields(needs, kind)
    known["arena_bytes"] = known.pop("arena")
    return Device(
        vendor=vendor_id(vendor),
        model=model_id(vendor, board),
        device=uuid.uuid5(uuid.UUID(bytes=model_id(vendor, board)), name).bytes,
        sequence=sequence,
        counter=sequence,
        slot_bytes=slot_bytes,
        base=digest(base) if base else b"",
        kind=kind,
        **known,
    )


def vendor_id(domain: str) -> bytes:
    """SUIT's vendor id: a UUID (version 5) of a domain name, 16 bytes."""
    return uuid.uuid5(uuid.NAMESPACE_DNS, domain).bytes


def model_id(domain: str, board: str) -> bytes:
    """SUIT's class id: a UUID (version 5) of a model's name under its vendor's, 16 bytes."""
    return uuid.uuid5(uuid.UUID(bytes=vendor_id(domain)), board).bytes


def digest(data: bytes) -> bytes:
    """SHA-256."""
    return hashlib.sha256(data).digest()
