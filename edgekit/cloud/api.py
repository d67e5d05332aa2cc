"""The API of operators: what the fleet does, commands for its rollouts; and what watches the service."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, HTTPException, Query, Request, Response
from pydantic import BaseModel, Field
from sqlalchemy import Connection, select

from edgekit.cloud import access, figures
from edgekit.cloud.commands import NotThere, ask
from edgekit.cloud.database import writing
from edgekit.core.errors import EdgekitError

log = logging.getLogger("edgekit.cloud")
router = APIRouter()
Operator = Annotated[str, Depends(access.reader)]


def database(request: Request) -> Iterator[Connection]:
    """A connection that reads, for the time of a request."""
    with request.app.state.engine.connect() as connection:
        yield connection


Database = Annotated[Connection, Depends(database)]
MOST = 2**31 - 1


class TableAnswer(BaseModel):
    """Rows by column, and what their numbers rest on."""

    origin: str
    rows: list[dict[str, Any]]


class DevicesAnswer(TableAnswer):
    """One page of devices; `total` fit the search."""

    page: int
    pages: int
    total: int


class WeeksAnswer(BaseModel):
    """The tables of the weeks, by name."""

    use_case: str
    tables: dict[str, TableAnswer]


class Command(BaseModel):
    """`device`: only for retry, of which one; without it, of all that failed."""

    what: Literal["pause", "resume", "abort", "retry"]
    device: str = Field("", max_length=64, pattern="^[A-Za-z0-9_-]*$")


class CommandAnswer(BaseModel):
    """The command's number; the loop obeys at its next step."""

    id: int


def as_answer(table: figures.Table) -> TableAnswer:
    """A table as JSON has it."""
    rows = [dict(zip(table.columns, row, strict=True)) for row in table.rows]
    return TableAnswer(origin=table.origin, rows=rows)


@router.get("/v1/devices", tags=["operators"])
def devices(
    operator: Operator,
    connection: Database,
    search: Annotated[str, Query(max_length=64)] = "",
    page: Annotated[int, Query(ge=1, le=MOST)] = 1,
    size: Annotated[int, Query(ge=1, le=500)] = 50,
    release: Annotated[int | None, Query(ge=0, lt=1 << 32)] = None,
) -> DevicesAnswer:
    """Devices by name, `page` by page of `size`; `search`: in name or cohort; `release`: what runs."""
    found = figures.device_page(connection, search, page, size, release)
    table = as_answer(found.table)
    return DevicesAnswer(
        **table.model_dump(), page=found.page, pages=found.pages, total=found.total
    )


@router.get("/v1/releases", tags=["operators"])
def releases(operator: Operator, connection: Database) -> TableAnswer:
    """Releases, the newest first."""
    return as_answer(figures.release_table(connection))


@router.get("/v1/rollouts", tags=["operators"])
def rollouts(operator: Operator, connection: Database) -> TableAnswer:
    """Rollouts, the newest first, and in which state their devices are."""
    return as_answer(figures.rollout_table(connection, 100))


@router.get("/v1/labels", tags=["operators"])
def labels(operator: Operator, connection: Database) -> TableAnswer:
    """The windows that came up for a label, by why."""
    return as_answer(figures.label_queue(connection))


@router.get("/v1/weeks", tags=["operators"])
def weeks(
    request: Request,
    operator: Operator,
    connection: Database,
    last: Annotated[int, Query(ge=1, le=figures.WEEKS_MOST)] = 26,
) -> WeeksAnswer:
    """Accuracy, versions, bytes, energy and drift of the `last` weeks: what the dashboard draws."""
    found = figures.Weeks(connection, last, request.app.state.weeks)
    names = "accuracy", "versions", "traffic", "energy", "drift"
    tables = {name: as_answer(getattr(found, name)()) for name in names}
    return WeeksAnswer(use_case=found.origin.use_case, tables=tables)


@router.post("/v1/rollouts/{rollout}/commands", tags=["operators"], status_code=201)
def order(
    request: Request,
    rollout: int,
    asked: Command,
    operator: Annotated[str, Depends(access.commander)],
) -> CommandAnswer:
    """The `operator` pauses, resumes, aborts or retries a `rollout` (its id). From a page with a login it
    needs that page's X-CSRF-Token too."""
    return CommandAnswer(id=obey(request, rollout, asked.what, asked.device, operator))


def obey(request: Request, rollout: int, what: str, device: str, operator: str) -> int:
    """Write the `operator`'s command to a `rollout` (its id) down, of retry for a `device`; returns the id
    of its row, a number without unit. 404 for what is not there, 409 for what cannot be asked now."""
    if not 0 < rollout <= MOST:
        raise HTTPException(404, f"there is no rollout {rollout}")
    try:
        with writing(request.app.state.engine) as connection:
            number = ask(connection, rollout, what, device)
    except NotThere as error:
        raise HTTPException(404, str(error)) from None
    except EdgekitError as error:
        raise HTTPException(409, str(error)) from None
    log.info(
        "rollout %d: %s asked for %s%s", rollout, operator, what, f" of {device}" * bool(device)
    )
    return number


@router.get("/healthz", tags=["watchers"])
def healthz(connection: Database) -> dict[str, str]:
    """200 as long as the database answers."""
    connection.execute(select(1))
    return {"status": "ok"}


@router.get("/metrics", tags=["watchers"], response_class=Response)
def metrics(request: Request) -> Response:
    """For Prometheus: sums over the fleet, no device's name."""
    return Response(*request.app.state.metrics.page())
