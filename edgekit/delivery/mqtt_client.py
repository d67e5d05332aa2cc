"""A client of an MQTT broker, for whoever serves files and whoever fetches them.

The messages are those of `block_protocol`, on AWS IoT's topics, but under a prefix of our own instead of
`$aws`, because brokers keep topics with a `$` for themselves:

    <prefix>/things/<thing>/streams/<stream>/describe/cbor, …/get/cbor                  device to server
                                             description/cbor, …/data/cbor, …/rejected/cbor      back
    <prefix>/things/<thing>/events/cbor                                                 device to gateway
                            acknowledged/cbor                                                   back

Everything at QoS 1, over TLS, with Nagle's algorithm off (a block would wait for an acknowledgement).
"""

from __future__ import annotations

import secrets
import socket
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from edgekit.core.errors import EdgekitError
from edgekit.core.extras import missing
from edgekit.delivery.transport import UPDATE, Source

SCHEME = "mqtts"
PREFIX = "edgekit"
EVENTS, ACKNOWLEDGED = "events", "acknowledged"  # what `telemetry` says, and hears
KEEPALIVE_S = 15  # that a connection may be silent
QUEUE_MOST = 1024  # messages that wait; a device asks again for what is dropped


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

    def source(self, thing: str, stream: str = UPDATE, prefix: str = PREFIX) -> Source:
        """The address of a stream for a thing at this broker, and how to enter."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        address = f"{SCHEME}://{host}:{self.port}/{prefix}/{thing}/{stream}"
        return Source(address, self.ca, self.user, self.password, self.certificate, self.key)


def topic(prefix: str, thing: str, stream: str, kind: str) -> str:
    return f"{prefix}/things/{thing}/streams/{stream}/{kind}/cbor"


def device_topic(prefix: str, thing: str, kind: str) -> str:
    """Where a device's EVENTS come, or go as ACKNOWLEDGED."""
    return f"{prefix}/things/{thing}/{kind}/cbor"


def credentials(folder: Path, name: str, host: str, port: int) -> Connection:
    """How `name` enters the broker at `host`:`port`, with what lies in `folder`, as `server.broker` makes it:
    ca.pem, and NAME.password, or NAME.pem and NAME.key. Raises EdgekitError for a name that has neither."""
    secret, certificate = folder / f"{name}.password", folder / f"{name}.pem"
    key = folder / f"{name}.key"
    try:
        password = secret.read_text("utf-8").strip() if secret.is_file() else ""
        has = certificate.is_file() and key.is_file()
    except (OSError, UnicodeDecodeError) as error:
        raise EdgekitError(f"{secret} cannot be read: {error}") from None
    if not (password or has):
        raise EdgekitError(f"{folder} has no credentials for {name!r}")
    own = {"certificate": certificate, "key": key} if has else {}
    ca = folder / "ca.pem"
    user = name if password else ""
    return Connection(host, port, ca if ca.is_file() else None, user, password, **own)


def enter(
    connection: Connection, topics: list[str], handle_message: Callable[[str, bytes], None],
    keepalive_s: int = KEEPALIVE_S,
):  # fmt: skip
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

    def at_once(_client, _data, sock: Any):
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

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
    client.on_message = lambda _client, _data, m: handle_message(m.topic, bytes(m.payload))
    client.on_socket_open = at_once
    if connection.user:
        client.username_pw_set(connection.user, connection.password)
    try:
        client.connect(connection.host, connection.port, keepalive=keepalive_s)
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


def publish(client, name: str, message: dict) -> None:
    import cbor2

    client.publish(name, cbor2.dumps(message), qos=1)
