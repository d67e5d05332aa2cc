"""Files over MQTT in blocks that the device pulls: it asks for what it misses, as fast as it can take it.

The messages are those of `block_protocol`, on AWS IoT's topics, but under a prefix of our own instead of
`$aws`, because brokers keep topics with a `$` for themselves:

    <prefix>/things/<thing>/streams/<stream>/describe/cbor, …/get/cbor                  device to server
                                             description/cbor, …/data/cbor, …/rejected/cbor      back

Everything at QoS 1, over TLS, with Nagle's algorithm off (a block would wait for an acknowledgement).
"""

from __future__ import annotations

import re
import secrets
import socket
import ssl
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from edgekit.core.errors import EdgekitError
from edgekit.core.extras import missing
from edgekit.delivery.block_protocol import DownloadSession, respond
from edgekit.delivery.download_target import reserve_target
from edgekit.delivery.partial_file import BLOCK_MAX, BLOCK_MIN, LIMIT, TimeoutPolicy, Transfer

PREFIX = "edgekit"
STREAM = "update"  # the stream of a package that has no name
QUEUE_MOST = 1024  # messages that wait; a device asks again for what is dropped
NAME = re.compile(r"[A-Za-z0-9_-]{1,128}")


@dataclass(frozen=True)
class Connection:
    """Where a broker is, who vouches for it, and as whom to enter.

    `ca` is a PEM file (without it, the system's authorities); a `user` with a `password`, or a
    `certificate` and its `key` (PEM files). Always TLS 1.2 or newer.
    """

    host: str
    port: int
    ca: Path | None = None
    user: str = ""
    password: str = field(default="", repr=False)
    certificate: Path | None = None
    key: Path | None = None

    def context(self) -> ssl.SSLContext:
        try:
            context = ssl.create_default_context(cafile=self.ca)
            if self.certificate:
                context.load_cert_chain(self.certificate, self.key)
        except (OSError, ssl.SSLError) as error:
            raise EdgekitError(f"certificates for {self.host}: {error.strerror or error}") from None
        return context

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


@dataclass
class Served:
    """What a server has done so far: blocks sent, by (stream, block), and the requests it refused."""

    sent: Counter = field(default_factory=Counter)
    refused: Counter = field(default_factory=Counter)


@contextmanager
def serve(
    packages: bytes | Mapping[str, bytes], connection: Connection, *, prefix: str = PREFIX
) -> Iterator[Served]:
    """Answer devices while the `with` block runs; comes back by itself when the broker does.

    `packages`: the bytes of one package (stream "update"), or a mapping of stream names to bytes, which
    may change while it is served. Raises EdgekitError if the broker is not there or refuses.
    """
    files = packages if isinstance(packages, Mapping) else {STREAM: bytes(packages)}
    served, done, line = Served(), threading.Event(), []

    def handle_message(name: str, payload: bytes) -> None:
        thing, _, stream, kind, _ = name.removeprefix(f"{prefix}/things/").split("/")
        if not NAME.fullmatch(thing) or not NAME.fullmatch(stream):
            return  # an answer's topic might be longer than MQTT allows
        for answer, message in respond(files, stream, kind, payload):
            if answer == "data":
                served.sent[stream, message["i"]] += 1
            elif answer == "rejected":
                served.refused[message["o"]] += 1
            _publish(line[0], topic(prefix, thing, stream, answer), message)

    def enter():
        wanted = [topic(prefix, "+", "+", kind) for kind in ("describe", "get")]
        line[:] = [_enter(connection, wanted, handle_message)]

    def run() -> None:
        while not done.is_set():
            while line and not done.is_set() and not line[0].loop(0.1):
                pass
            with suppress(ConnectionError, EdgekitError):
                line.clear()
                if not done.wait(0.1):
                    enter()

    try:
        enter()
    except ConnectionError as error:
        raise EdgekitError(str(error)) from None
    thread = threading.Thread(target=run, name="serve", daemon=True)
    thread.start()
    try:
        yield served
    finally:
        done.set()
        thread.join()
        for client in line:
            client.disconnect()


