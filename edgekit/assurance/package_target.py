"""What attacks on a package are aimed at: one that a device takes, and what can be made of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from edgekit.agent.attempt import Attempt
from edgekit.core.errors import EdgekitError
from edgekit.packages import suit
from edgekit.packages.manifest import Manifest
from edgekit.packages.package import verify
from edgekit.packages.public_keys import Signer


def check_in_python(attempt: Attempt) -> str:
    """The refusal of the checks in Python, "" if they take it."""
    try:
        take_in_python(attempt)
    except EdgekitError as refusal:
        return str(refusal)
    return ""


def take_in_python(attempt: Attempt) -> bytes:
    """The image that the checks in Python let through. Raises PackageError, with the rule that is broken."""
    a = attempt
    taken = verify(a.data, list(a.trusted), a.device, now=a.now, revoked=a.revoked)
    return taken.image(a.base, a.device.kek)


@dataclass(frozen=True, eq=False)
class PackageTarget:
    """An accepted package (`start`), who signed it, and whoever answers.

    `every` n-th byte is flipped and cut at (1: all).
    """

    start: Attempt
    signer: Signer
    answer: Callable[[Attempt], str] = check_in_python
    every: int = 1

    def control(self) -> list[Attempt]:
        """The package as it is, to the device as it is."""
        return [self.start]

    @property
    def state(self) -> str:
        """The answer to that."""
        return self.answer(self.start)

    @cached_property
    def _read(self) -> tuple[Manifest, bytes]:
        return suit.read(self.package, [self.signer.public])[:2]

    @property
    def package(self) -> bytes:
        return self.start.data

    @property
    def manifest(self) -> Manifest:
        return self._read[0]

    @property
    def payload(self) -> bytes:
        return self._read[1]

    @cached_property
    def body(self) -> bytes:
        """The manifest as it is encoded."""
        return suit.opened(self.package)[3]

    @cached_property
    def sign1(self) -> list:
        """The four parts of the signature's COSE_Sign1."""
        return suit.authentication(suit.opened(self.package)[2])[1]

    @property
    def newest(self) -> int:
        return max(self.start.device.sequence, self.start.device.counter)

    @property
    def places(self) -> range:
        return range(0, len(self.package), self.every)

    def sent(self, *data: bytes) -> Iterator[Attempt]:
        """Other bytes."""
        return (replace(self.start, data=d) for d in data)

    def sealed(self, *bodies: bytes) -> Iterator[Attempt]:
        """Any manifests at all, well signed."""
        return self.sent(*(suit.sealed(body, self.payload, self.signer) for body in bodies))

    def signed(self, payload: bytes | None = None, **changes: Any) -> Attempt:
        """Well signed, by the right key, but another manifest, by the field; another payload, too."""
        if self.manifest.is_image:  # which says once what payload and image are
            changes |= {"payload_" + k: v for k, v in changes.items() if k in ("digest", "size")}
        payload = self.payload if payload is None else payload
        body = suit.body(replace(self.manifest, **changes))
        return replace(self.start, data=suit.sealed(body, payload, self.signer))

    def to(self, **changes: Any) -> Attempt:
        """The package as it is, to a device that is another, by the field."""
        return replace(self.start, device=replace(self.start.device, **changes))


def flip_bit(data: bytes, i: int) -> bytes:
    """One bit of byte i the other way."""
    return data[:i] + bytes([data[i] ^ (1 << i % 8)]) + data[i + 1 :]
