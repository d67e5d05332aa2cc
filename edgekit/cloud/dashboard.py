"""What stands on the dashboard: figures, charts and tables, ready for its template."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup
from sqlalchemy import Connection, select

from edgekit.cloud import charts, figures
from edgekit.cloud.commands import ALLOWED, IDLE, retried
from edgekit.cloud.tables import commands, rollout_devices
from edgekit.cloud.weeks import FLEET

COHORTS_MOST = charts.SERIES_MOST - 1
PAGE = 25  # devices
FAILURES = "failed", "reverted"
FAILED_MOST = 12  # devices that a rollout shows one by one


@dataclass(frozen=True)
class Wanted:
    """What the address asks for: devices that contain `search`, a `page` of them, of one `release`."""

    search: str = ""
    page: int = 1
    release: int | None = None


@dataclass(frozen=True)
class Card:
    """A chart, its numbers as a table, what they rest on, and a word about it."""

    chart: Markup
    table: figures.Table
    note: str = ""


def collect(connection: Connection, known: dict, wanted: Wanted) -> dict[str, Any]:
    """Everything that `dashboard.html` shows; `known` as `figures.Weeks` takes it."""
    weeks = figures.Weeks(connection, known=known)
    return {
        "title": weeks.origin.use_case or "Fleet",
        "summary": figures.summary(connection, weeks),
        "cards": _cards(weeks),
        "labels": figures.label_queue(connection),
        "releases": figures.release_table(connection),
        "rollouts": _rollouts(connection),
        "devices": figures.device_page(
            connection, wanted.search, wanted.page, PAGE, wanted.release
        ),
        "wanted": wanted,
        "data": weeks.origin.data,
    }


def _cards(weeks: figures.Weeks) -> list[Card]:
    x = weeks.numbers
    accuracy, versions, traffic = weeks.accuracy(), weeks.versions(), weeks.traffic()
    energy, drift = weeks.energy(), weeks.drift()
    by_cohort = _series(
        x, ((week, cohort, 100 * share) for week, cohort, share, _ in accuracy.rows)
    )
    shown = _worst(by_cohort)
    cohorts = len(by_cohort) - 1
    note = f"The fleet, and the {COHORTS_MOST} worst of {cohorts} cohorts."
    note = note if cohorts > COHORTS_MOST else ""
    by_release = _series(x, ((week, f"release {r}", n) for week, r, n in versions.rows))
    newest = sorted(by_release, key=lambda name: int(name.split()[1]))[-charts.SERIES_MOST :]
    return [
        Card(charts.lines(accuracy.title, x, shown, "%", zero=False), accuracy, note),
        Card(
            charts.columns(versions.title, x, {n: by_release[n] for n in newest}, "devices"),
            versions,
        ),
        Card(
            charts.lines(
                traffic.title,
                x,
                {"up": [row[3] for row in traffic.rows], "down": [row[4] for row in traffic.rows]},
                "B",
            ),
            traffic,
            "Of an average device, in a week.",
        ),
        Card(
            charts.lines(energy.title, x, {"energy": [mj for _, mj in energy.rows]}, "mJ"),
            energy,
            "Of an average device, in a week.",
        ),
        Card(
            charts.lines(drift.title, x, {"drifted": [100 * row[1] for row in drift.rows]}, "%"),
            drift,
        ),
    ]


def _series(x: list[int], rows) -> dict[str, list[float | None]]:
    """(week, name, value) as a list a name, one value or None a week."""
    at = {week: i for i, week in enumerate(x)}
    found: dict[str, list[float | None]] = {}
    for week, name, value in rows:
        found.setdefault(name, [None] * len(x))[at[week]] = value
    return found


def _worst(by_cohort: Mapping[str, list[float | None]]) -> dict[str, list[float | None]]:
    """The fleet, and the cohorts that fare worst in the last week; a fleet of one cohort is one line."""
    rest = {name: row for name, row in by_cohort.items() if name != FLEET}
    if len(rest) < 2:
        return {name: row for name, row in by_cohort.items() if name == FLEET}
    bad = sorted(rest, key=lambda name: (rest[name][-1] is None, rest[name][-1] or 0.0))
    return {FLEET: by_cohort[FLEET]} | {name: rest[name] for name in sorted(bad[:COHORTS_MOST])}


def _rollouts(connection: Connection) -> list[dict[str, Any]]:
    """Rollouts with what can be asked of each, what was asked and not obeyed yet, and who failed."""
    table = figures.rollout_table(connection)
    found = [dict(zip(table.columns, row, strict=True)) for row in table.rows]
    for rollout in found:
        number = rollout["rollout"]
        state = rollout["state"]
        rollout["allowed"] = [w for w in ALLOWED if state in ALLOWED[w] and IDLE.get(w) != state]
        rollout["retried"] = retried(state)
        rollout["total"] = sum(rollout[state] for state in figures.DEVICE_STATES)
        c, d = commands.c, rollout_devices.c
        asked = select(c.what, c.device, c.time).where(c.rollout == number, c.obeyed.is_(False))
        rollout["asked"] = connection.execute(asked.order_by(c.time).limit(FAILED_MOST)).all()
        failed = (
            select(d.device, d.state, d.reason, d.tries)
            .where(d.rollout == number, d.state.in_(FAILURES))
            .order_by(d.device)
            .limit(FAILED_MOST)
        )
        rollout["failures"] = connection.execute(failed).all()
    return found
