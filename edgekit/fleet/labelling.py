"""Label: some windows of the week travel, and somebody says what they are.

Half of them are random: on them alone the gate judges. The others are those of which most is to be learnt.
Most of both are of devices that err: there a candidate can be better, and a random window says what it stands
for. Neither is drawn of windows that are the other's (`world.USES`). While a release is on trial nothing is
trained, and all wait for what its canaries' random labels say: then most are random, and most of these are
theirs. Afterwards some are asked of a device that it was taken back from alone: they say whether rightly.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from sqlalchemy import Connection, func, select, update

from edgekit import rollout
from edgekit.cloud.objects import SAMPLES
from edgekit.cloud.tables import device_weeks, rollout_devices, rollouts
from edgekit.data import Windows
from edgekit.emulate.samples import sensor_samples
from edgekit.fleet.loop import Loop
from edgekit.fleet.notice import answers, result_of
from edgekit.fleet.program import START, WEEK
from edgekit.fleet.world import GATE, TRAIN
from edgekit.labels import Oracle, Queue, Sample, choose_windows
from edgekit.labels.choose import RANDOM, Choice, draw_windows
from edgekit.labels.windows import stored_window

STEP = 2
LOOK_BACK = 6  # weeks whose labels say how often a device errs: older ones speak of another world
ORACLE = "oracle"
# of the random labels, the share of devices with a release on trial; of those that lost one alone
ON_TRIAL, DOUBTED = 0.75, 0.25

Answers = Mapping[str, Mapping[str, np.ndarray]]  # device -> predicted, confidence, novelty (n,)
Rows = Mapping[str, np.ndarray]  # device -> windows of its week that may be chosen
Chosen = list[tuple[str, Choice]]  # device, and which of its windows


def label(connection: Connection, loop: Loop, week: int) -> dict[str, Any]:
    """Choose windows under the budget, have them sent into the queue, and have oracles label them."""
    noticed = result_of(connection, week, "notice")
    found = answers(loop, noticed["answers"])
    total = sum(len(a["predicted"]) for a in found.values())
    rng = np.random.default_rng(loop.seed(week, STEP))
    seen = {n: loop.world.week(loop.world.device(n), week) for n in sorted(found)}
    use = {n: loop.world.uses(w) for n, w in seen.items()}
    gate = {n: np.flatnonzero(u == GATE) for n, u in use.items()}
    train = {n: np.flatnonzero(u == TRAIN) for n, u in use.items()}
    queue, program = loop.queue(connection), loop.site.program()
    known = queue.all()
    budget = max(0, int(loop.plan.labels * windows_until(connection, week)) - len(known))
    lately = [s for s in known if s.week > week - LOOK_BACK]
    errors = expected_errors(lately, queue.classes, found, noticed["drifted"])
    trying, doubted = on_trial(connection), rollout.doubted(connection)
    honest = 3 * budget // 4 if trying else budget // 2
    share = ON_TRIAL if trying else DOUBTED
    chosen = [
        *draw_random(gate, honest, random_shares(gate, errors, trying | doubted, share), rng),
        *most_telling(found, train, errors, budget - honest, rng),
    ]
    truth: dict[int, str] = {}
    for name in sorted({device for device, _ in chosen}):
        own = [choice for device, choice in chosen if device == name]
        samples = sensor_samples(
            program.firmware.step, program.firmware.sensitivity, seen[name].X[[c.row for c in own]]
        )
        sent = {c.row: s.tobytes() for c, s in zip(own, samples, strict=True)}
        a = found[name]
        columns = a["predicted"], a["confidence"], a["novelty"]

        def put(row: int, n: str = name, sent: dict[int, bytes] = sent) -> tuple[str, int]:
            return loop.objects.put(sent[row], n, SAMPLES), len(sent[row])

        asked = queue.add(name, week, own, columns, put, float(START + week * WEEK))
        classes = [loop.old.classes[seen[name].y[c.row]] for c in own]
        truth |= dict(zip(asked, classes, strict=True))
        _count_up(connection, name, week, sum(map(len, sent.values())))
    ask_oracles(queue, truth, loop.plan.label_error, float(START + week * WEEK), rng)
    return {
        "labels": sum(s.id in truth and queue.done(s) for s in queue.all()),
        "asked": len(truth),
        "random": sum(c.reason == RANDOM for _, c in chosen),
        "windows": total,
    }


def windows_until(connection: Connection, week: int) -> int:
    """Windows that all devices have heard by the end of this week: of them a share may be labelled."""
    w = device_weeks.c
    return connection.scalar(select(func.sum(w.windows)).where(w.week <= week)) or 0


def on_trial(connection: Connection) -> set[str]:
    """Devices that have a release whose rollout is under way."""
    t = rollout_devices.c
    trying = (
        select(t.device)
        .join(rollouts, rollouts.c.id == t.rollout)
        .where(t.state.in_(("trial", "confirmed")), rollouts.c.state.in_(("running", "paused")))
    )
    return set(connection.scalars(trying))


def ask_oracles(
    queue: Queue, truth: Mapping[int, str], error: float, time: float, rng: np.random.Generator
) -> None:
    """As many oracles as the queue needs label each sample of `truth` (id -> class), each wrong in a share
    `error` of cases; on what they do not agree, one more is asked. What is disputed then stays open."""
    people = queue.needed + (queue.needed > 1)
    for i in range(people):
        oracle = Oracle(f"{ORACLE}-{i + 1}" if people > 1 else ORACLE, error, rng)
        for sample in queue.open(oracle.name):
            if sample.id in truth:
                said = oracle(truth[sample.id], queue.classes)
                queue.answer(sample.id, oracle.name, said, time)


def random_shares(
    rows: Rows, errors: Mapping[str, float], asked: Collection[str], share: float
) -> dict[str, float]:
    """By device, how likely one of its windows is drawn, relative to others': as the root of its expected
    `errors`, for so few labels tell most about the fleet's errors (J. Neyman, 1934); all of the devices
    `asked` get a `share` of the draws at least."""
    size = {n: errors[n] ** 0.5 for n in rows}
    own, others = [n for n in rows if n in asked], [n for n in rows if n not in asked]
    mine, theirs = (sum(size[n] * len(rows[n]) for n in names) for names in (own, others))
    if mine and theirs:
        more = max(1.0, share / (1 - share) * theirs / mine)
        size |= {n: size[n] * more for n in own}
    return size


def draw_random(
    rows: Rows, count: int, share: Mapping[str, float], rng: np.random.Generator
) -> Chosen:
    """`count` windows of `rows`, each with the number of windows that it stands for; one of a device with
    twice the `share` is twice as likely."""
    # alike beside each other: so each kind of device has its part of the draws
    names = sorted(rows, key=lambda n: (share[n], n))
    place = [(name, int(row)) for name in names for row in rng.permutation(rows[name])]
    size = np.array([share[name] for name, _ in place])
    return _of_devices(draw_windows(size, count, rng), place)


def most_telling(
    found: Answers, rows: Rows, share: Mapping[str, float], count: int, rng: np.random.Generator
) -> Chosen:
    """The least sure and the strangest windows of `rows` in turn: of each device and class that it answered
    the first, then the second of each …; who has twice the `share` has its second when the others have their
    first."""
    place = [(name, int(row)) for name in sorted(rows) for row in rows[name]]
    if not place:
        return []
    scores = [
        np.concatenate(
            [
                _turns(sign * found[n][k][own], found[n]["predicted"][own]) / share[n]
                for n, own in sorted(rows.items())
            ]
        )
        for k, sign in (("confidence", 1), ("novelty", -1))
    ]
    picked = choose_windows(scores[0], -scores[1], count, rng, random_share=0.0)
    return _of_devices(picked, place)


def expected_errors(
    samples: Iterable[Sample], classes: Sequence[str], names: Iterable[str], drifted: Iterable[str]
) -> dict[str, float]:
    """By device, the share of its windows that is answered wrongly, as its labelled `samples` tell: the mean
    of a beta distribution, so that who has no label yet may be all wrong or all right. Of a device that has
    not `drifted` half of that. A drift that costs nothing is asked about a few times, and then no more."""
    wrong, of = dict[str, int](), dict[str, int]()
    for s in samples:
        if s.label is not None:
            of[s.device] = of.get(s.device, 0) + 1
            wrong[s.device] = wrong.get(s.device, 0) + (classes[s.predicted] != s.label)
    known, noticed = sorted(names), set(drifted)
    mean = {n: (wrong.get(n, 0) + 1) / (of.get(n, 0) + 2) for n in known}
    return {n: m if n in noticed else m / 2 for n, m in mean.items()}


def _of_devices(picked: Iterable[Choice], place: Sequence[tuple[str, int]]) -> Chosen:
    """Choices among the windows in `place`, each with its device and its row there."""
    return [(place[c.row][0], replace(c, row=place[c.row][1])) for c in picked]


def _turns(score: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    """(n,) whose order is the rank of `score` within its device and predicted class, and within a rank the
    score: a class that is always answered with doubt does not take all the labels."""
    rank = np.empty(len(score))
    for c in np.unique(predicted):
        own = np.flatnonzero(predicted == c)
        rank[own] = np.argsort(np.argsort(score[own], kind="stable"), kind="stable")
    return rank + 0.5 + score / (2 * (1 + np.abs(score)))


def _count_up(connection: Connection, device: str, week: int, size: int) -> None:
    w = device_weeks
    mine = (w.c.device == device) & (w.c.week == week)
    connection.execute(update(w).where(mine).values(bytes_up=w.c.bytes_up + size))


def labelled(
    connection: Connection, loop: Loop, random: bool, since: int = 0
) -> tuple[Windows, list[Sample]]:
    """(windows as they came, their samples), of the weeks from `since`, whose labels are done: for the gate
    (`random`) or training."""
    queue = loop.queue(connection)
    rows = [
        s for s in queue.all()
        if (s.reason == RANDOM) == random and s.week >= since and queue.done(s)
    ]  # fmt: skip
    old, firmware = loop.old, loop.site.program().firmware
    X = np.zeros((len(rows), *old.X.shape[1:]), np.float32)
    for i, row in enumerate(rows):
        data = loop.objects.get(row.object)
        X[i] = stored_window(data, firmware.step, firmware.sensitivity)
    y = np.array([old.classes.index(r.label) for r in rows], np.int64)
    name = np.array([r.device for r in rows], dtype=str)
    origin = np.array([f"{r.device}-{r.week}@{r.id}" for r in rows], dtype=str)
    field = np.full(len(rows), old.domain[0])
    return Windows(X, y, old.classes, name, field, origin, old.rate, simulated=True), rows
