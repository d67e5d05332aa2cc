"""Power cuts through the whole agent: signed packages, raw and as deltas, trials, verdicts and the clock.

The packages are real, and so are their signatures. A search verifies each of them once, and then remembers
that it was good, as there is no time to do so in each of its lives (see `verify` in life_agent.c).
"""

from __future__ import annotations

import functools
from dataclasses import dataclass, replace

import numpy as np
from cryptography.hazmat.primitives.asymmetric import ed25519

from edgekit.assurance.powercut_scenario import Scenario
from edgekit.assurance.powercut_targets import AGENT_LIFE, AGENT_PROGRAM, PACKAGES, STEPS
from edgekit.packages import delta, suit
from edgekit.packages.keys import FileSigner
from edgekit.packages.manifest import BASE, DELTA, KINDS, RAW, RULES, Manifest
from edgekit.packages.package import digest

EVENTS = ["healthy", "unhealthy", "powerless", "hangs", "watched"]
EVENTS += ["broken off", "refused"]  # see life_agent.c
DAMAGED, DIGEST, FAILED = -101, -102, -108  # answers, see agent.h
START = 1_800_000_000  # on the clock of a device that has one
HOUR = 3600


@dataclass(frozen=True)
class Event:
    """A package that comes to the device, and what is to become of it.

    content: of its image, else the number. base: the content that it is a delta of. garbage: the payload is
    another's. answer: of one that is refused, a number or a rule's name. wait: seconds before it
    comes; back: the clock was set back.
    """

    kind: str
    sequence: int
    content: int = 0
    size: int = 100
    base: int = 0
    garbage: bool = False
    expires: int = 0
    answer: int | str = 0
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
        made = Manifest(
            sequence=self.sequence, vendor=_id("v"), model=_id("m"), digest=digest(self.image),
            size=self.size, payload_digest=digest(payload), payload_size=len(payload), arena=0,
            operators=(), io=bytes(4), abi=bytes(4), features=bytes(4), kind=KINDS.index("weights"),
            encoding=DELTA if base else RAW, base=digest(base)[:BASE] if base else b"",
            expires=self.expires,
        )  # fmt: skip
        data = suit.sign(made, payload, _signer())
        if self.garbage:
            data = data[: -len(payload)] + bytes(b ^ 0x5A for b in payload)
        most = PACKAGES.shape[0] // STEPS if self.kind == "refused" else None  # its head is enough
        return data[: -self.size // 2] if self.kind == "broken off" else data[:most]


@dataclass(frozen=True)
class AgentScenario(Scenario):
    """Events that come to a device with the whole agent. clock: where it starts, or 0: there is none."""

    clock: int = 0
    program = AGENT_PROGRAM

    def prepare(self, machine) -> None:
        life, packages, at = np.zeros((), AGENT_LIFE), np.zeros(PACKAGES.shape, np.uint8), 0
        life["steps"], life["clock"] = len(self.script), self.clock
        for n, e in enumerate(self.script):
            content, size = e.content or e.sequence, len(e.package)
            kind = EVENTS.index(e.kind)
            answer = -RULES.index(e.answer) if isinstance(e.answer, str) else e.answer
            life["step"][n] = kind, e.sequence, content, e.size, at, size, e.wait, e.back, answer
            packages[at : at + size] = np.frombuffer(e.package, np.uint8)
            at += size
        machine.write("life", life)
        machine.write("powercut_packages", packages)
        machine.write("powercut_public_key", np.frombuffer(_signer().public.raw, np.uint8))


def _good(sequence: int, **more) -> Event:
    return Event("healthy", sequence, **more)


def _bad(sequence: int, **more) -> Event:
    return Event("unhealthy", sequence, **more)


_FIRST = _good(1)
_GARBAGE = Event("refused", 2, garbage=True, answer=DIGEST)
AGENT_SCENARIOS = (
    AgentScenario(
        "a new device",
        (
            Event("refused", 5000, answer="leap"),
            Event("refused", 1, size=8193, answer="size"),
            Event("refused", 1, base=1, answer="base"), _FIRST,
        ),
    ),
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
    AgentScenario(
        "a verdict that takes its time",
        (_FIRST, Event("watched", 2, base=1), _bad(3), Event("watched", 4, base=2), _good(5)),
        cuts=2, lives=300,
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
            Event("refused", START + 2, expires=START + HOUR, answer="expired", wait=2 * HOUR),
            Event("refused", START + 2, expires=START + HOUR, answer="expired", back=True),
            _good(START + 3, wait=HOUR),
        ),
        clock=START,
    ),
    AgentScenario(
        "bans, log always full",
        (_FIRST, *(_bad(n) for n in (2, 3, 4, 5)), Event("refused", 2, answer=FAILED), _good(6)),
        log_records=8, clock=START,
    ),
    AgentScenario(
        "large, log nearly full", (_good(1, size=4500), _good(2, size=4500, base=1)),
        fills=(51, 52, 53, 54), lives=100, cuts=2,
    ),
    AgentScenario(
        "deltas, three cuts", (_FIRST, _bad(2, base=1), _good(3, base=1), _good(4)), cuts=3, lives=1500
    ),
)  # fmt: skip
AGENT_CORE_SCENARIOS = tuple(replace(s, lives=100) for s in AGENT_SCENARIOS[:5])


