"""How a device fares: its weeks with a release beside its weeks before, and beside devices that changed nothing."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, select

from edgekit.cloud.tables import device_weeks

LOOK_BACK = 4  # weeks before a release that a device is compared with


@dataclass(frozen=True)
class Vitals:
    """One week of a device. `release` ran it; rates and `distance` lie in 0…1, `agreement` with the gateway's
    model is None where there is no gateway. `energy_mj` is that of its windows, without what an
    update itself cost. `selftest`: None if the release took none that week.
    """

    week: int
    release: int
    windows: int
    distance: float
    alarm_rate: float
    agreement: float | None
    energy_mj: float
    boots: int = 1
    selftest: bool | None = None


@dataclass(frozen=True)
class Health:
    """What is known of a device: its weeks in order, the newest last. A week that it was not seen is not there."""

    cohort: str
    weeks: tuple[Vitals, ...]


def read(connection: Connection, week: int) -> dict[str, Health]:
    """By device, from the rows of `device_weeks`: those that were seen in `week`, with the weeks before."""
    t = device_weeks
    rows = connection.execute(
        select(t)
        .where(t.c.week <= week, t.c.week >= week - 2 * LOOK_BACK, t.c.windows > 0)
        .order_by(t.c.device, t.c.week)
    ).mappings()
    weeks: dict[str, list[Vitals]] = {}
    cohorts: dict[str, str] = {}
    for r in rows:
        cohorts[r["device"]] = r["cohort"]
        weeks.setdefault(r["device"], []).append(
            Vitals(
                r["week"], r["release"], r["windows"], r["distance"], r["alarm_rate"],
                r["agreement"], r["energy_mj"], r["boots"],
            )
        )  # fmt: skip
    return {
        name: Health(cohorts[name], tuple(w)) for name, w in weeks.items() if w[-1].week == week
    }
