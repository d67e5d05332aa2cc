"""Fetch a file over HTTP: one request for all of it, and a conditional range request after a break.

A file that changed on the way is fetched from its start: the request names the ETag of what is there
(If-Range, RFC 9110), and the client believes no part whose ETag and place are not the ones it expects.
"""

from __future__ import annotations

import json
import os
import re
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from edgekit.core.errors import EdgekitError
from edgekit.core.extras import missing
from edgekit.core.progress import progress_bytes
from edgekit.core.safe_files import create_new, open_existing
from edgekit.delivery.download_target import (
    disk,
    finalize_download,
    remove,
    reserve_target,
    sidecar_path,
    sync,
)
from edgekit.delivery.transport import LIMIT, Source, TimeoutPolicy, Transfer, Watch

CONTENT_RANGE = re.compile(r"bytes ([0-9]{1,18})-([0-9]{1,18})/([0-9]{1,18})")
STRONG = re.compile(r'"[\x21\x23-\x7e]{1,128}"')  # an ETag that stands for bytes
RESTARTS_MOST = 3
RECORD_MOST = 16_384  # bytes of the record beside a part


def fetch(source: Source, to: Path | str, **how) -> Transfer:
    """As `transport.Fetch`, from http(s)://host:port/name."""
    _, host, _, _ = source.parts()
    if not host:
        raise EdgekitError(f"{source.address}: no host")
    if source.user or source.password or source.certificate or source.key:
        raise EdgekitError(
            f"{source.address}: HTTP knows no receivers here, leave name and key out"
        )
    return fetch_http(source.address, to, ca=source.ca, **how)


def fetch_http(
    url: str, to: Path | str, *, digest: bytes | None = None, limit: int = LIMIT,
    min_bytes_per_s: float = 64.0,
    timeout_s: float = 30.0, ca: Path | None = None, watch: Watch | None = None,
) -> Transfer:  # fmt: skip
    """Fetch `url` into the file `to`; goes on where an earlier call was stopped.

    `digest`: the SHA-256 the file must have; without it, that of an ETag that looks like one. `limit`,
    `min_bytes_per_s`, `timeout_s` as in `mqtt.fetch`. `ca`: a PEM file that vouches for the server instead
    of the system's authorities. `watch(there, size)` is called as bytes arrive (size 0 while unknown). Raises
    EdgekitError; what came is kept for the next call, with its ETag.
    """
    with reserve_target(to, timeout_s) as to, _client(ca, timeout_s) as (client, alive):
        policy, start = TimeoutPolicy(min_bytes_per_s, timeout_s), time.monotonic()
        get = _Get(url, to, digest, limit, watch)
        try:
            while not get.done:
                try:
                    get.run(client, policy, alive)
                except ConnectionError as error:
                    get.lost += 1
                    policy.check(get.received, f"{get.there:,} bytes are kept; {error}")
                    time.sleep(0.1)
            return get.finish(time.monotonic() - start)
        finally:
            get.close()


