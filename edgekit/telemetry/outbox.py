"""A durable outbox: what was put into it stays until whoever is next has acknowledged it.

One SQLite file (WAL, synchronous FULL: a commit is on the disk), which several processes may use at a time;
or memory, for a simulated device. An event that is there, or was, is not put again: its key stays behind when
it leaves, so that a device that repeats itself is heard once.
"""

from __future__ import annotations

import os
import sqlite3
import threading
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from edgekit.core.errors import EdgekitError
from edgekit.core.schema import check_version
from edgekit.telemetry.event import Event, Kind

MEMORY = ":memory:"
SCHEMA_VERSION = 1
BUSY_S = 30.0  # that a process waits for another one's commit
ROW_BYTES = 64  # of a row, beside its event
REMEMBERED = 200_000  # keys of events that have left
ASIDE_MOST = 1000  # events that nobody takes, kept to be looked at
RANK = {Kind.SEGMENT: 0, Kind.REPORT: 2}  # what is dropped first; all others are between

_TABLES = """
CREATE TABLE events (
  n INTEGER PRIMARY KEY AUTOINCREMENT,
  device TEXT NOT NULL, epoch INTEGER NOT NULL, sequence INTEGER NOT NULL,
  kind INTEGER NOT NULL, rank INTEGER NOT NULL, waits INTEGER NOT NULL, data BLOB,
  UNIQUE (device, epoch, sequence)
);
CREATE INDEX here ON events (rank, n) WHERE data IS NOT NULL;
CREATE INDEX ready ON events (rank DESC, n) WHERE data IS NOT NULL AND NOT waits;
CREATE INDEX waiting ON events (n) WHERE data IS NOT NULL AND waits;
CREATE INDEX gone ON events (n) WHERE data IS NULL;
CREATE TABLE aside (
  n INTEGER PRIMARY KEY AUTOINCREMENT, data BLOB NOT NULL, why TEXT NOT NULL
);
CREATE TABLE numbers (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
"""
_ROW = " WHERE device = ? AND epoch = ? AND sequence = ? AND data IS NOT NULL"

Key = tuple[str, int, int]


