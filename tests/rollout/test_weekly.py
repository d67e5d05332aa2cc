"""What a rollout decides, week by week."""

import pytest

from edgekit import rollout as ro
from edgekit.cloud.commands import ask
from edgekit.core.errors import EdgekitError
from edgekit.rollout.promotion import PairedLabels
from edgekit.rollout.waves import Policy, draw
from tests.rollout import fleets

COHORTS = {f"d{i:02d}": f"c{i % 3}" for i in range(23)} | {"alone": "rare"}
CANARIES = 2 + 2 + 1 + 1  # two of a cohort of eight, one of seven, and the one that is alone
POLICY = Policy(labels=0)


@pytest.fixture
def world():
    """A fleet of 24 with four weeks of history, and a database in which release 2 may be rolled out."""
    fleet = fleets.Fleet(dict(COHORTS))
    engine = fleets.database()
    fleets.history(fleet)
    with engine.begin() as connection:
        fleets.add_release(connection, 2)
        yield connection, fleet
    engine.dispose()


def go(connection, fleet, weeks, first=4, away=()):
    return [
        fleets.week_of(connection, fleet, w, set(fleet.cohorts) - set(away))
        for w in range(first, first + weeks)
    ]


def test_every_cohort_has_its_canary_and_a_seed_draws_the_same():
    waves = draw(COHORTS, POLICY, 7)
    assert {COHORTS[d] for d, w in waves.items() if w == 0} == set(COHORTS.values())
    assert sum(w == 0 for w in waves.values()) == CANARIES
    assert waves == draw(COHORTS, POLICY, 7) != draw(COHORTS, POLICY, 8)
    large = {f"d{i}": f"c{i % 4}" for i in range(400)}
    sizes = [sum(w <= n for w in draw(large, POLICY, 0).values()) for n in range(3)]
    assert sizes == [20, 40, 400]
    for canaries, first in ((1, 6), (2, 8)):  # of four cohorts
        policy = Policy(waves=(6, 50, 1.0), canaries=canaries)
        counts = [sum(w == n for w in draw(large, policy, 0).values()) for n in range(3)]
        assert counts == [first, 50 - first, 350]


def test_a_good_release_goes_from_canaries_to_all(world):
    connection, fleet = world
    rollout = ro.begin(connection, 2, COHORTS, 4, POLICY)
    sizes = []
    for week in range(4, 9):
        fleets.week_of(connection, fleet, week)
        sizes.append(len(fleet.took[2]))
    assert sizes[0] == CANARIES
    assert sizes[-1] == 24
    assert sizes == sorted(sizes)
    assert fleets.state(connection, rollout)["state"] == "done"
    assert set(fleet.confirmed.values()) == {2}
    assert not fleet.trial
    assert ro.open_rollouts(connection) == []


def test_a_bad_release_stays_with_the_canaries_and_is_never_offered_again(world):
    connection, fleet = world
    fleet.faults[2] = "wrong"
    rollout = ro.begin(connection, 2, COHORTS, 4, POLICY)
    go(connection, fleet, 3)
    assert fleets.state(connection, rollout)["state"] == "aborted"
    assert "agreement" in fleets.state(connection, rollout)["reason"]
    assert len(fleet.took[2]) == CANARIES
    assert set(fleet.confirmed.values()) == {1}
    assert not fleet.trial
    with pytest.raises(EdgekitError, match="withdrawn: it is never offered again"):
        ro.begin(connection, 2, COHORTS, 9, POLICY)


def test_a_cohort_that_was_away_begins_with_its_canaries_however_far_the_others_are(world):
    connection, fleet = world
    fleet.faults[2], fleet.ill_in[2] = "wrong", "c1"
    away = [d for d, c in COHORTS.items() if c == "c1"]
    rollout = ro.begin(connection, 2, COHORTS, 4, POLICY)
    go(connection, fleet, 12, away=away)
    assert fleets.state(connection, rollout)["state"] == "done"
    go(connection, fleet, 4, first=16)  # all of it comes back in the same week
    assert fleets.state(connection, rollout)["state"] == "aborted"
    rows = fleets.rows(connection, rollout)
    took = fleet.took[2] & set(away)
    assert took
    assert {rows[d]["wave"] for d in took} == {0}
    assert len(took) < len(away)
    assert 2 not in fleet.confirmed.values()


