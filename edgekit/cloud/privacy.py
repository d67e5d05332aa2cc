"""Deletion: of what is older than it may be, of all that is about one device, of what nobody names.

GDPR article 17 and CCPA 1798.105 ask for the second when a person does; here a device stands for its person.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, Engine, Table, delete, func, select, tuple_, update
from sqlalchemy.exc import SQLAlchemyError

from edgekit.cloud.database import upsert, writing
from edgekit.cloud.objects import OF_DEVICES, STATES, Objects, owner
from edgekit.cloud.tables import (
    commands,
    device_states,
    device_weeks,
    devices,
    events,
    forgotten,
    labels,
    releases,
    rollout_devices,
    rollouts,
    samples,
    steps,
)
from edgekit.cloud.tokens import digest
from edgekit.core.errors import EdgekitError, did_you_mean
from edgekit.telemetry import Kind
from edgekit.telemetry.event import DEVICE

KINDS = (*(kind.name.lower() for kind in Kind), "sample")  # what has a retention
DAY_S = 86_400.0
AT_ONCE = 2_000  # rows of one transaction: ingest waits no longer than for these
ORPHAN_S = 3_600.0  # an object younger than this may have its row on the way
TABLES = samples, labels, devices, steps, releases, rollouts
# and samples with their labels
BY_DEVICE = device_weeks, device_states, rollout_devices, commands, events


def keep(
    engine: Engine, objects: Objects, days: Mapping[str, float], now: float = 0.0
) -> dict[str, int]:
    """Delete what came more than `days[kind]` days before `now` (POSIX seconds; 0: the clock's).

    kind: one of KINDS; a kind that is not named is kept for ever. A sample goes with its labels. Returns how
    many went, by kind. Raises EdgekitError for a kind that there is not.
    """
    now, gone = now or time.time(), {}
    for kind, limit in days.items():
        if kind not in KINDS:
            raise EdgekitError(f"there is no kind {kind[:40]!r}.{did_you_mean(kind, KINDS)}")
        if not limit > 0:
            raise EdgekitError(f"{kind} is kept for more than 0 days, not {limit}")
        before = now - limit * DAY_S
        if kind == "sample":
            gone[kind] = _expire(engine, objects, samples, samples.c.created < before)
        else:
            old = (events.c.kind == int(Kind[kind.upper()])) & (events.c.received < before)
            gone[kind] = _expire(engine, objects, events, old)
    return gone


def _expire(engine: Engine, objects: Objects, table: Table, old) -> int:
    gone = 0
    key = list(table.primary_key.columns)
    while True:
        with writing(engine) as connection:
            rows = connection.execute(select(*key, table.c.object).where(old).limit(AT_ONCE)).all()
            if rows:
                which = tuple_(*key).in_([tuple(row[:-1]) for row in rows])
                connection.execute(delete(table).where(which))
        named = [row.object for row in rows if row.object]
        with engine.connect() as connection:
            objects.delete(set(named) - _still_named(connection, named))
        gone += len(rows)
        if len(rows) < AT_ONCE:
            return gone


def _still_named(connection: Connection, keys: list[str]) -> set[str]:
    """Of these objects, those that a row of the other table needs: a sample may be a segment's body."""
    if not keys:
        return set()
    found = set(connection.scalars(select(samples.c.object).where(samples.c.object.in_(keys))))
    owners = select(events.c.object).where(events.c.kind == int(Kind.SEGMENT))
    return found | set(connection.scalars(owners.where(events.c.object.in_(keys))))


def clean(engine: Engine, objects: Objects) -> int:
    """Delete objects of devices that no row names, an hour after they were written; how many."""
    with engine.connect() as connection:
        names = {owner(name): name for name in connection.scalars(select(devices.c.name))}
    gone = 0
    for kind in OF_DEVICES:
        for folder in objects.folders(kind):
            if kind == STATES and folder in names:
                continue  # the weekly loop's, which looks after them itself
            keys = set(objects.find(f"{kind}/{folder}"))
            with engine.connect() as connection:
                keys -= _objects_of(connection, names.get(folder))
            gone += objects.delete(key for key in keys if objects.age(key) > ORPHAN_S)
    return gone + objects.delete_halves(ORPHAN_S)


def _objects_of(connection: Connection, device: str | None) -> set[str]:
    if device is None:
        return set()
    segment = (events.c.device == device) & (events.c.object != "")
    found = set(connection.scalars(select(events.c.object).where(segment)))
    return found | set(
        connection.scalars(select(samples.c.object).where(samples.c.device == device))
    )


def forget(engine: Engine, objects: Objects, device: str, now: float = 0.0) -> dict[str, Any]:
    """Delete all that is about a device, in the database and the object store; the receipt says what.

    What stays is the SHA-256 of its name, so that a gateway's late repeats do not bring it back; `now`, POSIX
    seconds, is when that was, 0 this moment. Killed in the middle, the same call goes on. Raises
    EdgekitError for a name that no device has.
    """
    if not DEVICE.fullmatch(device):
        raise EdgekitError(f"{device[:80]!r} names no device: 1 to 64 of A–Z, a–z, 0–9, _ and -")
    name, now = digest(device), now or time.time()
    with writing(engine, alone=True) as connection:  # nothing of it comes in from here on
        first = upsert(connection)(forgotten).values(device_sha256=name, time=now, receipt={})
        connection.execute(first.on_conflict_do_nothing(index_elements=["device_sha256"]))
        keys = _objects_of(connection, device)
    for kind in OF_DEVICES:
        keys |= set(objects.find(f"{kind}/{owner(device)}"))
    size = sum(map(objects.size, keys))
    removed = {"objects": objects.delete(keys), "object_bytes": size}
    for kind in OF_DEVICES:
        objects.delete_folder(f"{kind}/{owner(device)}")
    with writing(engine, alone=True) as connection:
        removed |= _delete_rows(connection, device)
        before = connection.scalar(
            select(forgotten.c.receipt).where(forgotten.c.device_sha256 == name)
        )
        total = {key: n + int((before or {}).get(key, 0)) for key, n in removed.items()}
        connection.execute(
            update(forgotten).where(forgotten.c.device_sha256 == name).values(receipt=total)
        )
    return {"device_sha256": name, "time": now, "removed": removed, "rewritten": _rewrite(engine)}


def _delete_rows(connection: Connection, device: str) -> dict[str, int]:
    own = select(samples.c.id).where(samples.c.device == device)
    removed = {"labels": _gone(connection, labels, labels.c.sample.in_(own))}
    removed["samples"] = _gone(connection, samples, samples.c.device == device)
    for table in BY_DEVICE:
        removed[table.name] = _gone(connection, table, table.c.device == device)
    removed["devices"] = _gone(connection, devices, devices.c.name == device)
    removed["mentions"] = _mentions(connection, device)
    return removed


def _gone(connection: Connection, table: Table, which) -> int:
    n = connection.scalar(select(func.count()).select_from(table).where(which)) or 0
    connection.execute(delete(table).where(which))
    return n


def _mentions(connection: Connection, device: str) -> int:
    """Where the loop's results and reasons name the device, they do not any more; in how many rows."""
    word = re.compile(rf"(?<![A-Za-z0-9_-]){re.escape(device)}(?![A-Za-z0-9_-])")

    def without(value):
        if isinstance(value, str):
            return word.sub("forgotten", value)
        if isinstance(value, list):
            return [without(v) for v in value if v != device]
        if isinstance(value, dict):
            return {k: without(v) for k, v in value.items() if k != device and v != device}
        return value

    changed = 0
    for column in (steps.c.result, releases.c.report, rollouts.c.reason, rollout_devices.c.reason):
        table, key = column.table, list(column.table.primary_key.columns)
        for *at, value in connection.execute(select(*key, column)).all():
            text = value if isinstance(value, str) else json.dumps(value)
            if device in text and (left := without(value)) != value:
                match = [k == v for k, v in zip(key, at, strict=True)]
                connection.execute(update(table).where(*match).values({column.name: left}))
                changed += 1
    return changed


def _rewrite(engine: Engine) -> bool:
    """The database's files without what was deleted from its tables; False if somebody who reads or writes
    just now prevents it: then the pages are overwritten, but a log may still hold them for a while."""
    engine = engine.execution_options(isolation_level="AUTOCOMMIT")
    try:
        with engine.connect() as connection:
            if engine.dialect.name != "sqlite":
                for table in dict.fromkeys((*TABLES, *BY_DEVICE)):
                    connection.exec_driver_sql(f'VACUUM FULL "{table.name}"')
                return True
            connection.exec_driver_sql("VACUUM")
            return not connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").one()[0]
    except SQLAlchemyError:
        return False


def receipts(connection: Connection) -> list[tuple[str, float, dict]]:
    """(hash of the device's name, when, what was removed) of all that was forgotten."""
    f = forgotten.c
    rows = connection.execute(select(f.device_sha256, f.time, f.receipt).order_by(f.time))
    return [tuple(row) for row in rows]
