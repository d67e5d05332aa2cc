"""What a device reports of itself, and a receiver that counts each report once.

    17([bstr {1: 5}, {}, bstr [device, number, running, counter, verdict, reason, keys, fresh], mac])

The MAC (HMAC-SHA-256) is under a secret that only the device and its maker have, so nobody else can report in
its name. The number rises with each report; `agent/status.c` gives none twice, not even over a power cut.
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from edgekit.core.atomic import atomic_write
from edgekit.core.errors import EdgekitError
from edgekit.core.lock import locked
from edgekit.packages.cbor import CborError, encode
from edgekit.packages.cbor_reader import CborReader
from edgekit.packages.statement import FRESHNESS

VERDICTS = ("nothing runs", "confirmed", "on trial", "confirmed, a newer one was given up")
MAC0, HMAC_256 = 17, 5  # CBOR's tag of COSE_Mac0; COSE's number of HMAC-SHA-256
CONTEXT = b"status"  # external data


@dataclass(frozen=True)
class Status:
    """`device` its id (16 bytes), `number` of the report; `running` the number of the release that runs (0:
    none), `counter` what a package must be above; `verdict` of VERDICTS, `reason` the device's code of the
    last refusal (0: none), `keys` the version of its key list, `fresh` of FRESHNESS."""

    device: bytes
    number: int
    running: int
    counter: int
    verdict: int
    reason: int
    keys: int
    fresh: int

    def __str__(self) -> str:
        says = f"release {self.running} {VERDICTS[self.verdict]}, {FRESHNESS[self.fresh]}"
        last = f", last refusal {self.reason}" if self.reason else ""
        return f"{self.device.hex()} report {self.number}: {says}, keys {self.keys}{last}"


def report(status: Status, secret: bytes) -> bytes:
    """The report as the device sends it."""
    from cbor2 import CBORTag

    payload = encode(list(vars(status).values()))
    header = encode({1: HMAC_256})
    return encode(CBORTag(MAC0, [header, {}, payload, _mac(payload, secret)]))


def decode_unverified(data: bytes) -> Status:
    """What a report says. Nothing is verified: `ReportReceiver` is for whoever acts on it."""
    return _read(data)[0]


class ReportReceiver:
    """Takes reports, each once. `file` keeps the last number of each device, and is locked meanwhile.

    `secrets` gives a device's secret (32 bytes) by its id: a mapping, or a function that returns None for a
    device that is not ours.
    """

    def __init__(
        self, file: Path | str, secrets: Mapping[bytes, bytes] | Callable[[bytes], bytes | None]
    ):
        self.file = Path(file)
        self.secret = secrets if callable(secrets) else secrets.get

    def take(self, data: bytes) -> Status:
        """What the device says. Raises EdgekitError for what is no report, not that device's, or was taken
        before; then nothing is counted."""
        status, payload, mac = _read(data)
        secret = self.secret(status.device)
        if not secret or not hmac.compare_digest(mac, _mac(payload, secret)):
            raise EdgekitError("the report is not by the device that it names")
        name = status.device.hex()
        self.file.parent.mkdir(parents=True, exist_ok=True)
        with locked(self.file.with_name(f"{self.file.name}.lock")):
            last = self._last()
            if status.number <= last.get(name, 0):
                raise EdgekitError(
                    f"report {status.number} of {name} was sent before: {last[name]} was the last one"
                )
            with atomic_write(self.file) as half:
                text = json.dumps(last | {name: status.number}, indent=0, sort_keys=True)
                half.write_text(text, encoding="ascii")
        return status

    def _last(self) -> dict[str, int]:
        if not self.file.exists():
            return {}
        try:
            last = json.loads(self.file.read_text("utf-8"))
            if not all(type(n) is int for n in last.values()):
                raise ValueError
        except (ValueError, AttributeError):
            raise EdgekitError(
                f"{self.file} does not hold the last reports' numbers: bring back a copy, "
                "without it old reports would count again"
            ) from None
        return last


def _mac(payload: bytes, secret: bytes) -> bytes:
    """Over COSE's MAC_structure."""
    whole = encode(["MAC0", encode({1: HMAC_256}), CONTEXT, payload])
    return hmac.digest(secret, whole, "sha256")


def _read(data: bytes) -> tuple[Status, bytes, bytes]:
    """The report, what its MAC is over, and the MAC. Nothing is verified."""
    r = CborReader(data)
    try:
        r.expect(0xD1, 0x84, 0x43, 0xA1, 0x01, HMAC_256, 0xA0)
        payload, mac = r.bytes(), r.bytes(32)
        r.end()
        r = CborReader(payload)
        r.expect(0x88)
        status = Status(r.bytes(16), *(r.number() for _ in range(7)))
        r.end()
        if status.verdict >= len(VERDICTS) or status.fresh >= len(FRESHNESS) or not status.number:
            raise CborError("another form")
    except CborError:
        raise EdgekitError("not a device's report, or not in its one encoding") from None
    return status, payload, mac