def test_what_was_confirmed_is_taken_back_under_a_new_number(world):
    connection, fleet = world
    rollout = ro.begin(connection, 2, COHORTS, 4, POLICY)
    go(connection, fleet, 6)
    ask(connection, rollout, "abort")
    told = [o for week in go(connection, fleet, 2, first=10, away=("d03",)) for o in week]
    assert {(o.action, o.release) for o in told} == {("revert", 3)}
    assert fleet.confirmed.pop("d03") == 2
    assert set(fleet.confirmed.values()) == {3}
    fleet.confirmed["d03"] = 2
    go(connection, fleet, 1, first=12)  # it comes back
    assert set(fleet.confirmed.values()) == {3}
    assert ro.open_rollouts(connection) == []
    fleets.add_release(connection, 4)
    assert ro.begin(connection, 4, COHORTS, 13, POLICY)


def test_a_device_that_was_away_for_three_releases_arrives(world):
    connection, fleet = world
    week = 4
    for number in (2, 3, 4):
        if number > 2:
            fleets.add_release(connection, number)
        ro.begin(connection, number, COHORTS, week, POLICY)
        go(connection, fleet, 8, first=week, away=("d05",))
        week += 8
    assert fleet.confirmed["d05"] == 1
    (order,) = go(connection, fleet, 1, first=week)[0]
    assert (order.device, order.action, order.release) == ("d05", "install", 4)
    go(connection, fleet, 2, first=week + 1)
    assert fleet.confirmed["d05"] == 4


def disagreeing(fleet, odd="d05"):
    """The device `odd`, with which the gateway disagrees as soon as it has release 2."""
    at_once = fleet.vitals
    fleet.vitals = lambda d, week, release, fault, boots: at_once(
        d, week, release, "wrong" if (d, release) == (odd, 2) else fault, boots
    )
    return odd


@pytest.mark.parametrize("right", [True, False])
def test_who_lost_a_release_alone_gets_it_again_if_its_own_labels_are_better_with_it(world, right):
    """The gateway may be the one that errs: on one device it disagrees with a release that is right."""
    connection, fleet = world
    odd = disagreeing(fleet)
    labels = PairedLabels(both=3, new_only=6 if right else 3, old_only=0 if right else 3)
    rollout = ro.begin(connection, 2, COHORTS, 4, POLICY)
    go(connection, fleet, 8)
    assert fleets.state(connection, rollout)["state"] == "done"
    assert fleet.confirmed[odd] == 1
    assert {d for d, n in fleet.confirmed.items() if n == 2} == set(COHORTS) - {odd}
    assert ro.doubted(connection) == {odd}
    assert "agreement" in fleets.rows(connection, rollout)[odd]["reason"]
    fleet.labels = lambda _: {odd: labels}  # somebody looked at its windows
    go(connection, fleet, 4, first=12)
    assert fleet.confirmed[odd] == (2 if right else 1)
    assert ro.doubted(connection) == (set() if right else {odd})


def test_labels_bring_no_release_back_that_a_newer_one_has_replaced(world):
    connection, fleet = world
    odd = disagreeing(fleet)
    old = ro.begin(connection, 2, COHORTS, 4, POLICY)
    go(connection, fleet, 8)
    assert fleets.rows(connection, old)[odd]["state"] == "reverted"
    fleets.add_release(connection, 3)
    ro.begin(connection, 3, COHORTS, 12, POLICY)
    labels = {odd: PairedLabels(new_only=9)}
    told = ro.step(
        connection, old, 12, fleet.health(11), labels
    )  # as when a device of it is on trial
    assert told == []
    assert fleets.rows(connection, old)[odd]["state"] == "reverted"


