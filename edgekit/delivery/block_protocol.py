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
import secrets
import time
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from itertools import islice
from math import ceil

from edgekit.core.errors import EdgekitError
from edgekit.delivery.partial_file import BLOCK_MAX, BLOCK_MIN, PartialFile, Transfer, progress
from edgekit.packages.cbor import CborError, check_structure

FILE = 0  # a stream has one file
ANSWER_MOST = 131_072  # bytes of blocks that one request gets, as from AWS IoT's service
REQUEST_MOST = 16_384  # bytes of a request
BITMAP_MOST = 12_288  # bytes
BITMAP_SPAN = 8 * 1024  # blocks that one request of ours names at most
RESTARTS_MOST = 3  # a file that changes more often while it is fetched is no file


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
    digest = _digest(data)
    if kind == "describe":
        entry = {"f": FILE, "z": len(data), "h": digest}
        yield "description", same | {"s": _version(digest), "d": stream, "r": [entry]}
        return
    try:
        size, blocks = _asked(request, digest, len(data))
    except LookupError as error:
        yield "rejected", same | {"o": error.args[0], "m": error.args[1]}
        return
    for i in blocks:
        part = data[i * size : (i + 1) * size]
        yield "data", same | {"f": FILE, "l": len(part), "i": i, "p": part}


