"""What a gateway answers to a device: which of its events are on the gateway's disk. Deterministic CBOR.

    acknowledgement = [1, [[epoch, first sequence, how many], …]]        the topic names the device

The device's C reads the same (`firmware/telemetry/outbox.c`).
"""

from __future__ import annotations

from collections.abc import Iterable

from edgekit.core.errors import EdgekitError
from edgekit.packages.cbor import ARRAY, CborError, encode
from edgekit.packages.cbor_reader import CborReader

VERSION = 1
RUNS_MOST = 16  # in a message, which then has at most 260 bytes: devices have small buffers
RUN_MOST = 512  # events of a run

Numbers = tuple[int, int]  # epoch, sequence


def pack_acknowledgements(numbers: Iterable[Numbers]) -> list[bytes]:
    """As many messages as it takes to acknowledge the events with these numbers."""
    runs: list[list[int]] = []
    for epoch, sequence in sorted(set(numbers)):
        last = runs[-1] if runs else None
        if last and last[0] == epoch and last[1] + last[2] == sequence and last[2] < RUN_MOST:
            last[2] += 1
        else:
            runs.append([epoch, sequence, 1])
    parts = (runs[i : i + RUNS_MOST] for i in range(0, len(runs), RUNS_MOST))
    return [encode([VERSION, part]) for part in parts]


def unpack_acknowledgement(data: bytes) -> list[Numbers]:
    """The numbers in a message. Raises EdgekitError for anything else."""
    r = CborReader(data)
    runs = []
    try:
        r.expect(0x82, VERSION)
        count = r.number(ARRAY)
        if count > RUNS_MOST:
            raise CborError("too long")
        for _ in range(count):
            r.expect(0x83)
            epoch, first, n = r.number(), r.number(), r.number()
            if not 1 <= n <= RUN_MOST or first + n > 1 << 32:
                raise CborError("a run that cannot be")
            runs.append((epoch, first, n))
        r.end()
    except CborError as error:
        raise EdgekitError(f"no acknowledgement: what came is {error}") from None
    return [(epoch, first + i) for epoch, first, n in runs for i in range(n)]
