"""Who is logged in on the dashboard: a signed cookie, and a word in each form that only our pages know."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass

from edgekit.cloud.tokens import Holder

COOKIE = "edgekit_session"
HOURS = 12.0  # that a login lasts
FORM = re.compile(r"([A-Za-z0-9_-]{1,64})\.([0-9]{1,12})\.([0-9a-f]{64})", re.ASCII)


@dataclass(frozen=True)
class Session:
    """`name` of the operator; `csrf` is what forms must bring."""

    name: str
    csrf: str


class Sessions:
    """Cookies under a `secret` of this process: a restart logs everybody out, a database that leaks lets
    nobody in."""

    def __init__(self, secret: bytes | None = None):
        self._secret = secret or secrets.token_bytes(32)

    def cookie(self, operator: Holder, now: float) -> str:
        """The cookie of one who showed a token at `now` (POSIX seconds)."""
        until = int(now + HOURS * 3600)
        return f"{operator.name}.{until}.{self._mac('session', operator, until)}"

    @staticmethod
    def name(cookie: str) -> str:
        """Whose cookie this claims to be; empty if it is none."""
        found = FORM.fullmatch(cookie)
        return found[1] if found else ""

    def check(self, cookie: str, operator: Holder | None, now: float) -> Session | None:
        """The session of a cookie. `operator`: who has that name now; a new token ends the old one's
        sessions."""
        found = FORM.fullmatch(cookie)
        if not found or operator is None or found[1] != operator.name or int(found[2]) <= now:
            return None
        if not hmac.compare_digest(found[3], self._mac("session", operator, int(found[2]))):
            return None
        return Session(operator.name, self._mac("csrf", operator, int(found[2])))

    def _mac(self, use: str, operator: Holder, until: int) -> str:
        said = f"{use}\0{operator.name}\0{operator.digest}\0{until}".encode()
        return hmac.new(self._secret, said, hashlib.sha256).hexdigest()


def same(shown: str, wanted: str) -> bool:
    """Whether `shown` is `wanted`, in a time that does not tell where they differ."""
    return hmac.compare_digest(shown.encode("utf-8", "replace"), wanted.encode())
