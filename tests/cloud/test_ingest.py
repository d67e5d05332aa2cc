"""Each event is in the table once, whoever sends it again; segments lie in the object store."""

import threading
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from edgekit.cloud.database import open_database
from edgekit.cloud.ingest import count, store
from edgekit.cloud.objects import Objects, body_of, owner
from edgekit.cloud.tables import devices, events
from edgekit.core.errors import EdgekitError
from edgekit.telemetry import Event, Kind

REPORTS = st.builds(
    Event, st.sampled_from(["a", "b", "C-1"]), st.integers(0, 2), st.integers(0, 5), st.just(Kind.REPORT),
    st.integers(0, 3), st.just(0), st.binary(max_size=8),
)  # fmt: skip


def report(device, sequence, release=1, epoch=1, body=b"x"):
    return Event(device, epoch, sequence, Kind.REPORT, release, 0, body)


def segment(device, sequence, body):
    return Event(device, 1, sequence, Kind.SEGMENT, 1, 0, body)


def rows(engine, table):
    with engine.connect() as connection:
        return connection.execute(select(table)).all()


@settings(max_examples=40)
@given(st.lists(st.lists(REPORTS, max_size=12), max_size=6))
def test_any_order_and_repetition_stores_each_key_once_and_counts_it(batches):
    engine, objects = open_database("sqlite://"), Objects("memory://ingest")
    first: dict = {}
    for now, batch in enumerate(batches, 1):
        new = {}
        for event in batch:
            if event.key not in first:
                new[event.key] = event
        done = store(engine, objects, "g", batch, float(now))
        assert (done.stored, done.seen) == (len(new), len(batch) - len(new))
        first |= new
    assert {(r.device, r.epoch, r.sequence): r.body for r in rows(engine, events)} == {
        key: event.body for key, event in first.items()
    }
    counted = Counter(device for device, *_ in first)
    newest = {event.device: event.release for _, event in sorted(first.items())}
    assert {r.name: (r.events, r.release) for r in rows(engine, devices)} == {
        name: (n, newest[name]) for name, n in counted.items()
    }
    engine.dispose()


@pytest.mark.parametrize("others", [0, 2])
def test_what_was_sent_is_what_is_read_alone_and_among_others(engine, objects, others):
    now, most = 1_790_000_000.1234567, 2**32 - 1
    sent: list[Event] = []
    for n, body in enumerate((b"", b"NULL", b"a,b", b'{"\\x00",\\}', bytes(range(256)))):
        batch = [Event("NULL", most, most - n, Kind.REPORT, most, most, body)]
        batch += [report(f"a-{n}", k, body=b"") for k in range(others)]
        assert store(engine, objects, "null", batch, now).stored == len(batch)
        sent += batch
    assert {
        (r.device, r.epoch, r.sequence, r.kind, r.release, r.time, bytes(r.body), r.object)
        for r in rows(engine, events)
    } == {(e.device, e.epoch, e.sequence, e.kind, e.release, e.time, e.body, "") for e in sent}
    assert {(r.received, r.gateway) for r in rows(engine, events)} == {(now, "null")}
    assert {(r.name, r.cohort, r.last_seen) for r in rows(engine, devices)} == {
        (e.device, "", now) for e in sent
    }


def test_what_a_repeat_carries_does_not_replace_what_is_there(engine, objects):
    assert store(engine, objects, "g", [report("a", 1, body=b"first")], 1.0).stored == 1
    done = store(engine, objects, "h", [report("a", 1, body=b"second"), report("a", 2)], 2.0)
    assert (done.stored, done.seen) == (1, 1)
    assert [bytes(r.body) for r in sorted(rows(engine, events))] == [b"first", b"x"]
    (device,) = rows(engine, devices)
    assert (device.events, device.last_seen) == (2, 2.0)


def test_a_late_repeat_does_not_turn_the_version_back(engine, objects):
    store(engine, objects, "g", [report("a", 0, release=9, epoch=3)], 5.0)
    store(engine, objects, "g", [report("a", 70, release=8, epoch=2)], 6.0)
    (device,) = rows(engine, devices)
    assert (device.release, device.events, device.last_seen) == (9, 2, 6.0)


def test_a_segment_lies_in_the_object_store_and_its_row_says_where(engine, objects, tmp_path):
    body = bytes(range(256)) * 8
    store(engine, objects, "g", [segment("../x" if False else "pump-1", 4, body)], 1.0)
    (row,) = rows(engine, events)
    assert bytes(row.body) == b""
    assert body_of(row, objects) == body
    assert objects.find("segments") == [row.object]
    (file,) = [p for p in (tmp_path / "objects").rglob("*") if p.is_file()]
    assert "pump" not in str(file.relative_to(tmp_path)), "a name from outside is no path"


def test_another_body_under_a_segments_key_replaces_nothing_and_stays_nowhere(engine, objects):
    store(engine, objects, "g", [segment("a", 1, b"mine" * 9)], 1.0)
    for _ in range(2):
        assert store(engine, objects, "g", [segment("a", 1, b"other" * 9)], 2.0).stored == 0
        assert store(engine, objects, "g", [segment("a", 1, b"mine" * 9)], 2.0).stored == 0
    (row,) = rows(engine, events)
    assert objects.find("segments") == [row.object]
    assert body_of(row, objects) == b"mine" * 9


def test_two_gateways_with_the_same_devices_at_once_double_nothing(engine, objects):
    batches = [
        [report(f"d{i % 7}", i) for i in range(140)][:: 1 if n % 2 else -1] for n in range(6)
    ]
    done: list[int] = []

    def send(batch):
        done.append(store(engine, objects, "g", batch, 1.0).stored)

    threads = [threading.Thread(target=send, args=(batch,)) for batch in batches]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(done) == 6
    assert sum(done) == 140
    with engine.connect() as connection:
        assert count(connection) == 140
    assert sum(r.events for r in rows(engine, devices)) == 140


@pytest.mark.parametrize("key", ["../secret", "segments/../x", "/etc/passwd", "segments/a/.x", "segments",
                                 "segments/a\nb", "segments//a", "s3/" + "a" * 200])  # fmt: skip
def test_no_key_leaves_the_object_store(objects, key):
    with pytest.raises(EdgekitError, match="no key of an object"):
        objects.put(key, b"")


def test_devices_whose_names_differ_in_case_only_have_folders_of_their_own():
    assert owner("pump").lower() != owner("PUMP").lower()


def test_a_store_that_there_is_not_is_refused_in_a_line_without_its_password():
    with pytest.raises(EdgekitError) as error:
        Objects("nonsense://user:secret@host/x")
    assert "secret" not in str(error.value)
