"""Events on to the cloud, in batches over HTTP: an event leaves when the cloud says that it has it.

    POST {cloud}/v1/events     telemetry.pack(events), application/cbor, Authorization: Bearer TOKEN
    200 {"stored": n, "seen": m}     n were new, m were there: together all of the batch

Any other answer, or none, keeps everything. A batch that the cloud calls wrong (400, 413, 422) is halved
until the events that it means stand alone. Such an event is set aside only when the cloud refuses it alone
while it takes others: a cloud that refuses everything is the one that is wrong.
"""

from __future__ import annotations

import json
import logging
import random
import ssl
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from edgekit.core.errors import EdgekitError
from edgekit.core.extras import missing
from edgekit.gateway.metrics import Metrics
from edgekit.telemetry.backoff import Backoff
from edgekit.telemetry.event import BATCH_BYTES_MOST, Event, pack
from edgekit.telemetry.outbox import Key, Outbox

log = logging.getLogger("edgekit.gateway")

BATCH = 200
TIMEOUT_S = 30.0
ANSWER_MOST = 1 << 16  # bytes
SUSPECTS_MOST = (
    8  # events refused alone in a row before somebody else has to show that the cloud is well
)
IDLE_S = 0.1
WRONG = (400, 413, 422)  # the batch is meant, not the moment


class RefusedError(Exception):
    """The cloud calls a batch wrong."""


class Unreachable(Exception):
    """The cloud did not say that it has the batch."""


