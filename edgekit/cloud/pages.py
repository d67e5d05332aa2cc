"""The dashboard: pages made on the server, of escaped text, without scripts and without other hosts."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import FileResponse, HTMLResponse, RedirectResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from edgekit.cloud import access, openapi, tokens
from edgekit.cloud.api import Database, obey
from edgekit.cloud.dashboard import Wanted, collect
from edgekit.cloud.sessions import COOKIE, HOURS, Session
from edgekit.core.escape import line
from edgekit.core.figures import number

ICON = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16"><rect width="16" height="16" rx="4" '
    'fill="#2f5d8c"/><path d="M3 11l3-4 3 2 4-5" fill="none" stroke="#fff" stroke-width="2"/></svg>'
)
FOLDER = Path(__file__).parent / "templates"
router = APIRouter()
Login = Annotated[Session | None, Depends(access.session)]


def _ago(seconds: float, now: float | None = None) -> str:
    """`"3 h ago"`; a POSIX time of 0 is never."""
    if not seconds:
        return "never"
    past = max(0.0, (now or time.time()) - seconds)
    for size, unit in ((86_400, "d"), (3600, "h"), (60, "min")):
        if past >= size:
            return f"{past / size:.0f} {unit} ago"
    return "just now"


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{100 * share:.1f} %"


jinja = Environment(
    loader=FileSystemLoader(FOLDER),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
jinja.filters |= {"number": number, "ago": _ago, "percent": _percent, "line": line}
jinja.globals["query"] = lambda **fields: "?" + urlencode({k: v for k, v in fields.items() if v})


def page(name: str, code: int = 200, headers: dict | None = None, **values: Any) -> HTMLResponse:
    """A page of the template `name` with its `values`, under an HTTP `code` and `headers`."""
    clock = f"{datetime.now(UTC):%d %B %Y, %H:%M} UTC"
    html = jinja.get_template(name).render(session=None, clock=clock, **values)
    return HTMLResponse(html, code, headers)


def _page(name: str, session: Session, **values: Any) -> HTMLResponse:
    clock = f"{datetime.now(UTC):%d %B %Y, %H:%M} UTC"
    return HTMLResponse(jinja.get_template(name).render(session=session, clock=clock, **values))


def problem(request: Request, code: int, said: str, headers: dict | None = None) -> Response:
    """What is `said` of what went wrong, as a page, under an HTTP `code` and `headers`."""
    return page("problem.html", code, headers, title=f"{code}", said=said)


@router.get("/")
def dashboard(
    request: Request,
    login: Login,
    connection: Database,
    q: Annotated[str, Query(max_length=64)] = "",
    page: Annotated[str, Query(max_length=9)] = "1",
    release: Annotated[str, Query(max_length=10)] = "",
) -> Response:
    """How the fleet fares, on one page; `q` and `release` narrow its devices, `page` turns them over."""
    if login is None:
        return RedirectResponse("/login", 303)
    wanted = Wanted(q.strip(), _whole(page, 1) or 1, _whole(release))
    shown = collect(connection, request.app.state.weeks, wanted)
    return _page("dashboard.html", login, **shown)


@router.post("/rollouts/{rollout}/commands")
async def ask(
    request: Request, rollout: int, operator: Annotated[str, Depends(access.commander)]
) -> Response:
    """A button of the dashboard: what the `operator` asks of a `rollout` (its id)."""
    fields = await access.form(request)
    what, device = fields.get("what", ""), fields.get("device", "")
    await run_in_threadpool(obey, request, rollout, what, device, operator)
    return RedirectResponse("/#rollouts", 303)


@router.get("/login")
def login_page(login: Login) -> Response:
    """Where an operator shows a token."""
    return RedirectResponse("/", 303) if login else page("login.html", title="Log in", said="")


@router.post("/login")
async def log_in(request: Request) -> Response:
    """A token for a cookie."""
    access.own_page(request)
    token = (await access.form(request)).get("token", "").strip()

    def look() -> tokens.Holder | None:
        with request.app.state.engine.connect() as connection:
            return tokens.holder(connection, token, "operator")

    operator = await run_in_threadpool(look)
    if operator is None:
        access.log.warning("a login with a token that is nobody's")
        return page("login.html", 401, title="Log in", said="This token is no operator's.")
    access.log.info("%s logged in", operator.name)
    answer = RedirectResponse("/", 303)
    cookie = request.app.state.sessions.cookie(operator, time.time())
    answer.set_cookie(
        COOKIE, cookie, int(HOURS * 3600), httponly=True, samesite="strict",
        secure=request.app.state.secure,
    )  # fmt: skip
    return answer


@router.post("/logout")
def log_out(operator: Annotated[str, Depends(access.commander)]) -> Response:
    """The `operator`'s browser forgets its cookie."""
    answer = RedirectResponse("/login", 303)
    answer.delete_cookie(COOKIE)
    return answer


@router.get("/api")
def api_page(request: Request, login: Login) -> Response:
    """What the API takes and answers, for people."""
    if login is None:
        return RedirectResponse("/login", 303)
    return _page("api.html", login, title="API", **openapi.described(request.app.openapi()))


@router.get("/openapi.json")
def openapi_file(request: Request, operator: Annotated[str, Depends(access.reader)]) -> dict:
    """The same for programs, to an `operator`."""
    return request.app.openapi()


@router.get("/style.css")
def style() -> Response:
    """How it looks."""
    return FileResponse(FOLDER / "style.css", headers={"Cache-Control": "max-age=3600"})


@router.get("/icon.svg")
def icon() -> Response:
    """What a tab shows."""
    return Response(ICON, media_type="image/svg+xml", headers={"Cache-Control": "max-age=86400"})


def _whole(text: str, default: int | None = None) -> int | None:
    """A number that somebody typed into an address, or `default`."""
    return int(text) if text.isascii() and text.isdecimal() and int(text) < 1 << 32 else default
