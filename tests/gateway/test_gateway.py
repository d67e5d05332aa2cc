"""The gateway as a site runs it: real brokers over TLS, its own process, a cloud that commits."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from pathlib import Path

import httpx
import numpy as np
import pytest

from edgekit.cli import main
from edgekit.cli.gateway import address
from edgekit.core.errors import EdgekitError
from edgekit.core.ports import free_port
from edgekit.delivery.mqtt_client import ACKNOWLEDGED, EVENTS, device_topic, enter
from edgekit.delivery.server import broker as start_broker
from edgekit.gateway.inbox import Inbox
from edgekit.gateway.metrics import Metrics
from edgekit.telemetry import EventSource, Kind, Opinion, Outbox, Reason, Segment
from edgekit.telemetry.acknowledgement import pack_acknowledgements
from edgekit.telemetry.privacy import may_leave
from edgekit.telemetry.uplink import Uplink
from tests.gateway import cloud_app

pytest.importorskip("prometheus_client")
DEVICES, TOKEN = ("pump-1", "pump-2"), "a-token-of-tests"


@pytest.fixture(scope="module", params=["amqtt", "mosquitto"])
def broker(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp(request.param)
    try:
        starting = start_broker(request.param, folder, DEVICES, gateways=("gateway",))
        running = starting.__enter__()
    except EdgekitError as error:
        pytest.skip(str(error))
    yield running
    starting.__exit__(None, None, None)


@contextmanager
def thread(run):
    """It runs until the block ends."""
    stop = threading.Event()
    running = threading.Thread(target=run, args=(stop,), daemon=True)
    running.start()
    try:
        yield
    finally:
        stop.set()
        running.join(20)


def until(true, seconds=60):
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.02)


def device(broker, name="pump-1", **how):
    box = Outbox()
    up = Uplink(broker.connection(name), name, box, first_s=0.3, most_s=2.0, seed=1, **how)
    return EventSource(name, box, epoch=1), up


def test_events_are_acknowledged_when_they_are_committed(broker, tmp_path):
    kept = Outbox(tmp_path / "g.db")
    source, up = device(broker)
    for n in range(50):
        source.put(Kind.REPORT, bytes([n]))
    with thread(up.run):
        until(lambda: up.sent >= 32)
        time.sleep(0.5)
        assert len(source.outbox) == 50  # the broker has some, and nobody else does
        assert up.acknowledged == 0
        with thread(Inbox(broker.connection("gateway"), kept, Metrics(kept)).run):
            until(lambda: not len(source.outbox))
    assert {(e.device, e.body) for e in kept.pending(99)} == {
        ("pump-1", bytes([n])) for n in range(50)
    }


def test_a_full_disk_acknowledges_nothing(broker, tmp_path, monkeypatch):
    kept = Outbox(tmp_path / "g.db")
    put = kept.put

    def full(*_, **__):
        raise EdgekitError("database or disk is full")

    monkeypatch.setattr(kept, "put", full)
    metrics = Metrics(kept)
    source, up = device(broker)
    source.put(Kind.REPORT, b"x")
    with thread(Inbox(broker.connection("gateway"), kept, metrics).run), thread(up.run):
        until(lambda: metrics.failures.labels("disk")._value.get() >= 2)
        assert len(source.outbox) == 1
        monkeypatch.setattr(kept, "put", put)
        until(lambda: not len(source.outbox))
    assert len(kept) == 1


def _heard(broker, name, topics, say):
    """What `name` hears while `say` runs; EdgekitError if it may not listen."""
    heard = []
    client = enter(broker.connection(name), topics, lambda *message: heard.append(message))
    with thread(lambda stop: [client.loop(0.05) for _ in iter(stop.is_set, True)]):
        say()
        time.sleep(0.4)
    client.disconnect()
    return heard


def test_a_device_neither_speaks_for_another_nor_listens_to_it(broker):
    theirs = device_topic("edgekit", "pump-1", EVENTS)
    own = device_topic("edgekit", "pump-2", EVENTS)
    answer = device_topic("edgekit", "pump-1", ACKNOWLEDGED)

    def forge():
        client = enter(
            broker.connection("pump-2"), [device_topic("edgekit", "pump-2", ACKNOWLEDGED)], print
        )
        for name in (theirs, answer, own):
            client.publish(name, b"forged", qos=1)
        end = time.monotonic() + 0.5
        while time.monotonic() < end and not client.loop(0.05):
            pass
        client.disconnect()

    every = [device_topic("edgekit", "+", EVENTS)]
    assert {t for t, _ in _heard(broker, "gateway", every, forge)} <= {own}
    assert not _heard(broker, "pump-1", [answer], forge)
    for wish in (answer, device_topic("edgekit", "+", ACKNOWLEDGED), theirs, "#"):
        try:
            heard = _heard(broker, "pump-2", [wish], lambda: _acknowledge(broker, "pump-1"))
        except (EdgekitError, ConnectionError):
            continue  # amqtt says so; mosquitto says yes, and delivers nothing
        assert not heard


def _acknowledge(broker, name):
    client = enter(broker.connection("gateway"), [device_topic("edgekit", "+", EVENTS)], print)
    client.publish(device_topic("edgekit", name, ACKNOWLEDGED), pack_acknowledgements([(1, 1)])[0])
    client.loop(0.1)
    client.disconnect()


def test_a_last_will_does_not_speak_for_another_either(broker):
    from paho.mqtt import client as paho

    theirs = device_topic("edgekit", "pump-1", EVENTS)
    connection = broker.connection("pump-2")

    def die():
        client = paho.Client(paho.CallbackAPIVersion.VERSION2, reconnect_on_failure=False)
        client.tls_set_context(connection.context())
        if connection.user:
            client.username_pw_set(connection.user, connection.password)
        client.will_set(theirs, b"forged", qos=1)
        client.connect(connection.host, connection.port)
        end = time.monotonic() + 0.5
        while time.monotonic() < end and not client.loop(0.05):
            pass
        if client.socket():
            client.socket().shutdown(socket.SHUT_RDWR)  # without a farewell

    assert not _heard(broker, "gateway", [device_topic("edgekit", "+", EVENTS)], die)


def test_what_may_not_leave_is_never_sent(broker, tmp_path):
    kept = Outbox(tmp_path / "g.db")
    source, up = device(broker, may_leave=may_leave({"report": (), "segment": ("requested",)}))
    picture = np.zeros((96, 96), np.int8)
    source.put(Kind.SEGMENT, Segment(Reason.UNCERTAIN, 1, 0.5, picture).encode())
    source.put(Kind.REPORT, b"person")
    source.put(Kind.SEGMENT, Segment(Reason.REQUESTED, 1, 0.5, picture).encode())
    with thread(Inbox(broker.connection("gateway"), kept, Metrics(kept)).run), thread(up.run):
        until(lambda: not len(source.outbox))
    assert [e.sequence for e in kept.pending(9)] == [1, 2]
    assert [e.sequence for e, _ in source.outbox.aside()] == [0]


def _model(folder: Path) -> Path:
    """Two classes: is the sum of four values above 0?"""
    onnx = pytest.importorskip("onnx")
    pytest.importorskip("onnxruntime")
    from onnx import TensorProto, helper, numpy_helper

    weights = numpy_helper.from_array(np.float32([[-1, 1]] * 4), "w")
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["x", "w"], ["y"])], "m",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 4])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 2])], [weights],
    )  # fmt: skip
    opset = [helper.make_opsetid("", 13)]
    onnx.save(helper.make_model(graph, opset_imports=opset, ir_version=8), folder / "m.onnx")
    return folder / "m.onnx"


def test_the_process_keeps_judges_forwards_and_survives_kill_9(broker, tmp_path):
    (tmp_path / "token").write_text(TOKEN)
    cloud_port, metrics_port, table = free_port(), free_port(), tmp_path / "cloud.db"
    cloud_app.app(table, TOKEN)  # makes the table
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}

    def gateway():
        words = [
            "gateway", "--broker", f"127.0.0.1:{broker.port}", "--credentials", broker.folder, "--cloud",
            f"http://127.0.0.1:{cloud_port}", "--token", tmp_path / "token", "--model", _model(tmp_path),
            "--database", tmp_path / "g.db", "--metrics", str(metrics_port),
        ]  # fmt: skip
        return subprocess.Popen(
            [sys.executable, "-m", "edgekit", *map(str, words)], env=environment,
            stderr=subprocess.PIPE, text=True,
        )  # fmt: skip

    source, up = device(broker)
    for n in range(8):
        sign = 1 if n % 2 else -1
        data = np.int8([sign, sign, sign, sign])
        source.put(Kind.SEGMENT, Segment(Reason.RANDOM, 1, 0.9, data, 0.5).encode())
        source.put(Kind.REPORT, b"poison" if n == 3 else b"fine")
    first = gateway()
    with thread(up.run):
        until(lambda: not len(source.outbox))
        first.kill()  # the cloud was never there
        assert "no cloud" in first.communicate()[1]
        cloud = subprocess.Popen(
            [sys.executable, cloud_app.__file__, str(table), str(cloud_port), TOKEN],
            env=environment,
        )
        second = gateway()
        try:
            until(lambda: len(cloud_app.keys(table)) == 15 + 8)
            # what is refused with nothing else to send may be the cloud's fault: one more, which is taken
            source.put(Kind.REPORT, b"fine")
            page = httpx.get(f"http://127.0.0.1:{metrics_port}/metrics", trust_env=False).text
            until(lambda: "set_aside_total 1.0" in httpx.get(
                f"http://127.0.0.1:{metrics_port}/metrics", trust_env=False).text)  # fmt: skip
        finally:
            second.send_signal(signal.SIGTERM)
            log = second.communicate(timeout=30)[1]
            cloud.kill()
            cloud.wait()
    assert second.returncode == 0
    assert "edgekit_gateway_stored_total" in page
    assert "Traceback" not in log
    keys = cloud_app.keys(table)
    assert len(keys) == len(set(keys))
    import sqlite3

    with sqlite3.connect(table) as db:
        rows = db.execute(
            "SELECT device, body FROM events WHERE kind = ?", (Kind.OPINION,)
        ).fetchall()
    said = [Opinion.decode(body) for device, body in rows if device == "gateway"]
    assert {(o.sequence, o.predicted) for o in said} == {(2 * n, n % 2) for n in range(8)}


@pytest.mark.parametrize("text", ["host", "host:", ":1", "host:0", "host:99999", "host:1x"])
def test_a_broker_that_has_no_address_is_said(text):
    with pytest.raises(EdgekitError, match="HOST:PORT"):
        address(text)


def test_what_the_process_lacks_is_said_in_a_line(tmp_path, capsys):
    assert address("[::1]:8883") == ("::1", 8883)
    words = ["gateway", "--cloud", "https://cloud", "--token", "t", "--broker", "localhost:1"]
    assert main([*words, "--credentials", str(tmp_path)]) == 2
    assert "no credentials for 'gateway'" in capsys.readouterr().err
    (tmp_path / "gateway.password").write_text("secret")
    assert main([*words, "--credentials", str(tmp_path), "--model", str(tmp_path / "m.h5")]) == 2
    for file, text in (("m.h5", "x"), ("m.onnx", "no model"), ("m.tflite", "no model")):
        (tmp_path / file).write_text(text)
        assert main([*words, "--credentials", str(tmp_path), "--model", str(tmp_path / file)]) == 2
        said = capsys.readouterr().err
        assert file in said
        assert said.strip().count("\n") <= 1
