"""What devices and their tools send, kind by kind: understood, or refused in a line."""

from __future__ import annotations

import datetime
import json
import re

import numpy as np
import pytest

from edgekit.bring.collect import Collector
from edgekit.core.errors import EdgekitError
from tests.bring.test_live import collected

EVERY = range(100)


def iso(i):
    return (
        datetime.datetime(2024, 3, 1, 23, 59, 59) + datetime.timedelta(seconds=i / 25)
    ).isoformat()


def batch(i, **about):
    return json.dumps({**about, "acc": [[10 * i + j, 0.5, 1] for j in range(10)]})


TWO, ACC, FIRST = ("ch1", "ch2"), ("acc_x", "acc_y", "acc_z"), [1, 0.5, 1]
SENT = {  # what is sent 50 times a second -> channels, rate, second row
    "decimal commas": (
        [f"{i / 8:.3f};{-i:.2f}".replace(".", ",") for i in EVERY], TWO, 50, [0.125, -1]
    ),
    "commas, tabs": (
        [f"{i / 8:.3f}\t{-i:.2f}".replace(".", ",") for i in EVERY], TWO, 50, [0.125, -1]
    ),
    "commas between": ([f"{i / 8:.3f}, {-i}" for i in EVERY], TWO, 50, [0.125, -1]),
    "a minus": ([f"\u2212{i},\u2212{i / 2}" for i in EVERY], TWO, 50, [-1, -0.5]),
    "a counter": ([json.dumps({"seq": i, "bat": 87, "x": i % 7}) for i in EVERY], ("x",), 50, [1]),
    "t rises": ([json.dumps({"t": 20 * i, "rh": i % 7}) for i in EVERY], ("rh",), 50, [1]),
    "t is warm": (
        [json.dumps({"t": 21 + (i % 9) / 4, "rh": 40}) for i in EVERY], ("t", "rh"), 50, [21.25, 40]
    ),
    "t stands": ([json.dumps({"t": 21.5, "rh": 40}) for i in EVERY], ("t", "rh"), 50, [21.5, 40]),
    "ISO": ([json.dumps({"ts": iso(i) + "Z", "x": i}) for i in EVERY], ("x",), 25, [1]),
    "ISO, compact": (
        [json.dumps({"time_ms": re.sub("[-:]", "", iso(i)), "x": i}) for i in EVERY], ("x",), 25, [1]
    ),
    "ISO, CSV": ([f"{iso(i)},{i},2" for i in EVERY], TWO, 25, [1, 2]),
    "t0 s, dt s": ([batch(i, t0=5 + i / 5, dt=0.02) for i in EVERY], ACC, 50, FIRST),
    "t0 ms, dt s": (
        [batch(i, t0=1_700_000_000_000 + 200 * i, dt=0.02) for i in EVERY], ACC, 50, FIRST
    ),
    "t0 s, dt ms": (
        [batch(i, t0=1_700_000_000 + i / 5, dt=20) for i in EVERY], ACC, 50, FIRST
    ),
    "only dt": ([batch(i, dt_ms=20) for i in EVERY], ACC, 50, FIRST),
    "only fs": ([batch(i, fs=50) for i in EVERY], ACC, 50, FIRST),
    "a row as a list": ([json.dumps({"acc": [i, 0.5, 1]}) for i in EVERY], ACC, 50, FIRST),
    "an arrow": ([f"12:00:{i // 25:02}.{i % 25 * 40:03} -> {i},{-i}" for i in EVERY], TWO, 25, [1, -1]),
    "Node-RED": (
        [json.dumps({"topic": "a", "payload": {"x": i}, "_msgid": f"{i:x}", "qos": 0}) for i in EVERY],
        ("x",), 50, [1],
    ),
    "Node-RED, text": ([json.dumps({"topic": "a", "payload": f"{i},2"}) for i in EVERY], TWO, 50, [1, 2]),
}  # fmt: skip


@pytest.mark.parametrize("kind", SENT)
def test_a_kind_of_message_is_understood(kind):
    messages, channels, rate, second = SENT[kind]
    made = collected([(m.encode(), i / 50) for i, m in enumerate(messages)])
    assert made.channels == channels
    assert made.rate == pytest.approx(rate)
    np.testing.assert_allclose(made.samples[1], second)
    assert not np.isnan(made.samples).any()


def test_a_counter_is_said_and_taken_when_it_is_asked_for():
    messages = [(json.dumps({"seq": i, "bat": 87, "x": i % 7}).encode(), i / 50) for i in EVERY]
    notes = collected(messages).meta["notes"]
    assert any("'seq' counts" in n for n in notes)
    assert any("'bat'" in n for n in notes)
    made = collected(messages, channels=("seq", "bat", "x"), channels_given=True)
    assert made.channels == ("seq", "bat", "x")


def test_a_batch_that_is_lost_is_a_gap():
    messages = [(batch(i, t0=5 + i / 5, dt=0.02).encode(), i / 5) for i in range(20) if i != 7]
    made = collected(messages)
    assert made.rate == 50
    assert np.isnan(made.samples[70:80]).all()
    np.testing.assert_array_equal(made.samples[80:, 0], np.arange(80, 200))


@pytest.mark.parametrize("line", ["0A1B2C3D", "0x1A 0x2B", "{:08X}"])
def test_hexadecimal_lines_are_refused_in_a_line(line):
    with pytest.raises(EdgekitError, match="hexadecimal"):
        collected([(line.format(7919 * i + 100_000).encode(), i / 50) for i in range(100)])


@pytest.mark.parametrize(
    "message",
    ['{"t0": 1, "dt": 0.1, "a": [1, 2], "b": [1]}', '{"t0": 1, "dt": 1e-320, "a": [[1], [2, 3]]}',
     '{"payload": {"payload": {"payload": null}}}', '{"a": [{}], "dt": 1}', '{"payload": "[[["}',
     '{"t0": "99:99", "dt": -1, "a": [1, 2]}',
     '{"ts": "2024-13-45T99:00:00Z"}'],
)  # fmt: skip
def test_odd_messages_are_counted_and_nothing_more(message):
    gathered = Collector(rate=10.0)
    for i in range(4):
        gathered.add(b'{"x": 1}', i / 10)
        gathered.add(message.encode(), i / 10)
    made = gathered.recording("r", "on", "", "", "here")
    assert made.channels == ("x",)


def test_steps_that_no_clock_has_do_not_spoil_the_rest():
    made = collected([(batch(i, t0=i / 5, dt=1e-300).encode(), i / 5) for i in range(20)])
    assert len(made.samples) == 200
