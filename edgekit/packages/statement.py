"""Which release is the latest: a short signed statement, so that a device notices a freeze.

    18([bstr {1: algorithm}, {}, bstr [class, latest, issued, until], signature])

Whoever keeps a device from hearing of an update keeps it from hearing this, too; but then the last statement
runs out, and the device says *frozen*. `firmware/agent/statement.c` asks the same in the same order.
"""

from __future__ import annotations

from dataclasses import dataclass

from edgekit.core.errors import EdgekitError
from edgekit.packages.cbor import CborError, encode
from edgekit.packages.cbor_reader import CborReader
from edgekit.packages.manifest import PackageError
from edgekit.packages.public_keys import PublicKey, Signer
from edgekit.packages.suit import SIGN1, SIGNED_AS, signed_by, to_sign

CONTEXT = b"latest"  # external data: a signature for a package is none for a statement
BYTES = 128  # at most
FRESHNESS = ("current", "behind", "frozen")  # by number, as in statement.h
EARLY = 86_400  # seconds that a statement's clock may be ahead of the device's


@dataclass(frozen=True)
class Statement:
    """`latest` is the number of the newest release for devices of the class `model` (16 bytes), said at
    `issued`, to be believed up to `until` (POSIX seconds)."""

    model: bytes
    latest: int
    issued: int
    until: int

    def __post_init__(self) -> None:
        numbers = (self.latest, self.issued, self.until)
        right = len(self.model) == 16 and all(type(n) is int and 0 < n < 1 << 32 for n in numbers)
        if not right or self.until < self.issued:
            raise EdgekitError(
                "a statement names a class, a release, and a time that ends after it begins"
            )

    def freshness(self, running: int, now: int = 0) -> str:
        """ "current", "behind" or "frozen", to a device that runs this release; now: 0 without a clock."""
        if now > self.until:
            return "frozen"
        return "behind" if running < self.latest else "current"


def sign_statement(statement: Statement, signer: Signer) -> bytes:
    """The statement, signed by who signs packages."""
    from cbor2 import CBORTag

    header, payload = encode({1: SIGNED_AS[signer.public.algorithm]}), _payload(statement)
    return encode(
        CBORTag(SIGN1, [header, {}, payload, signer.sign(to_sign(header, payload, CONTEXT))])
    )


def accept(
    data: bytes,
    trusted: list[PublicKey],
    model: bytes,
    before: Statement | None = None,
    now: int = 0,
    revoked: tuple[PublicKey, ...] = (),
) -> Statement:
    """What a device of the class `model` believes from now on; `before` is what it believed until now.

    now: POSIX seconds, 0 without a clock. Raises PackageError in the words that the device's C has for it.
    """
    made = _verified(data, trusted, revoked)
    rules = (
        (made.model == model, "class"),
        (not now or made.issued <= now + EARLY, "ahead"),
        (before is None or made.issued >= before.issued, "older"),
        (before is None or made.latest >= before.latest, "falls"),
        (before is None or made.issued > before.issued or made == before, "older"),
    )
    for good, why in rules:
        if not good:
            raise PackageError(REASONS[why])
    return made


def _verified(data: bytes, trusted, revoked) -> Statement:
    r = CborReader(data)
    try:
        if len(data) > BYTES:
            raise CborError("another form")
        r.expect(0xD2, 0x84, 0x43, 0xA1, 0x01)
        algorithm = r.take(1)
        r.expect(0xA0)
        payload = r.bytes()
        r.expect(0x58, 0x40)
        signature = r.take(64)
        r.end()
    except CborError:
        raise PackageError(REASONS["form"]) from None
    message = to_sign(b"\xa1\1" + algorithm, payload, CONTEXT)
    if signed_by(algorithm, message, signature, (*trusted, *revoked)) in revoked:
        raise PackageError(REASONS["revoked"])
    r = CborReader(payload)
    try:
        r.expect(0x84)
        model, latest, issued, until = r.bytes(16), r.number(), r.number(), r.number()
        r.end()
        return Statement(model, latest, issued, until)
    except EdgekitError:
        raise PackageError(REASONS["content"]) from None


def _payload(s: Statement) -> bytes:
    return encode([s.model, s.latest, s.issued, s.until])


REASONS = {  # as in statement.c
    "form": "not a statement, or not in its one encoding",
    "algorithm": "the signature's algorithm is none that this device knows",
    "signature": "the signature fits no key this device trusts",
    "revoked": "signed by a key that was revoked",
    "content": "the statement is not one that this device understands",
    "class": "about another class of devices",
    "older": "older than what this device has heard",
    "falls": "names an older release than the one before",
    "ahead": "from a time that is yet to come",
}
