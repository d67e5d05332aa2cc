"""What travels to the device, and every question it asks before it trusts it.

An image is what lies in a slot: a `.tflite`, or the constants of generated code. It travels as it is, packed,
or as a delta against the image of the release in the field, whichever is smallest.
"""

from __future__ import annotations

import hashlib
import re
import uuid
from dataclasses import dataclass, field
from typing import Any

from edgekit.core.errors import EdgekitError
from edgekit.packages import delta, encryption, suit
from edgekit.packages.keys import WORKSHOP_KEY
from edgekit.packages.manifest import BASE, ENCODINGS, HASH, KINDS, Manifest, PackageError
from edgekit.packages.public_keys import PublicKey, Signer
from edgekit.packages.regions import Region

MAX_FAST_FORWARD = (
    1000  # a sequence number further on than this would lock out all releases before it
)
TIMESTAMPS_FROM = (
    1_577_836_800  # (1 January 2020) but from here on it may be POSIX seconds, which leap by nature
)
DOMAIN = re.compile(r"(?=.*[a-z])([a-z0-9_]([a-z0-9-]*[a-z0-9])?\.)+[a-z0-9]([a-z0-9-]*[a-z0-9])?")
DAY = 86_400  # and are then at most so far ahead of the device's clock
WORKSHOP = "edgekit.example"  # the vendor of whoever has not named one: everybody's, so nobody's


