"""One week of a rollout, and its beginning: judge, go on, or take back.

All state is in rows of the caller's transaction, so that a loop that was killed repeats its open step.
"""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import Connection, func, insert, select, update

from edgekit.cloud.tables import commands, releases, rollout_devices, rollouts
from edgekit.core.errors import EdgekitError, did_you_mean
from edgekit.rollout import waves
from edgekit.rollout.commands import obey
from edgekit.rollout.health import Health
from edgekit.rollout.judgement import judge
from edgekit.rollout.promotion import PairedLabels, Promotion, may_promote
from edgekit.rollout.state import OUTCOMES, TRIES_BACK, Order, Run, load, save
from edgekit.rollout.takeback import abort, take_back
from edgekit.rollout.waves import Policy

__all__ = [
    "POLICY",
    "Order",
    "Policy",
    "begin",
    "doubted",
    "newest",
    "open_rollouts",
    "report",
    "step",
    "under_way",
]
POLICY = Policy()


def begin(
    connection: Connection,
    release: int,
    devices: Mapping[str, str],
    week: int,
    policy: Policy = POLICY,
    seed: int = 0,
) -> int:
    """A rollout of `release` to `devices` (the cohort of each); its id. What waited for an older one waits
    for it. `week`, a number as `step` has it, is the first of its first wave; `seed` draws the waves.

    Raises EdgekitError where another rollout is under way, no device is there, or the release may not be
    offered: withdrawn, refused, or not above every number that was.
    """
    row = (
        connection.execute(select(releases).where(releases.c.number == release)).mappings().first()
    )
    if row is None:
        raise EdgekitError(f"there is no release {release}")
    if row["state"] in ("withdrawn", "refused"):
        raise EdgekitError(f"release {release} is {row['state']}: it is never offered again")
    if not devices:
        raise EdgekitError("a rollout needs devices")
    if busy := under_way(connection):
        raise EdgekitError(f"rollout {busy} is under way: let it end, or abort it first")
    if release <= (used := newest(connection)):
        raise EdgekitError(f"release {release} is not above {used}: numbers never fall")
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


def under_way(connection: Connection) -> int:
    """The number (a row's id) of the rollout that goes on, or is paused; 0 where there is none."""
    busy = select(rollouts.c.id).where(rollouts.c.state.in_(("running", "paused")))
    return int(connection.scalar(busy.limit(1)) or 0)


def newest(connection: Connection) -> int:
    """The highest number that devices were given, back or forth; 0 before the first."""
    used = select(func.max(rollouts.c.release), func.max(rollouts.c.back))
    return max(n or 0 for n in connection.execute(used).one())


def open_rollouts(connection: Connection) -> list[int]:
    """Those that still have something to decide, the oldest first: each is to be stepped each week."""
    t = rollout_devices.c
    unsettled = select(t.rollout).join(rollouts, rollouts.c.id == t.rollout)
    unsettled = unsettled.where(
        t.state.in_(("waiting", "trial"))
        | ((rollouts.c.state == "aborted") & (t.state == "confirmed"))
    )
    asked = select(commands.c.rollout).where(~commands.c.obeyed)
    found = select(rollouts.c.id).where(
        rollouts.c.state.in_(("running", "paused"))
        | rollouts.c.id.in_(unsettled)
        | rollouts.c.id.in_(asked)
    )
    again = [_latest(connection)] if doubted(connection) else []
    return sorted({*connection.scalars(found), *again})


def doubted(connection: Connection) -> set[str]:
    """Devices that the newest release was taken back from alone: their labels may still speak for it."""
    latest = _latest(connection)
    return load(connection, latest).doubted() if latest else set()


def _latest(connection: Connection) -> int:
    """0 before the first."""
    return connection.scalar(select(func.max(rollouts.c.id))) or 0