class Forwarder:
    """`run` until it is stopped; `step` is one batch. `token_file` is read again when the cloud refuses it.

    Raises EdgekitError for a URL or a token that are none.
    """

    def __init__(
        self, url: str, token_file: Path, outbox: Outbox, metrics: Metrics, *, ca: Path | None = None,
        clear: bool = False, batch: int = BATCH, timeout_s: float = TIMEOUT_S, post: Callable | None = None,
    ):  # fmt: skip
        self.url, self.outbox, self.metrics, self.batch = (
            _events_url(url, clear),
            outbox,
            metrics,
            batch,
        )
        self.token_file, self.token = token_file, read_token(token_file)
        self.suspects: dict[Key, Event] = {}
        self._post = post or _Http(ca, timeout_s).post
        self._said = ""

    def run(self, stop: threading.Event) -> None:
        pause = Backoff(0.5, 60.0, random.Random())
        while not stop.is_set():
            try:
                sent = self.step()
            except Unreachable as error:
                self._say(str(error))
                stop.wait(pause.next())
            except EdgekitError as error:
                log.error("%s", error)
                stop.wait(pause.next())
            else:
                if sent and self._said:
                    log.info("the cloud takes events again")
                    self._said = ""
                pause.reset()
                if not sent:
                    stop.wait(IDLE_S)

    def step(self) -> int:
        """Send a batch, and what came of it; how many events left the outbox. Raises Unreachable."""
        wanted = self.batch + len(self.suspects)
        events = self.outbox.pending(wanted, BATCH_BYTES_MOST - 4096)
        fresh = [e for e in events if e.key not in self.suspects][: self.batch]
        left = self._send(fresh) if fresh else 0
        return left + self._try_suspects(well=left > 0) if self.suspects else left

    def _send(self, events: list[Event]) -> int:
        """Halve what is refused, until events stand alone. How many the cloud took."""
        work, taken, alone = [events], 0, 0
        while work:
            part = work.pop()
            try:
                self._deliver(part)
                taken, alone = taken + len(part), 0
            except RefusedError as error:
                if len(part) > 1:
                    work += [part[len(part) // 2 :], part[: len(part) // 2]]
                    continue
                self.suspects[part[0].key] = part[0]
                alone += 1
                if not taken and (alone >= SUSPECTS_MOST or not work):
                    raise Unreachable(f"the cloud refuses whatever it is sent: {error}") from None
        return taken

    def _try_suspects(self, well: bool) -> int:
        """Some of them alone again: set aside what is refused while the cloud takes others (`well`)."""
        refused: dict[Key, str] = {}
        some = list(self.suspects.items())[: self.batch if well else SUSPECTS_MOST]
        for key, event in some:
            self.suspects[key] = self.suspects.pop(key)  # to the end: all have their turn
            try:
                self._deliver([event])
                del self.suspects[key]
                well = True
            except RefusedError as error:
                refused[key] = str(error)
        if not well:
            raise Unreachable(f"the cloud refuses all that is here: {next(iter(refused.values()))}")
        for key, why in refused.items():
            self.outbox.set_aside(key, why)
            del self.suspects[key]
            self.metrics.aside.inc()
            log.warning("%s %d/%d is set aside: %s", *key, why)
        return len(some)

    def _deliver(self, events: list[Event]) -> None:
        """They are in the cloud, and leave; else RefusedError or Unreachable."""
        status, body = self._request(pack(events))
        if status == 401 and (token := read_token(self.token_file)) != self.token:
            self.token = token
            status, body = self._request(pack(events))
        if status in WRONG:
            raise RefusedError(f"{status} {_plain(body)}")
        if status != 200:
            self.metrics.failures.labels(str(status)).inc()
            raise Unreachable(f"the cloud answers {status} {_plain(body)}")
        stored, seen = _counts(body)
        if stored + seen != len(events):
            self.metrics.failures.labels("answer").inc()
            raise Unreachable(f"the cloud has {stored} + {seen} of {len(events)} events, it says")
        self.outbox.acknowledge([e.key for e in events])
        self.metrics.stored.inc(stored)
        self.metrics.seen.inc(seen)

    def _request(self, body: bytes) -> tuple[int, bytes]:
        import httpx

        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/cbor"}
        try:
            return self._post(self.url, body, headers)
        except (httpx.HTTPError, OSError, ssl.SSLError) as error:
            self.metrics.failures.labels("line").inc()
            said = str(error) or type(error).__name__
            raise Unreachable(f"no cloud at {self.url}: {said}") from None

    def _say(self, text: str) -> None:
        """Once, not each time."""
        if text != self._said:
            log.warning("%s; everything is kept, and tried again", text)
            self._said = text


class _Http:
    """Connections to the cloud, kept open."""

    def __init__(self, ca: Path | None, timeout_s: float):
        try:
            import httpx
        except ImportError as error:
            raise missing("the gateway needs", error.name, "fleet") from None
        try:
            verify: Any = ssl.create_default_context(cafile=ca) if ca else True
        except (OSError, ssl.SSLError) as error:
            raise EdgekitError(f"--ca {ca}: {error.strerror or error}") from None
        self._http = httpx.Client(timeout=timeout_s, verify=verify, trust_env=False)
        self._longest = 2 * timeout_s

    def post(self, url: str, body: bytes, headers: dict[str, str]) -> tuple[int, bytes]:
        """Status and as much of the answer as is taken. Raises OSError or httpx.HTTPError."""
        until, found = time.monotonic() + self._longest, bytearray()
        headers = {**headers, "Accept-Encoding": "identity"}
        with self._http.stream("POST", url, content=body, headers=headers) as answer:
            for part in answer.iter_raw():
                found += part
                if len(found) > ANSWER_MOST:
                    break
                if time.monotonic() > until:
                    raise TimeoutError("an answer that does not end")
            return answer.status_code, bytes(found[:ANSWER_MOST])


def read_token(file: Path) -> str:
    """The token in `file`. Raises EdgekitError where there is none."""
    try:
        text = file.read_text("ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise EdgekitError(
            f"the token {file}: {getattr(error, 'strerror', None) or error}"
        ) from None
    if not 8 <= len(text) <= 512 or not text.isprintable() or " " in text:
        raise EdgekitError(f"{file} holds no token: one line of 8 to 512 printable characters")
    return text


def _events_url(url: str, clear: bool) -> str:
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        host = None
    if not host or parts.scheme not in ("http", "https") or parts.query or parts.username:
        raise EdgekitError(f"--cloud {url[:200]!r}: https://host, with a path if need be")
    if parts.scheme == "http" and host not in ("127.0.0.1", "::1", "localhost") and not clear:
        raise EdgekitError(
            f"http://{host}: everybody on the way reads the token; https, or --insecure-http"
        )
    return f"{url.rstrip('/')}/v1/events"


def _counts(body: bytes) -> tuple[int, int]:
    """{"stored": n, "seen": m}; (-1, 0) where that is not what it says."""
    try:
        answer = json.loads(body)
        counts = answer["stored"], answer["seen"]
    except (ValueError, TypeError, KeyError, RecursionError):
        return -1, 0
    return counts if all(type(n) is int and n >= 0 for n in counts) else (-1, 0)


def _plain(body: bytes) -> str:
    """The beginning of an answer, for a log's line."""
    text = body[:120].decode("utf-8", "replace")
    return "".join(c if c.isprintable() else " " for c in text).strip()