@dataclass(frozen=True)
class Device:
    """What a device knows of itself; `manifest.c` asks the same questions in the same order.

    `vendor`, `model` (SUIT's class), `device` 16-byte ids; `sequence` of the confirmed image, `counter` the
    number that a package must be above (raised at confirm); `base` the SHA-256 of the image in the active
    slot, empty for none. `slot_bytes` and `arena_bytes` limits, `operators` what the firmware was linked
    with, `kind` of image it runs (of KINDS); `io`, `abi`, `features` hashes that must be equal. `secret`
    32 bytes that only this device knows: it authenticates what it keeps in its flash, and its reports. `kek`
    the 16-byte key that it reads encrypted payloads by, empty if it takes none.
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
    secret: bytes = field(default=bytes(32), repr=False)
    kek: bytes = field(default=b"", repr=False)


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

    def image(self, base: bytes = b"", kek: bytes = b"") -> bytes:
        """What will lie in the slot; `base` is the image in the active one, for a delta, `kek` the key of a
        device that an encrypted payload is for.

        Raises PackageError unless its size and digest are the manifest's.
        """
        return image_of(self.manifest, self.payload, base, kek)

    def _repr_html_(self) -> str:
        return (
            f"{self.manifest._repr_html_()}<p>{self.size:,} bytes in all, {self.overhead} of them "
            f"over the payload; signed by {self.key.algorithm} key {self.key.id}</p>"
        )


def image_of(m: Manifest, payload: bytes, base: bytes = b"", kek: bytes = b"") -> bytes:
    """As `Package.image`, of a package that nobody has verified."""
    encoding = ENCODINGS[m.encoding]
    if encoding == "delta" and digest(base)[:BASE] != m.base:
        raise PackageError("the delta starts from another image than the one that is here", "base")
    made = payload
    if m.encryption:
        try:
            made = encryption.decrypt(payload, m.encryption, kek)
        except EdgekitError as refusal:
            raise PackageError(str(refusal), "encrypted") from None
    if encoding != "raw":
        made = delta.decode(made, base if encoding == "delta" else None, m.size)
    if len(made) != m.size or digest(made) != m.digest:
        raise PackageError("the image is not the one that was signed", "digest")
    return made


def build(image: bytes, requirements: dict, signer: Signer, **what: Any) -> bytes:
    """A signed package of `image`, for `requirements`, in the smallest encoding; `what` as `unsigned`
    takes it.
    """
    return sign_package(unsigned(image, requirements, **what), signer)


def unsigned(
    image: bytes,
    requirements: dict,
    *,
    sequence: int,
    vendor: str,
    model: str,
    base: bytes | None = None,
    kind: str = "tflite",
    regions: list[Region] | None = None,
    device: bytes = b"",
    expires: int = 0,
    recipients: tuple[bytes, ...] = (),
) -> bytes:
    """A package that still has to be signed, perhaps on another machine, by `sign_package`.

    `sequence` is the number that a device compares with its own; `requirements` is `export.compatibility`;
    `vendor` a domain name and `model` the name of a class of devices (what for, on which board, in which
    variant), of which the ids are made. With `base`, the image of the release in the field, a delta may be
    sent. `regions` tell what a weights image is made of (`export.image_regions`), a `.tflite` tells itself.
    `device` is the `device_id` of the only device that shall take it, `expires` in POSIX seconds. With
    `recipients`, the 16-byte keys of up to four devices, nobody but them can read the payload
    (`packages.encryption`). Raises EdgekitError where an image or a value is not usable.
    """
    if kind not in KINDS:
        raise EdgekitError(f"no kind {kind!r} of image; there are {', '.join(KINDS)}")
    made = delta.best(image, base, target_regions=regions, base_regions=regions)
    payload, info = encryption.encrypt(made.data, recipients) if recipients else (made.data, b"")
    manifest = Manifest(
        sequence=sequence,
        vendor=vendor_id(vendor),
        model=model_id(vendor, model),
        digest=digest(image),
        size=len(image),
        payload_digest=digest(payload),
        payload_size=len(payload),
        kind=KINDS.index(kind),
        encoding=made.encoding,
        base=digest(base)[:BASE] if base and ENCODINGS[made.encoding] == "delta" else b"",
        device=device,
        expires=expires,
        encryption=info,
        **fields(requirements, kind),
    )
    return suit.unsigned(manifest, payload)


def sign_package(data: bytes, signer: Signer) -> bytes:
    """The manifest and payload of `data` under another signature, or the first one.

    Raises PackageError for a payload that is not the manifest's, too: nobody shall sign half of a download.
    Raises EdgekitError for the workshop's vendor and a key that is more than a workshop's.
    """
    parts = suit.opened(data)
    manifest = suit.parsed(parts[3])
    if manifest.vendor == vendor_id(WORKSHOP) and not getattr(signer, "workshop", False):
        raise EdgekitError(
            f"{WORKSHOP} is the vendor of every workshop, whose devices take each other's packages; only "
            f"{WORKSHOP_KEY} signs for it: build for your own domain (--vendor, or EDGEKIT_VENDOR)"
        )
    return suit.sign(manifest, parts[suit.PAYLOAD], signer)


def manifest_of(data: bytes) -> Manifest:
    """What a package, `data`, says of itself. Nothing is verified: `verify` is for whoever acts on it."""
    return suit.parsed(suit.opened(data)[3])


def verify(
    data: bytes,
    trusted: list[PublicKey],
    device: Device | None = None,
    *,
    now: int = 0,
    revoked: tuple[PublicKey, ...] = (),
) -> Package:
    """Check the form of `data`, its signature by a key of `trusted`, (given a device) every rule, and the
    payload, in this order.

    `now` in POSIX seconds, 0 where the device has no clock; then nothing expires. `revoked` keys are
    recognized and refused. Raises PackageError at the first failure.
    """
    manifest, payload, key = suit.read(data, [*trusted, *revoked])
    if key in revoked:
        raise PackageError("signed by a key that was revoked", "revoked")
    if device is not None:
        check(manifest, device, now)
    if digest(payload) != manifest.payload_digest:
        raise PackageError("the payload is not the one that was signed", "digest")
    return Package(manifest, payload, key, len(data))


def check(m: Manifest, device: Device, now: int = 0) -> None:
    """The rules, in the order in which the device's C asks them. Raises PackageError for a broken one."""
    newest = max(device.sequence, device.counter)
    is_time = now > 0 and TIMESTAMPS_FROM <= m.sequence <= now + DAY
    rules = {
        "vendor": (m.vendor == device.vendor, "made for another vendor's devices"),
        "model": (m.model == device.model, "made for another class of devices"),
        "device": (m.device in (b"", device.device), "made for another device"),
        "rollback": (m.sequence > newest, f"number {m.sequence} is not newer than {newest}"),
        "leap": (
            m.sequence <= newest + MAX_FAST_FORWARD or is_time,
            f"number {m.sequence} is too far beyond {newest}",
        ),
        "expired": (not (m.expires and now) or now < m.expires, "the package has expired"),
        "kind": (
            KINDS[m.kind] == device.kind,
            f"an image of kind {KINDS[m.kind]}, not {device.kind}",
        ),
        "size": (
            m.size <= device.slot_bytes,
            f"{m.size} bytes do not fit a slot of {device.slot_bytes}",
        ),
        "payload size": (m.payload_size <= m.size, "the payload is larger than the image"),
        "base": (
            not m.base or (device.base and m.base == device.base[:BASE]),
            "the delta starts from another image than the one that is here",
        ),
        "arena": (
            m.arena <= device.arena_bytes,
            f"needs an arena of {m.arena} bytes, there are {device.arena_bytes}",
        ),
        "operator": (
            set(m.operators) <= set(device.operators),
            "needs an operator that the firmware was linked without",
        ),
        "io": (m.io == device.io, "other inputs or outputs than the firmware's"),
        "abi": (m.abi == device.abi, "made for another firmware"),
        "features": (m.features == device.features, "made for another feature pipeline"),
        "encrypted": (
            not m.encryption or device.kek,
            "encrypted, and this device reads no such payload",
        ),
    }
    for rule, (kept, why) in rules.items():
        if not kept:
            raise PackageError(why, rule)


