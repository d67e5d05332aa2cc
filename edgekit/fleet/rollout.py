"""A release on its way to many devices: decides, from rows, who gets what. docs/rollout.md has the diagram.

    begin    canaries are drawn; nothing is told to a device yet
    step     once a week: obeys commands, judges, goes on or takes back; its orders are to be carried out
    report   what became of an order, or of a device without one

All state is in rows of the caller's transaction, so that a loop that was killed repeats its open step.
It knows no model, no package and no simulation.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, func, insert, select, update

from edgekit.cloud.tables import releases, rollout_devices, rollouts
from edgekit.core.errors import EdgekitError
from edgekit.fleet import commands, health, promotion, waves
from edgekit.fleet.health import Health
from edgekit.fleet.promotion import PairedLabels
from edgekit.fleet.waves import Policy

POLICY = Policy()
OUTCOMES = ("trial", "confirmed", "reverted", "failed", "waiting")


@dataclass(frozen=True)
class Order:
    """What a device is told this week.

    install   release `release`, as a delta against what it runs or as a whole, and leave it on trial
    confirm   the release on trial stays (`finish_trial(True)`)
    give up   the release on trial goes (`finish_trial(False)`): the device has the one before still
    revert    install `release`: an old model under a new number, and confirm it after its self-test
    """

    device: str
    action: str
    release: int


def begin(
    connection: Connection,
    release: int,
    devices: Mapping[str, str],
    week: int,
    policy: Policy = POLICY,
    seed: int = 0,
) -> int:
    """A rollout of `release` to `devices` (the cohort of each); its id. What waited for an older one waits for it.

    Raises EdgekitError where another rollout is under way, no device is there, or the release may not be offered:
    withdrawn, refused, or not above every number that was.
    """
    row = connection.execute(select(releases).where(releases.c.number == release)).mappings().first()
    if row is None:
        raise EdgekitError(f"there is no release {release}")
    if row["state"] in ("withdrawn", "refused"):
        raise EdgekitError(f"release {release} is {row['state']}: it is never offered again")
    if not devices:
        raise EdgekitError("a rollout needs devices")
    busy = connection.scalar(select(rollouts.c.id).where(rollouts.c.state.in_(("running", "paused"))))
    if busy is not None:
        raise EdgekitError(f"rollout {busy} is under way: let it end, or abort it first")
    newest = connection.execute(
        select(func.max(rollouts.c.release), func.max(rollouts.c.back))
    ).one()
    if release <= max(n or 0 for n in newest):
        raise EdgekitError(
            f"release {release} is not above {max(n or 0 for n in newest)}: a device never gets a lower number"
        )
    t = rollout_devices
    connection.execute(
        update(t)
        .where(t.c.state == "waiting")
        .values(state="skipped", told="", reason=f"release {release} came")
    )
    made = connection.execute(
        insert(rollouts)
        .values(release=release, state="running", wave=0, wave_since=week, policy=policy.to_row())
        .returning(rollouts.c.id)
    )
    rollout = int(made.scalar_one())
    drawn = waves.draw(devices, policy, seed)
    rows = [
        {"rollout": rollout, "device": name, "cohort": devices[name], "wave": drawn[name],
         "state": "waiting", "since": week}
        for name in sorted(devices)
    ]  # fmt: skip
    connection.execute(insert(t), rows)
    _release_state(connection, release, "rolling")
    return rollout


def open_rollouts(connection: Connection) -> list[int]:
    """Those that still have something to decide, the oldest first: each is to be stepped each week."""
    t = rollout_devices.c
    unsettled = select(t.rollout).join(rollouts, rollouts.c.id == t.rollout)
    unsettled = unsettled.where(
        t.state.in_(("waiting", "trial")) | ((rollouts.c.state == "aborted") & (t.state == "confirmed"))
    )
    asked = select(commands.table.c.rollout).where(~commands.table.c.obeyed)
    found = select(rollouts.c.id).where(
        rollouts.c.state.in_(("running", "paused"))
        | rollouts.c.id.in_(unsettled)
        | rollouts.c.id.in_(asked)
    )
    return list(connection.scalars(found.order_by(rollouts.c.id)))


def step(
    connection: Connection,
    rollout: int,
    week: int,
    health: Mapping[str, Health],
    labels: Mapping[str, PairedLabels] | None = None,
) -> list[Order]:
    """The orders of `week`. The same week twice gives the same orders, and changes nothing.

    health: of all devices that were seen since the last step, whatever they run (`edgekit.fleet.health.read`).
    labels: of all random samples of devices that ran the release so far, by cohort.
    """
    raise NotImplementedError


def report(
    connection: Connection, rollout: int, device: str, week: int, outcome: str, reason: str = ""
) -> None:
    """What became of an order; or of a device on trial that gave its release up itself ("reverted").

    trial      installed, its self-test passed, on trial
    confirmed  the release on trial stays
    reverted   it runs what it had; or, taken back, the old model under its new number
    failed     it refused, and said why
    waiting    it was not reached
    """
    raise NotImplementedError


def _release_state(connection: Connection, release: int, state: str) -> None:
    connection.execute(update(releases).where(releases.c.number == release).values(state=state))