class DownloadSession:
    """The device's side: what it knows of the file, what it has asked for, what came."""

    def __init__(self, to, stream, digest, limit, block, window, watch):
        self.to, self.stream, self.digest, self.limit = to, stream, digest, limit
        self.block, self.window, self.watch = block, window, watch
        self.blocks: PartialFile | None = None
        self.asked: set[int] = set()
        self.resumed_bytes = self.received = self.repeated = self.restarts = 0
        self.lost, self.bar, self.again = -1, None, 1.0
        self.token = ""  # of the question that is open

    @property
    def done(self) -> bool:
        return self.blocks is not None and self.blocks.complete

    @property
    def fresh(self) -> int:
        return self.received - self.repeated

    def state(self) -> str:
        if self.blocks is None:
            return f"nobody answers for stream {self.stream}"
        return f"{self.blocks.got:,} of {self.blocks.size:,} bytes are kept"

    def begin(self, publish: Callable[[str, dict], None]) -> None:
        self.publish, self.again = publish, 1.0
        self.describe()

    def describe(self) -> None:
        """Ask what the stream holds. The answer comes behind every block that was on its way, so what
        is missing then is truly lost: no block is asked for twice while it may still arrive."""
        self.token, self.last_message_at = secrets.token_hex(4), time.monotonic()
        self.publish("describe", {"c": self.token})

    def retry_if_silent(self) -> None:
        if time.monotonic() - self.last_message_at > self.again:
            self.again = min(8.0, 2 * self.again)
            self.describe()

    def handle_message(self, kind: str, payload: bytes) -> None:
        message = decode(payload, BLOCK_MAX + 1024)
        if message is None:
            raise EdgekitError(f"stream {self.stream}: an answer that is no CBOR map")
        self.last_message_at = time.monotonic()
        if kind == "description":
            self.description(message)
        elif kind == "data":
            self.data(message)
        elif message.get("o") == "VersionMismatch":
            self.describe()
        else:
            code, why = (m if isinstance(m := message.get(k), str) else "" for k in "om")
            raise EdgekitError(f"stream {self.stream} is refused: {code:.40} ({why:.80})")

    def description(self, message: dict) -> None:
        if not self.token or message.get("c") != self.token:
            return  # the answer to an earlier question
        files = message.get("r")
        entry = (
            next((r for r in files if isinstance(r, dict)), {}) if isinstance(files, list) else {}
        )
        size, digest = _number(entry.get("z")), entry.get("h")
        if size < 1 or not isinstance(digest, bytes) or len(digest) != 32 or entry.get("f") != FILE:
            raise EdgekitError(f"stream {self.stream}: a description without size and SHA-256")
        if size > self.limit:
            raise EdgekitError(
                f"stream {self.stream} has {size:,} bytes, {self.limit:,} are allowed"
            )
        if self.digest not in (None, digest):
            raise EdgekitError(f"stream {self.stream} holds another file than the one asked for")
        if self.blocks is None or (self.blocks.digest, self.blocks.size) != (digest, size):
            self.open(digest, size)
        self.token = ""
        self.asked.clear()
        self.blocks.rewind()
        self.ask()

    def open(self, digest: bytes, size: int) -> None:
        again = self.blocks is not None
        self.close()
        self.blocks = PartialFile(self.to, digest, size, self.block)
        self.window = max(1, min(self.window, ANSWER_MOST // self.blocks.block))
        self.restarts += self.blocks.discarded
        self.resumed_bytes = 0 if again else self.blocks.resumed_bytes
        if self.restarts > RESTARTS_MOST:
            raise EdgekitError(f"stream {self.stream} changes faster than it can be fetched")
        self.bar = progress(size, self.blocks.got, self.stream)

    def data(self, message: dict) -> None:
        if self.blocks is None or message.get("c") != _token(self.blocks.digest):
            return  # of another file, or asked for by nobody
        i, part = _number(message.get("i")), message.get("p")
        promised = self.blocks.length(i) if 0 <= i < self.blocks.count else 0
        if not isinstance(part, bytes) or not len(part) == promised == message.get("l"):
            raise EdgekitError(f"stream {self.stream} sends what it did not promise: block {i}")
        self.received += promised
        if self.blocks.put(i, part):
            self.again = 1.0
            self.bar.update(promised)
        else:
            self.repeated += promised
        if self.repeated > self.blocks.size + ANSWER_MOST:
            raise EdgekitError(
                f"stream {self.stream} does not end: the same blocks again and again"
            )
        self.asked.discard(i)
        if self.watch:
            self.watch(self.blocks.got, self.blocks.size)
        if not self.token and len(self.asked) <= self.window // 2:
            self.ask()

    def ask(self) -> None:
        """Fill the window with what is missing."""
        wanted = self.blocks.missing(self.window - len(self.asked), BITMAP_SPAN)
        if not wanted:
            return
        bits = bytearray((wanted[-1] - wanted[0]) // 8 + 1)
        for i in wanted:
            bits[(i - wanted[0]) >> 3] |= 1 << ((i - wanted[0]) & 7)
        self.asked.update(wanted)
        digest = self.blocks.digest
        request = {"c": _token(digest), "s": _version(digest), "f": FILE, "l": self.blocks.block}
        self.publish("get", request | {"o": wanted[0], "n": len(wanted), "b": bytes(bits)})

    def finish(self, seconds: float) -> Transfer:
        self.blocks.finish()
        return Transfer(
            self.to, self.blocks.size, self.blocks.digest.hex(), seconds, self.resumed_bytes, self.received,
            self.repeated, self.lost, self.restarts,
        )  # fmt: skip

    def close(self) -> None:
        if self.blocks:
            self.blocks.close()
            self.bar.close()


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
    block, first = _number(request.get("l")), _number(request.get("o", 0))
    number, bits = _number(request.get("n", ANSWER_MOST // BLOCK_MIN)), request.get("b")
    if request.get("s", _version(digest)) != _version(digest):
        raise LookupError("VersionMismatch", "the file has changed")
    if _number(request.get("f")) != FILE:
        raise LookupError("ResourceNotFound", "a stream has the file 0 and no other")
    if not BLOCK_MIN <= block <= BLOCK_MAX:
        raise LookupError("BlockSizeOutOfBounds", f"{BLOCK_MIN} to {BLOCK_MAX} bytes")
    count = ceil(size / block)
    if not 0 <= first < count:
        raise LookupError("OffsetOutOfBounds", f"there are {count} blocks")
    if number < 0:
        raise LookupError("InvalidRequest", "n is no number of blocks")
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


def _number(value) -> int:
    """`value` if it is a whole number, else -1."""
    return value if isinstance(value, int) and not isinstance(value, bool) else -1


def _version(digest: bytes) -> int:
    return int.from_bytes(digest[:4], "big")


def _token(digest: bytes) -> str:
    """The client token of requests for blocks: a block of another file never fits."""
    return digest[:8].hex()


@lru_cache(maxsize=16)
def _digest(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()
