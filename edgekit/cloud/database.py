"""Opening the database: SQLite in WAL mode, or PostgreSQL by its URL; its tables are made where they lack."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, func, insert, select
from sqlalchemy.exc import ArgumentError, OperationalError, SQLAlchemyError

from edgekit.cloud.tables import SCHEMA_VERSION, metadata, schema
from edgekit.core.errors import EdgekitError
from edgekit.core.extras import missing
from edgekit.core.schema import check_version

BUSY_MS = 30_000  # that a writer waits for another one
LOCK = 0x656467656B6974  # PostgreSQL's number of the lock that `writing` takes


def open_database(url: str | Path) -> Engine:
    """`url`: a path of a SQLite file, or what SQLAlchemy takes (`sqlite:///…`, `postgresql+psycopg://…`).

    SQLite is durable at each commit (WAL, synchronous FULL). Raises EdgekitError where there is no such
    database, or a newer kit made it.
    """
    text = str(url)
    if "://" not in text:
        try:
            Path(text).parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise EdgekitError(f"the database {text} cannot be made: {error.strerror}") from None
        text = f"sqlite:///{Path(text).resolve()}"
    if text.startswith("postgresql://"):
        text = text.replace("postgresql://", "postgresql+psycopg://", 1)
    try:
        server = not text.startswith("sqlite")
        # an error that is logged must not hold what devices said
        engine = create_engine(text, pool_pre_ping=server, hide_parameters=True)
        if engine.dialect.name == "sqlite":
            event.listen(engine, "connect", _durable)
        with engine.begin() as connection:
            metadata.create_all(connection)
            found = connection.scalar(select(schema.c.version))
            if found is None:
                connection.execute(insert(schema).values(version=SCHEMA_VERSION))
    except ImportError as error:
        raise missing("this database needs", error.name, "postgresql") from None
    except ArgumentError:
        raise EdgekitError(f"{text[:200]!r} is no database's URL") from None
    except (OperationalError, SQLAlchemyError) as error:
        said = str(getattr(error, "orig", None) or error).strip().splitlines()[0]
        raise EdgekitError(f"the database cannot be opened: {said}") from None
    check_version(
        f"the database {engine.url.database}",
        found or SCHEMA_VERSION,
        SCHEMA_VERSION,
        "take a new database",
    )
    return engine


@contextmanager
def writing(engine: Engine, alone: bool = False) -> Iterator[Connection]:
    """A transaction that sees no other writer's half: committed when the block ends well.

    SQLite has one writer at a time anyway, from the first statement on here. In PostgreSQL writers run beside
    each other, and one that must be `alone` (who forgets a device) waits for the others, and they for it.
    """
    with engine.begin() as connection:
        if engine.dialect.name == "sqlite":
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        else:
            lock = func.pg_advisory_xact_lock if alone else func.pg_advisory_xact_lock_shared
            connection.execute(select(lock(LOCK)))
        yield connection


def upsert(engine_or_connection: Engine | Connection) -> Any:
    """`insert` of this database's dialect, the one with `on_conflict_do_nothing` and `…_do_update`."""
    if engine_or_connection.dialect.name == "sqlite":
        from sqlalchemy.dialects import sqlite

        return sqlite.insert
    from sqlalchemy.dialects import postgresql

    return postgresql.insert


def _durable(connection, _record) -> None:
    for pragma in (
        "journal_mode=WAL",
        "synchronous=FULL",
        f"busy_timeout={BUSY_MS}",
        "foreign_keys=ON",
        "secure_delete=ON",  # what is deleted is overwritten
    ):
        connection.execute(f"PRAGMA {pragma}")
