"""Who gets a release when: canaries from every cohort, then a tenth, then all."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass

import numpy as np

from edgekit.core.errors import EdgekitError


@dataclass(frozen=True)
class Policy:
    """How careful a rollout is; docs/rollout.md says why these numbers.

    waves: of all devices that may have the release by then, a share (0.1) or a count (5). The first is of
    canaries: of each cohort `canaries`, but no more than a quarter and one at least, for one alone may have
    begun to drift, or show by chance nothing. health_weeks: seen with the release on trial before a device's
    verdict. soak_weeks: that a wave takes at least. patience_weeks: without a word, after which nobody waits
    for a device. wave_weeks: a wave that is not followed by the next by then has failed. tries: of an
    install on one device, with 1, 2, 4 … weeks between. abort_share: of a cohort's devices that may be
    ill; one, where the cohort has one that is well, and none before. incidents: devices that gave the
    release up themselves or fell silent, at which it is aborted. alpha: probability that a good release is
    aborted for its health in a week, by the test's own reckoning. labels: random labelled samples that
    promotion takes, 0: it does not ask. worst: loss of accuracy that they must exclude.
    """

    waves: tuple[float, ...] = (0.05, 0.10, 1.0)
    canaries: int = 2
    health_weeks: int = 1
    soak_weeks: int = 1
    patience_weeks: int = 2
    wave_weeks: int = 8
    tries: int = 3
    abort_share: float = 0.1
    incidents: int = 2
    alpha: float = 0.02
    labels: int = 20
    worst: float = 0.10

    def __post_init__(self):
        if not self.waves or any(w <= 0 for w in self.waves):
            raise EdgekitError(f"waves are shares or counts above 0, not {self.waves}")
        counts = (
            "health_weeks",
            "soak_weeks",
            "patience_weeks",
            "wave_weeks",
            "canaries",
            "tries",
            "incidents",
        )
        for name in counts:
            if getattr(self, name) < 1:
                raise EdgekitError(f"{name} of a rollout is 1 or more, not {getattr(self, name)}")
        if not (0 <= self.abort_share < 1 and 0 < self.alpha < 1 and 0 < self.worst <= 1):
            raise EdgekitError("abort_share, alpha and worst of a rollout lie between 0 and 1")
        if self.labels < 0:
            raise EdgekitError("labels of a rollout are 0 or more")

    def to_row(self) -> dict:
        return {**asdict(self), "waves": list(self.waves)}

    @classmethod
    def from_row(cls, row: Mapping) -> Policy:
        return cls(**{**row, "waves": tuple(row["waves"])})


def draw(devices: Mapping[str, str], policy: Policy, seed: int) -> dict[str, int]:
    """The wave of each device, by name. devices: the cohort of each.

    Stratified: each wave has of every cohort what is its share, and the first its canaries. The same seed
    draws the same.
    """
    rng = np.random.default_rng(seed)
    cohorts: dict[str, list[str]] = {}
    for name in sorted(devices):
        cohorts.setdefault(devices[name], []).append(name)
    order: list[tuple[float, float, str]] = []
    leading = 0
    for cohort in sorted(cohorts):
        names = cohorts[cohort]
        rng.shuffle(names)
        for rank, name in enumerate(names):
            first = rank < max(1, min(policy.canaries, len(names) // 4))
            leading += first
            order.append((-1 if first else (rank + 0.5) / len(names), rng.random(), name))
    order.sort()
    waves, begun = {}, 0
    for wave, size in enumerate(policy.waves):
        end = math.ceil(size * len(order)) if size <= 1 and isinstance(size, float) else int(size)
        end = max(end, leading)
        if wave == len(policy.waves) - 1:
            end = len(order)
        for *_, name in order[begun:end]:
            waves[name] = wave
        begun = max(begun, min(end, len(order)))
    return waves


def is_silent(row: Mapping, policy: Policy) -> bool:
    """Nobody waits for it any more; when it comes back it goes on as if it had not been away."""
    return row["missed"] >= policy.patience_weeks


def offers(rows: Iterable[Mapping], wave: int, week: int) -> list[str]:
    """Devices that are offered the release this week, by name.

    Of a cohort in which no device was found well with it yet, the canaries alone, however far the waves are.
    rows: of `rollout_devices`.
    """
    rows = list(rows)
    proven = {r["cohort"] for r in rows if r["healthy"]}
    return sorted(
        r["device"]
        for r in rows
        if r["state"] == "waiting"
        and r["next_week"] <= week
        and (r["wave"] == 0 or (r["wave"] <= wave and r["cohort"] in proven))
    )


def stand_in(rows: list[dict], policy: Policy) -> None:
    """In a cohort whose canaries are all out of reach or failed, another of its devices becomes one.

    In the place of one that never had the release, so that they do not become more while a cohort is away.
    """
    for cohort in sorted({r["cohort"] for r in rows}):
        own = [r for r in rows if r["cohort"] == cohort]
        canaries = [r for r in own if r["wave"] == 0 and r["state"] in ("waiting", "trial")]
        if any(r["healthy"] for r in own) or not all(is_silent(r, policy) for r in canaries):
            continue
        others = [r for r in own if r["wave"] > 0 and r["state"] == "waiting"]
        new = min(others, key=lambda r: (r["missed"], r["wave"], r["device"]), default=None)
        untouched = [r for r in canaries if r["state"] == "waiting" and not r["incidents"]]
        old = max(untouched, key=lambda r: r["missed"], default=None)
        if new is None or (old and new["missed"] >= old["missed"]):
            continue
        if old:
            old["wave"] = new["wave"]
        new["wave"] = 0


def is_complete(rows: Iterable[Mapping], wave: int, weeks: int, policy: Policy) -> bool:
    """Is each device of the waves so far well, given up, or not waited for; and one well at least?

    weeks: that the wave has taken. After patience_weeks it waits for nobody who was not reached, as a
    cohort that is away begins with its canaries whenever it comes.
    """
    patient = weeks < policy.patience_weeks
    rows = [r for r in rows if r["wave"] <= wave]

    proven = {r["cohort"] for r in rows if r["healthy"]}

    def is_awaited(r: Mapping) -> bool:
        if r["healthy"] or is_silent(r, policy):
            return False
        if not patient and r["wave"] > 0 and r["cohort"] not in proven:
            return False  # it is not offered yet
        return r["state"] == "trial" or (r["state"] == "waiting" and (patient or not r["missed"]))

    return any(r["healthy"] for r in rows) and not any(map(is_awaited, rows))
