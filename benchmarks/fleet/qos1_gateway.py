"""The control's gateway: a persistent session at QoS 1, each message on the disk before its PUBACK; no more.

It forwards as `edgekit gateway` does, so that what is lost was lost between device and gateway.
"""

from __future__ import annotations

import argparse
import threading
import time
from contextlib import suppress
from pathlib import Path

from edgekit.cli.gateway import address
from edgekit.delivery.mqtt_client import EVENTS, credentials, device_topic
from edgekit.gateway.forward import Forwarder
from edgekit.gateway.metrics import Metrics
from edgekit.telemetry import Event, Outbox


def main() -> None:
    from paho.mqtt import client as paho

    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("broker", "credentials", "cloud", "token", "database"):
        parser.add_argument(f"--{name}", required=True)
    args = parser.parse_args()
    connection = credentials(Path(args.credentials), "gateway", *address(args.broker))
    outbox = Outbox(args.database)
    forwarder = Forwarder(args.cloud, Path(args.token), outbox, Metrics(outbox))
    threading.Thread(target=forwarder.run, args=(threading.Event(),), daemon=True).start()
    version = paho.CallbackAPIVersion.VERSION2
    client = paho.Client(version, client_id="gateway", clean_session=False)
    client.tls_set_context(connection.context())
    if connection.user:
        client.username_pw_set(connection.user, connection.password)
    client.on_connect = lambda c, *_: c.subscribe(device_topic("edgekit", "+", EVENTS), qos=1)
    client.on_subscribe = lambda *_: print("listening", flush=True)
    client.on_message = lambda _c, _d, m: outbox.put(Event.decode(m.payload, m.topic.split("/")[2]))
    client.reconnect_delay_set(1, 1)
    while True:
        with suppress(OSError):
            client.connect(connection.host, connection.port, keepalive=15)
            client.loop_forever()
        time.sleep(0.5)


if __name__ == "__main__":
    main()
