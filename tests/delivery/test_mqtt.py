"""Packages over MQTT: real brokers over TLS, and whatever can happen to a transfer on the way."""

from __future__ import annotations

import hashlib
import random
import socket
import sys
import time
from contextlib import contextmanager
from dataclasses import replace

import pytest

from edgekit.assurance.relay import relay
from edgekit.core.errors import EdgekitError
from edgekit.delivery import block_protocol, mqtt_client, server
from edgekit.delivery.mqtt import fetch_mqtt as fetch
from edgekit.delivery.server import certify
from edgekit.delivery.server import serve_mqtt as serve

cbor2 = pytest.importorskip("cbor2")
pytest.importorskip("paho.mqtt")

BLOCK, COUNT = 1024, 40
DATA = random.Random(6).randbytes(BLOCK * COUNT - 300)  # the last block is short
OTHER = random.Random(7).randbytes(BLOCK * COUNT - 300)


class Stop(Exception):
    """Whatever stops a program in the middle."""


@pytest.fixture(scope="module", params=["amqtt", "mosquitto"])
def broker(request, tmp_path_factory):
    with _started(request.param, tmp_path_factory.mktemp(request.param)) as running:
        yield running


@pytest.fixture(scope="module")
def real(tmp_path_factory):
    """The broker that a site would run."""
    with _started("mosquitto", tmp_path_factory.mktemp("site")) as running:
        yield running


@contextmanager
def _started(kind, folder):
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
    connection = how.pop("connection", None) or broker.connection("pump-1")
    return fetch(connection, "pump-1", to, block=BLOCK, **({"timeout_s": 20} | how))


def once(when, act):
    """A `watch` that does `act` when `when` bytes are there, once for each number."""
    left = sorted(when)

    def watch(there, _size):
        if left and there >= left[0]:
            left.pop(0)
            act()

    return watch


def stop():
    raise Stop


# ------------------------------------------------------------------------------- what should happen


def test_a_package_arrives_as_it_was(broker, tmp_path):
    with serve(DATA, broker.connection()) as served:
        done = get(broker, tmp_path / "a.suit")
    assert done.path.read_bytes() == DATA
    assert done.sha256 == hashlib.sha256(DATA).hexdigest()
    assert (done.received, done.repeated, done.interruptions) == (len(DATA), 0, 0)
    assert [p.name for p in tmp_path.iterdir()] == ["a.suit"], "something was left lying about"
    assert max(served.sent.values()) == 1
    assert "KiB/s" in done._repr_html_()


def test_the_broker_is_killed_and_starts_again(broker, tmp_path):
    def restart():
        broker.kill()
        broker.start()

    with serve(DATA, broker.connection()):
        done = get(broker, tmp_path / "a", watch=once([12_000], restart))
    assert done.path.read_bytes() == DATA
    assert done.interruptions >= 1
    assert done.repeated <= BLOCK * done.interruptions


def test_the_device_loses_its_connection_again_and_again(broker, tmp_path):
    with serve(DATA, broker.connection()), relay(broker.port) as wire:
        at = range(3_000, 36_000, 6_000)
        through = replace(broker.connection("pump-1"), port=wire.port)
        done = get(broker, tmp_path / "a", connection=through, watch=once(at, wire.cut))
    assert done.path.read_bytes() == DATA
    assert 1 <= done.interruptions == wire.connections - 1
    assert done.repeated <= BLOCK * done.interruptions


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


# ------------------------------------------------------------------------------- another file


def test_a_file_that_changes_on_the_way_is_fetched_anew(broker, tmp_path):
    files = {"update": DATA}
    with serve(files, broker.connection()):
        watch = once([15_000], lambda: files.update(update=OTHER))
        done = get(broker, tmp_path / "a", watch=watch)
    assert done.path.read_bytes() == OTHER
    assert done.restarts == 1


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


# ------------------------------------------------------------------------------- hostile servers


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


# ------------------------------------------------------------------------------- strangers


