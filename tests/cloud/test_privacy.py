"""What is deleted is gone: from the tables, the files below them, the object store; and stays gone."""

import os
import time

import pytest
from sqlalchemy import insert, select, update

from edgekit.cloud import privacy
from edgekit.cloud.ingest import store
from edgekit.cloud.tables import (
    commands,
    device_states,
    device_weeks,
    devices,
    events,
    forgotten,
    labels,
    metadata,
    releases,
    rollout_devices,
    rollouts,
    samples,
    steps,
)
from edgekit.cloud.tokens import digest
from edgekit.core.errors import EdgekitError
from edgekit.telemetry import Event, Kind

NAME, OTHER = "wrist-of-anna-4711", "wrist-of-bert-4712"
SECRET, KEPT = b"heartbeat of Anna " * 5, b"heartbeat of Bert " * 5
WEEK = {"release": 1, "cohort": "c", "windows": 10, "judged": 10, "right": 9, "distance": 0.1,
        "drifted": False, "alarm_rate": 0.0, "bytes_up": 1, "bytes_down": 1, "energy_mj": 1.0}  # fmt: skip


def said(device, body):
    return [Event(device, 1, n, Kind.REPORT, 1, 0, body) for n in range(40)] + [
        Event(device, 1, 40 + n, Kind.SEGMENT, 1, 0, body * 20 + bytes([n])) for n in range(4)
    ]


def fleet(engine, objects, now=1000.0):
    """Two devices in every table."""
    for device, body in ((NAME, SECRET), (OTHER, KEPT)):
        store(engine, objects, "g", said(device, body), now)
    with engine.begin() as c:
        c.execute(insert(releases).values(number=1, sha256="", object="models/1", state="released", week=0,
                                          report={"worst": NAME, NAME: 0.5, "all": [1, OTHER]}))  # fmt: skip
        c.execute(insert(rollouts).values(id=1, release=1, state="running", wave_since=0,
                                          reason=f"{NAME} failed"))  # fmt: skip
        c.execute(insert(steps).values(week=1, name="health", finished=1.0, seconds=1.0,
                                       result={"devices": {NAME: 1, OTHER: 2}, "seen": [NAME]}))  # fmt: skip
        for n, device in enumerate((NAME, OTHER), 1):
            key = f"samples/{privacy.owner(device)}/w1-{n}"
            objects.put(key, (SECRET, KEPT)[n - 1])
            c.execute(insert(samples).values(id=n, device=device, week=1, reason="novel", predicted=0,
                                             object=key, bytes=90, created=now))  # fmt: skip
            c.execute(insert(labels).values(sample=n, annotator="eve", label=f"mark{n}", time=now))
            c.execute(insert(device_weeks).values(device=device, week=1, **WEEK))
            flash = f"states/{privacy.owner(device)}/flash"
            objects.put(flash, (SECRET, KEPT)[n - 1])
            c.execute(insert(device_states).values(device=device, release=1, model="", flash=flash,
                                                   sketch=(SECRET, KEPT)[n - 1]))  # fmt: skip
            c.execute(insert(rollout_devices).values(rollout=1, device=device, wave=0, state="failed",
                                                     since=1, reason=f"seen on {device}"))  # fmt: skip
            c.execute(insert(commands).values(rollout=1, what="retry", device=device, time=now))


def everything(engine):
    with engine.connect() as c:
        return "".join(str(c.execute(select(t)).all()) for t in metadata.sorted_tables)


def files(folder):
    return b"".join(p.read_bytes() + str(p).encode() for p in folder.rglob("*") if p.is_file())


def test_a_forgotten_device_is_in_no_table_and_no_object_and_late_repeats_do_not_bring_it_back(
    engine, objects, tmp_path
):
    fleet(engine, objects)
    assert SECRET in files(tmp_path / "objects")
    receipt = privacy.forget(engine, objects, NAME)
    removed = receipt["removed"]
    assert {k: removed[k] for k in ("events", "samples", "labels", "device_weeks", "commands")} == {
        "events": 44, "samples": 1, "labels": 1, "device_weeks": 1, "commands": 1,
    }  # fmt: skip
    assert removed["objects"] == 6
    assert removed["mentions"] >= 3
    assert receipt["rewritten"]
    for again in range(2):
        left = everything(engine)
        assert NAME not in left
        assert "Anna" not in left
        assert SECRET[:18] not in files(tmp_path / "objects")
        assert privacy.owner(NAME).encode() not in files(tmp_path / "objects")
        assert digest(NAME) in left
        if not again:
            done = store(engine, objects, "g", said(NAME, SECRET), 2000.0)
            assert (done.stored, done.seen) == (0, 44), "the gateway must not send it for ever"
    assert left.count(OTHER) >= 50, "somebody else's data stay"
    assert files(tmp_path / "objects").count(KEPT[:18]) >= 400


