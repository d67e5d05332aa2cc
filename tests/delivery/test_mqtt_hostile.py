"""Packages over MQTT by the broker that a site would run: servers that go, lie, dawdle or never end."""

from __future__ import annotations

import socket
from dataclasses import replace

import pytest

from edgekit.core.errors import EdgekitError
from edgekit.delivery import block_protocol, mqtt_client
from edgekit.delivery.server import serve_mqtt as serve
from tests.delivery.brokers import BLOCK, COUNT, DATA, OTHER, get, started
from tests.delivery.transfers import once

pytest.importorskip("cbor2")
pytest.importorskip("paho.mqtt")


class Stop(Exception):
    """Whatever stops a program in the middle."""


def stop():
    raise Stop


@pytest.fixture(scope="module")
def real(tmp_path_factory):
    with started("mosquitto", tmp_path_factory.mktemp("site")) as running:
        yield running


# ------------------------------------------------------------------------------- a server that goes


def test_a_stopped_fetch_goes_on_where_it_was(real, tmp_path):
    with serve(DATA, real.connection()) as served:
        with pytest.raises(Stop):
            get(real, tmp_path / "a", watch=once([20_000], stop))
        done = get(real, tmp_path / "a")
    assert done.path.read_bytes() == DATA
    assert done.resumed_bytes >= 20_000
    assert done.resumed_bytes + done.received == len(DATA)
    assert served.sent.total() <= COUNT + 16, "more was sent twice than the window that was lost"


def test_the_server_is_gone_for_a_while(real, tmp_path):
    """It ends after some blocks, and another with the same file comes up."""
    servers = [serve(DATA, real.connection()), serve(DATA, real.connection())]
    servers[0].__enter__()

    def replaced():
        servers[0].__exit__(None, None, None)
        servers[1].__enter__()

    done = get(real, tmp_path / "a", watch=once([12_000], replaced))
    servers[1].__exit__(None, None, None)
    assert done.path.read_bytes() == DATA
    assert done.repeated <= BLOCK


# ------------------------------------------------------------------------------- one that lies


def test_blocks_of_two_files_with_one_version_are_not_mixed(real, tmp_path, monkeypatch):
    """A server that lies about what it has: the digest tells, and nothing is kept."""
    honest = block_protocol.respond

    def lying(files, stream, kind, payload):
        for answer, message in honest(files, stream, kind, payload):
            if answer == "data" and message["i"] % 2:
                at = message["i"] * BLOCK
                message = message | {"p": OTHER[at : at + message["l"]]}
            yield answer, message

    monkeypatch.setattr("edgekit.delivery.server.mqtt.respond", lying)
    with serve(DATA, real.connection()), pytest.raises(EdgekitError, match="not the file"):
        get(real, tmp_path / "a")
    assert not list(tmp_path.iterdir())


def _describe_more(kind, message):
    return message | {"r": [message["r"][0] | {"z": 1 << 40}]} if kind == "description" else message


def _send_more(kind, message):
    if kind != "data":
        return message
    return message | {"p": message["p"] + b"x", "l": message["l"] + 1}


def _beyond_the_end(kind, message):
    return message | {"i": message["i"] + COUNT} if kind == "data" else message


def _always_the_first(kind, message):
    return message | {"i": 0, "p": DATA[:BLOCK], "l": BLOCK} if kind == "data" else message


def _garbage(kind, message):
    return message | {5: 5} if kind == "data" else message


def _no_digest(kind, message):
    return message | {"r": [{"f": 0, "z": 10}]} if kind == "description" else message


