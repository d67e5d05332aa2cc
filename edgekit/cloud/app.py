"""The cloud service as an ASGI application: events in, an API, a dashboard, metrics."""

from __future__ import annotations

import logging

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, PlainTextResponse, Response
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError
from starlette.exceptions import HTTPException as StarletteHTTPException

from edgekit.cloud import api, events_api, pages
from edgekit.cloud.access import Doorway
from edgekit.cloud.metrics import Metrics
from edgekit.cloud.objects import Objects
from edgekit.cloud.sessions import Sessions
from edgekit.core.errors import EdgekitError
from edgekit.core.version import VERSION

log = logging.getLogger("edgekit.cloud")
WRITERS = {"sqlite": 1, "postgresql": 4}  # transactions beside each other


def app(
    engine: Engine, objects: Objects, *, secure: bool = False, secret: bytes | None = None
) -> FastAPI:
    """The service over a database (`database.open_database`) and an object store.

    `secure`: served by TLS, so that the login's cookie never goes without. `secret`: signs that cookie; a new
    one unless given.
    """
    made = FastAPI(
        title="edgekit cloud",
        version=VERSION,
        description="Events of devices in, each once; what a fleet does, and commands for its rollouts.",
        docs_url=None,  # its pages fetch scripts from elsewhere; ours, `/api`, needs none
        redoc_url=None,
        openapi_url=None,
    )
    state = made.state
    state.engine, state.objects, state.secure = engine, objects, secure
    state.sessions, state.metrics = Sessions(secret), Metrics(engine)
    state.weeks = {}  # what `figures.Weeks` has added up already
    state.writers = WRITERS.get(engine.dialect.name, 1)
    made.include_router(events_api.router)
    made.include_router(api.router)
    made.include_router(pages.router, include_in_schema=False)
    made.add_middleware(Doorway)
    made.add_exception_handler(StarletteHTTPException, _refused)
    made.add_exception_handler(RequestValidationError, _invalid)
    made.add_exception_handler(EdgekitError, _unprocessable)
    made.add_exception_handler(SQLAlchemyError, _no_database)
    return made


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, StarletteHTTPException)
    headers = dict(error.headers or {})
    if error.status_code == 413:  # the rest of such a body is not read
        headers["Connection"] = "close"
    if error.status_code >= 400:
        log.info("%s %s: %d %s", request.method, request.url.path, error.status_code, error.detail)
    return answer(request, error.status_code, str(error.detail), headers)


async def _invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"])[:80]
    return answer(request, 422, f"{where}: {first['msg']}"[:300])


async def _unprocessable(request: Request, error: Exception) -> Response:
    log.info("%s %s: 422 %s", request.method, request.url.path, error)
    return answer(request, 422, str(error))


async def _no_database(request: Request, error: Exception) -> Response:
    said = str(getattr(error, "orig", None) or error).strip().splitlines()[:1]
    log.error("%s %s: the database said %s", request.method, request.url.path, "".join(said)[:300])
    return answer(
        request, 503, "the database does not answer: send this again later", {"Retry-After": "5"}
    )


def answer(request: Request, code: int, said: str, headers: dict | None = None) -> Response:
    """A refusal with the HTTP `code` and `headers`: what is `said`, as JSON under /v1, else as a page."""
    if request.url.path.startswith("/v1/"):
        return JSONResponse({"error": said}, code, headers)
    if "text/html" in request.headers.get("accept", ""):
        return pages.problem(request, code, said, headers)
    return PlainTextResponse(said + "\n", code, headers)