def test_the_bytes_are_gone_from_the_database_file(lite, objects, tmp_path):
    fleet(lite, objects)
    with lite.connect() as c:
        c.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    database = [p for p in tmp_path.iterdir() if p.name.startswith("cloud.db")]
    before = b"".join(p.read_bytes() for p in database)
    assert NAME.encode() in before
    assert SECRET in before
    assert privacy.forget(lite, objects, NAME)["rewritten"]
    after = b"".join(p.read_bytes() for p in tmp_path.iterdir() if p.name.startswith("cloud.db"))
    assert NAME.encode() not in after
    assert b"Anna" not in after
    assert OTHER.encode() in after


def test_forgetting_that_was_killed_goes_on_and_counts_all(engine, objects, monkeypatch):
    fleet(engine, objects)

    def killed(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(privacy, "_delete_rows", killed)
        with pytest.raises(KeyboardInterrupt):
            privacy.forget(engine, objects, NAME)
    assert store(engine, objects, "g", said(NAME, SECRET), 2.0).stored == 0, "from the start on"
    privacy.forget(engine, objects, NAME)
    privacy.forget(engine, objects, NAME)
    assert NAME not in everything(engine)
    with engine.connect() as c:
        assert c.scalar(select(forgotten.c.receipt))["events"] == 44


def test_a_name_that_is_no_devices_is_refused(lite, objects):
    with pytest.raises(EdgekitError, match="names no device"):
        privacy.forget(lite, objects, "../anna")


def test_each_kind_is_kept_as_long_as_was_said_and_no_longer(engine, objects):
    fleet(engine, objects, now=1000.0)
    day, later = privacy.DAY_S, 1000.0 + 40 * privacy.DAY_S
    store(engine, objects, "g", [Event(NAME, 9, 9, Kind.SEGMENT, 1, 0, b"young")], later - day)
    gone = privacy.keep(engine, objects, {"segment": 30, "sample": 30, "report": 50}, later)
    assert gone == {"segment": 8, "sample": 2, "report": 0}
    with engine.connect() as c:
        assert len(c.execute(select(events).where(events.c.kind == 1)).all()) == 80
        (young,) = c.execute(select(events.c.object).where(events.c.kind == 2)).all()
        assert not c.execute(select(labels)).all()
    assert objects.find("segments") == [young.object]
    assert objects.find("samples") == []
    with pytest.raises(EdgekitError, match="Did you mean 'segment'"):
        privacy.keep(engine, objects, {"segmnt": 3})


def test_a_segment_that_waits_for_its_label_outlives_its_event(lite, objects):
    fleet(lite, objects)
    with lite.begin() as c:
        shared = c.scalar(select(events.c.object).where(events.c.object != "").limit(1))
        c.execute(update(samples).where(samples.c.id == 1).values(object=shared))
    privacy.keep(lite, objects, {"segment": 1}, 1000.0 + 2 * privacy.DAY_S)
    assert objects.find("segments") == [shared]


def test_an_object_whose_row_was_never_committed_is_cleaned_when_it_is_old(lite, objects, tmp_path):
    fleet(lite, objects)
    known, stranger = privacy.owner(NAME), privacy.owner("nobody")
    lost = [f"segments/{known}/7-7-lost", f"segments/{stranger}/1-1-lost"]
    for key in lost:
        objects.put(key, b"lost")
    half = tmp_path / "objects" / "segments" / known / ".half-1"
    half.write_bytes(SECRET)
    kept = set(objects.find("segments")) - set(lost)
    assert privacy.clean(lite, objects) == 0, "its row may be on the way"
    for path in (half, *(tmp_path / "objects" / key for key in lost)):
        os.utime(path, (time.time() - 4000,) * 2)
    assert privacy.clean(lite, objects) == 3
    assert set(objects.find("segments")) == kept
    with lite.connect() as c:
        assert len(c.execute(select(devices)).all()) == 2
