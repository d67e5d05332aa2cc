"""A fleet as a rollout sees it: devices that take orders, sometimes, and weeks that they report."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from sqlalchemy import Connection, Engine, insert, select

from edgekit import rollout as ro
from edgekit.cloud.database import open_database
from edgekit.cloud.tables import releases, rollout_devices, rollouts
from edgekit.rollout.health import Health, Vitals
from edgekit.rollout.promotion import PairedLabels

FAULTS = ("", "wrong", "hungry", "crash", "self-test", "mute")


def database() -> Engine:
    """Release 1 is in the field."""
    engine = open_database("sqlite://")
    with engine.begin() as connection:
        add_release(connection, 1, "released")
    return engine


def add_release(connection: Connection, number: int, state: str = "candidate") -> None:
    row = {"number": number, "sha256": f"{number:064x}", "object": f"models/{number}", "week": 0}
    connection.execute(insert(releases).values(state=state, **row))


def rows(connection: Connection, rollout: int) -> dict[str, dict]:
    found = connection.execute(select(rollout_devices).where(rollout_devices.c.rollout == rollout))
    return {r["device"]: dict(r) for r in found.mappings()}


def state(connection: Connection, rollout: int) -> dict:
    return dict(
        connection.execute(select(rollouts).where(rollouts.c.id == rollout)).mappings().one()
    )


@dataclass
class Fleet:
    """cohorts: of each device. faults: of releases, by number. `confirmed` and `trial` are the numbers that a
    device has for good and on trial."""

    cohorts: dict[str, str]
    faults: dict[int, str] = field(default_factory=dict)
    ill_in: dict[int, str] = field(
        default_factory=dict
    )  # the cohort in which it shows, else in all
    noise: float = 0.01
    seed: int = 0

    def __post_init__(self):
        self.rng = np.random.default_rng(self.seed)
        self.confirmed = dict.fromkeys(self.cohorts, 1)
        self.trial: dict[str, int] = {}
        self.weeks: dict[str, list[Vitals]] = {d: [] for d in self.cohorts}
        self.took: dict[int, set[str]] = {}

    def runs(self, device: str) -> int:
        return self.trial.get(device, self.confirmed[device])

    def fault(self, device: str) -> str:
        number = self.runs(device)
        here = self.ill_in.get(number, "") in ("", self.cohorts[device])
        return self.faults.get(number, "") if here else ""

    def obey(self, order: ro.Order) -> tuple[str, str]:
        """What a device does, as an agent would: the outcome and its reason."""
        device, number = order.device, order.release
        if order.action == "install":
            if device in self.trial:
                return "failed", "an image is on trial here"
            if number <= self.confirmed[device]:
                return "failed", "not newer"
            self.trial[device] = number
            self.took.setdefault(number, set()).add(device)
            if self.fault(device) == "self-test":
                del self.trial[device]
                return "reverted", "its self-test failed"
            return "trial", ""
        if order.action == "revert":
            assert number > self.confirmed[device]
            self.confirmed[device] = number
            return "reverted", ""
        given = self.trial.pop(device)
        assert given == number
        if order.action == "give up":
            return "reverted", ""
        self.confirmed[device] = number
        return "confirmed", ""

    def live(self, week: int, seen: set[str]) -> list[str]:
        """A week passes; the devices that gave their release up themselves."""
        gave_up = []
        for d in sorted(self.cohorts):
            fault, ran = self.fault(d), self.runs(d)
            if fault == "crash" and d in self.trial:
                del self.trial[d]
                gave_up.append(d)
            if d not in seen or fault == "mute":
                continue
            release = self.runs(d) if d in gave_up else ran
            self.weeks[d].append(self.vitals(d, week, release, fault, 4 if d in gave_up else 1))
        return gave_up

    def vitals(self, device: str, week: int, release: int, fault: str, boots: int) -> Vitals:
        r = self.rng.normal(0, self.noise, 4)
        agreement = 0.9 + r[0] - (0.5 if fault == "wrong" else 0)
        energy = 100 * np.exp(r[1]) * (2 if fault == "hungry" else 1)
        distance, alarms = 0.2 + abs(r[2]), 0.1 + abs(r[3])
        return Vitals(week, release, 100, distance, alarms, agreement, 100 * energy, boots)

    def labels(self, release: int) -> dict[str, PairedLabels] | None:
        """Of random windows, so far, by device."""
        return None

    def health(self, week: int) -> dict[str, Health]:
        """Of the devices that were seen in `week`, their last eight weeks."""
        return {
            d: Health(self.cohorts[d], tuple(v for v in weeks if v.week > week - 8))
            for d, weeks in self.weeks.items()
            if weeks and weeks[-1].week == week
        }


def history(fleet: Fleet, weeks: int = 4) -> int:
    """Weeks before the first rollout; the next week."""
    for week in range(weeks):
        fleet.live(week, set(fleet.cohorts))
    return weeks


def week_of(connection: Connection, fleet: Fleet, week: int, seen: set[str] | None = None) -> list:
    """A week of the loop: every open rollout is stepped, its orders carried out, and devices live on."""
    seen = set(fleet.cohorts) if seen is None else seen
    told, by_trial = [], {}
    for rollout in ro.open_rollouts(connection):
        release = state(connection, rollout)["release"]
        for order in ro.step(
            connection, rollout, week, fleet.health(week - 1), fleet.labels(release)
        ):
            told.append(order)
            outcome = fleet.obey(order) if order.device in seen else ("waiting", "")
            ro.report(connection, rollout, order.device, week, *outcome)
        for d, r in rows(connection, rollout).items():
            if r["state"] == "trial":
                by_trial[d] = rollout
    for d in fleet.live(week, seen):
        if d in by_trial:
            ro.report(connection, by_trial[d], d, week, "reverted", "three boots without a verdict")
    return told
