"""How a fleet fares, from its database: what `edgekit fleet status` says and the chapter draws."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import Engine, func, select

from edgekit.cloud.tables import device_weeks, labels, releases, rollout_devices, rollouts

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Summary:
    """`weeks`: a row a week and cohort-free: windows, judged, right, accuracy, drifted, bytes up and down,
    energy_mj, emulated. `cohorts`: accuracy by week (rows) and cohort (columns). `releases`, `rollouts`:
    as in the database.
    """

    weeks: pd.DataFrame
    cohorts: pd.DataFrame
    releases: pd.DataFrame
    rollouts: pd.DataFrame
    labels: int

    def accuracy(self, last: int = 0) -> float:
        """On windows that nothing was trained on, over the last so many weeks (0: all)."""
        some = self.weeks.tail(last) if last else self.weeks
        return float(some.right.sum() / some.judged.sum())

    @property
    def bytes_down(self) -> int:
        return int(self.weeks.bytes_down.sum())

    @property
    def labelled_share(self) -> float:
        return self.labels / int(self.weeks.windows.sum())

    def _repr_html_(self) -> str:
        return self.weeks.to_html(index=False, float_format="{:.3f}".format)


def summary(engine: Engine) -> Summary:
    """Of all weeks that were noticed so far."""
    import pandas as pd

    w = device_weeks.c
    sums = [
        func.sum(c).label(c.name)
        for c in (w.windows, w.judged, w.right, w.bytes_up, w.bytes_down, w.energy_mj, w.emulated)
    ]
    with engine.connect() as connection:
        by_cohort = pd.read_sql(
            select(w.week, w.cohort, func.sum(w.judged).label("judged"), func.sum(w.right).label("right"))
            .group_by(w.week, w.cohort),
            connection,
        )  # fmt: skip
        weeks = pd.read_sql(
            select(w.week, func.count().label("devices"), *sums).group_by(w.week).order_by(w.week),
            connection,
        )
        drifted = pd.read_sql(
            select(w.week, func.count().label("drifted")).where(w.drifted).group_by(w.week),
            connection,
        )
        release_rows = pd.read_sql(select(releases).order_by(releases.c.number), connection)
        states = func.count().label("devices")
        t = rollout_devices.c
        waves = pd.read_sql(
            select(rollouts.c.id, rollouts.c.release, rollouts.c.state, rollouts.c.wave, rollouts.c.reason,
                   t.state.label("device_state"), states)
            .join(rollout_devices, t.rollout == rollouts.c.id)
            .group_by(rollouts.c.id, t.state).order_by(rollouts.c.id),
            connection,
        )  # fmt: skip
        count = connection.scalar(select(func.count()).select_from(labels)) or 0
    weeks = weeks.merge(drifted, on="week", how="left").fillna({"drifted": 0})
    weeks["accuracy"] = weeks.right / weeks.judged
    by_cohort["accuracy"] = by_cohort.right / by_cohort.judged
    cohorts = by_cohort.pivot(index="week", columns="cohort", values="accuracy")
    return Summary(weeks, cohorts, release_rows, waves, int(count))


def reports(found: Summary) -> pd.DataFrame:
    """What the gate said: a row a candidate and cohort ("" for all), with labels, accuracy before and
    after, the 95 % interval of the difference, and whether there were labels enough to judge."""
    import pandas as pd

    rows = []
    for release in found.releases.itertuples():
        gate = release.report.get("gate")
        if not gate:
            continue
        parts = {"": gate["whole"], **gate["cohorts"]}
        rows += [
            {"release": release.number, "state": release.state, "cohort": c, **p}
            for c, p in parts.items()
        ]
    return pd.DataFrame(rows)
