"""A batch of events into the database, each once, whoever sends it again and whoever is killed meanwhile.

A segment's body goes to the object store first and its row into the transaction after it: a crash between the
two leaves an object without a row, which `privacy.clean` finds, and never a row without its object.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    ARRAY,
    Connection,
    Engine,
    String,
    Table,
    case,
    cast,
    column,
    func,
    select,
    tuple_,
)

from edgekit.cloud.database import upsert, writing
from edgekit.cloud.objects import Objects, segment_key
from edgekit.cloud.tables import devices, events, forgotten
from edgekit.cloud.tokens import digest
from edgekit.telemetry import Event, Kind


@dataclass(frozen=True)
class Stored:
    """Of a batch, `stored` events were new, and `seen` ones taken care of before: together all of it."""

    stored: int
    seen: int


def store(
    engine: Engine, objects: Objects, gateway: str, batch: Sequence[Event], now: float
) -> Stored:
    """Commit the events of a `batch` of `gateway` that came at `now` (POSIX seconds).

    Those that are there already, or whose device was forgotten, are seen and not stored.
    """
    unique = {event.key: event for event in batch}
    segments = [e for e in unique.values() if e.kind is Kind.SEGMENT]
    put = _put(engine, objects, segments) if segments else {}
    with writing(engine) as connection:
        gone = forgotten_of(connection, {e.device for e in unique.values()})
        # in one order, so that two batches with the same devices never wait for each other in a circle
        wanted = sorted(e for e in unique.values() if e.device not in gone)
        new = _insert(connection, wanted, put, gateway, now) if wanted else set()
        if new:
            _update_devices(connection, [e for e in wanted if e.key in new], now)
    unused = {key: name for key, name in put.items() if key not in new}
    if unused:
        objects.delete(_unreferenced(engine, unused))
    return Stored(len(new), len(batch) - len(new))


def forgotten_of(connection: Connection, names: Iterable[str]) -> set[str]:
    """Which of the devices of these `names` were forgotten: nothing of theirs may be stored any more."""
    by_digest = {digest(name): name for name in names}
    rows = connection.scalars(
        select(forgotten.c.device_sha256).where(forgotten.c.device_sha256.in_(by_digest))
    )
    return {by_digest[found] for found in rows}


def _put(engine: Engine, objects: Objects, segments: list[Event]) -> dict[tuple, str]:
    """Bodies into the object store; event's key -> object's."""
    with engine.connect() as connection:
        gone = forgotten_of(connection, {e.device for e in segments})
    keys = {e.key: segment_key(e) for e in segments if e.device not in gone}
    for event in segments:
        if event.key in keys:
            objects.put(keys[event.key], event.body)
    return keys


def _insert(connection, wanted: list[Event], put: dict, gateway: str, now: float) -> set[tuple]:
    """The keys of those that were not there yet; `rowcount` does not tell with every driver."""
    rows = [
        {
            "device": e.device, "epoch": e.epoch, "sequence": e.sequence, "kind": int(e.kind),
            "release": e.release, "time": float(e.time), "received": now, "gateway": gateway,
            "body": b"" if e.key in put else e.body, "object": put.get(e.key, ""),
        }
        for e in wanted
    ]  # fmt: skip
    key = events.c.device, events.c.epoch, events.c.sequence
    insert, values = _of_rows(connection, events, rows)
    once = insert.on_conflict_do_nothing(index_elements=key)
    return {tuple(row) for row in connection.execute(once.returning(*key), values)}


def _update_devices(connection, new: list[Event], now: float) -> None:
    """`new`: sorted, so the last one of a device is its newest."""
    rows: dict[str, dict] = {}
    for e in new:
        count = rows[e.device]["events"] if e.device in rows else 0
        rows[e.device] = {
            "name": e.device, "cohort": "", "release": e.release, "last_seen": now,
            "events": count + 1, "epoch": e.epoch, "sequence": e.sequence,
        }  # fmt: skip
    insert, values = _of_rows(connection, devices, list(rows.values()))
    fresh = insert.excluded
    newer = tuple_(fresh.epoch, fresh.sequence) > tuple_(devices.c.epoch, devices.c.sequence)
    newest = {
        name: case((newer, fresh[name]), else_=devices.c[name])
        for name in ("release", "epoch", "sequence")
    }
    seen = case((fresh.last_seen > devices.c.last_seen, fresh.last_seen), else_=devices.c.last_seen)
    update = insert.on_conflict_do_update(
        index_elements=["name"],
        set_={"last_seen": seen, "events": devices.c.events + fresh.events, **newest},
    )
    connection.execute(update, values)


def _of_rows(
    connection: Connection, table: Table, rows: list[dict]
) -> tuple[Any, list[dict] | None]:
    """An `insert` of rows that name each column of the table, and what to execute it with.

    PostgreSQL gets one text a column and splits it: thousands of parameters, or arrays that the driver
    escapes value by value, cost more than all the rest of a batch. No name, key or number has a comma in it.
    """
    insert = upsert(connection)(table)
    if connection.dialect.name == "sqlite":
        return insert, rows
    named = list(table.c)
    texts = (",".join(_word(row[c.name]) for row in rows) for c in named)
    arrays = [
        cast(func.string_to_array(text, ","), ARRAY(c.type))
        for text, c in zip(texts, named, strict=True)
    ]
    split = func.unnest(*arrays).table_valued(*(column(c.name, c.type) for c in named))
    # one empty text is split into nothing, which is no value beside the other columns' one
    found = [
        func.coalesce(c, "") if isinstance(c.type, String) else c for c in split.render_derived().c
    ]
    return insert.from_select(named, select(*found), include_defaults=False), None


def _word(value: str | bytes | float) -> str:
    """As PostgreSQL reads it, each float exactly."""
    return rf"\x{value.hex()}" if isinstance(value, bytes) else str(value)


def _unreferenced(engine: Engine, put: dict[tuple, str]) -> list[str]:
    """Of objects that were put for nothing, those that no row names: the same body again has the same key."""
    with engine.connect() as connection:
        key = tuple_(events.c.device, events.c.epoch, events.c.sequence)
        named = set(connection.scalars(select(events.c.object).where(key.in_(list(put)))))
    return [name for name in put.values() if name not in named]


def count(connection: Connection) -> int:
    """How many events the table holds, a number without unit."""
    return connection.scalar(select(func.count()).select_from(events)) or 0