@pytest.mark.parametrize(
    ("twist", "says"),
    [
        (_describe_more, "are allowed"),
        (_send_more, "did not promise"),
        (_beyond_the_end, "did not promise"),
        (_garbage, "no CBOR map"),
        (_no_digest, "without size and SHA-256"),
    ],
)
def test_a_server_that_does_not_keep_to_the_rules(real, tmp_path, monkeypatch, twist, says):
    honest = block_protocol.respond
    monkeypatch.setattr(
        "edgekit.delivery.server.mqtt.respond",
        lambda *a: ((kind, twist(kind, m)) for kind, m in honest(*a)),
    )
    with serve(DATA, real.connection()), pytest.raises(EdgekitError, match=says) as error:
        get(real, tmp_path / "a", timeout_s=5)
    assert "\n" not in str(error.value)
    assert not (tmp_path / "a").exists()


def test_endless_data(real, tmp_path, monkeypatch):
    """The first block, again and again, as fast as it goes."""
    honest = block_protocol.respond

    def endless(*a):
        for kind, message in honest(*a):
            if kind == "data":
                for _ in range(200):
                    yield kind, _always_the_first(kind, message)
            else:
                yield kind, message

    monkeypatch.setattr("edgekit.delivery.server.mqtt.respond", endless)
    with serve(DATA, real.connection()), pytest.raises(EdgekitError, match="does not end"):
        get(real, tmp_path / "a")


def test_a_server_that_is_too_slow(real, tmp_path, monkeypatch):
    """One block of each request: the connection lives, and nothing gets done."""
    honest = block_protocol.respond

    def slow(*a):
        for kind, message in honest(*a):
            yield kind, message
            if kind == "data":
                return

    monkeypatch.setattr("edgekit.delivery.server.mqtt.respond", slow)
    with serve(DATA, real.connection()), pytest.raises(EdgekitError, match="too slow") as error:
        get(real, tmp_path / "a", min_bytes_per_s=10_000, timeout_s=1)
    assert "bytes are kept" in str(error.value)


def test_nobody_answers(real, tmp_path):
    with pytest.raises(EdgekitError, match="nobody answers for stream update"):
        get(real, tmp_path / "a", timeout_s=0.5)
    with serve({"model": DATA}, real.connection()), pytest.raises(EdgekitError, match="NotFound"):
        get(real, tmp_path / "a")


def test_no_broker_is_one_line(real, tmp_path):
    nowhere = replace(real.connection("pump-1"), port=1)
    with pytest.raises(EdgekitError, match="no broker at") as error:
        get(real, tmp_path / "a", connection=nowhere, timeout_s=0.3)
    assert "\n" not in str(error.value)
    with pytest.raises(EdgekitError, match="no broker at"), serve(DATA, nowhere):
        pass


# ------------------------------------------------------------------------------- small things


def test_a_request_that_cannot_be_answered_ends_no_server(real, tmp_path):
    """A stream's name so long that the topic of its answer would be longer than MQTT allows."""
    client = mqtt_client.enter(
        real.connection("pump-1"), [mqtt_client.topic("edgekit", "pump-1", "x", "data")], print
    )
    room = 65_535 - len(mqtt_client.topic("edgekit", "pump-1", "", "get"))
    with serve(DATA, real.connection()):
        for stream, payload in (("x" * room, b""), ("update", b"\xff"), ("update", bytes(20_000))):
            client.publish(mqtt_client.topic("edgekit", "pump-1", stream, "get"), payload, qos=1)
        while client.want_write():
            client.loop(0.1)
        assert get(real, tmp_path / "a", timeout_s=5).path.read_bytes() == DATA
    client.disconnect()


def test_a_small_message_waits_for_nothing(real):
    """Nagle's algorithm would hold each acknowledgement back for some 40 ms."""
    client = mqtt_client.enter(
        real.connection(), [mqtt_client.topic("edgekit", "+", "+", "get")], print
    )
    assert client.socket().getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
    client.disconnect()


def test_a_bad_wish_is_one_line(real, tmp_path):
    for how in ({"stream": "a/#"}, {"window": 0}):
        with pytest.raises(EdgekitError):
            get(real, tmp_path / "a", **how)
    with pytest.raises(EdgekitError, match="no place for a file"):
        get(real, tmp_path / "no" / "a")