def test_a_stranger_is_refused_at_the_door(broker, tmp_path):
    known = broker.connection("pump-1")
    if broker.kind == "mosquitto":
        certify(tmp_path, "pump-1")  # the right name, vouched for by somebody else
        pretender = {"certificate": tmp_path / "pump-1.pem", "key": tmp_path / "pump-1.key"}
        strangers = [replace(known, certificate=None, key=None), replace(known, **pretender)]
    else:
        strangers = [replace(known, password="guess"), replace(known, user="", password="")]
    with serve(DATA, broker.connection()):
        for stranger in strangers:
            with pytest.raises(EdgekitError, match="refuses"):
                get(broker, tmp_path / "a", connection=stranger, timeout_s=3)
    assert not (tmp_path / "a").exists()


def test_a_broker_that_nobody_vouches_for(broker, tmp_path):
    certify(tmp_path, "x")
    with pytest.raises(EdgekitError, match="not trusted"):
        get(
            broker,
            tmp_path / "a",
            connection=replace(broker.connection("pump-1"), ca=tmp_path / "ca.pem"),
        )


def test_one_device_cannot_fetch_as_another(broker, tmp_path):
    """Its own name opens its own topics only; pump-1 meanwhile is served."""
    with serve(DATA, broker.connection()):
        with pytest.raises(EdgekitError, match=r"may not hear|nobody answers"):
            get(broker, tmp_path / "a", connection=broker.connection("pump-2"), timeout_s=1)
        assert get(broker, tmp_path / "b").path.read_bytes() == DATA
        own = fetch(broker.connection("pump-2"), "pump-2", tmp_path / "c")
    assert own.path.read_bytes() == DATA


def test_one_device_hears_and_says_nothing_on_the_topics_of_another(broker):
    """pump-2 listens to everything and forges a block; the server's own message comes through alone."""
    name = mqtt_client.topic("edgekit", "pump-1", "update", "data")
    heard, spied = [], []

    def enter(who, topics, to):
        return mqtt_client.enter(broker.connection(who), topics, lambda n, p: to.append((n, p)))

    device = enter("pump-1", [name], heard)
    if (
        broker.kind == "amqtt"
    ):  # refuses the subscription; mosquitto lets it be and delivers nothing
        with pytest.raises(EdgekitError, match="may not hear"):
            enter("pump-2", ["#"], spied)
    everything = "#" if broker.kind == "mosquitto" else name.replace("pump-1", "pump-2")
    spy = enter("pump-2", [everything], spied)
    server = enter("server", [mqtt_client.topic("edgekit", "+", "+", "get")], [])

    def say(client, payload):
        sent = client.publish(name, payload, qos=1)
        until = time.monotonic() + 10
        while not sent.is_published():  # it was acknowledged, so it went before what comes next
            assert client.loop(0.1) == 0
            assert time.monotonic() < until

    say(spy, b"forged")
    say(server, b"true")
    until = time.monotonic() + 10
    while not heard and time.monotonic() < until:
        device.loop(0.1)
    device.loop(0.1)
    spy.loop(0.1)
    assert heard == [(name, b"true")]
    assert spied == []
    for client in (device, server, spy):
        client.disconnect()


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


def test_credentials_are_nobody_elses(broker):
    for file in broker.folder.iterdir():
        secret = file.suffix in (".key", ".password") or file.name == "passwords"
        assert not secret or file.stat().st_mode & 0o077 == 0, f"{file.name} can be read by others"
    assert "password='" not in repr(broker.connection("pump-1"))
    with pytest.raises(EdgekitError, match="no credentials"):
        broker.connection("pump-9")


def test_a_broker_that_is_not_there_says_how_to_get_it(tmp_path, monkeypatch):
    monkeypatch.setattr("shutil.which", lambda *_, **__: None)
    with pytest.raises(EdgekitError, match="apt-get install mosquitto"):
        server.broker("mosquitto", tmp_path).__enter__()
    monkeypatch.setitem(sys.modules, "amqtt.scripts.broker_script", None)
    with pytest.raises(EdgekitError, match=r"pip install .*\[ota\]"):
        server.broker("amqtt", tmp_path).__enter__()
    with pytest.raises(EdgekitError, match="there are amqtt and mosquitto"):
        server.broker("rabbit", tmp_path).__enter__()


def test_a_bad_wish_is_one_line(real, tmp_path):
    for how in ({"stream": "a/#"}, {"window": 0}):
        with pytest.raises(EdgekitError):
            get(real, tmp_path / "a", **how)
    with pytest.raises(EdgekitError, match="no place for a file"):
        get(real, tmp_path / "no" / "a")
