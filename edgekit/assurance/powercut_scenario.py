"""A life of a device that a search of power cuts goes through, and the images in it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np

from edgekit.assurance.powercut_targets import LIFE, LOG_RECORDS, SLOTS_PROGRAM

KINDS = (
    "healthy",
    "unhealthy",
    "hangs",
    "rots",
    "corrupt",
    "short",
    "long",
    "old",
)  # as life.c numbers them


@dataclass(frozen=True)
class Scenario:
    """Updates that come to a device: (sequence number, kind, bytes), and what is tried.

    cuts: in each life. lives: how many are drawn at random, or 0: cuts at every operation in every way.
    fills: so many places of the log are used up after the first update. places: of a sector of the log.
    dirty: the part comes with arbitrary bytes in it.
    """

    name: str
    script: tuple
    cuts: int = 1
    lives: int = 0
    fills: tuple[int, ...] = (0,)
    log_records: int = LOG_RECORDS
    dirty: bool = False
    program = SLOTS_PROGRAM

    def prepare(self, machine) -> None:
        """Give a machine this life, at its beginning."""
        life = np.zeros((), LIFE)
        life["steps"] = len(self.script)
        for n, (sequence, kind, size) in enumerate(self.script):
            digest = np.frombuffer(hashlib.sha256(image(sequence, size)).digest(), np.uint8)
            life["step"][n] = sequence, KINDS.index(kind), size, digest
        machine.write("life", life)


def image(sequence: int, size: int) -> bytes:
    """The image that life.c knows by this sequence number."""
    i = np.arange(1, size + 1, dtype=np.uint64) * 2654435761
    x = (i ^ np.uint64(sequence * 2246822519 % 2**32)) & 0xFFFFFFFF
    x = (x ^ x >> np.uint64(15)) * 3266489917 & 0xFFFFFFFF
    return (x >> np.uint64(24)).astype(np.uint8).tobytes()