AGENT_MUTATIONS = {  # as MUTATIONS, of the whole agent
    "rules skipped on a new device": (
        ("if (broken) return", "if (broken && active >= 0) return"),
    ),
    "slot_bytes not bounded": (("if (a->device.slot_bytes > slot_s", "if (0 > slot_s"),),
    "a refused transfer goes on": (
        ("a->answer == AGENT_MORE ? take(a, data, n) : AGENT_ABORTED", "take(a, data, n)"),
    ),
    "anybody's verdict counts": (
        ("if (sequence == 0 || sequence != agent_running(a))", "if (sequence == 0)"),
    ),
    "a lost trial is a verdict": (
        ("    enter(s, fresh, SLOT_REVERTED,", "    ban(s, r), enter(s, fresh, SLOT_REVERTED,"),
    ),
    "a verdict is not kept": (("const int error = ban(s,", "const int error = !s->order && ban(s,"),),
    "a verdict is kept in the slot alone": (
        ("if (r->order > order && (", "if (r->order > order && r->slot < 2 && ("),
    ),
    "a verdict holds for every number": (("sequence <= r->sequence && h", "sequence && h"),),
    "a verdict is asked of no boot": (("!slots_banned(s, r->sequence, r->digest) && ", ""),),
    "the idle slot tells what failed": (
        (
            "if (slots_banned(&a->slots, m->sequence, m->digest))",
            "if (a->slots.slot[active == 0].state == SLOT_REVERTED &&\n"
            "    hmac_same(a->slots.slot[active == 0].digest, m->digest, SHA256_BYTES))",
        ),
    ),
    "a waiting image is displaced": ((" || s->slot[slots_idle(s)].state == SLOT_INSTALLED", ""),),
    "no rest": (("if (!backoff_is_over(a)) return", "if (!backoff_is_over(a) && 0) return"),),
    "rest for days": (("60u <<", "86400u <<"),),
    "one transfer, not one a life": (("return !rest || !a->begun;", "return !rest;"),),
    "a reset allows none": (("  a->begun = 0;\n", ""),),
    "the time is not read": (("  s->time = s->logged = r->time;\n", ""),),
    "the time is not logged": (("if (now - s->logged >= SLOTS_HOUR)", "if (now < s->logged)"),),
    "the clock is believed": (("a->device.now = a->slots.time;", "a->device.now = now;"),),
}  # fmt: skip


def image(content: int, size: int) -> bytes:
    """The image that life_agent.c knows by this content: most of its bytes are those of all of them."""
    i = np.arange(size, dtype=np.uint64)
    own = np.where(i % 16 == 3, np.uint64(content * 2246822519 % 2**32), np.uint64(0))
    x = ((i + 1) * 2654435761 & 0xFFFFFFFF) ^ own
    x = (x ^ x >> np.uint64(15)) * 3266489917 & 0xFFFFFFFF
    return (x >> np.uint64(24)).astype(np.uint8).tobytes()


def _id(letter: str) -> bytes:
    return letter.encode().ljust(16, b"\0")


@functools.cache
def _signer() -> FileSigner:
    return FileSigner(ed25519.Ed25519PrivateKey.from_private_bytes(bytes(range(32))))
