"""Questions about a fleet and their answers as tables; the dashboard and chapter 07 show the same ones.

Each table says what its numbers rest on. Those of weeks are `Weeks`; the others ask tables that are small.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, Integer, cast, distinct, func, select

from edgekit.cloud.provenance import Origin
from edgekit.cloud.table import Table
from edgekit.cloud.tables import (
    device_weeks,
    devices,
    labels,
    releases,
    rollout_devices,
    rollouts,
    samples,
)
from edgekit.cloud.weeks import FLEET, WEEKS_MOST, Weeks
from edgekit.core.figures import Figure

__all__ = [
    "WEEKS_MOST", "Page", "Table", "Weeks", "device_page", "label_queue", "open_labels", "release_table",
    "rollout_table", "summary",
]  # fmt: skip
DAY_S = 86_400.0
DEVICE_STATES = ("waiting", "trial", "confirmed", "reverted", "failed")


def summary(connection: Connection, weeks: Weeks, now: float = 0.0) -> dict[str, Figure]:
    """The figures of the top line; `now` in POSIX seconds, by default the clock's."""
    origin, now = weeks.origin, now or time.time()
    total, seen, stored = connection.execute(
        select(
            func.count(),
            func.sum(cast(devices.c.last_seen > now - 7 * DAY_S, Integer)),
            func.sum(devices.c.events),
        )
    ).one()
    found = {
        "devices": origin.figure("count", total, "devices"),
        "heard of in seven days": origin.figure("count", seen or 0, "devices"),
        "events": origin.figure("count", stored or 0, "events"),
        "open labels": origin.figure("count", open_labels(connection), "windows"),
    }
    if accuracy := [row for row in weeks.accuracy().rows if row[1] == FLEET]:
        found["accuracy"] = origin.figure("accuracy", 100 * accuracy[-1][2], "%")
        last = weeks.traffic().rows[-1]
        found["bytes up"] = origin.figure("bytes", last[3], "B per device and week")
        found["bytes down"] = origin.figure("bytes", last[4], "B per device and week")
        if (energy := weeks.energy().rows[-1][1]) is not None:
            found["energy"] = origin.figure("energy", energy, "mJ per device and week")
    return found


def open_labels(connection: Connection) -> int:
    """Windows that wait for somebody to say what they are."""
    done = select(func.count(distinct(labels.c.sample)))
    total = connection.scalar(select(func.count()).select_from(samples)) or 0
    return total - (connection.scalar(done) or 0)


def label_queue(connection: Connection) -> Table:
    """Windows that came up for a label, by why, and how many have one."""
    has = select(labels.c.sample).distinct().subquery()
    rows = connection.execute(
        select(samples.c.reason, func.count(), func.count(has.c.sample))
        .select_from(samples.outerjoin(has, has.c.sample == samples.c.id))
        .group_by(samples.c.reason)
        .order_by(samples.c.reason)
    )
    answers = [(reason, n, done, n - done) for reason, n, done in rows]
    columns = "reason", "windows", "labelled", "open"
    return Table("Labels", columns, answers, Origin(connection).words("count"))


def release_table(connection: Connection) -> Table:
    """Releases, the newest first, and on how many devices each runs."""
    running = (
        select(devices.c.release, func.count().label("n")).group_by(devices.c.release).subquery()
    )
    r = releases.c
    rows = connection.execute(
        select(r.number, r.state, r.week, r.base, r.package_bytes, func.coalesce(running.c.n, 0))
        .select_from(releases.outerjoin(running, running.c.release == r.number))
        .order_by(r.number.desc())
        .limit(100)
    )
    columns = "release", "state", "week", "base", "package bytes", "devices"
    return Table(
        "Releases", columns, [tuple(row) for row in rows], Origin(connection).words("count")
    )


def rollout_table(connection: Connection, most: int = 10) -> Table:
    """Rollouts, `most` at most, the newest first, with how many of their devices are in which state."""
    r, d = rollouts.c, rollout_devices.c
    rows = connection.execute(
        select(r.id, r.release, r.state, r.wave, r.wave_since, r.reason)
        .order_by(r.id.desc())
        .limit(most)
    ).all()
    states: dict[int, dict[str, int]] = {row.id: {} for row in rows}
    counted = connection.execute(
        select(d.rollout, d.state, func.count())
        .where(d.rollout.in_(states))
        .group_by(d.rollout, d.state)
    )
    for rollout, state, n in counted:
        states[rollout][state] = n
    columns = "rollout", "release", "state", "wave", "since week", "reason", *DEVICE_STATES
    answers = [(*row, *(states[row.id].get(s, 0) for s in DEVICE_STATES)) for row in rows]
    return Table("Rollouts", columns, answers, Origin(connection).words("count"))


@dataclass(frozen=True)
class Page:
    """One page of the devices; `total` of them fit the search, on `pages` pages."""

    table: Table
    page: int
    pages: int
    total: int


def device_page(
    connection: Connection,
    search: str = "",
    page: int = 1,
    size: int = 50,
    release: int | None = None,
) -> Page:
    """Devices by name, `size` a page; `search`: what their name or cohort contains; of one `release`."""
    d, w = devices.c, device_weeks.c
    wanted: list[ColumnElement[bool]] = []
    if search:
        word = search[:64]
        wanted.append(
            d.name.icontains(word, autoescape=True) | d.cohort.icontains(word, autoescape=True)
        )
    if release is not None:
        wanted.append(d.release == release)
    total = connection.scalar(select(func.count()).select_from(devices).where(*wanted)) or 0
    pages = max(1, -(-total // size))
    page = min(max(1, page), pages)
    shown = connection.execute(
        select(d.name, d.cohort, d.release, d.last_seen, d.events)
        .where(*wanted)
        .order_by(d.name)
        .limit(size)
        .offset((page - 1) * size)
    ).all()
    newest = (  # of those on this page only
        select(w.device, func.max(w.week).label("week"))
        .where(w.device.in_([row.name for row in shown]))
        .group_by(w.device)
        .subquery()
    )
    last = {
        row[0]: tuple(row[1:])
        for row in connection.execute(
            select(w.device, w.week, w.right, w.judged, w.distance, w.drifted).join(
                newest, (newest.c.device == w.device) & (newest.c.week == w.week)
            )
        )
    }
    rows = []
    for row in shown:
        week, right, judged, distance, drifted = last.get(row.name, (None, 0, 0, None, None))
        accuracy = right / judged if judged else None
        rows.append((*row, week, accuracy, distance, drifted))
    columns = (
        "device", "cohort", "release", "last heard of (POSIX s)", "events", "last week", "accuracy",
        "drift distance", "drifted",
    )  # fmt: skip
    return Page(
        Table("Devices", columns, rows, Origin(connection).words("count")), page, pages, total
    )
