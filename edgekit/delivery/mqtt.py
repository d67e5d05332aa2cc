"""Fetch a file over MQTT in blocks that the device pulls: it asks for what it misses, as fast as it can.

The messages and topics are those of `block_protocol` and `mqtt_client`.
"""

from __future__ import annotations

import time
from functools import partial
from pathlib import Path

from edgekit.core.errors import EdgekitError
from edgekit.delivery.block_protocol import ANSWERS, BLOCK_MAX, BLOCK_MIN, WINDOW
from edgekit.delivery.download_session import DownloadSession
from edgekit.delivery.download_target import reserve_target
from edgekit.delivery.mqtt_client import PREFIX, Connection, enter, publish, topic
from edgekit.delivery.transport import (
    LIMIT,
    UPDATE,
    Source,
    TimeoutPolicy,
    Transfer,
    Watch,
    check_name,
)

PORT = 8883  # of MQTT over TLS


def fetch(source: Source, to: Path | str, *, block: int = 4096, **how) -> Transfer:
    """As `transport.Fetch`, from mqtts://host:port/prefix/thing/stream; `block`, `window` as `fetch_mqtt`."""
    _, host, port, path = source.parts()
    prefix, _, rest = path.strip("/").rpartition("/")
    prefix, _, thing = prefix.rpartition("/")
    if not (host and prefix and thing and rest):
        raise EdgekitError(
            f"{source.address}: mqtts://host:port/{PREFIX}/thing/{UPDATE} is how it reads"
        )
    for part in prefix.split("/"):
        check_name(part, "prefix of topics")
    connection = Connection(
        host, port or PORT, source.ca, source.user, source.password, source.certificate, source.key
    )
    return fetch_mqtt(connection, thing, to, rest, prefix=prefix, block=block, **how)


def fetch_mqtt(
    connection: Connection, thing: str, to: Path | str, stream: str = UPDATE, *, digest: bytes | None = None,
    limit: int = LIMIT, block: int = 4096, window: int = WINDOW, min_bytes_per_s: float = 64.0,
    timeout_s: float = 30.0,
    prefix: str = PREFIX, watch: Watch | None = None,
) -> Transfer:  # fmt: skip
    """Pull `stream` as the device `thing` into the file `to`; goes on where an earlier call was stopped.

    `digest`: the SHA-256 the file must have; without it, a file that changes is fetched anew. `limit`:
    bytes that are taken at most. `block`: bytes (256–131,072), `window`: blocks on their way at a time.
    Fewer than `min_bytes_per_s` bytes/s over `timeout_s` seconds, outages included, end it. `watch(there,
    size)` is called after each block. Raises EdgekitError; the blocks that came are kept for the next call.
    """
    check_name(thing, "device")
    check_name(stream, "stream")
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
    start = time.monotonic()
    topics = [topic(prefix, thing, session.stream, kind) for kind in ANSWERS]

    def ask(client, kind: str, message: dict) -> None:
        publish(client, topic(prefix, thing, session.stream, kind), message)

    while not session.done:
        try:
            client = enter(
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
