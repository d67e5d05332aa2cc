"""The device's side of `block_protocol`: it asks for the blocks that it misses, and keeps what comes."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from edgekit.core.errors import EdgekitError
from edgekit.core.progress import progress_bytes
from edgekit.delivery.block_protocol import (
    ANSWER_MOST,
    BLOCK_MAX,
    FILE,
    decode,
    file_token,
    file_version,
    whole_number,
)
from edgekit.delivery.partial_file import PartialFile
from edgekit.delivery.transport import Transfer, Watch

BITMAP_SPAN = 8 * 1024  # blocks that one request of ours names at most
RESTARTS_MOST = 3  # a file that changes more often while it is fetched is no file


class DownloadSession:
    """The device's side: what it knows of the file, what it has asked for, what came."""

    def __init__(
        self, to: Path, stream: str, digest: bytes | None, limit: int, block: int, window: int,
        watch: Watch | None,
    ):  # fmt: skip
        self.to, self.stream, self.digest, self.limit = to, stream, digest, limit
        self.block, self.window, self.watch = block, window, watch
        self.blocks: Any = None  # a PartialFile, once the stream was described
        self.asked: set[int] = set()
        self.resumed_bytes = self.received = self.repeated = self.restarts = 0
        self.lost, self.again = -1, 1.0
        self.bar: Any = None
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
        size, digest = whole_number(entry.get("z")), entry.get("h")
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
        self.bar = progress_bytes(size, self.stream, self.blocks.got)

    def data(self, message: dict) -> None:
        if self.blocks is None or message.get("c") != file_token(self.blocks.digest):
            return  # of another file, or asked for by nobody
        i, part = whole_number(message.get("i")), message.get("p")
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
        request = {
            "c": file_token(digest),
            "s": file_version(digest),
            "f": FILE,
            "l": self.blocks.block,
        }
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
