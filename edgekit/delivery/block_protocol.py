"""Block delivery as messages, whatever carries them: the device pulls, the server answers.

Fields are those of AWS IoT's MQTT-based file delivery (AWS IoT Core developer guide, "Using AWS IoT
MQTT-based file delivery in devices"), as CBOR maps:

    describe      device   {c}
    description   server   {c, s, d, r: [{f, z, h}]}
    get           device   {c, s, f, l, o, n, b}
    data          server   {c, f, l, i, p}
    rejected      server   {c, o, m}

c client token · s stream version · d description · f file id · z size · l bytes of a block · o first block
· n number of blocks at most · b bitmap from o on, lowest bit first · i block · p its bytes; in a refusal o
is the code and m says why. Ours is `h`, the file's SHA-256; s is its first four bytes, so that a version
never stands for two files.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from itertools import islice
from math import ceil

from edgekit.packages.cbor import CborError, check_structure

BLOCK_MIN, BLOCK_MAX = 256, 131_072  # bytes of a block, as in AWS IoT's file delivery
FILE = 0  # a stream has one file
REQUESTS, ANSWERS = (
    ("describe", "get"),
    ("description", "data", "rejected"),
)  # a device's, the server's
WINDOW = 16  # blocks on their way at a time, unless told otherwise
ANSWER_MOST = 131_072  # bytes of blocks that one request gets, as from AWS IoT's service
REQUEST_MOST = 16_384  # bytes of a request
BITMAP_MOST = 12_288  # bytes


def respond(files: Mapping[str, bytes], stream: str, kind: str, payload: bytes) -> Iterator[tuple]:
    """The (kind, message) pairs that answer one request; of anything that is none, one refusal."""
    request = decode(payload, REQUEST_MOST)
    if request is None:
        yield "rejected", {"o": "InvalidCbor", "m": "no CBOR map"}
        return
    token = request.get("c")
    same = {"c": token} if isinstance(token, str) and len(token.encode()) <= 64 else {}
    data = files.get(stream)
    if not data:
        yield "rejected", same | {"o": "ResourceNotFound", "m": f"no stream {stream}"}
        return
    digest = digest_of(data)
    if kind == "describe":
        entry = {"f": FILE, "z": len(data), "h": digest}
        yield "description", same | {"s": file_version(digest), "d": stream, "r": [entry]}
        return
    try:
        size, blocks = _asked(request, digest, len(data))
    except LookupError as error:
        yield "rejected", same | {"o": error.args[0], "m": error.args[1]}
        return
    for i in blocks:
        part = data[i * size : (i + 1) * size]
        yield "data", same | {"f": FILE, "l": len(part), "i": i, "p": part}


def decode(payload: bytes, limit: int) -> dict | None:
    """A CBOR map with text keys and without tags, or None: somebody else's bytes."""
    import cbor2

    try:
        check_structure(payload, limit=limit, shortest=False)
        message = cbor2.loads(payload)
    except (CborError, cbor2.CBORError, ValueError, TypeError):
        return None
    return (
        message if isinstance(message, dict) and all(isinstance(k, str) for k in message) else None
    )


def _asked(request: dict, digest: bytes, size: int) -> tuple[int, list[int]]:
    """Block size and the blocks that a GetStream request wants. LookupError(code, message) if it is none."""
    block, first = whole_number(request.get("l")), whole_number(request.get("o", 0))
    number, bits = whole_number(request.get("n", ANSWER_MOST // BLOCK_MIN)), request.get("b")
    if request.get("s", file_version(digest)) != file_version(digest):
        raise LookupError("VersionMismatch", "the file has changed")
    if whole_number(request.get("f")) != FILE:
        raise LookupError("ResourceNotFound", "a stream has the file 0 and no other")
    if not BLOCK_MIN <= block <= BLOCK_MAX:
        raise LookupError("BlockSizeOutOfBounds", f"{BLOCK_MIN} to {BLOCK_MAX} bytes")
    count = ceil(size / block)
    if not 0 <= first < count:
        raise LookupError("OffsetOutOfBounds", f"there are {count} blocks")
    if number < 0:
        raise LookupError("InvalidRequest", "n is no number of blocks")
    wanted: Iterable[int]
    if bits is None:
        wanted = range(first, min(count, first + number))
    elif isinstance(bits, bytes) and len(bits) <= BITMAP_MOST:
        wanted = (
            first + 8 * k + j for k, byte in enumerate(bits) for j in range(8) if byte >> j & 1
        )
    else:
        raise LookupError("BlockBitmapLimitExceeded", f"b has at most {BITMAP_MOST} bytes")
    there = (i for i in wanted if i < count)
    return block, list(islice(there, min(number, max(1, ANSWER_MOST // block))))


def whole_number(value: object) -> int:
    """`value` if it is a whole number, else -1."""
    return value if isinstance(value, int) and not isinstance(value, bool) else -1


def file_version(digest: bytes) -> int:
    return int.from_bytes(digest[:4], "big")


def file_token(digest: bytes) -> str:
    """The client token of requests for blocks: a block of another file never fits."""
    return digest[:8].hex()


@lru_cache(maxsize=16)
def digest_of(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()
