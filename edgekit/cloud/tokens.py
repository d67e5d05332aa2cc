"""Tokens of gateways (they send events) and of operators (they read, and command rollouts).

A token is 32 random bytes, shown once; the database keeps its SHA-256, from which nobody gets it back.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import time
from dataclasses import dataclass

from sqlalchemy import Connection, Table, insert, select, update

from edgekit.cloud.tables import gateways, operators
from edgekit.core.errors import EdgekitError
from edgekit.telemetry.event import DEVICE as NAME

KINDS = {"gateway": gateways, "operator": operators}
TOKEN_MOST = 128  # characters that are looked at


@dataclass(frozen=True)
class Holder:
    """Who showed a token; `digest` is its SHA-256."""

    name: str
    digest: str


def make_token(connection: Connection, name: str, kind: str = "gateway") -> str:
    """A new token of the gateway or operator `name`; one that it had before is worth nothing then.

    Raises EdgekitError for a name that cannot be one.
    """
    table = _table(kind)
    if not NAME.fullmatch(name):
        raise EdgekitError(f"{name[:80]!r} cannot name a {kind}: 1 to 64 of A–Z, a–z, 0–9, _ and -")
    token = secrets.token_urlsafe(32)
    row = {"token_sha256": digest(token), "created": time.time(), "revoked": None}
    there = connection.execute(update(table).where(table.c.name == name).values(row))
    if not there.rowcount:
        connection.execute(insert(table).values(name=name, **row))
    return token


def revoke(connection: Connection, name: str, kind: str = "gateway") -> None:
    """From now on its token opens nothing. Raises EdgekitError if nobody of this name has one."""
    table = _table(kind)
    done = connection.execute(
        update(table)
        .where(table.c.name == name, table.c.revoked.is_(None))
        .values(revoked=time.time())
    )
    if not done.rowcount:
        raise EdgekitError(f"no {kind} {name[:80]!r} has a token that is good")


def holder(connection: Connection, token: str, kind: str = "gateway") -> Holder | None:
    """Whose token this is, None if it is nobody's or was revoked."""
    if not token or len(token) > TOKEN_MOST:
        return None
    shown, table = digest(token), _table(kind)
    # The search is by a hash of 256 random bits, so its time tells nothing; the comparison's neither.
    row = connection.execute(
        select(table.c.name, table.c.token_sha256).where(
            table.c.token_sha256 == shown, table.c.revoked.is_(None)
        )
    ).first()
    if row is None or not hmac.compare_digest(row.token_sha256, shown):
        return None
    return Holder(row.name, shown)


def current(connection: Connection, name: str, kind: str = "operator") -> Holder | None:
    """The holder of this name, as long as its token is good."""
    table = _table(kind)
    row = connection.execute(
        select(table.c.token_sha256).where(table.c.name == name, table.c.revoked.is_(None))
    ).first()
    return Holder(name, row.token_sha256) if row else None


def digest(token: str) -> str:
    """Hexadecimal SHA-256 of a token."""
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()


def _table(kind: str) -> Table:
    return KINDS[kind]
