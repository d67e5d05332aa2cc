"""MQTT or HTTP: the estimate against the bytes that a real wire carries, and what it decides."""

from __future__ import annotations

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgekit import assurance
from edgekit.assurance.relay import relay
from edgekit.catalog import links
from edgekit.core.errors import EdgekitError
from edgekit.delivery import choose, fetch, serve
from edgekit.delivery.estimate import HANDSHAKE, MQTT_CONNECT

for needed in ("cbor2", "paho.mqtt", "httpx", "uvicorn", "starlette"):
    pytest.importorskip(needed)


@pytest.mark.parametrize("size", [3_000, 60_000])
def test_the_bytes_are_estimated_as_they_are_counted(tmp_path, size):
    data = os.urandom(size)
    for key, own in (("http", {}), ("mqtt", {"kind": "mosquitto"})):
        try:
            serving = serve(key, data, folder=tmp_path / key, **own)
            offer = serving.__enter__()
        except EdgekitError as error:
            pytest.skip(str(error))
        for block in (1024, 4096):
            with relay(offer.source().parts()[2]) as wire:
                how = {"block": block} if key == "mqtt" else {}
                fetch(offer.source().through(wire.port), tmp_path / "a", **how)
            way = choose(size, "wifi", block_most=block, connected=False)
            said = {c.kind: c.bytes.value for c in (way, *way.others)}
            assert said[key] == pytest.approx(wire.up + wire.down, rel=0.06)
        serving.__exit__(None, None, None)


@given(st.sampled_from(sorted(links())), st.integers(1, 5_000_000), st.booleans())
def test_more_bytes_never_take_less_time_and_the_better_way_is_taken(key, size, connected):
    choice = choose(size, key, connected=connected)
    assert choice.seconds.provenance == choice.bytes.provenance == "estimated"
    assert choice.bytes.value > size or key.startswith("ble")
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
