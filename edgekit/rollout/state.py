"""One rollout in memory: its row and its devices' rows, and the only places where a device changes its state.

waiting ── install ──► trial ── healthy ──► confirmed ── taken back ──► reverted
   │ ▲                   │ ├──── ill ───────────────────────────────────► reverted ── its labels ──► waiting
   │ └─ gave up itself ──┘ └─ again and again ─► failed
   ├── refused again and again ────────────────► failed ── retry ──► waiting
   └── aborted, or a newer release came ───────► skipped
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from sqlalchemy import Connection, select, update

from edgekit.cloud.tables import rollout_devices, rollouts
from edgekit.core.errors import EdgekitError
from edgekit.rollout import waves
from edgekit.rollout.health import Health
from edgekit.rollout.judgement import Judgement
from edgekit.rollout.waves import Policy, is_silent

OUTCOMES = ("trial", "confirmed", "reverted", "failed", "waiting")
TRIES_BACK = 3  # after so many a device that refuses to be taken back may get a newer release
AGAIN_MOST = 8  # weeks between two tries
RESTLESS = 2.0  # boots a week, before the release, of a device whose restarts tell nothing


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


@dataclass
class Run:
    """`row` of `rollouts` and `devices` of `rollout_devices`, changed here and written by `save`."""

    row: dict
    devices: list[dict]
    policy: Policy
    before: dict[str, dict]
    ill: set[str] = field(default_factory=set)  # of this step

    @property
    def id(self) -> int:
        return self.row["id"]

    @property
    def state(self) -> str:
        return self.row["state"]

    @property
    def release(self) -> int:
        return self.row["release"]

    def took(self) -> list[str]:
        """Devices that run the release, on trial or for good."""
        return [r["device"] for r in self.devices if r["state"] in ("trial", "confirmed")]

    def orders(self) -> list[Order]:
        """As they were told at the last step; of those that were reported nothing is left."""
        return [
            Order(
                r["device"], r["told"], self.row["back"] if r["told"] == "revert" else self.release
            )
            for r in self.devices
            if r["told"]
        ]

    def seen(self, health: Mapping[str, Health]) -> None:
        """Who was reached since the last step, and who was not."""
        for r in self.devices:
            if r["state"] == "trial":
                ran = (
                    r["device"] in health and health[r["device"]].weeks[-1].release == self.release
                )
                r["missed"] = 0 if ran else r["missed"] + 1
            elif r["state"] == "waiting":
                away = r["told"] == "install" or r["device"] not in health
                r["missed"] = r["missed"] + 1 if away else 0
            r["told"] = ""

    def judged(self, found: Judgement, health: Mapping[str, Health], week: int) -> str:
        """Take a judgement to the devices; why the rollout is to be aborted, or ""."""
        self.ill = {d for d in found.ill if d in self.took()}
        for r in self.devices:
            name, known = r["device"], health.get(r["device"])
            if name in self.ill:
                r.update(healthy=False, reason=found.ill[name][:400])
            elif r["state"] == "trial" and known and not r["missed"]:
                weeks = sum(v.release == self.release for v in known.weeks)
                latecomer = self.state == "done" and r["cohort"] in self.proven()
                if name in found.unjudged and not latecomer:
                    missed = self.before[name]["missed"] + 1  # such a week is none
                    r.update(missed=missed, reason=found.unjudged[name])
                elif weeks >= self.policy.health_weeks:
                    r.update(healthy=True, reason="")
        if (
            self.state == "done"
        ):  # a latecomer's illness is its own, unless none of its cohort is well
            return self._too_many(self.proven()) or self._incidents(health)
        return found.release or self._too_many() or self._incidents(health)

    def proven(self) -> set[str]:
        """Cohorts in which a device is well with the release."""
        return {r["cohort"] for r in self.devices if r["healthy"]}

    def _too_many(self, spared: Collection[str] = ()) -> str:
        """In a cohort: one where none is well with the release, else more than one and than the share.

        spared: cohorts that are not counted.
        """
        for r in self.devices:
            if r["device"] not in self.ill or r["cohort"] in spared:
                continue
            own = [o for o in self.devices if o["cohort"] == r["cohort"]]
            took = [o for o in own if o["state"] in ("trial", "confirmed", "reverted")]
            bad = [o for o in took if o["device"] in self.ill or o["state"] == "reverted"]
            allowed = int(self.policy.abort_share * len(took))
            if len(bad) > max(allowed, r["cohort"] in self.proven()):
                where = f"of {len(took)} in cohort {r['cohort']}".removesuffix(" in cohort ")
                return f"{len(bad)} {where} ill; {r['device']}: {r['reason']}"
        return ""

    def _incidents(self, health: Mapping[str, Health]) -> str:
        """Devices that gave the release up themselves, or have not been heard of since they took it."""
        count, took, some = 0, 0, ""
        for r in self.devices:
            took += r["state"] not in ("waiting", "skipped") or r["incidents"] > 0
            has_had = (
                r["state"] == "trial" or r["incidents"]
            )  # and who gave it up may be broken by it
            silent = bool(has_had) and r["device"] not in health and is_silent(r, self.policy)
            if silent or (r["incidents"] and not _restless(health.get(r["device"]), self.release)):
                count += r["incidents"] + silent
                some = f"{r['device']}: {r['reason'] or 'silent since it took the release'}"
        if count >= max(self.policy.incidents, int(self.policy.abort_share * took) + 1):
            return f"{count} gave the release up or fell silent; {some}"
        return ""

    def doubted(self) -> set[str]:
        """Devices that it was taken back from alone, and that may still be asked again."""
        if self.state == "aborted":
            return set()
        back = [r for r in self.devices if r["state"] == "reverted"]
        return {r["device"] for r in back if r["tries"] < self.policy.tries}

    def ask_again(self, better: Collection[str], week: int) -> None:
        """Those for which the release is better by their labels, though by their health they were ill."""
        doubted = self.doubted()
        for r in self.devices:
            if r["device"] in doubted and r["device"] in better:
                why = f"better by its labels, though: {r['reason']}"
                r.update(state="waiting", missed=0, next_week=week, since=week, reason=why[:400])

    def tell(self, week: int, held: Collection[str]) -> None:
        """Each device's order. held: those that get nothing now."""
        offered: Iterable[str] = ()
        if self.state in ("running", "done"):
            offered = waves.offers(self.devices, self.row["wave"], week)
        for r in self.devices:
            if r["state"] == "trial":
                lost = r["missed"] >= self.policy.wave_weeks and not r["healthy"]
                if lost:
                    r["reason"] = "not heard of since it took the release"
                if self.state == "aborted" or lost or r["device"] in self.ill:
                    r["told"] = "give up"
                elif r["healthy"]:
                    r["told"] = "confirm"
            elif r["device"] in offered and r["device"] not in held:
                r["told"] = "install"

    def reported(self, device: str, week: int, outcome: str, reason: str) -> None:
        """As `edgekit.rollout.report`."""
        r = next((r for r in self.devices if r["device"] == device), None)
        if r is None:
            raise EdgekitError(f"rollout {self.id} has no device {device[:64]!r}")
        state, told, reason = r["state"], r["told"], reason[:400]
        if outcome == "waiting" or state == outcome:
            return
        if (
            not told
            and r["since"] == week
            and outcome in ("reverted", "failed")
            and state != "trial"
        ):
            return  # said twice
        match state, told, outcome:
            case "waiting", "install", "trial":
                r.update(state="trial", since=week, missed=0, tries=r["tries"] + 1, reason="")
            case "waiting", "install", "failed":
                self._again(r, week, reason)
            case ("waiting", "install", "reverted") | ("trial", _, "reverted") if told != "give up":
                r.update(incidents=r["incidents"] + 1, healthy=False)
                self._again(r, week, reason or "gave the release up itself")
            case "trial", "give up", "reverted":
                r.update(state="reverted", since=week, reason=r["reason"] or reason)
            case "trial", _, "confirmed" if r["healthy"] or self.state == "aborted":
                r.update(state="confirmed", since=week, reason=reason, tries=0)
            case "confirmed", "revert", "reverted":
                r.update(state="reverted", since=week, reason=self.row["reason"] or reason)
            case "confirmed", "revert", "failed":
                r.update(tries=r["tries"] + 1, reason=reason)
                r["next_week"] = week + _pause(r["tries"])
            case "trial", _, "failed":
                r["reason"] = reason
            case _:
                raise EdgekitError(
                    f"device {device} is {state} in rollout {self.id}"
                    f"{f' and was told to {told}' if told else ''}: it cannot be {outcome}"
                )
        r["told"] = ""

    def _again(self, r: dict, week: int, reason: str) -> None:
        """Later once more; not for ever, and not if the rollout was aborted."""
        if r["state"] == "waiting":
            r["tries"] += 1
        over = r["tries"] >= self.policy.tries
        state = "reverted" if self.state == "aborted" else "failed" if over else "waiting"
        r.update(state=state, since=week, reason=reason, next_week=week + _pause(r["tries"]))


