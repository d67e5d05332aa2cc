"""What reaches a device from outside, as its checks are asked about it."""

from __future__ import annotations

from dataclasses import dataclass

from edgekit.packages.package import Device
from edgekit.packages.public_keys import PublicKey


@dataclass(frozen=True)
class Attempt:
    """What reaches the device, and how the device stands when it does."""

    data: bytes
    device: Device
    trusted: tuple[PublicKey, ...]
    revoked: tuple[PublicKey, ...] = ()
    now: int = 0
    base: bytes = b""  # the image in its active slot
