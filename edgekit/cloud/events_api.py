"""`POST /v1/events`: a gateway's batch in; answered with 200 when it is committed, and not before."""

from __future__ import annotations

import time
from typing import Annotated, Any

import anyio.to_thread
from anyio import CapacityLimiter
from fastapi import APIRouter, Depends, HTTPException, Request
from pydantic import BaseModel

from edgekit.cloud import access
from edgekit.cloud.ingest import store
from edgekit.telemetry import unpack

router = APIRouter()
CBOR = "application/cbor"


class StoredAnswer(BaseModel):
    """`stored` events were new, `seen` ones were there: together all of the batch, to be sent no more."""

    stored: int
    seen: int


@router.post(
    "/v1/events",
    tags=["gateways"],
    response_model=StoredAnswer,
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {CBOR: {"schema": {"type": "string", "format": "binary"}}},
        }
    },
    responses={
        401: {"description": "no gateway has this token"},
        413: {"description": "more bytes than a batch may have"},
        415: {"description": "not application/cbor"},
        422: {"description": "no batch of events; nothing of it is stored"},
        503: {"description": "the database does not answer: send it again"},
    },
)
async def events(request: Request, gateway: Annotated[str, Depends(access.gateway)]) -> Any:
    """A batch of a `gateway`, up to 500 events, `telemetry.pack(events)`. All of it is stored, or nothing.

    Send it again until the answer is 200: what is there already is not stored twice.
    """
    metrics, began = request.app.state.metrics, time.perf_counter()
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != CBOR:
        raise HTTPException(415, f"a batch of events is {CBOR}, not {kind[:80] or 'unsaid'}")
    access.declared_length(request)
    body = await request.body()
    batch = await anyio.to_thread.run_sync(unpack, body)
    engine, objects = request.app.state.engine, request.app.state.objects
    done = await anyio.to_thread.run_sync(
        store, engine, objects, gateway, batch, time.time(), limiter=_writers(request)
    )
    metrics.ingested(done.stored, done.seen, len(body), time.perf_counter() - began)
    return StoredAnswer(stored=done.stored, seen=done.seen)


def _writers(request: Request) -> CapacityLimiter:
    """As many threads as the database has writers: others wait here, which costs nothing."""
    state = request.app.state
    if isinstance(state.writers, int):  # a limiter belongs to a running loop
        state.writers = CapacityLimiter(state.writers)
    return state.writers