def step(
    connection: Connection,
    rollout: int,
    week: int,
    health: Mapping[str, Health],
    labels: Mapping[str, PairedLabels] | None = None,
) -> list[Order]:
    """The orders of `week`. The same week twice gives the same orders, and changes nothing.

    health: of all devices that were seen since the last step, whatever they run
    (`edgekit.rollout.health.read`). labels: of each device's random samples, by its name: the release and the
    one before it, whatever the device runs.
    """
    run = load(connection, rollout)
    if week <= run.row["stepped"]:
        return run.orders()
    run.seen(health)
    obey(connection, run, week)
    if run.state != "aborted":
        gone = connection.scalars(select(releases.c.number).where(releases.c.state == "withdrawn"))
        better = {d for d, p in (labels or {}).items() if p.gain() <= run.policy.alpha}
        verdict = judge(health, run.release, run.took(), run.policy.alpha, set(gone), better)
        reason = run.judged(verdict, health, week) or _harm(run, labels)
        if reason:
            abort(run, reason)
    if run.state in ("running", "done"):
        if rollout == _latest(connection):  # else a newer release is on its way to all
            run.ask_again(better, week)
        waves.stand_in(run.devices, run.policy)
    if run.state == "running":
        _go_on(run, week, labels)
    run.tell(week, _held(connection, run))
    if run.state == "aborted":
        take_back(connection, run, week)
    elif run.state == "done":
        _release_state(connection, run.release, "released")
    run.row["stepped"] = week
    save(connection, run)
    return run.orders()


def _promotion(run: Run, labels: Mapping[str, PairedLabels] | None) -> Promotion:
    """By the labels of devices that have the release."""
    took, found = set(run.took()), dict[str, PairedLabels]()
    for r in run.devices:
        if r["device"] in took and (own := (labels or {}).get(r["device"])):
            found[r["cohort"]] = found.get(r["cohort"], PairedLabels()) + own
    return may_promote(found, run.policy.labels, run.policy.worst, run.policy.alpha)


def _harm(run: Run, labels: Mapping[str, PairedLabels] | None) -> str:
    found = _promotion(run, labels)
    return found.reason if found.decision == "harm" and run.state in ("running", "paused") else ""


def _go_on(run: Run, week: int, labels: Mapping[str, PairedLabels] | None) -> None:
    """To the next wave, to the end, or to an abort where a wave has taken too long."""
    weeks, wave, last = week - run.row["wave_since"], run.row["wave"], len(run.policy.waves) - 1
    complete = waves.is_complete(run.devices, wave, weeks, run.policy)
    found = _promotion(run, labels)
    late = weeks >= run.policy.wave_weeks
    run.row["reason"] = "" if complete else "devices of this wave are still waited for"
    if complete and found.decision == "hold":
        run.row["reason"] = found.reason
    if wave == last and ((complete and weeks >= run.policy.soak_weeks) or (late and run.proven())):
        run.row.update(state="done", reason="")
    elif wave < last and complete and found.decision == "go" and weeks >= run.policy.soak_weeks:
        run.row.update(wave=wave + 1, wave_since=week, reason="")
    elif late:
        abort(run, f"not shown to be good in {weeks} weeks: {run.row['reason']}")


def _held(connection: Connection, run: Run) -> set[str]:
    """Devices that an older rollout has in its hands: on trial, or still to be taken back."""
    t = rollout_devices.c
    found = select(t.device).join(rollouts, rollouts.c.id == t.rollout)
    return set(
        connection.scalars(
            found.where(
                t.rollout < run.id,
                (t.state == "trial")
                | (
                    (rollouts.c.state == "aborted")
                    & (t.state == "confirmed")
                    & (t.tries < TRIES_BACK)
                ),
            )
        )
    )


def report(
    connection: Connection, rollout: int, device: str, week: int, outcome: str, reason: str = ""
) -> None:
    """What became of an order; or of a device on trial that gave its release up itself ("reverted").

    trial      installed, its self-test passed, on trial
    confirmed  the release on trial stays
    reverted   it runs what it had; or, taken back, the old model under its new number
    failed     it refused, and said why
    waiting    it was not reached: the order is given again

    rollout: its id, as `begin` gave it. week: when this came about. outcome: a word of the list above.
    reason: why, in words, of which 400 characters are kept.

    Saying the same twice changes nothing. Raises EdgekitError for what cannot be: an unknown rollout,
    device or outcome, or a step that the diagram does not have.
    """
    if outcome not in OUTCOMES:
        raise EdgekitError(f"{outcome[:40]!r} is no outcome.{did_you_mean(outcome, OUTCOMES)}")
    run = load(connection, rollout)
    run.reported(device, week, outcome, reason)
    save(connection, run)


def _release_state(connection: Connection, release: int, state: str) -> None:
    connection.execute(update(releases).where(releases.c.number == release).values(state=state))
