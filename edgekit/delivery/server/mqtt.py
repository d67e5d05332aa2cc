"""Answer devices that pull files over MQTT; and, for a bench, the broker between them."""

from __future__ import annotations

import tempfile
import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from edgekit.core.errors import EdgekitError
from edgekit.delivery.block_protocol import REQUESTS, respond
from edgekit.delivery.mqtt_client import PREFIX, SCHEME, Connection, enter, publish, topic
from edgekit.delivery.server.broker import Broker, broker
from edgekit.delivery.server.files import Streams
from edgekit.delivery.transport import NAME, RECEIVER, UPDATE, Files, Source, check_name


@dataclass
class Served:
    """What a server has done so far: blocks sent, by (stream, block), and the requests it refused."""

    sent: Counter = field(default_factory=Counter)
    refused: Counter = field(default_factory=Counter)


@contextmanager
def serve_mqtt(
    packages: bytes | Mapping[str, bytes], connection: Connection, *, prefix: str = PREFIX
) -> Iterator[Served]:
    """Answer devices while the `with` block runs; comes back by itself when the broker does.

    `packages`: the bytes of one package (stream "update"), or a mapping of stream names to bytes, which
    may change while it is served. `prefix` begins each topic. Raises EdgekitError if the broker is not
    there or refuses.
    """
    files = packages if isinstance(packages, Mapping) else {UPDATE: bytes(packages)}
    served, done = Served(), threading.Event()
    line: list = []  # the client that is connected

    def handle_message(name: str, payload: bytes) -> None:
        thing, _, stream, kind, _ = name.removeprefix(f"{prefix}/things/").split("/")
        if not NAME.fullmatch(thing) or not NAME.fullmatch(stream):
            return  # an answer's topic might be longer than MQTT allows
        for answer, message in respond(files, stream, kind, payload):
            if answer == "data":
                served.sent[stream, message["i"]] += 1
            elif answer == "rejected":
                served.refused[message["o"]] += 1
            publish(line[0], topic(prefix, thing, stream, answer), message)

    def connect():
        wanted = [topic(prefix, "+", "+", kind) for kind in REQUESTS]
        line[:] = [enter(connection, wanted, handle_message)]

    def run() -> None:
        while not done.is_set():
            while line and not done.is_set() and not line[0].loop(0.1):
                pass
            with suppress(ConnectionError, EdgekitError):
                line.clear()
                if not done.wait(0.1):
                    connect()

    try:
        connect()
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


@dataclass(frozen=True)
class MqttOffer:
    """Files at a broker that was started for them. `served`: what was sent so far."""

    broker: Broker
    files: Mapping[str, bytes]
    served: Served

    @property
    def address(self) -> str:
        return f"{SCHEME}://{self.broker.connection()}/{PREFIX}"

    def names(self) -> list[str]:
        """As `transport.Offer`."""
        return sorted(self.files)

    def source(self, receiver: str = RECEIVER, name: str = UPDATE) -> Source:
        """As `transport.Offer`. Raises EdgekitError for a receiver that has no credentials, too."""
        check_name(receiver, "device")
        return self.broker.connection(receiver).source(receiver, check_name(name, "stream"))


@contextmanager
def serve(
    files: Files, *, receivers: tuple[str, ...] = (RECEIVER,), folder: Path | None = None,
    host: str = "127.0.0.1", port: int = 0, kind: str = "amqtt", certificate: Path | None = None,
    key: Path | None = None,
) -> Iterator[MqttOffer]:  # fmt: skip
    """As `transport.Serve`, by a broker of this `kind` (see `broker`), with a temporary folder if need be.

    Raises EdgekitError for a `certificate` or `key`, too: a broker that is started here makes its own.
    """
    if certificate or key:
        raise EdgekitError("a broker that is started here makes its own certificate: leave it out")
    with ExitStack() as stack:
        where = folder or stack.enter_context(tempfile.TemporaryDirectory(prefix="edgekit-broker-"))
        running = stack.enter_context(broker(kind, where, receivers, host=host, port=port))
        if isinstance(files, bytes):
            files = {UPDATE: files}
        streams = files if isinstance(files, Mapping) else Streams(files)
        served = stack.enter_context(serve_mqtt(streams, running.connection()))
        yield MqttOffer(running, streams, served)