def _pause(tries: int) -> int:
    """Weeks until the next try: 1, 2, 4, 8, 8 …"""
    return min(2 ** max(tries - 1, 0), AGAIN_MOST)


def _restless(health: Health | None, release: int) -> bool:
    """Did it restart again and again before it had the release?"""
    before = [v.boots for v in health.weeks if v.release != release] if health else []
    return bool(before) and sum(before) / len(before) >= RESTLESS


def load(connection: Connection, rollout: int) -> Run:
    """The rollout whose id is `rollout`, as it was saved last. Raises EdgekitError if there is none."""
    row = connection.execute(select(rollouts).where(rollouts.c.id == rollout)).mappings().first()
    if row is None:
        raise EdgekitError(f"there is no rollout {rollout}: `edgekit fleet status` lists them")
    t = rollout_devices
    found = connection.execute(select(t).where(t.c.rollout == rollout).order_by(t.c.device))
    devices = [dict(r) for r in found.mappings()]
    before = {r["device"]: dict(r) for r in devices}
    return Run(dict(row), devices, Policy.from_row(row["policy"]), before)


def save(connection: Connection, run: Run) -> None:
    """What changed."""
    values = {k: v for k, v in run.row.items() if k not in ("id", "release", "policy")}
    connection.execute(update(rollouts).where(rollouts.c.id == run.id).values(**values))
    t = rollout_devices
    for r in run.devices:
        if r != run.before[r["device"]]:
            mine = (t.c.rollout == run.id) & (t.c.device == r["device"])
            connection.execute(update(t).where(mine).values(**r))