class Outbox:
    """Events on their way: `len` of it, and `used_bytes` that they take.

    At most `most_events` and `most_bytes` are kept. Then the oldest segments go, then whatever else is no
    report, reports last; `dropped` counts them, by kind. May be used from several threads and processes.
    Raises EdgekitError where there is no such file, or another kit wrote it.
    """

    def __init__(
        self, file: Path | str = MEMORY, *, most_events: int = 1_000_000, most_bytes: int = 1 << 30
    ):
        self.file, self.most_events, self.most_bytes = str(file), most_events, most_bytes
        self._lock = threading.RLock()
        try:
            if self.durable:  # what devices said is not for everybody on this machine
                os.close(os.open(file, os.O_CREAT | os.O_RDWR, 0o600))
            self._db = sqlite3.connect(
                self.file, timeout=BUSY_S, isolation_level=None, check_same_thread=False
            )
            for pragma in ("journal_mode=WAL", "synchronous=FULL"):
                self._db.execute(f"PRAGMA {pragma}")
            with self._change() as db:
                (found,) = db.execute("PRAGMA user_version").fetchone()
                if not found:
                    for statement in _TABLES.split(";\n"):
                        db.execute(statement)
                    db.execute(f"PRAGMA user_version={SCHEMA_VERSION}")
        except (OSError, sqlite3.Error) as error:
            raise EdgekitError(f"the outbox {file} cannot be opened: {_said(error)}") from None
        check_version(f"the outbox {file}", found or 1, SCHEMA_VERSION, "take a new file")

    @property
    def durable(self) -> bool:
        """Does it outlive its process?"""
        return self.file != MEMORY

    def put(self, *events: Event, waits: bool = False, settled: Iterable[Key] = ()) -> int:
        """Keep events, and return how many of them were new. They are on the disk when this returns.

        `waits`: they are not `pending` before they are `settled` by their keys, which a later `put` does in
        its own transaction: what was concluded of an event is there once, with the mark that it was.
        """
        with self._change() as db:
            count = size = 0
            for e in events:
                data, rank = e.encode(), RANK.get(e.kind, 1)
                row = (*e.key, int(e.kind), rank, int(waits), data)
                sql = "INSERT INTO events (device, epoch, sequence, kind, rank, waits, data)"
                sql += " VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING RETURNING n"
                if db.execute(sql, row).fetchone():
                    count, size = count + 1, size + len(data) + ROW_BYTES
            for key in settled:
                db.execute(f"UPDATE events SET waits = 0{_ROW}", key)
            self._add("events", count)
            self._add("bytes", size)
            self._make_room()
        return count

    def pending(self, limit: int, most_bytes: int = 1 << 30) -> list[Event]:
        """The next events to be sent, `limit` and `most_bytes` at most: reports first, then the oldest."""
        return self._read("NOT waits ORDER BY rank DESC, n", limit, most_bytes)

    def waiting(self, limit: int) -> list[Event]:
        """The oldest events that were put to wait, `limit` at most."""
        return self._read("waits ORDER BY n", limit, 1 << 30)

    def settle_all(self) -> None:
        """Nothing waits any more."""
        with self._change() as db:
            db.execute("UPDATE events SET waits = 0 WHERE data IS NOT NULL AND waits")

    def acknowledge(self, keys: Iterable[Key]) -> int:
        """Whoever is next has these: they leave. Keys that are not there are no mistake. Returns how many
        were."""
        with self._change():
            return sum(self._leave(key) is not None for key in keys)

    def set_aside(self, key: Key, why: str) -> bool:
        """Nobody takes this event: keep it apart, where it stops no other. False if it is not here."""
        with self._change() as db:
            if (data := self._leave(key)) is None:
                return False
            db.execute("INSERT INTO aside (data, why) VALUES (?, ?)", (data, why[:400]))
            self._add("aside", 1)
            old = "SELECT n FROM aside ORDER BY n DESC LIMIT -1 OFFSET ?"
            db.execute(f"DELETE FROM aside WHERE n IN ({old})", (ASIDE_MOST,))
            return True

    def aside(self) -> list[tuple[Event, str]]:
        """What was set aside, and why: the latest ASIDE_MOST; `aside_count` is of all."""
        rows = self._query("SELECT data, why FROM aside ORDER BY n")
        return [(Event.decode(data), why) for data, why in rows]

    @property
    def aside_count(self) -> int:
        return self._number("aside")

    def next_epoch(self, device: str) -> int:
        """A number, from 1, that no earlier call for this device returned; it is on the disk by then."""
        with self._change():
            self._add(f"epoch {device}", 1)
            return self._number(f"epoch {device}")

    @property
    def dropped(self) -> Counter[Kind]:
        """How many had to go since this outbox was made."""
        rows = self._query("SELECT name, value FROM numbers WHERE name LIKE 'dropped %'")
        return Counter({Kind(int(name.split()[1])): n for name, n in rows})

    @property
    def used_bytes(self) -> int:
        return self._number("bytes")

    def __len__(self) -> int:
        return self._number("events")

    def close(self) -> None:
        with self._lock:
            self._db.close()

    def _make_room(self) -> None:
        db = self._db
        over_events, over_bytes = len(self) - self.most_events, self.used_bytes - self.most_bytes
        while over_events > 0 or over_bytes > 0:
            sql = "SELECT device, epoch, sequence, kind FROM events WHERE data IS NOT NULL"
            *key, kind = db.execute(f"{sql} ORDER BY rank, n LIMIT 1").fetchone()
            data = self._leave((key[0], key[1], key[2])) or b""
            self._add(f"dropped {kind}", 1)
            over_events, over_bytes = over_events - 1, over_bytes - len(data) - ROW_BYTES
        if (more := self._number("gone") - REMEMBERED) > 0:
            old = "SELECT n FROM events WHERE data IS NULL ORDER BY n LIMIT ?"
            db.execute(f"DELETE FROM events WHERE n IN ({old})", (more,))
            self._add("gone", -more)

    def _leave(self, key: Key) -> bytes | None:
        """Of an event only its key stays; its bytes, None if it is not here."""
        row = self._db.execute(f"SELECT data FROM events{_ROW}", key).fetchone()
        if row is None:
            return None
        self._db.execute(f"UPDATE events SET data = NULL{_ROW}", key)
        self._add("events", -1)
        self._add("bytes", -len(row[0]) - ROW_BYTES)
        self._add("gone", 1)
        return row[0]

    def _read(self, which: str, limit: int, most_bytes: int) -> list[Event]:
        sql = f"SELECT data FROM events WHERE data IS NOT NULL AND {which} LIMIT ?"
        found: list[Event] = []
        for (data,) in self._query(sql, limit):
            most_bytes -= len(data) + 3  # and its head in a batch
            if most_bytes < 0 and found:
                break
            found.append(Event.decode(data))
        return found

    def _add(self, name: str, n: int) -> None:
        sql = "INSERT INTO numbers VALUES (?, ?) ON CONFLICT DO UPDATE SET value = value + excluded.value"
        if n:
            self._db.execute(sql, (name, n))

    def _number(self, name: str) -> int:
        rows = self._query("SELECT value FROM numbers WHERE name = ?", name)
        return rows[0][0] if rows else 0

    def _query(self, sql: str, *values) -> list:
        with self._lock:
            try:
                return self._db.execute(sql, values).fetchall()
            except sqlite3.Error as error:
                raise EdgekitError(f"the outbox {self.file}: {_said(error)}") from None

    @contextmanager
    def _change(self) -> Iterator[sqlite3.Connection]:
        """A transaction: all of it is on the disk afterwards, or nothing."""
        with self._lock:
            try:
                self._db.execute("BEGIN IMMEDIATE")
                try:
                    yield self._db
                    self._db.execute("COMMIT")
                except BaseException:
                    if self._db.in_transaction:
                        self._db.execute("ROLLBACK")
                    raise
            except sqlite3.Error as error:
                raise EdgekitError(f"the outbox {self.file}: {_said(error)}") from None


def _said(error: Exception) -> str:
    return str(getattr(error, "strerror", None) or error)


class EventSource:
    """Numbers what a device says. Its epoch is taken anew from the outbox, or is the one that is given:
    a device keeps its own in its flash. Raises EdgekitError where neither would outlive a restart.
    """

    def __init__(self, device: str, outbox: Outbox, epoch: int | None = None):
        if epoch is None and not outbox.durable:
            raise EdgekitError("an outbox in memory forgets its epochs: say which one this is")
        self.device, self.outbox = device, outbox
        self.epoch = outbox.next_epoch(device) if epoch is None else epoch
        self.sequence = 0  # of the next event
        Event(device, self.epoch, 0, Kind.REPORT)  # so that a name that is none is refused here

    def make(self, kind: Kind, body: bytes, *, release: int = 0, time: int = 0) -> Event:
        """The next event, which nobody keeps yet."""
        event = Event(self.device, self.epoch, self.sequence, kind, release, time, body)
        self.sequence += 1
        return event

    def put(self, kind: Kind, body: bytes, *, release: int = 0, time: int = 0) -> Event:
        """The next event, in the outbox."""
        event = self.make(kind, body, release=release, time=time)
        self.outbox.put(event)
        return event


def keys(events: Sequence[Event]) -> list[Key]:
    return [e.key for e in events]
