"""The weeks of a fleet: its device-weeks added up in one pass, and the tables that are made of the sums."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Integer, cast, func, select

from edgekit.cloud.provenance import Origin
from edgekit.cloud.table import Table
from edgekit.cloud.tables import device_weeks

WEEKS_MOST = 52  # that are looked at
FLEET = "fleet"  # in the place of a cohort: all of them


@dataclass(frozen=True)
class Group:
    """Devices of one cohort that ran one release in one week, added up. Energy in mJ."""

    week: int
    cohort: str
    release: int
    devices: int
    windows: int
    judged: int
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
        for group in groups_of(connection, fresh):
            groups[group.week].append(group)
        known.update({w: (rows[w], found) for w, found in groups.items()})
        self.groups = [group for w in rows for group in known[w][1]]

    @property
    def numbers(self) -> list[int]:
        """The weeks that there are, in order."""
        return sorted({g.week for g in self.groups})

    def accuracy(self) -> Table:
        """Share of the judged windows that were right, 0 to 1, by week and cohort; "fleet" is all."""
        total: dict[tuple[int, str], list[int]] = defaultdict(lambda: [0, 0, 0])
        for g in self.groups:
            for cohort in (FLEET, g.cohort or "no cohort"):
                cell = total[g.week, cohort]
                cell[0], cell[1], cell[2] = (
                    cell[0] + g.right, cell[1] + g.judged, cell[2] + g.devices,
                )  # fmt: skip
        rows = [
            (*key, right / judged, n) for key, (right, judged, n) in sorted(total.items()) if judged
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
        """Energy of an average device, mJ, by week; None where nobody knows what its board draws."""
        rows = [(week, energy / n or None) for week, n, energy in self._sums("energy_mj")]
        columns = "week", "mJ per device"
        return Table("Energy of a device’s inferences", columns, rows, self.origin.words("energy"))

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


def groups_of(connection: Connection, weeks: Collection[int] | None = None) -> Iterator[Group]:
    """The groups of these `weeks`, of all that there are if none is named, in their order."""
    t = device_weeks.c
    key = t.week, t.cohort, t.release
    whole = t.windows, t.judged, t.right, cast(t.drifted, Integer), t.bytes_up, t.bytes_down
    sums = (func.count(), *map(func.sum, whole), func.sum(t.energy_mj), func.sum(t.emulated))
    query = select(*key, *sums).group_by(*key).order_by(*key)
    if weeks is not None:
        query = query.where(t.week.in_(weeks))
    for row in connection.execute(query):  # sums are Decimals in PostgreSQL
        values: list[Any] = [*row[:3], *map(int, row[3:-2]), float(row[-2]), int(row[-1])]
        yield Group(*values)
