"""The steps of a week: notice, label, retrain, gate, roll out (watch, take back), deliver.

Each step is one transaction: its rows, and the row in `steps` that says that it is done. Who is killed in
between repeats the open step, from the same rows with the same seeds, and comes to the same.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from sqlalchemy import Connection, insert, select

from edgekit.cloud.tables import steps
from edgekit.core.errors import EdgekitError
from edgekit.fleet.delivering import deliver, deliver_first, roll_out
from edgekit.fleet.labelling import label
from edgekit.fleet.learning import gate, retrain
from edgekit.fleet.loop import Loop, fleet
from edgekit.fleet.notice import notice

Step = Callable[[Connection, Loop, int], dict[str, Any]]
FIRST: dict[str, Step] = {"provision": deliver_first}
STEPS: dict[str, Step] = {
    "notice": notice,
    "label": label,
    "retrain": retrain,
    "gate": gate,
    "roll out": roll_out,
    "deliver": deliver,
}
FROZEN = ("notice",)
TRIES = 5  # of a step during which devices are forgotten


def run_week(loop: Loop, week: int) -> dict[str, dict[str, Any]]:
    """What each step of the week came to; those that are done are not repeated."""
    wanted = dict(FIRST) if week == 0 else {}
    wanted |= {n: s for n, s in STEPS.items() if loop.plan.policy != "frozen" or n in FROZEN}
    return {name: run_step(loop, week, name, step) for name, step in wanted.items()}


def run_step(loop: Loop, week: int, name: str, step: Step) -> dict[str, Any]:
    """All of it and its row, or nothing; once more where a device was forgotten meanwhile.

    Raises EdgekitError where one was in each of `TRIES`.
    """
    for _ in range(TRIES):
        if (result := _try(loop, week, name, step)) is not None:
            return result
    raise EdgekitError(
        f"week {week + 1}, {name}: while it ran a device was forgotten, {TRIES} times in a row; give the "
        "same command again when no more are: it goes on from here"
    )


def _try(loop: Loop, week: int, name: str, step: Step) -> dict[str, Any] | None:
    with loop.engine.begin() as connection:
        t = steps.c
        done = connection.execute(select(t.result).where(t.week == week, t.name == name)).first()
        if done is not None:
            return done.result
        began, there = time.monotonic(), fleet(connection, loop)
        result = step(connection, loop, week)
        connection.execute(
            insert(steps).values(
                week=week, name=name, finished=time.time(), result=result,
                seconds=round(time.monotonic() - began, 3),
            )
        )  # fmt: skip
        if fleet(connection, loop) != there:
            connection.rollback()
            return None
    return result
