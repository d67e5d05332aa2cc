"""Opening the database: SQLite in WAL mode, or PostgreSQL by its URL; its tables are made where they lack."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Engine, create_engine, event, insert, select
from sqlalchemy.exc import ArgumentError, OperationalError, SQLAlchemyError

from edgekit.cloud.tables import SCHEMA_VERSION, metadata, schema
from edgekit.core.errors import EdgekitError
from edgekit.core.extras import missing
from edgekit.core.schema import check_version

BUSY_MS = 30_000  # that a writer waits for another one


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
        engine = create_engine(text, pool_pre_ping=not text.startswith("sqlite"))
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


def _durable(connection, _record) -> None:
    for pragma in (
        "journal_mode=WAL",
        "synchronous=FULL",
        f"busy_timeout={BUSY_MS}",
        "foreign_keys=ON",
    ):
        connection.execute(f"PRAGMA {pragma}")
