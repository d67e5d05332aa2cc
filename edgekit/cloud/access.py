"""What every request passes: how much may come in, who is asking, and what every answer says of itself."""

from __future__ import annotations

import logging
import time
from typing import Annotated, Any
from urllib.parse import parse_qs, urlsplit

from fastapi import Depends, HTTPException, Request
from fastapi.concurrency import run_in_threadpool

from edgekit.cloud import tokens
from edgekit.cloud.sessions import COOKIE, Session, same
from edgekit.core.escape import line
from edgekit.telemetry.event import BATCH_BYTES_MOST

log = logging.getLogger("edgekit.cloud")
BODY_MOST = {"/v1/events": BATCH_BYTES_MOST}  # bytes
OTHER_BODY_MOST = 4096
POLICY = (  # everything is ours and nothing runs: no scripts, no frames, no other host
    "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'"
)
HEADERS = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
}


class Doorway:
    """ASGI: bodies are cut off at their most bytes, before they are in memory; answers get HEADERS."""

    def __init__(self, app):
        self.app = app

    async def __call__(self, scope, receive, send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        most = BODY_MOST.get(scope["path"], OTHER_BODY_MOST)
        came = 0

        async def bounded() -> dict[str, Any]:
            nonlocal came
            message = await receive()
            came += len(message.get("body", b""))
            if came > most:
                raise HTTPException(413, f"a body here has at most {most:,} bytes")
            return message

        async def headed(message) -> None:
            if message["type"] == "http.response.start":
                there = {name for name, _ in message["headers"]}
                more = [(n.encode(), v.encode()) for n, v in HEADERS.items()]
                message["headers"] = [
                    *message["headers"],
                    *(pair for pair in more if pair[0] not in there),
                ]
            await send(message)

        await self.app(scope, bounded, headed)


def declared_length(request: Request) -> None:
    """Who says beforehand that too much will come is told so before it does."""
    said = request.headers.get("content-length", "0")
    most = BODY_MOST.get(request.url.path, OTHER_BODY_MOST)
    if not said.isdecimal() or int(said[:12]) > most:
        raise HTTPException(413, f"a body here has at most {most:,} bytes")


def bearer(request: Request) -> str:
    """The token of `Authorization: Bearer …`; empty without one."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


async def gateway(request: Request) -> str:
    """The name of the gateway that asks; 401 for anybody else."""

    def look() -> tokens.Holder | None:
        with request.app.state.engine.connect() as connection:
            return tokens.holder(connection, bearer(request))

    found = await run_in_threadpool(look)
    if found is None:
        raise HTTPException(
            401,
            "no gateway has this token: `edgekit cloud token GATEWAY` makes one",
            {"WWW-Authenticate": "Bearer"},
        )
    return found.name


async def session(request: Request) -> Session | None:
    """Whoever is logged in, None if nobody is."""
    cookie = request.cookies.get(COOKIE, "")
    name = request.app.state.sessions.name(cookie)
    if not name:
        return None

    def look() -> tokens.Holder | None:
        with request.app.state.engine.connect() as connection:
            return tokens.current(connection, name)

    known = await run_in_threadpool(look)
    return request.app.state.sessions.check(cookie, known, time.time())


async def reader(request: Request) -> str:
    """The operator who reads, by token or by login; 401 for anybody else."""
    if token := bearer(request):

        def look() -> tokens.Holder | None:
            with request.app.state.engine.connect() as connection:
                return tokens.holder(connection, token, "operator")

        found = await run_in_threadpool(look)
        name = found.name if found else ""
    else:
        known = await session(request)
        name = known.name if known else ""
    if not name:
        raise HTTPException(
            401,
            "no operator has this token: `edgekit cloud token NAME --operator` makes one",
            {"WWW-Authenticate": "Bearer"},
        )
    return name


async def commander(request: Request, name: Annotated[str, Depends(reader)]) -> str:
    """The operator who may change something: with a token of their own, or from one of our forms."""
    if bearer(request):
        return name
    own_page(request)
    known = await session(request)
    word = request.headers.get("x-csrf-token") or (await form(request)).get("csrf", "")
    if known is None or not same(word, known.csrf):
        raise HTTPException(
            403, "this does not come from a page of this service: open it again, and try there"
        )
    return name


def own_page(request: Request) -> None:
    """403 where a browser says that another site sent this."""
    site, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin")
    ours = origin is None or urlsplit(origin).netloc == request.headers.get("host")
    if not (site in ("same-origin", "none") if site else ours):
        raise HTTPException(403, "another site sent this: open the dashboard, and try there")


async def form(request: Request) -> dict[str, str]:
    """The fields of an HTML form, the first of each name; none for another kind of body."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/x-www-form-urlencoded":
        return {}
    try:
        fields = parse_qs((await request.body()).decode("ascii"), max_num_fields=20)
    except ValueError:
        raise HTTPException(422, "no form: its fields cannot be read") from None
    return {name: line(values[0])[:200] for name, values in fields.items()}