class _Get:
    """What is there of the file, under which ETag, and what came."""

    def __init__(self, url: str, to: Path, digest: bytes | None, limit: int, watch):
        self.url, self.to, self.digest, self.limit, self.watch = url, to, digest, limit, watch
        self.part, self.record = (sidecar_path(to, what) for what in ("part", "etag"))
        self.file: Any = open_existing(self.part)  # None until something comes
        self.tag, self.size, self.there = self._left() if self.file else ("", 0, 0)
        self.resumed_bytes = self.there
        self.received = self.repeated = self.lost = self.restarts = 0
        self.done = 0 < self.size == self.there

    def run(self, client, policy: TimeoutPolicy, alive: Callable) -> None:
        """One request. ConnectionError if it breaks off, EdgekitError if there is no use in another."""
        import httpx

        asks = {"Accept-Encoding": "identity"}
        if self.there:
            asks |= {"Range": f"bytes={self.there}-", "If-Range": self.tag}
        try:
            with client.stream(
                "GET", self.url, headers=asks, extensions={"trace": alive}
            ) as answer:
                if self.begins(answer):
                    self.keep(answer.iter_raw(), policy, alive)
        except (httpx.InvalidURL, httpx.UnsupportedProtocol) as error:
            raise EdgekitError(f"{self.url}: {error}") from None
        except httpx.TransportError as error:
            if "CERTIFICATE_VERIFY_FAILED" in str(error):
                raise EdgekitError(f"{self.url}: the server's certificate is not trusted") from None
            raise ConnectionError(f"{self.url}: {error or type(error).__name__}") from None

    def begins(self, answer) -> bool:
        """Whether the answer's body goes on from what is there, or from the start, as `there` then says."""
        code, heads = answer.status_code, answer.headers
        tag, span = heads.get("etag", ""), CONTENT_RANGE.fullmatch(heads.get("content-range", ""))
        if code >= 500:
            raise ConnectionError(f"{self.url}: {code} {answer.reason_phrase}")
        if code not in (200, 206, 416):
            raise EdgekitError(f"{self.url}: {code} {answer.reason_phrase}")
        if heads.get("content-encoding", "identity") != "identity":
            raise EdgekitError(f"{self.url}: sent in a coding that was not asked for")
        same = code == 206 and self.there and tag == self.tag
        if same and span and (int(span[1]), int(span[3])) == (self.there, self.size):
            return True
        self.restarts += bool(self.there) or code != 200
        if self.restarts > RESTARTS_MOST:
            raise EdgekitError(
                f"{self.url}: it changes, or cannot be resumed; began anew too often"
            )
        if code != 200:  # a part that does not fit what is there: ask for all of it
            self.start_over("", 0)
            return False
        ends = "content-length" in heads or "chunked" in heads.get("transfer-encoding", "")
        if not ends and not self.digest and not _sha256(tag):
            raise EdgekitError(f"{self.url}: it says neither how long the file is nor its SHA-256")
        self.repeated += self.there if tag == self.tag else 0
        self.start_over(tag, _length(heads))
        return True

    def start_over(self, tag: str, size: int) -> None:
        """Nothing is there. The record goes first, so that it never speaks of another file's bytes."""
        if size > self.limit:
            raise EdgekitError(f"{self.url}: {size:,} bytes, {self.limit:,} are allowed")
        if self.digest and _sha256(tag) not in (None, self.digest):
            raise EdgekitError(f"{self.url} holds another file than the one asked for")
        self.tag, self.size, self.there, self.resumed_bytes = tag, size, 0, 0
        with disk(self.to):
            self.record.unlink(missing_ok=True)
            self.close()
            self.file = create_new(self.part)
            if STRONG.fullmatch(tag) and size:
                with create_new(self.record) as file:
                    record = {"url": self.url, "etag": tag, "size": size}
                    file.write(json.dumps(record).encode())
                    sync(file)

    def keep(self, chunks: Iterator[bytes], policy: TimeoutPolicy, alive: Callable) -> None:
        most = self.size or self.limit
        bar = progress_bytes(self.size, self.to.name, self.there)
        with disk(self.to), bar:
            self.file.seek(self.there)
            try:
                for chunk in chunks:
                    if self.there + len(chunk) > most:
                        raise EdgekitError(f"{self.url}: more than {most:,} bytes, it does not end")
                    self.file.write(chunk)
                    self.there += len(chunk)
                    self.received += len(chunk)
                    bar.update(len(chunk))
                    policy.check(self.received, f"{self.there:,} bytes are kept")
                    alive()
                    if self.watch:
                        self.watch(self.there, self.size)
            finally:
                sync(self.file)
        self.done = self.size in (0, self.there)

    def finish(self, seconds: float) -> Transfer:
        try:
            digest = self.digest or _sha256(self.tag)
            sha256 = finalize_download(self.file, self.part, self.to, digest, self.there)
        finally:
            remove(self.record)
        return Transfer(
            self.to, self.there, sha256, seconds, self.resumed_bytes, self.received, self.repeated, self.lost,
            self.restarts,
        )  # fmt: skip

    def close(self) -> None:
        if self.file:
            with suppress(OSError):  # of a full disk; whoever wrote has heard of it
                self.file.close()

    def _left(self) -> tuple[str, int, int]:
        """ETag, size and bytes of what an earlier attempt left, if it was of this address."""
        try:
            kept = open_existing(self.record)
            if kept is None:
                return "", 0, 0
            with kept:
                record = json.loads(kept.read(RECORD_MOST))
            tag, size, there = record["etag"], record["size"], os.fstat(self.file.fileno()).st_size
            asked = self.digest is None or _sha256(tag) in (None, self.digest)
            ours = asked and record["url"] == self.url and STRONG.fullmatch(tag)
            if ours and there <= size <= self.limit:
                return tag, size, there
        except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError):
            pass
        return "", 0, 0


@contextmanager
def _client(ca: Path | None, timeout_s: float):
    """A client, and what to call when something useful came over its connection.

    A client's own timeout starts again with each byte. So that a header of one byte a second has an end
    too, a connection over which nothing useful came for `timeout_s` seconds is cut.
    """
    try:
        import httpx
    except ImportError as error:
        raise missing("HTTP needs", error.name, "ota") from None
    try:
        trust = ssl.create_default_context(cafile=ca)
    except (OSError, ssl.SSLError) as error:
        raise EdgekitError(f"certificates in {ca}: {error.strerror or error}") from None
    done, seen = threading.Event(), [time.monotonic()]
    connections: list[socket.socket] = []

    def alive(event: str = "", info: dict | None = None) -> None:
        if info and event in ("connection.connect_tcp.complete", "connection.start_tls.complete"):
            connections[:] = [info["return_value"].get_extra_info("socket")]
        elif event:
            return
        seen[0] = time.monotonic()

    def watch() -> None:
        while not done.wait(min(0.1, timeout_s)):
            if connections and time.monotonic() - seen[0] > timeout_s:
                with suppress(OSError):
                    connections.pop().shutdown(socket.SHUT_RDWR)

    threading.Thread(target=watch, name="watchdog", daemon=True).start()
    try:
        with httpx.Client(verify=trust, timeout=timeout_s) as client:
            yield client, alive
    finally:
        done.set()


def _length(heads) -> int:
    """Bytes that were announced; 0 if none were."""
    text = heads.get("content-length", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else 0


def _sha256(tag: str) -> bytes | None:
    """The digest in an ETag, if it is one."""
    found = re.fullmatch(r'"([0-9a-f]{64})"', tag)
    return bytes.fromhex(found[1]) if found else None
