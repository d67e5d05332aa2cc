"""A small cloud for tests, as a process: commits events once each, and misbehaves as it is told.

`python cloud_app.py DATABASE PORT TOKEN`. The table is what the tests look at.
"""

from __future__ import annotations

import sqlite3
import sys
from pathlib import Path

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from edgekit.core.errors import EdgekitError
from edgekit.telemetry import unpack

TABLE = """CREATE TABLE IF NOT EXISTS events (device TEXT, epoch INTEGER, sequence INTEGER, kind INTEGER,
  body BLOB, UNIQUE (device, epoch, sequence))"""


def app(database: Path | str, token: str) -> Starlette:
    """The service on a SQLite file."""
    db = sqlite3.connect(database, isolation_level=None, check_same_thread=False, timeout=30)
    db.execute("PRAGMA journal_mode=WAL")
    db.execute("PRAGMA synchronous=FULL")
    db.execute(TABLE)

    async def events(request: Request) -> JSONResponse:
        if request.headers.get("authorization") != f"Bearer {token}":
            return JSONResponse({"error": "who are you"}, 401)
        try:
            batch = unpack(await request.body())
        except EdgekitError as error:
            return JSONResponse({"error": str(error)}, 422)
        if any(e.body.startswith(b"poison") for e in batch):
            return JSONResponse({"error": "a poison event"}, 422)
        db.execute("BEGIN IMMEDIATE")
        sql = "INSERT INTO events VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING RETURNING 1"
        new = sum(
            db.execute(sql, (*e.key, int(e.kind), e.body)).fetchone() is not None for e in batch
        )
        db.execute("COMMIT")
        return JSONResponse({"stored": new, "seen": len(batch) - new})

    return Starlette(routes=[Route("/v1/events", events, methods=["POST"])])


def keys(database: Path | str) -> list[tuple[str, int, int]]:
    """What is in its table."""
    with sqlite3.connect(database, timeout=30) as db:
        return db.execute("SELECT device, epoch, sequence FROM events").fetchall()


if __name__ == "__main__":
    import uvicorn

    uvicorn.run(app(sys.argv[1], sys.argv[3]), port=int(sys.argv[2]), log_level="warning")