def test_a_device_that_refuses_is_tried_again_and_then_left_until_asked(world):
    connection, fleet = world
    rollout = ro.begin(connection, 2, {"alone": "rare"}, 4, POLICY)
    weeks = []
    for week in range(4, 12):
        for order in ro.step(connection, rollout, week, fleet.health(3)):
            weeks.append(week)
            ro.report(connection, rollout, order.device, week, "failed", "too little room")
    assert weeks == [4, 5, 7]  # a week later, two weeks later
    row = fleets.rows(connection, rollout)["alone"]
    assert (row["state"], row["tries"], row["reason"]) == ("failed", 3, "too little room")
    ask(connection, rollout, "retry", "alone")
    assert [
        o.action for o in ro.step(connection, rollout, 12, fleet.health(3))
    ] == []  # aborted by then
    assert fleets.state(connection, rollout)["state"] == "aborted"


def test_retry_of_one_device(world):
    connection, fleet = world
    rollout = ro.begin(connection, 2, COHORTS, 4, Policy(labels=0, tries=1))
    orders = ro.step(connection, rollout, 4, fleet.health(3))
    for o in orders:
        ro.report(connection, rollout, o.device, 4, "failed", "no room")
    ask(connection, rollout, "retry", orders[0].device)
    again = ro.step(connection, rollout, 5, fleet.health(3))
    assert orders[0] in again
    assert not {o.device for o in orders[1:]} & {
        o.device for o in again
    }  # others stand in for them


def test_while_paused_nobody_gets_it_and_who_has_it_is_judged(world):
    connection, fleet = world
    rollout = ro.begin(connection, 2, COHORTS, 4, POLICY)
    go(connection, fleet, 1)
    ask(connection, rollout, "pause")
    told = [o.action for week in go(connection, fleet, 3, first=5) for o in week]
    assert set(told) == {"confirm"}
    assert len(fleet.took[2]) == CANARIES
    ask(connection, rollout, "resume")
    go(connection, fleet, 5, first=8)
    assert len(fleet.took[2]) == 24


def test_no_labels_no_promotion(world):
    connection, fleet = world
    rollout = ro.begin(connection, 2, COHORTS, 4, Policy(wave_weeks=4))
    go(connection, fleet, 3)
    assert fleets.state(connection, rollout)["reason"] == "0 labelled samples of 20"
    go(connection, fleet, 4, first=7)
    run = fleets.state(connection, rollout)
    assert run["state"] == "aborted"
    assert "not shown to be good" in run["reason"]
    assert set(fleet.confirmed.values()) == {1, 3}
    assert len(fleet.took[2]) == CANARIES


@pytest.mark.parametrize(("numbers", "said"), [((2, 2), "under way"), ((9,), "no release 9")])
def test_what_cannot_begin(world, numbers, said):
    connection, _ = world
    *before, number = numbers
    for one in before:
        ro.begin(connection, one, COHORTS, 4, POLICY)
    with pytest.raises(EdgekitError, match=said):
        ro.begin(connection, number, COHORTS, 4, POLICY)


def test_what_cannot_be_reported(world):
    connection, fleet = world
    rollout = ro.begin(connection, 2, COHORTS, 4, POLICY)
    (first, *_) = ro.step(connection, rollout, 4, fleet.health(3))
    with pytest.raises(EdgekitError, match="cannot be confirmed"):
        ro.report(connection, rollout, first.device, 4, "confirmed")
    with pytest.raises(EdgekitError, match="no device"):
        ro.report(connection, rollout, "stranger", 4, "trial")
    with pytest.raises(EdgekitError, match="Did you mean 'trial'"):
        ro.report(connection, rollout, first.device, 4, "trail")
    for _ in range(2):
        ro.report(connection, rollout, first.device, 4, "trial")
    assert fleets.rows(connection, rollout)[first.device]["tries"] == 1


@pytest.mark.parametrize("wrong", [{"waves": ()}, {"waves": (0, 1)}, {"tries": 0}, {"alpha": 2}])
def test_a_policy_that_means_nothing_is_refused(wrong):
    with pytest.raises(EdgekitError):
        Policy(**wrong)
