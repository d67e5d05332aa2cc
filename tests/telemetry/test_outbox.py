"""The outbox: nothing twice, nothing lost over a kill, what had to go is counted."""

import multiprocessing
import os
import signal
import stat
import subprocess
import sys
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgekit.core.errors import EdgekitError
from edgekit.telemetry import Event, EventSource, Kind, Outbox


def event(sequence: int, kind: Kind = Kind.REPORT, body: bytes = b"x", epoch: int = 1) -> Event:
    return Event("pump", epoch, sequence, kind, body=body)


def test_an_event_is_there_once_and_leaves_once():
    box = Outbox()
    assert box.put(event(0), event(1)) == 2
    assert box.put(event(1), event(2)) == 1
    assert [e.sequence for e in box.pending(10)] == [0, 1, 2]
    assert box.acknowledge([("pump", 1, 0), ("pump", 1, 0), ("other", 1, 1)]) == 1
    assert box.put(event(0)) == 0  # the device did not hear that it is long gone
    assert [e.sequence for e in box.pending(10)] == [1, 2]
    assert len(box) == 2


def test_reports_go_first_and_are_dropped_last():
    box = Outbox(most_events=3)
    box.put(event(0, Kind.SEGMENT), event(1, Kind.HEALTH), event(2))
    assert [e.sequence for e in box.pending(10)] == [2, 1, 0]
    box.put(event(3), event(4))
    assert [e.sequence for e in box.pending(10)] == [2, 3, 4]
    box.put(event(5, Kind.SEGMENT))  # worth less than all that is here
    box.put(event(6))
    assert [e.sequence for e in box.pending(10)] == [3, 4, 6]
    assert box.dropped == {Kind.SEGMENT: 2, Kind.HEALTH: 1, Kind.REPORT: 1}
    assert box.put(event(0, Kind.SEGMENT)) == 0  # what was dropped is counted once


@given(st.lists(st.tuples(st.integers(0, 30), st.sampled_from(Kind), st.binary(max_size=90))))
def test_the_books_balance(puts):
    box = Outbox(most_events=7, most_bytes=700)
    new = sum(box.put(event(n, kind, body)) for n, kind, body in puts)
    here = box.pending(100)
    assert len(here) == len(box) <= 7
    assert new == len(here) + box.dropped.total()
    assert box.used_bytes == sum(len(e.encode()) + 64 for e in here) <= 700
    assert box.acknowledge(e.key for e in here) == len(here)
    assert box.used_bytes == len(box) == 0


def test_what_is_put_and_waits_is_not_pending_until_it_is_settled():
    box = Outbox()
    box.put(event(0), waits=True)
    assert box.pending(9) == []
    assert box.waiting(9) == [event(0)]
    box.put(event(1), settled=[event(0).key])
    assert box.pending(9) == [event(0), event(1)]
    assert box.waiting(9) == []


def test_an_event_that_nobody_takes_is_kept_apart():
    box = Outbox()
    box.put(event(0), event(1))
    assert box.set_aside(event(0).key, "422 what is this")
    assert not box.set_aside(event(0).key, "again")
    assert box.pending(9) == [event(1)]
    assert box.aside() == [(event(0), "422 what is this")]
    assert (box.aside_count, len(box)) == (1, 1)


def test_a_batch_has_as_many_bytes_as_asked_for_but_one_event():
    box = Outbox()
    box.put(*(event(n, body=bytes(100)) for n in range(5)))
    assert len(box.pending(9, 300)) == 2
    assert len(box.pending(9, 1)) == 1


WRITER = """
import sys
from edgekit.telemetry import Event, Kind, Outbox
box, n = Outbox(sys.argv[1]), 0
while True:
    box.put(Event("pump", 1, n, Kind.REPORT, body=b"x"))
    print(n, flush=True)
    n += 1
"""


def test_what_was_put_is_there_after_kill_9(tmp_path):
    file = tmp_path / "box.db"
    writer = subprocess.Popen([sys.executable, "-c", WRITER, str(file)], stdout=subprocess.PIPE)
    said = [int(writer.stdout.readline()) for _ in range(20)]
    os.kill(writer.pid, signal.SIGKILL)
    said += [int(line) for line in writer.stdout.read().split()]
    writer.wait()
    found = {e.sequence for e in Outbox(file).pending(100_000)}
    assert found >= set(said)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def _put_many(file, epoch):
    box = Outbox(file)
    for n in range(30):
        box.put(event(n, epoch=epoch), event(n, epoch=99))


def test_several_processes_share_one(tmp_path):
    file = tmp_path / "box.db"
    Outbox(file).close()
    context = multiprocessing.get_context("fork")
    crowd = [context.Process(target=_put_many, args=(file, n)) for n in range(3)]
    for one in crowd:
        one.start()
    for one in crowd:
        one.join()
    keys = [e.key for e in Outbox(file).pending(1000)]
    assert len(keys) == len(set(keys)) == 30 * 4


def test_epochs_rise_over_restarts_and_memory_has_none(tmp_path):
    file = tmp_path / "box.db"
    epochs = [EventSource("gw", Outbox(file)).epoch for _ in range(3)]
    assert epochs == [1, 2, 3]
    assert EventSource("other", Outbox(file)).epoch == 1
    with pytest.raises(EdgekitError, match="memory"):
        EventSource("gw", Outbox())
    source = EventSource("gw", Outbox(), epoch=7)
    assert [source.put(Kind.REPORT, b"").key for _ in range(2)] == [("gw", 7, 0), ("gw", 7, 1)]
    with pytest.raises(EdgekitError, match="cannot name"):
        EventSource("g/w", Outbox(), epoch=7)


@pytest.mark.parametrize("bad", ["folder", "text", "newer"])
def test_what_is_no_outbox_is_said_in_a_line(tmp_path, bad):
    file = tmp_path / "box.db"
    if bad == "folder":
        file = tmp_path / "none" / "box.db"
    if bad == "text":
        file.write_text("not a database, but longer than a header of one hundred bytes is" * 3)
    if bad == "newer":
        box = Outbox(file)
        with suppress(EdgekitError):
            box._db.execute("PRAGMA user_version=9")
        box.close()
    with pytest.raises(EdgekitError) as refused:
        Outbox(file)
    assert "box.db" in str(refused.value)
    assert "\n" not in str(refused.value)
