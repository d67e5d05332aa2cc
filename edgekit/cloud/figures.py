"""Questions about a fleet and their answers as tables; the dashboard and chapter 07 show the same ones.

Each table says what its numbers rest on. They are made of one pass over the device-weeks (`Weeks`), and of
tables that are small.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from sqlalchemy import ColumnElement, Connection, Integer, cast, distinct, func, select

from edgekit.cloud.about import Origin
from edgekit.cloud.tables import (
    device_weeks,
    devices,
    labels,
    releases,
    rollout_devices,
    rollouts,
    samples,
)
from edgekit.core.figures import Figure, number

WEEKS_MOST = 52  # that are looked at
DAY_S = 86_400.0


@dataclass(frozen=True)
class Table:
    """Rows of one question; `columns` names what is in each, units in the names; `origin` is theirs."""

    title: str
    columns: tuple[str, ...]
    rows: Sequence[tuple]
    origin: str

    def frame(self) -> Any:
        """A pandas.DataFrame (rows, columns), its `attrs["origin"]` set."""
        import pandas as pd

        made = pd.DataFrame(list(self.rows), columns=list(self.columns))
        made.attrs["origin"] = self.origin
        return made

    def _repr_html_(self) -> str:
        def cells(tag: str, row: Iterable) -> str:
            said = (number(v) if isinstance(v, (int, float)) or v is None else str(v) for v in row)
            return f"<tr>{''.join(f'<{tag}>{escape(s)}</{tag}>' for s in said)}</tr>"

        body = "".join(cells("td", row) for row in self.rows)
        return (
            f"<table><caption>{escape(self.title)} <small>{escape(self.origin)}</small></caption>"
            f"{cells('th', self.columns)}{body}</table>"
        )


@dataclass(frozen=True)
class Group:
    """Devices of one cohort that ran one release in one week, added up. Energy in mJ."""

    week: int
    cohort: str
    release: int
    devices: int
    windows: int
    right: int
    drifted: int
    bytes_up: int
    bytes_down: int
    energy_mj: float
    emulated: int


class Weeks:
    """The last `last` weeks of a fleet, in groups; every table of weeks is made of them.

    `known` is kept by who asks again and again (week -> how many rows it had, and its groups): of weeks that
    are over and have as many rows as then, nothing is added up twice.
    """

    def __init__(
        self,
        connection: Connection,
        last: int = 26,
        known: dict[int, tuple[int, list[Group]]] | None = None,
    ):
        self.origin = Origin(connection)
        known = {} if known is None else known
        week = device_weeks.c.week
        newest = connection.scalar(select(func.max(week)))
        since = -1 if newest is None else newest - min(last, WEEKS_MOST)
        counted = select(week, func.count()).where(week > since).group_by(week).order_by(week)
        rows = {row[0]: row[1] for row in connection.execute(counted)}
        fresh = [w for w, n in rows.items() if w == newest or known.get(w, (0,))[0] != n]
        groups: dict[int, list[Group]] = {w: [] for w in fresh}
        for group in _groups(connection, fresh):
            groups[group.week].append(group)
        known.update({w: (rows[w], found) for w, found in groups.items()})
        self.groups = [group for w in rows for group in known[w][1]]

    @property
    def numbers(self) -> list[int]:
        """The weeks that there are, in order."""
        return sorted({g.week for g in self.groups})

    def accuracy(self) -> Table:
        """Share of windows that were right, 0 to 1, by week and cohort; cohort "all" is the fleet."""
        total: dict[tuple[int, str], list[int]] = defaultdict(lambda: [0, 0, 0])
        for g in self.groups:
            for cohort in ("all", g.cohort or "no cohort"):
                cell = total[g.week, cohort]
                cell[0], cell[1], cell[2] = (
                    cell[0] + g.right, cell[1] + g.windows, cell[2] + g.devices,
                )  # fmt: skip
        rows = [
            (*key, right / windows, n)
            for key, (right, windows, n) in sorted(total.items())
            if windows
        ]
        columns = "week", "cohort", "accuracy", "devices"
        return Table("Accuracy by week and cohort", columns, rows, self.origin.words("accuracy"))

    def versions(self) -> Table:
        """Devices by week and the release that they ran."""
        total: dict[tuple[int, int], int] = defaultdict(int)
        for g in self.groups:
            total[g.week, g.release] += g.devices
        rows = [(*key, n) for key, n in sorted(total.items())]
        columns = "week", "release", "devices"
        return Table("Versions in the field", columns, rows, self.origin.words("count"))

    def traffic(self) -> Table:
        """Bytes up and down, and those of an average device, by week."""
        rows = [
            (week, up, down, up / n, down / n)
            for week, n, up, down in self._sums("bytes_up", "bytes_down")
        ]
        columns = "week", "bytes up", "bytes down", "up per device", "down per device"
        return Table("Bytes up and down", columns, rows, self.origin.words("bytes"))

    def energy(self) -> Table:
        """Energy of an average device, mJ, by week."""
        rows = [(week, energy / n) for week, n, energy in self._sums("energy_mj")]
        columns = "week", "mJ per device"
        return Table("Energy of a device", columns, rows, self.origin.words("energy"))

    def drift(self) -> Table:
        """Share of devices that say their data have drifted, 0 to 1, by week."""
        rows = [(week, drifted / n) for week, n, drifted in self._sums("drifted")]
        columns = "week", "share of devices"
        return Table("Devices that report drift", columns, rows, self.origin.words("count"))

    def _sums(self, *names: str) -> list[tuple]:
        """(week, devices, sum of each name), week by week."""
        total: dict[int, list[float]] = defaultdict(lambda: [0] * (len(names) + 1))
        for g in self.groups:
            values = (g.devices, *(getattr(g, name) for name in names))
            total[g.week] = [a + b for a, b in zip(total[g.week], values, strict=True)]
        return [(week, *values) for week, values in sorted(total.items())]


def _groups(connection: Connection, weeks: list[int]) -> Iterator[Group]:
    t = device_weeks.c
    key = t.week, t.cohort, t.release
    drifted = cast(t.drifted, Integer)
    sums = (t.windows, t.right, drifted, t.bytes_up, t.bytes_down, t.energy_mj, t.emulated)
    rows = connection.execute(
        select(*key, func.count(), *map(func.sum, sums))
        .where(t.week.in_(weeks))
        .group_by(*key)
        .order_by(*key)
    )
    for row in rows:  # sums are Decimals in PostgreSQL
        *whole, energy, emulated = row[2:]
        release, n, windows, right, drift, up, down = map(int, whole)
        yield Group(
            row[0],
            row[1],
            release,
            n,
            windows,
            right,
            drift,
            up,
            down,
            float(energy),
            int(emulated),
        )


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
    if accuracy := [row for row in weeks.accuracy().rows if row[1] == "all"]:
        found["accuracy"] = origin.figure("accuracy", 100 * accuracy[-1][2], "%")
        last = weeks.traffic().rows[-1]
        found["bytes up"] = origin.figure("bytes", last[3], "B per device and week")
        found["bytes down"] = origin.figure("bytes", last[4], "B per device and week")
        energy = weeks.energy().rows[-1][1]
        found["energy"] = origin.figure("energy", energy / 1000, "J per device and week")
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
    """Rollouts, the newest first, with how many of their devices are in which state."""
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


DEVICE_STATES = ("waiting", "trial", "confirmed", "reverted", "failed")


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
            select(w.device, w.week, w.right, w.windows, w.distance, w.drifted).join(
                newest, (newest.c.device == w.device) & (newest.c.week == w.week)
            )
        )
    }
    rows = []
    for row in shown:
        week, right, windows, distance, drifted = last.get(row.name, (None, 0, 0, None, None))
        accuracy = right / windows if windows else None
        rows.append((*row, week, accuracy, distance, drifted))
    columns = (
        "device", "cohort", "release", "last heard of (POSIX s)", "events", "last week", "accuracy",
        "drift distance", "drifted",
    )  # fmt: skip
    return Page(
        Table("Devices", columns, rows, Origin(connection).words("count")), page, pages, total
    )