def fetch(
    connection: Connection, thing: str, to: Path | str, stream: str = STREAM, *, digest: bytes | None = None,
    limit: int = LIMIT, block: int = 4096, window: int = 16, min_bytes_per_s: float = 64.0,
    timeout_s: float = 30.0,
    prefix: str = PREFIX, watch: Callable[[int, int], None] | None = None,
) -> Transfer:  # fmt: skip
    """Pull `stream` as the device `thing` into the file `to`; goes on where an earlier call was stopped.

    `digest`: the SHA-256 the file must have; without it, a file that changes is fetched anew. `limit`:
    bytes that are taken at most. `block`: bytes (256–131,072), `window`: blocks on their way at a time.
    Fewer than `min_bytes_per_s` bytes/s over `timeout_s` seconds, outages included, end it. `watch(there,
    size)` is called after each block. Raises EdgekitError; the blocks that came are kept for the next call.
    """
    for name in (thing, stream):
        if not NAME.fullmatch(name):
            raise EdgekitError(f"{name!r} is no name: 1 to 128 of A–Z, a–z, 0–9, _ and -")
    if not BLOCK_MIN <= block <= BLOCK_MAX or window < 1:
        raise EdgekitError(
            f"a block has {BLOCK_MIN} to {BLOCK_MAX} bytes, a window 1 block or more"
        )
    with reserve_target(to, timeout_s) as to:
        session = DownloadSession(to, stream, digest, limit, block, window, watch)
        try:
            return _run_session(
                session, connection, thing, prefix, TimeoutPolicy(min_bytes_per_s, timeout_s)
            )
        finally:
            session.close()


def _run_session(
    session: DownloadSession, connection: Connection, thing: str, prefix: str, policy: TimeoutPolicy
) -> Transfer:
    kinds, start = ("data", "description", "rejected"), time.monotonic()
    topics = [topic(prefix, thing, session.stream, kind) for kind in kinds]

    def ask(client, kind: str, message: dict) -> None:
        _publish(client, topic(prefix, thing, session.stream, kind), message)

    while not session.done:
        try:
            client = _enter(
                connection, topics, lambda n, p: session.handle_message(n.split("/")[-2], p)
            )
        except ConnectionError as error:
            policy.check(session.fresh, str(error))
            time.sleep(0.1)
            continue
        session.lost += 1
        session.begin(partial(ask, client))
        try:
            while not session.done and not client.loop(0.1):
                session.retry_if_silent()
                policy.check(session.fresh, session.state())
        finally:
            client.disconnect()
    return session.finish(time.monotonic() - start)


def topic(prefix: str, thing: str, stream: str, kind: str) -> str:
    return f"{prefix}/things/{thing}/streams/{stream}/{kind}/cbor"


def _enter(connection: Connection, topics: list[str], handle_message: Callable[[str, bytes], None]):
    """A connected, subscribed client. ConnectionError if the broker is not there (yet), EdgekitError if
    it says no.

    A client is made anew each time and its session is clean: a session that is taken up again would
    send old blocks again. Its id is random: a broker may close the older of two that share one.
    """
    try:
        import cbor2  # noqa: F401  (for the messages)
        from paho.mqtt import client as paho
    except ImportError as error:
        raise missing("MQTT needs", error.name, "ota") from None

    state = {"why": "", "no": "", "up": False}

    def connected(client, _data, _flags, reason, _properties):
        if reason in ("Bad user name or password", "Not authorized"):
            state["no"] = str(reason).lower()
        elif not reason.is_failure:
            client.subscribe([(name, 1) for name in topics])

    def subscribed(_client, _data, _mid, reasons, _properties):
        state["up"] = not any(r.is_failure for r in reasons)
        state["no"] = (
            "" if state["up"] else f"{connection.user or 'this client'} may not hear {topics[0]}"
        )

    def log(_client, _data, level, text):
        if level == paho.MQTT_LOG_ERR:
            state["why"] = text
            state["no"] = text if "alert" in text.lower() else state["no"]

    client = paho.Client(
        paho.CallbackAPIVersion.VERSION2, client_id=secrets.token_hex(8), reconnect_on_failure=False
    )
    client.max_queued_messages_set(QUEUE_MOST)
    client.tls_set_context(connection.context())
    client.on_connect, client.on_subscribe, client.on_log = connected, subscribed, log
    client.on_message = lambda _client, _data, m: handle_message(m.topic, m.payload)
    client.on_socket_open = lambda _c, _d, s: s.setsockopt(
        socket.IPPROTO_TCP, socket.TCP_NODELAY, 1
    )
    if connection.user:
        client.username_pw_set(connection.user, connection.password)
    try:
        client.connect(connection.host, connection.port, keepalive=15)
    except (ssl.SSLEOFError, ssl.SSLZeroReturnError):
        raise ConnectionError(f"the broker at {connection} hung up") from None
    except ssl.SSLError as error:
        raise EdgekitError(f"the broker at {connection} is not trusted: {error.reason}") from None
    except (OSError, ValueError) as error:
        raise ConnectionError(f"no broker at {connection} ({error})") from None
    until = time.monotonic() + 10
    while not state["up"]:
        lost = client.loop(0.1)
        if state["no"] or lost or time.monotonic() > until:
            client.disconnect()
            if state["no"]:
                raise EdgekitError(f"the broker at {connection} refuses: {state['no']}")
            raise ConnectionError(f"the broker at {connection} hung up {state['why']}".rstrip())
    return client


def _publish(client, name: str, message: dict) -> None:
    import cbor2

    client.publish(name, cbor2.dumps(message), qos=1)
