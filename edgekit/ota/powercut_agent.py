"""Power cuts through the whole agent: signed packages, raw and as deltas, trials, verdicts, bans and the clock.

The packages are real. On this machine their signatures were checked by Python before, and the C only looks the
answer up, as a search has no time to verify in each of its lives; on an emulated core the C verifies.
"""

from __future__ import annotations

import functools
import hashlib
from dataclasses import dataclass, replace

import numpy as np
from cryptography.hazmat.primitives.asymmetric import ed25519

from edgekit.ota import delta, suit
from edgekit.ota.keys import FileSigner
from edgekit.ota.nor import AGENT_LIFE, PACKAGES, STEPS, WHOLE_AGENT
from edgekit.ota.powercut import Scenario
from edgekit.ota.suit import ENCODINGS, KINDS, Manifest

EVENTS = ("healthy", "unhealthy", "powerless", "hangs", "broken off", "refused")  # see life_agent.c
DAMAGED, DIGEST, FAILED, EXPIRED = -101, -102, -108, -15  # answers, see agent.h and manifest.h
START = 1_800_000_000  # on the clock of a device that has one
HOUR = 3600


@dataclass(frozen=True)
class Event:
    """A package that comes to the device, and what is to become of it.

    content: of its image, else the number. base: the content that it is a delta of. garbage: the payload is
    another's. answer: of one that is refused. wait: seconds before it comes; back: the clock was set back.
    """

    kind: str
    sequence: int
    content: int = 0
    size: int = 100
    base: int = 0
    garbage: bool = False
    expires: int = 0
    answer: int = 0
    wait: int = 0
    back: bool = False

    @property
    def image(self) -> bytes:
        return image(self.content or self.sequence, self.size)

    @functools.cached_property
    def package(self) -> bytes:
        """Signed; of one that breaks off, as much as arrives."""
        base = image(self.base, self.size) if self.base else None
        payload = delta.encode(self.image, base) if base else self.image
        if self.garbage:
            payload = bytes(b ^ 0x5A for b in payload)
        manifest = Manifest(
            sequence=self.sequence, vendor=_id("v"), model=_id("m"), digest=_sha256(self.image),
            size=self.size, payload_size=len(payload), arena=0, operators=(), io=bytes(4),
            abi=bytes(4), features=bytes(4), kind=KINDS.index("weights"),
            encoding=ENCODINGS.index("delta" if base else "raw"), expires=self.expires,
            base=_sha256(base)[: suit.BASE] if base else b"",
        )  # fmt: skip
        data = suit.sign(manifest, payload, _signer())
        return data[: -self.size // 2] if self.kind == "broken off" else data

    @property
    def signed(self) -> bytes:
        """SHA-256 of signature and message, once the signature was checked here."""
        whole = replace(self, kind="healthy").package
        suit.read(whole, [_signer().public])
        digest, (protected, _, _, signature) = suit.authentication(suit.opened(whole)[2])
        return _sha256(signature + suit.to_sign(protected, digest))


@dataclass(frozen=True)
class AgentScenario(Scenario):
    """Events that come to a device with the whole agent. clock: where it starts, or 0: there is none."""

    clock: int = 0
    program = WHOLE_AGENT

    def prepare(self, machine) -> None:
        life, signed = np.zeros((), AGENT_LIFE), np.zeros((STEPS, 32), np.uint8)
        packages, at = np.zeros(PACKAGES.shape, np.uint8), 0
        life["steps"], life["clock"] = len(self.script), self.clock
        for n, e in enumerate(self.script):
            content, size = e.content or e.sequence, len(e.package)
            kind = EVENTS.index(e.kind)
            life["step"][n] = (
                kind, e.sequence, content, e.size, at, size, e.wait, e.back, e.answer
            )  # fmt: skip
            packages[at : at + size] = np.frombuffer(e.package, np.uint8)
            signed[n] = np.frombuffer(e.signed, np.uint8)
            at += size
        machine.write("life", life)
        machine.write("life_packages", packages)
        machine.write("life_signed", signed)
        machine.write("life_public", np.frombuffer(_signer().public.raw, np.uint8))


def _good(sequence: int, **more) -> Event:
    return Event("healthy", sequence, **more)


def _bad(sequence: int, **more) -> Event:
    return Event("unhealthy", sequence, **more)


_FIRST = _good(1)
_GARBAGE = Event("refused", 2, garbage=True, answer=DIGEST)
AGENT_SCENARIOS = (
    AgentScenario("deltas", (_FIRST, _good(2, base=1), _bad(3, base=2), _good(4, base=2))),
    AgentScenario(
        "power goes in each trial",
        (_FIRST, Event("powerless", 2, base=1), Event("hangs", 3), _good(4, content=3)),
    ),
    AgentScenario(
        "a verdict stands",
        (
            _FIRST, _bad(2), Event("broken off", 3), Event("refused", 2, answer=FAILED), _bad(4),
            Event("refused", 2, answer=FAILED), _good(5, content=2),
        ),
    ),
    AgentScenario("garbage, signed", (_FIRST, *[_GARBAGE] * 6, _good(3))),
    AgentScenario(
        "garbage, with a clock",
        (_FIRST, *[replace(_GARBAGE, base=1, answer=DAMAGED)] * 8, _good(3)),
        clock=START,
    ),
    AgentScenario(
        "the clock is set back",
        (
            _FIRST, _good(START, expires=START + HOUR, wait=HOUR // 2, base=1),
            Event("refused", START + 2, expires=START + HOUR, answer=EXPIRED, wait=2 * HOUR),
            Event("refused", START + 2, expires=START + HOUR, answer=EXPIRED, back=True),
            _good(START + 3, wait=HOUR),
        ),
        clock=START,
    ),
    AgentScenario(
        "bans, log always full",
        (_FIRST, *(_bad(n) for n in (2, 3, 4, 5)), Event("refused", 2, answer=FAILED), _good(6)),
        places=8, clock=START,
    ),
    AgentScenario(
        "large, log nearly full", (_good(1, size=4500), _good(2, size=4500, base=1)),
        fills=(51, 52, 53, 54), lives=200, cuts=2,
    ),
    AgentScenario(
        "three cuts", (_FIRST, _bad(2, base=1), _good(3, base=1), _good(4)), cuts=3, lives=3000
    ),
)  # fmt: skip
AGENT_CORE_SCENARIOS = (replace(AGENT_SCENARIOS[0], lives=60), replace(AGENT_SCENARIOS[1], lives=30))


def image(content: int, size: int) -> bytes:
    """The image that life_agent.c knows by this content: most of its bytes are those of all of them."""
    i = np.arange(size, dtype=np.uint64)
    own = np.where(i % 16 == 3, np.uint64(content * 2246822519 % 2**32), np.uint64(0))
    x = ((i + 1) * 2654435761 & 0xFFFFFFFF) ^ own
    x = (x ^ x >> np.uint64(15)) * 3266489917 & 0xFFFFFFFF
    return (x >> np.uint64(24)).astype(np.uint8).tobytes()


def _id(letter: str) -> bytes:
    return letter.encode().ljust(16, b"\0")


def _sha256(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


@functools.cache
def _signer() -> FileSigner:
    return FileSigner(ed25519.Ed25519PrivateKey.from_private_bytes(bytes(range(32))))
