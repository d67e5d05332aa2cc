"""Live recordings: a real broker in this process, a pseudo terminal for the serial port."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import threading
import time

import numpy as np
import pytest

from edgekit import bring
from edgekit.bring import live
from edgekit.bring.collect import Collector
from edgekit.cli import commands
from edgekit.core.errors import EdgekitError
from edgekit.data import recording_file


@pytest.fixture(scope="module")
def broker():
    """The port of a broker that lives as long as the tests of this file."""
    amqtt = pytest.importorskip("amqtt.broker")
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port = s.getsockname()[1]
    config = {
        "listeners": {"default": {"type": "tcp", "bind": f"127.0.0.1:{port}"}},
        "plugins": {"amqtt.plugins.authentication.AnonymousAuthPlugin": {"allow_anonymous": True}},
    }
    loop = asyncio.new_event_loop()
    up = threading.Event()

    async def live():
        server = amqtt.Broker(config)
        await server.start()
        up.set()
        while not done.is_set():
            await asyncio.sleep(0.05)
        await server.shutdown()

    done = threading.Event()
    thread = threading.Thread(target=lambda: loop.run_until_complete(live()), daemon=True)
    thread.start()
    assert up.wait(20)
    yield port
    done.set()
    thread.join(10)


def publish(port: int, topic: str, messages, every: float, after: float = 1.0):
    """A device: sends `messages` from a thread."""
    from paho.mqtt import client as paho

    def run():
        client = paho.Client(paho.CallbackAPIVersion.VERSION2)
        client.connect("127.0.0.1", port)
        client.loop_start()
        time.sleep(after)
        for message in messages:
            client.publish(topic, message)
            time.sleep(every)
        client.loop_stop()
        client.disconnect()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    return thread


def test_json_from_a_broker_becomes_a_recording(broker, tmp_path, capsys):
    rows = [{"t_ms": 20 * i, "x": float(np.sin(i / 5)), "y": i / 10} for i in range(80)]
    messages = [json.dumps(r) for r in rows]
    messages[10:10] = ["garbage", '{"x": "no"}']
    sender = publish(broker, "shop/pump", messages, 0.01)
    code = commands.main(
        ["record", "mqtt", "--host", "127.0.0.1", "--port", str(broker), "--topic", "shop/#",
         "--seconds", "2", "--out", str(tmp_path), "--label", "leak", "--group", "pump 3",
         "--licence", "ours", "--unit", "g"]
    )  # fmt: skip
    sender.join()
    assert code == 0
    assert "1 messages left out" in capsys.readouterr().out
    (path,) = tmp_path.glob("*.npz")
    made = recording_file.load(path)
    assert (made.label, made.group, made.licence, made.unit) == ("leak", "pump 3", "ours", "g")
    assert made.channels == ("x", "y")
    assert made.rate == 50  # from the sender's stamps
    np.testing.assert_allclose(made.samples, [[r["x"], r["y"]] for r in rows], rtol=1e-6)
    (reading,) = bring.read(tmp_path).readings  # and `edgekit new` reads it again
    assert (reading.label, reading.group, reading.rate) == ("leak", "pump 3", 50)


def test_no_broker_is_one_line(tmp_path, capsys):
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        free = s.getsockname()[1]
    code = commands.main(
        ["record", "mqtt", "--host", "127.0.0.1", "--port", str(free), "--seconds", "1",
         "--out", str(tmp_path)]
    )  # fmt: skip
    assert code == 2
    assert "no broker at 127.0.0.1" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(os.name == "nt", reason="pseudo terminals are POSIX")
def test_lines_from_a_serial_port_become_a_recording(tmp_path):
    import pty

    pytest.importorskip("serial")
    ours, theirs = pty.openpty()
    stop = threading.Event()

    def device():
        os.write(ours, b"34,1.5\r\n")  # the end of a line that began before we listened
        i = 0
        while not stop.is_set():
            os.write(ours, f"{i / 100:.2f}\t{-i / 100:.2f}\r\n".encode())
            if i == 5:
                os.write(ours, b"boot: ok\r\n")
            i += 1
            time.sleep(0.01)

    thread = threading.Thread(target=device, daemon=True)
    thread.start()
    code = commands.main(
        ["record", "serial", "--port", os.ttyname(theirs), "--seconds", "1.5", "--out", str(tmp_path),
         "--label", "ok", "--channels", "a,b"]
    )  # fmt: skip
    stop.set()
    thread.join()
    assert code == 0
    made = recording_file.load(next(tmp_path.glob("*.npz")))
    assert made.channels == ("a", "b")
    assert len(made.samples) > 40
    told = made.samples[~np.isnan(made.samples[:, 0]), 0]  # a machine that is busy sends with gaps
    assert np.allclose(np.diff(told), 0.01, atol=1e-5), "a line was lost or doubled"
    assert 30 < made.rate <= 105
    assert "1 messages left out" in made.meta["notes"][0]


def test_a_port_that_is_not_there_is_one_line(tmp_path, capsys):
    pytest.importorskip("serial")
    code = commands.main(
        [
            "record",
            "serial",
            "--port",
            str(tmp_path / "no"),
            "--seconds",
            "1",
            "--out",
            str(tmp_path),
        ]
    )
    assert code == 2
    assert len(capsys.readouterr().err.splitlines()) == 1


@pytest.mark.parametrize(
    ("messages", "rows"),
    [
        ([b"1,2,3", b"4;5;6\n7 8 9"], [[1, 2, 3], [4, 5, 6], [7, 8, 9]]),
        ([b"[1, 2]", b"[[3, 4], [5, 6]]"], [[1, 2], [3, 4], [5, 6]]),
        ([b"ax,ay\r\n", b"1,2", b"x"], [[1, 2]]),
        ([b"\x82\x01\x02", b"\xa2\x61x\x03\x61y\x04"], [[1, 2]]),  # other names: left out
        ([b"[1, 2]", b"[1, 2, 3]", b"[]", b"{}", b"\xff\xfe", b'["a"]', b"[1e400]"], [[1, 2]]),
        ([b"[" * 100_000, b"\x81" * 5_000, b"1.5"], [[1.5]]),
    ],
)
def test_messages_of_every_kind(messages, rows):
    collector = Collector(rate=10.0)
    for m in messages:
        collector.add(m, 0.0)
    assert collector.rows == rows


def test_an_edge_impulse_acquisition_as_a_message():
    payload = {
        "protected": {"ver": "v1", "alg": "none"}, "signature": "00",
        "payload": {"device_type": "X", "interval_ms": 16, "sensors": [{"name": "a", "units": "m/s2"}],
                    "values": [[1], [2], [3]]},
    }  # fmt: skip
    collector = Collector()
    collector.add(json.dumps(payload).encode(), 0.0)
    made = collector.recording("r", "idle", "", "", "here")
    assert (made.rate, made.unit, made.channels) == (62.5, "m/s2", ("a",))
    assert made.samples[:, 0].tolist() == [1, 2, 3]


def collected(messages, **known):
    collector = Collector(**known)
    for payload, seconds in messages:
        collector.add(payload, seconds)
    return collector.recording("r", "idle", "", "", "here")


def test_values_with_names_are_matched_by_name():
    made = collected(
        [(b'{"y": 2, "z": 5, "x": 1}' if i % 2 else b'{"x": 1, "y": 2}', i / 50) for i in range(40)]
    )
    assert made.channels == ("x", "y")
    assert made.samples.tolist() == [[1, 2]] * 40
    assert made.rate == 50
    made = collected([(b'{"acc": {"z": 3, "x": "1"}, "id": "a"}', i / 50) for i in range(9)])
    assert (made.channels, made.samples[0].tolist()) == (("acc.z", "acc.x"), [3, 1])


@pytest.mark.parametrize("stamped", [True, False], ids=["the sender's time", "time of arrival"])
def test_what_is_lost_leaves_a_gap_and_not_a_slower_clock(stamped):
    rng = np.random.default_rng(1)
    lost = set(rng.choice(np.arange(5, 190), 20, replace=False).tolist())
    never = {100, 101, 102}
    messages = []
    for i in range(200):
        row = f"{20 * i},{i},{-i}" if stamped else f"{i},{-i}"
        late = rng.uniform(0, 0.003)
        if i not in never:
            text = row.replace(str(i), "#", 1) if i in lost else row
            messages.append((text.encode(), i / 50 + late))
    made = collected([(b"t_ms,x,y" if stamped else b"x,y", 0.0), *messages])
    assert made.channels == ("x", "y")
    assert made.rate == 50
    assert len(made.samples) == 200
    there = [i for i in range(200) if i not in lost | never]
    np.testing.assert_array_equal(made.samples[there, 0], there)
    gone = sorted(lost | never)
    assert np.isnan(made.samples[gone]).all()
    assert any(f"{len(gone)} of 200 samples are missing" in n for n in made.meta["notes"])


def test_messages_that_come_in_bursts_have_the_mean_rate():
    messages = [(f"{i},0".encode(), (i // 25 + 1) * 0.5) for i in range(500)]
    made = collected(messages)
    assert made.rate == 50
    assert not np.isnan(made.samples).any()


def test_lines_for_a_plotter_are_read_and_what_is_not_understood_is_shown():
    lines = [b"x:1 y:2", b"y:2, x:1", b"x = 1.5\ty = -2e1", b"\x1b[31mbroken\x1b[0m"]
    collector = Collector(rate=10.0)
    for line in lines:
        collector.add(line, 0.0)
    assert collector.rows == [[1, 2], [1, 2], [1.5, -20]]
    (sample,) = collector.sample.values()
    assert sample == r"\x1b[31mbroken\x1b[0m"
    with pytest.raises(EdgekitError, match=r"such as 'hello world!'"):
        collected([(b"hello world!", 0.0)])
    made = collected([(b"System ready now", 0.0), (b"1,2", 0.1), (b"3,4", 0.2)], rate=10.0)
    assert made.samples.tolist() == [[1, 2], [3, 4]]


def test_a_long_silence_does_not_spoil_what_was_heard(tmp_path):
    stamps = [*range(0, 4000, 20), *range(20_000, 24_000, 20)]
    made = collected([(json.dumps({"t_ms": t, "x": t}).encode(), 0.0) for t in stamps])
    assert len(made.samples) == 1200
    recording_file.save(made, tmp_path / "a.npz")
    parts = bring.read(tmp_path).readings
    assert [len(p.samples) for p in parts] == [200, 200]
    assert "nothing arrived" in parts[0].notes[0]


def test_a_hostile_label_is_kept_and_its_file_stays_in_the_folder(tmp_path, capsys):
    from edgekit.bring import live

    messages = [(f"{i},1".encode(), i / 50) for i in range(20)]
    for label in ("../../x\n\x1b[2J", "x" * 400, "nul", "caf\udce9"):
        path = live.record(iter(messages), tmp_path, source="here", label=label)
        assert path.parent == tmp_path
        assert recording_file.load(path).label == label.replace("\udce9", "\\xe9")
    assert "\x1b" not in capsys.readouterr().out


@pytest.mark.parametrize("key", ["device", "sensor", "sensor_id", "topic"])
def test_a_second_sender_is_counted_and_not_mixed_in(key):
    gathered = Collector()
    for i in range(200):
        name = "ab"[i % 2]
        gathered.add(json.dumps({key: name, "x": i % 7, "t_ms": 10 * (i // 2)}).encode(), i / 200)
    made = gathered.recording("r", "on", "", "", "mqtt")
    assert made.channels == ("x",)
    assert len(made.samples) == 100
    assert made.rate == pytest.approx(100)
    assert any("is of" in note and "'b'" in note for note in made.meta["notes"])


def test_two_topics_are_not_one_recording(monkeypatch):
    import queue

    heard = queue.Queue()
    heard.put((b"1,2", 0.0))
    state = {"why": "", "topics": {"hall/a": None, "hall/b": None}}
    with pytest.raises(EdgekitError, match="several topics, 'hall/a' and 'hall/b'"):
        next(live._drain(heard, 1.0, state, "broker"))
