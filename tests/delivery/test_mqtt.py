"""Packages over MQTT, by every broker that the kit knows: a transfer that is cut, and who may not have it."""

from __future__ import annotations

import hashlib
import sys
import time
from dataclasses import replace

import pytest

from edgekit.assurance.relay import relay
from edgekit.core.errors import EdgekitError
from edgekit.delivery import mqtt_client, server
from edgekit.delivery.mqtt import fetch_mqtt as fetch
from edgekit.delivery.server import certify
from edgekit.delivery.server import serve_mqtt as serve
from tests.delivery.brokers import BLOCK, DATA, OTHER, get, started
from tests.delivery.transfers import once

pytest.importorskip("cbor2")
pytest.importorskip("paho.mqtt")


@pytest.fixture(scope="module", params=["amqtt", "mosquitto"])
def broker(request, tmp_path_factory):
    with started(request.param, tmp_path_factory.mktemp(request.param)) as running:
        yield running


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


def test_a_file_that_changes_on_the_way_is_fetched_anew(broker, tmp_path):
    files = {"update": DATA}
    with serve(files, broker.connection()):
        watch = once([15_000], lambda: files.update(update=OTHER))
        done = get(broker, tmp_path / "a", watch=watch)
    assert done.path.read_bytes() == OTHER
    assert done.restarts == 1


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
