"""MQTT or HTTP: the estimate against the bytes that a real wire carries, and what it decides."""

from __future__ import annotations

import os
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgekit import assurance
from edgekit.assurance.relay import relay
from edgekit.catalog import links
from edgekit.core.errors import EdgekitError
from edgekit.delivery import choose, fetch, fetch_http, serve, server
from edgekit.delivery.choose import HANDSHAKE, MQTT_CONNECT
from edgekit.delivery.server import serve_http
from edgekit.delivery.server.certificates import certify

for needed in ("cbor2", "paho.mqtt", "httpx", "uvicorn", "starlette"):
    pytest.importorskip(needed)


@pytest.mark.parametrize("size", [3_000, 60_000])
def test_the_bytes_are_estimated_as_they_are_counted(tmp_path, size):
    data = os.urandom(size)
    certificate = certify(tmp_path, "web", "127.0.0.1")
    tls = {"certificate": certificate, "key": tmp_path / "web.key"}
    with serve_http(data, **tls) as url, relay(int(url.rpartition(":")[2])) as wire:
        url = f"https://127.0.0.1:{wire.port}/update"
        fetch_http(url, tmp_path / "a", ca=tmp_path / "ca.pem")
    counted = {"http": wire.up + wire.down}
    ways = {
        block: choose(size, "wifi", block_most=block, connected=False) for block in (1024, 4096)
    }
    try:
        with server.broker("mosquitto", tmp_path / "b") as b, serve(data, b.connection()):
            for block in ways:
                with relay(b.port) as wire:
                    through = replace(b.connection("device"), port=wire.port)
                    fetch(through, "device", tmp_path / "a", block=block)
                counted[block] = wire.up + wire.down
    except EdgekitError as error:
        pytest.skip(str(error))
    for block, way in ways.items():
        said = {c.kind: c.bytes.value for c in (way, *way.others)}
        assert said["http"] == pytest.approx(counted["http"], rel=0.06)
        assert said["mqtt"] == pytest.approx(counted[block], rel=0.06)


@given(st.sampled_from(sorted(links())), st.integers(1, 5_000_000), st.booleans())
def test_more_bytes_never_take_less_time_and_the_better_way_is_taken(key, size, connected):
    choice = choose(size, key, connected=connected)
    assert choice.seconds.provenance == choice.bytes.provenance == "estimated"
    assert choice.bytes.value > size or key == "ble"
    assert choice.seconds.value >= size / links()[key].value("bytes_per_s")
    assert all(other.seconds.value >= choice.seconds.value for other in choice.others)
    assert choose(size + 100_000, key, connected=connected).seconds.value > choice.seconds.value


def test_small_ones_go_by_the_session_that_is_there_and_large_ones_by_http():
    for key in ("wifi", "lte-m", "nb-iot", "ethernet", "thread"):
        assert choose(5_000, key).kind == "mqtt"
        assert choose(2_000_000, key).kind == "http"
        assert choose(5_000, key, connected=False).kind == "http"
    assert HANDSHAKE["mqtt"] + MQTT_CONNECT > HANDSHAKE["http"]


@pytest.mark.parametrize("key", [key for key in links() if key.startswith(("lorawan", "ble"))])
def test_a_link_without_ip_takes_neither(key):
    choice = choose(60_000, key)
    assert choice.kind == "none"
    assert "no IP" in choice.why
    assert choice.block <= links()[key].value("max_payload_bytes")
    assert choice.seconds.value >= 60_000 / links()[key].value("bytes_per_s") / links()[key].share


def test_a_bad_size_is_one_line():
    for how in ((0, "wifi"), (10, "carrier-pigeon")):
        with pytest.raises(EdgekitError):
            choose(*how)


def test_what_is_measured_says_so(tmp_path):
    rows = assurance.measure(size=8_192, blocks=(1024,), folder=tmp_path, repeat=1)
    assert {row["way"] for row in rows} == {"mqtt, amqtt", "mqtt, mosquitto", "http"}
    for row in rows:
        if "missing" not in row:
            assert row["seconds"].provenance == "measured"
            assert row["wire"].value > 8_192
    assert not list(tmp_path.iterdir())
