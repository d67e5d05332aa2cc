"""Taking a release back: who tries it gives it up, who kept it gets the old model under a new number."""

from __future__ import annotations

from sqlalchemy import Connection, func, insert, select, update

from edgekit.cloud.tables import releases, rollout_devices
from edgekit.rollout.state import Run


def abort(run: Run, reason: str) -> None:
    """Nobody gets the release any more, now or later."""
    run.row.update(state="aborted", reason=reason[:400])
    for r in run.devices:
        if r["state"] == "waiting":
            r.update(state="skipped", told="", reason="the rollout was aborted")


def take_back(connection: Connection, run: Run, week: int) -> None:
    """Of an aborted rollout: the release is withdrawn, and what devices keep of it is replaced.

    A device never gets a lower number, so the newest release that went well comes back as a new one: same
    file, next number. Who got a newer release meanwhile has nothing to be taken back.
    """
    r = releases.c
    connection.execute(update(releases).where(r.number == run.release).values(state="withdrawn"))
    kept = [d for d in run.devices if d["state"] == "confirmed"]
    moved = _moved_on(connection, run)
    for d in [d for d in kept if d["device"] in moved]:
        d.update(state="reverted", since=week, told="", reason="a newer release came")
    kept = [d for d in kept if d["state"] == "confirmed"]
    if kept and not run.row["back"]:
        run.row["back"] = _number_for_the_old(connection, run, week)
    for d in kept:
        if not run.row["back"]:
            d.update(state="failed", since=week, reason="no older release to go back to")
        elif d["next_week"] <= week:
            d["told"] = "revert"


def _moved_on(connection: Connection, run: Run) -> set[str]:
    t = rollout_devices.c
    return set(
        connection.scalars(
            select(t.device).where(t.rollout > run.id, t.state.in_(("trial", "confirmed")))
        )
    )


def _number_for_the_old(connection: Connection, run: Run, week: int) -> int:
    """0 if no release went well before this one."""
    r = releases.c
    old = (
        connection.execute(
            select(releases)
            .where(r.state == "released", r.number < run.release)
            .order_by(r.number.desc())
        )
        .mappings()
        .first()
    )
    if old is None:
        return 0
    number = connection.scalar(select(func.max(r.number))) + 1
    again = {"content_of": old["number"], "instead_of": run.release}
    connection.execute(
        insert(releases).values(
            number=number, sha256=old["sha256"], object=old["object"], base=run.release,
            state="released", week=week, report=again,
        )
    )  # fmt: skip
    return number