def fields(requirements: dict, kind: str) -> dict:
    """`export.compatibility` as a manifest and a device hold it; an interpreter runs no generated code."""
    io = repr((requirements["inputs"], requirements["outputs"])).encode()
    return {
        "arena": requirements["arena_bytes"],
        "operators": tuple(sorted(requirements["operators"].values())),
        "io": digest(io)[:HASH],
        "abi": bytes.fromhex(requirements["abi"])[:HASH] if kind == "weights" else bytes(HASH),
        "features": bytes.fromhex(requirements["features"])[:HASH],
    }


def device_for(
    requirements: dict,
    *,
    vendor: str,
    model: str,
    slot_bytes: int,
    name: str = "device 1",
    sequence: int = 1,
    base: bytes = b"",
    kind: str = "weights",
    kek: bytes = b"",
) -> Device:
    """A device whose firmware was made for a model with these `requirements`, running `base` with this
    number.

    `vendor` and `model` as `unsigned` takes them, `name` the device's own, of which its id is made, `kek` the
    key that it reads encrypted payloads by.
    """
    known = fields(requirements, kind)
    known["arena_bytes"] = known.pop("arena")
    me = device_id(vendor, model, name)
    return Device(
        vendor=vendor_id(vendor),
        model=model_id(vendor, model),
        device=me,
        sequence=sequence,
        counter=sequence,
        slot_bytes=slot_bytes,
        base=digest(base) if base else b"",
        kind=kind,
        secret=digest(b"secret of emulated device " + me),  # a real one draws it at random
        kek=kek,
        **known,
    )


def vendor_id(domain: str) -> bytes:
    """SUIT's vendor id: a UUID (version 5) of a domain name, 16 bytes.

    Upper and lower case are the same domain. Raises EdgekitError for what is no domain name.
    """
    name = domain.lower()
    if len(name) > 253 or not DOMAIN.fullmatch(name):
        raise EdgekitError(
            f"a vendor is a domain name that is yours, as example.com, not {domain[:80]!r}"
        )
    return uuid.uuid5(uuid.NAMESPACE_DNS, name).bytes


def model_id(vendor: str, model: str) -> bytes:
    """SUIT's class id: a UUID (version 5) of a class's name under its vendor's, 16 bytes."""
    return _under(vendor_id(vendor), model, "class of devices")


def device_id(vendor: str, model: str, name: str) -> bytes:
    """SUIT's device id: a UUID (version 5) of a device's name under that of its class, 16 bytes.

    `vendor` and `model` as `unsigned` takes them. Raises EdgekitError for what can be no such name.
    """
    return _under(model_id(vendor, model), name, "device")


def _under(above: bytes, name: str, what: str) -> bytes:
    """Raises EdgekitError for a name that people could not tell from another one."""
    if not name.isprintable() or name != name.strip() or not 1 <= len(name) <= 100:
        raise EdgekitError(
            f"the name of a {what} has 1 to 100 printable characters, not {name[:80]!r}"
        )
    return uuid.uuid5(uuid.UUID(bytes=above), name).bytes


def digest(data: bytes) -> bytes:
    """SHA-256."""
    return hashlib.sha256(data).digest()
