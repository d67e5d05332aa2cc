"""Whatever comes: faults, devices that are away, commands, kills; a rollout keeps what it promises."""

import copy
import os
from contextlib import suppress

import hypothesis.strategies as st
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from sqlalchemy import select

from edgekit import rollout as ro
from edgekit.cloud.commands import COMMANDS, ask
from edgekit.cloud.tables import commands, releases
from edgekit.core.errors import EdgekitError
from edgekit.rollout.waves import Policy
from tests.rollout import fleets

DIAGRAM = {
    ("waiting", "trial"), ("waiting", "failed"), ("waiting", "skipped"), ("trial", "confirmed"),
    ("trial", "reverted"), ("trial", "waiting"), ("trial", "failed"), ("confirmed", "reverted"),
    ("confirmed", "failed"), ("failed", "waiting"),
}  # fmt: skip
LONG = 60  # weeks after which nobody may still be under way


class Killed(Exception):
    pass


class Rollouts(RuleBasedStateMachine):
    @initialize(
        sizes=st.lists(st.integers(1, 6), min_size=1, max_size=3),
        waves=st.sampled_from([(0.05, 0.1, 1.0), (1, 1.0), (0.2, 5, 1.0)]),
        seed=st.integers(0, 99),
    )
    def start(self, sizes, waves, seed):
        cohorts = {f"d{c}{i}": f"c{c}" for c, n in enumerate(sizes) for i in range(n)}
        self.engine = fleets.database()
        self.fleet = fleets.Fleet(cohorts, seed=seed)
        self.week = fleets.history(self.fleet)
        self.policy = Policy(waves=waves, labels=0, alpha=1e-4)
        self.rollouts: dict[int, int] = {}
        self.results: dict[int, str] = {}
        self.states: dict[tuple[int, str], str] = {}
        self.unseen: set[int] = set()  # releases that others took while all whom it harms were away

    def teardown(self):
        if not hasattr(self, "engine"):
            return
        with self.engine.begin() as c:
            for rollout in self.rollouts:
                with suppress(EdgekitError):  # it is over
                    ask(c, rollout, "resume")
        for _ in range(LONG):
            self.pass_week(set(self.fleet.cohorts))
            with self.engine.begin() as c:
                if not ro.open_rollouts(c):
                    break
        with self.engine.begin() as c:
            assert ro.open_rollouts(c) == []
            for rollout, release in self.rollouts.items():
                run = fleets.state(c, rollout)
                assert run["state"] in ("done", "aborted")
                for device in self.fleet.cohorts:
                    if self.may_not_spread_to(device, release):
                        assert self.fleet.runs(device) != release
        self.engine.dispose()

    @rule(fault=st.sampled_from(fleets.FAULTS), one_cohort=st.booleans())
    def release(self, fault, one_cohort):
        with self.engine.begin() as c:
            if any(fleets.state(c, r)["state"] in ("running", "paused") for r in self.rollouts):
                return
            number = max(c.scalars(select(releases.c.number))) + 1
            fleets.add_release(c, number)
            self.fleet.faults[number] = fault
            self.fleet.ill_in[number] = min(self.fleet.cohorts.values()) if one_cohort else ""
            rollout = ro.begin(c, number, self.fleet.cohorts, self.week, self.policy, self.week)
            self.rollouts[rollout] = number

    @precondition(lambda self: self.rollouts)
    @rule(what=st.sampled_from(COMMANDS), which=st.integers(0, 9), device=st.booleans())
    def command(self, what, which, device):
        rollout = sorted(self.rollouts)[which % len(self.rollouts)]
        name = sorted(self.fleet.cohorts)[which % len(self.fleet.cohorts)]
        with self.engine.begin() as c, suppress(EdgekitError):  # what cannot be asked now
            asked = ask(c, rollout, what, name if device and what == "retry" else "")
            self.results.setdefault(asked, "")

    @rule(away=st.sets(st.integers(0, 17), max_size=6), kill=st.integers(0, 12))
    def week_passes(self, away, kill):
        names = sorted(self.fleet.cohorts)
        self.pass_week({n for i, n in enumerate(names) if i not in away}, kill)

    @rule(away=st.integers(0, 17), weeks=st.integers(3, 12))
    def one_is_away_for_long(self, away, weeks):
        names = sorted(self.fleet.cohorts)
        for _ in range(weeks):
            self.pass_week(set(names) - {names[away % len(names)]})

    def pass_week(self, seen, kill=0):
        """With a kill in the middle the transaction is lost, and the simulated devices' doings with it."""
        before = copy.deepcopy(self.fleet)
        try:
            with self.engine.begin() as c:
                told = fleets.week_of(c, self.fleet, self.week, seen)
                if kill > 6:
                    raise Killed
        except Killed:
            again, self.fleet = told, before
            with self.engine.begin() as c:
                told = fleets.week_of(c, self.fleet, self.week, seen)
                assert told == again
        with self.engine.begin() as c:
            withdrawn = set(
                c.scalars(select(releases.c.number).where(releases.c.state == "withdrawn"))
            )
            for order in told:
                assert order.action != "install" or order.release not in withdrawn
            for rollout, release in self.rollouts.items():
                all_rows = fleets.rows(c, rollout)
                again = ro.step(c, rollout, self.week, {}, None)  # the same week: nothing more
                assert all(o in told for o in again)
                assert fleets.rows(c, rollout) == all_rows
                if fleets.state(c, rollout)["state"] == "paused":
                    assert not [o for o in told if (o.action, o.release) == ("install", release)]
        self.week += 1
        self.keeps_its_promises()

    def may_not_spread_to(self, device, release):
        """One device that falls silent is no fault yet: where only one cohort does, the others go on. So
        they do while nobody of the cohort that a release harms is there to show it."""
        fault, cohort = self.fleet.faults[release], self.fleet.ill_in.get(release)
        other = cohort not in ("", self.fleet.cohorts[device])
        took = self.fleet.took.get(release, set())
        alone = sum(self.fleet.cohorts[d] == cohort for d in took) <= 1  # its only canary
        quiet = fault == "mute" or (fault == "crash" and alone)
        return fault and not (other and (quiet or release in self.unseen))

    def note_unseen(self, release, waves, state):
        """`waves`: of each device. In a small fleet all are canaries: there it is `done` without the rest."""
        cohort, took = self.fleet.ill_in.get(release), self.fleet.took.get(release, set())
        if (
            cohort
            and cohort not in {self.fleet.cohorts[d] for d in took}
            and took
            and (state == "done" or any(waves[d] for d in took))
        ):
            self.unseen.add(release)

    @invariant()
    def keeps_its_promises(self):
        if not hasattr(self, "engine"):
            return
        with self.engine.begin() as c:
            for rollout, release in self.rollouts.items():
                rows = fleets.rows(c, rollout)
                waves, state = {d: r["wave"] for d, r in rows.items()}, fleets.state(c, rollout)
                self.note_unseen(release, waves, state["state"])
                for device, r in rows.items():
                    was = self.states.get((rollout, device), "waiting")
                    assert was == r["state"] or (was, r["state"]) in DIAGRAM
                    self.states[rollout, device] = r["state"]
                    if self.may_not_spread_to(device, release):
                        took = self.fleet.took.get(release, set())
                        assert device not in took or r["wave"] == 0
            for r in c.execute(select(commands)).mappings():
                if self.results.get(r["id"]):
                    assert self.results[r["id"]] == r["result"]  # not obeyed again
                if r["obeyed"]:
                    assert r["result"]
                    self.results[r["id"]] = r["result"]


TestRollouts = Rollouts.TestCase
TestRollouts.settings = settings(
    max_examples=int(os.environ.get("FLEET_EXAMPLES", 4)),
    stateful_step_count=20,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.explicit, Phase.reuse, Phase.generate],  # to shrink takes minutes
)
