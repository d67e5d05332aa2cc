"""CBOR (RFC 8949) from strangers: looked over before it is decoded, and taken in its one encoding only.

cbor2 decodes; what is ours stands before it, since no option of it bounds what a few bytes unfold to.

A decoder builds whatever it is told to: shared references (tags 28 and 29), nested, make gigabytes out of 277
bytes, a tag can stand for a regular expression, a length for memory that nobody sent. So a decoder sees
nothing that is large, deep, of indefinite length, or has a tag that its caller did not ask for.
"""

from __future__ import annotations

from collections.abc import Container, Mapping

from edgekit.core.errors import EdgekitError
from edgekit.core.extras import missing

NUMBER, NEGATIVE, BYTES, TEXT, ARRAY, MAP, TAG, SIMPLE = range(8)  # major types
CONSTANTS = (0xF4, 0xF5, 0xF6)  # false, true, null
DEPTH = 8  # of arrays, maps and tags in each other
LIMIT = 1 << 14  # bytes of what is decoded at once
ITEMS = 1000  # in all of it


class CborError(EdgekitError):
    """Not the CBOR that is taken here; the message goes on after "… is"."""


class TruncatedError(CborError):
    """There is no byte where one is needed."""

    def __init__(self):
        super().__init__("not CBOR: it ends too early")


def head(data: bytes, at: int, shortest: bool = True) -> tuple[int, int, int]:
    """The item that begins at `at`: its major type, its number, and where what follows them begins.

    Raises CborError for a number that is not in its `shortest` form; of SIMPLE there are only CONSTANTS.
    """
    if at >= len(data):
        raise TruncatedError
    major, low = data[at] >> 5, data[at] & 31
    if low > 27 or (major == SIMPLE and data[at] not in CONSTANTS):
        raise CborError("not CBOR of definite lengths and plain values")
    if low < 24:
        return major, low, at + 1
    width = 1 << low - 24
    end = at + 1 + width
    if end > len(data):
        raise TruncatedError
    number = int.from_bytes(data[at + 1 : end], "big")
    if shortest and number < (24 if width == 1 else 1 << 4 * width):
        raise CborError("not in its one encoding")
    return major, number, end


def expect(data: bytes, at: int, wanted: bytes) -> int:
    """Where it goes on behind these very bytes."""
    found = data[at : at + len(wanted)]
    if found != wanted[: len(found)]:
        raise CborError("not what has to stand there")
    if len(found) < len(wanted):
        raise TruncatedError
    return at + len(wanted)


def string(data: bytes, at: int) -> tuple[bytes, int]:
    """The byte string at `at`, and where it goes on behind it."""
    major, n, at = head(data, at)
    if major != BYTES:
        raise CborError("not a byte string")
    if n > len(data) - at:
        raise TruncatedError
    return data[at : at + n], at + n


def check_structure(
    data: bytes, tags: Container[int] = (), limit: int = LIMIT, shortest: bool = True
) -> None:
    """Raises CborError unless `data` is one item that can be decoded safely: see the module.

    tags: those that are taken. limit: bytes. shortest: as `head` takes it.
    """
    if len(data) > limit:
        raise CborError(f"longer than {limit} bytes")
    at, to_come, seen = 0, [1], 0  # items to come, level by level
    while to_come:
        if not to_come[-1]:
            to_come.pop()
            continue
        to_come[-1] -= 1
        major, n, at = head(data, at, shortest)
        if major in (BYTES, TEXT):
            at += n
        elif major == TAG and n not in tags:
            raise CborError(f"not taken: it has the tag {n}")
        elif major in (ARRAY, MAP, TAG):
            to_come.append(1 if major == TAG else n * (1 + (major == MAP)))
        seen += 1
        if len(to_come) > DEPTH + 1 or seen > ITEMS or to_come[-1] > len(data) - at:
            raise CborError("nested too deep, too many items, or not all there")
    if at != len(data):
        raise CborError("not one item of CBOR")


def decode(data: bytes, tags: Container[int] = ()):
    """The value of one CBOR item in its one encoding, with no other tags than `tags` in it.

    Raises CborError for anything else.
    """
    check_structure(data, tags)
    try:
        import cbor2
    except ImportError:
        raise missing("packages need", "cbor2", "ota") from None
    try:
        value = cbor2.loads(data)
        same = encode(value) == data
    except (cbor2.CBORError, RecursionError, TypeError, ValueError, OverflowError, EOFError):
        raise CborError("not CBOR") from None
    if not same:
        raise CborError("not in its one encoding")
    return value


def encode(value) -> bytes:
    """Deterministic CBOR (RFC 8949, 4.2.1): shortest numbers, map keys in the order of their bytes.

    cbor2's `canonical=True` puts shorter keys first (RFC 7049): -1 before 100, which is another order.
    """
    import cbor2

    def ordered(v):
        if isinstance(v, Mapping):
            return {k: ordered(v[k]) for k in sorted(v, key=cbor2.dumps)}
        if isinstance(v, cbor2.CBORTag):
            return cbor2.CBORTag(v.tag, ordered(v.value))
        return [ordered(x) for x in v] if isinstance(v, (list, tuple)) else v

    return cbor2.dumps(ordered(value))
