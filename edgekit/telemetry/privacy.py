"""What may leave a device of a use case: kinds of events, and for which reasons a window.

A use case says it as data, `SENDS` in its `usecase.py`: {"report": (), "segment": ("uncertain", "novel")}. A
window (raw samples, features, a picture) leaves in a SEGMENT only, which says why it was flagged; a kind or a
reason that is not named stays on the device. GDPR and CCPA ask for no less: nothing is collected that the
purpose does not need (GDPR article 5, "data minimisation").
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from edgekit.core.errors import EdgekitError, did_you_mean
from edgekit.telemetry.event import Event, Kind
from edgekit.telemetry.segment import Reason, Segment

Sends = Mapping[str, Sequence[str]]
KINDS = tuple(k.name.lower() for k in (Kind.REPORT, Kind.SEGMENT, Kind.SKETCH, Kind.HEALTH))
REASONS = tuple(r.name.lower() for r in Reason)
SMALL = {Kind.REPORT: 64, Kind.SKETCH: 64, Kind.HEALTH: 160}  # bytes: no window hides in one
DEFAULT: Sends = {"report": (), "sketch": (), "health": ()}  # of a use case that says nothing


def problems(sends: Any) -> Iterator[str]:
    """What is wrong with a use case's SENDS, a line each."""
    if not isinstance(sends, Mapping):
        yield f"SENDS must map kinds of events to reasons, is {sends!r:.60}"
        return
    for kind, reasons in sends.items():
        if kind not in KINDS:
            yield f"SENDS has a kind {kind!r:.40}.{did_you_mean(str(kind), KINDS)}"
        elif isinstance(reasons, str) or not isinstance(reasons, Sequence):
            yield f"SENDS[{kind!r}] must be a tuple of reasons, is {reasons!r:.60}"
        elif kind == "segment":
            for reason in reasons:
                if reason not in REASONS:
                    yield f"SENDS has a reason {reason!r:.40}.{did_you_mean(str(reason), REASONS)}"
        elif reasons:
            yield f"SENDS[{kind!r}] takes no reasons: only a segment has one"


def may_leave(sends: Sends) -> Callable[[Event], str]:
    """A function that says of an event "", or in a line why it must not leave. Raises EdgekitError for a
    SENDS that is none."""
    for line in problems(sends):
        raise EdgekitError(line)
    reasons = {Reason[r.upper()] for r in sends.get("segment", ())}

    def check(event: Event) -> str:
        kind = event.kind.name.lower()
        if kind not in sends:
            return f"a {kind} must not leave this device"
        if event.kind is not Kind.SEGMENT:
            most = SMALL[event.kind]
            return f"a {kind} of more than {most} bytes" if len(event.body) > most else ""
        try:
            reason = Segment.decode(event.body).reason
        except EdgekitError as error:
            return str(error)
        return (
            ""
            if reason in reasons
            else f"a segment must not leave because it is {reason.name.lower()}"
        )

    return check
