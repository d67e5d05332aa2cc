"""A signed package: what travels to the device, and the checks before it is trusted.

    magic "EKP1" | manifest length, 4 bytes, big-endian | manifest | signature, 64 bytes | payload

The manifest is canonical JSON (sorted keys, no spaces) and carries the payload's digest, so the one
signature over magic, length and manifest covers every byte. A verifier encodes the manifest again and
compares: one manifest has exactly one encoding.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field

from edgekit.errors import EdgekitError
from edgekit.ota.keys import SIGNATURE_BYTES, PublicKey, Signer

MAGIC = b"EKP1"
MANIFEST_LIMIT = 4096
FIELDS = {"version": int, "key": str, "payload": dict, "target": dict, "compatibility": dict}
PAYLOAD_FIELDS = {"sha256": str, "size": int, "kind": str}


class PackageError(EdgekitError):
    """The package is refused; the message says why."""


@dataclass(frozen=True)
class Device:
    """What a device knows of itself: its board, what it runs, and what its firmware can take.

    `version` is the installed model's. A field of `compatibility` that is a number is a limit that
    a package must stay within (arena bytes), a list is a set it must be part of (operators), and
    anything else must be equal (shapes, quantization, feature hash).
    """

    board: str
    version: int
    compatibility: dict = field(default_factory=dict)


@dataclass(frozen=True)
class Package:
    """A package that was verified."""

    manifest: dict
    payload: bytes
    size: int

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><td>{k}</td><td><code>{json.dumps(v)}</code></td></tr>"
            for k, v in self.manifest.items()
        )
        return f"<table>{rows}<tr><td>bytes in all</td><td>{self.size:,}</td></tr></table>"


def manifest(payload: bytes, version: int, board: str, compatibility: dict, kind="tflite") -> dict:
    """The manifest of a payload, all but the key, which `build` fills in."""
    digest = hashlib.sha256(payload).hexdigest()
    return {
        "version": version,
        "target": {"board": board},
        "payload": {"sha256": digest, "size": len(payload), "kind": kind},
        "compatibility": compatibility,
    }


def build(payload: bytes, manifest: dict, signer: Signer) -> bytes:
    """The package, signed. Raises PackageError for a manifest that is not one, or not the payload's."""
    full = {**manifest, "key": signer.public.id}
    _check_fields(full)
    _check_payload(full, payload)
    head = _head(full)
    if len(head) - 8 > MANIFEST_LIMIT:
        raise PackageError(f"the manifest has {len(head) - 8} bytes, {MANIFEST_LIMIT} are allowed")
    return head + signer.sign(head) + payload


def verify(data: bytes, trusted: list[PublicKey], device: Device | None = None) -> Package:
    """Check signature, digest, form and (given a device) fitness, in this order.

    Raises PackageError at the first failure; nothing of the payload is handed out before.
    """
    length = int.from_bytes(data[4:8], "big")
    if data[:4] != MAGIC or len(data) < 8 or length > MANIFEST_LIMIT:
        raise PackageError("not a package: its first bytes are wrong")
    end = 8 + length
    head, signature, payload = data[:end], data[end : end + SIGNATURE_BYTES], data[end + 64 :]
    if not any(key.verifies(signature, head) for key in trusted):
        raise PackageError("the signature fits no key this device trusts")
    try:
        content = json.loads(head[8:])
        canonical = _head(content)
    except (ValueError, RecursionError):  # NaN, which Python reads and no standard knows, included
        raise PackageError("the manifest is not JSON") from None
    _check_fields(content)
    if canonical != head:
        raise PackageError("the manifest is not in its canonical form")
    if content["key"] not in [key.id for key in trusted]:
        raise PackageError("the manifest names a key this device does not trust")
    _check_payload(content, payload)
    if device is not None:
        _check_fit(content, device)
    return Package(content, payload, len(data))


def _head(content: dict) -> bytes:
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), allow_nan=False)
    encoded = text.encode()
    return MAGIC + len(encoded).to_bytes(4, "big") + encoded


def _check_fields(content) -> None:
    payload = content.get("payload") if isinstance(content, dict) else None
    for kind, values in ((FIELDS, content), (PAYLOAD_FIELDS, payload)):
        if not isinstance(values, dict) or set(values) != set(kind):
            raise PackageError(f"the manifest must have exactly {', '.join(kind)}")
        for name, wanted in kind.items():
            if type(values[name]) is not wanted:
                raise PackageError(f"the manifest's {name} must be {wanted.__name__}")


def _check_payload(content: dict, payload: bytes) -> None:
    if len(payload) != content["payload"]["size"]:
        raise PackageError(
            f"{len(payload)} bytes of payload, the manifest says {content['payload']['size']}"
        )
    if hashlib.sha256(payload).hexdigest() != content["payload"]["sha256"]:
        raise PackageError("the payload is not the one that was signed")


def _check_fit(content: dict, device: Device) -> None:
    if content["target"].get("board") != device.board:
        raise PackageError(f"made for {content['target'].get('board')}, this is {device.board}")
    if content["version"] <= device.version:
        raise PackageError(
            f"version {content['version']} is not newer than the installed {device.version}"
        )
    for name, has in device.compatibility.items():
        wants = content["compatibility"].get(name)
        if isinstance(has, int):
            fits = isinstance(wants, int) and 0 <= wants <= has
        elif isinstance(has, list):
            fits = isinstance(wants, list) and set(map(str, wants)) <= set(map(str, has))
        else:
            fits = wants == has
        if not fits:
            raise PackageError(f"{name}: the model wants {wants}, this device has {has}")
