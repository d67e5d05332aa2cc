"""How a fleet fares, from its database: what `edgekit fleet status` says and the chapter draws."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

from sqlalchemy import Engine, func, select

from edgekit.cloud.tables import device_weeks, labels, releases, rollout_devices, rollouts
from edgekit.cloud.weeks import Group, groups_of
from edgekit.core.html_table import frame_html

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Summary:
    """`weeks`: a row a week and cohort-free: windows, judged, right, accuracy, drifted, bytes up and down,
    energy_mj, emulated. `cohorts`: accuracy by week (rows) and cohort (columns). `releases`, `rollouts`:
    as in the database. `labels`: windows that somebody labelled.
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
        weeks = self.weeks.assign(week=self.weeks.week + 1)  # as people and the pictures count
        return frame_html(weeks, index=False, number=".3f")


def summary(engine: Engine) -> Summary:
    """Of all weeks that were noticed so far."""
    import pandas as pd

    t = rollout_devices.c
    waves = (
        select(rollouts.c.id, rollouts.c.release, rollouts.c.state, rollouts.c.wave, rollouts.c.reason,
               t.state.label("device_state"), func.count().label("devices"))
        .join(rollout_devices, t.rollout == rollouts.c.id)
        .group_by(rollouts.c.id, t.state).order_by(rollouts.c.id)
    )  # fmt: skip
    with engine.connect() as connection:
        groups = pd.DataFrame(list(groups_of(connection)), columns=[f.name for f in fields(Group)])
        release_rows = pd.read_sql(select(releases).order_by(releases.c.number), connection)
        wave_rows = pd.read_sql(waves, connection)
        count = connection.scalar(select(func.count(labels.c.sample.distinct()))) or 0
    weeks = groups.drop(columns=["cohort", "release"]).groupby("week", as_index=False).sum()
    weeks["accuracy"] = weeks.right / weeks.judged
    by_cohort = groups.groupby(["week", "cohort"])[["right", "judged"]].sum()
    cohorts = (by_cohort.right / by_cohort.judged).unstack("cohort")
    return Summary(weeks, cohorts, release_rows, wave_rows, int(count))


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


def spread(engine: Engine, release: int) -> pd.DataFrame:
    """How `release` went through a fleet: a row a device with its cohort, its wave (0: a canary) and what
    became of it, and a column a week with the release that it was seen to run, 0 where nobody reached it."""
    import pandas as pd

    t, w = rollout_devices.c, device_weeks.c
    mine = (
        select(t.device, t.cohort, t.wave, t.state)
        .join(rollouts, rollouts.c.id == t.rollout).where(rollouts.c.release == release)
        .order_by(t.wave, t.device)
    )  # fmt: skip
    with engine.connect() as connection:
        rows = pd.read_sql(mine, connection, index_col="device")
        ran = pd.read_sql(select(w.device, w.week, w.release), connection)
    weeks = ran.pivot_table(index="device", columns="week", values="release", fill_value=0)
    weeks.columns = [f"week {int(n) + 1}" for n in weeks.columns]
    return rows.join(weeks.astype(int))
