"""What tests of MQTT share: brokers over TLS, a file in blocks, and a device that fetches it."""

from __future__ import annotations

import random
from contextlib import contextmanager

import pytest

from edgekit.core.errors import EdgekitError
from edgekit.delivery import server
from edgekit.delivery.mqtt import fetch_mqtt

BLOCK, COUNT = 1024, 40
DATA = random.Random(6).randbytes(BLOCK * COUNT - 300)  # the last block is short
OTHER = random.Random(7).randbytes(BLOCK * COUNT - 300)


@contextmanager
def started(kind, folder):
    """A broker that pump-1 and pump-2 know; a test that needs one which is not here is skipped."""
    try:
        starting = server.broker(kind, folder, ("pump-1", "pump-2"))
        running = starting.__enter__()
    except EdgekitError as error:
        pytest.skip(str(error))
    try:
        yield running
    finally:
        starting.__exit__(None, None, None)


def get(broker, to, **how):
    """Let pump-1 fetch the file that is served."""
    connection = how.pop("connection", None) or broker.connection("pump-1")
    return fetch_mqtt(connection, "pump-1", to, block=BLOCK, **({"timeout_s": 20} | how))
