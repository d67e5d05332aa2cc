"""Choosing: the front, the short list and the choice, on made-up figures."""

import itertools

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from edgekit import learn
from edgekit.core.figures import measured
from edgekit.data.windows import Windows
from edgekit.design import Budget
from edgekit.search import choice
from edgekit.search.objective import TrialResult
from edgekit.search.trials import Row

UNITS = {"accuracy": "", "instructions": "instructions", "flash": "B", "ram": "B"}


def figures(accuracy, instructions, flash=1000, ram=100):
    values = (accuracy, instructions, flash, ram)
    return {k: measured(v, u, "made up") for (k, u), v in zip(UNITS.items(), values, strict=True)}


def row(number, *values, state="complete", kept=True):
    return Row(number, state, "", {}, figures(*values), {}, kept, 1.0)


def held_out(groups=10, each=40) -> Windows:
    """Windows of two classes, every group of one of them."""
    n = groups * each
    group = np.repeat(np.arange(groups), each)
    return Windows(
        np.zeros((n, 1, 1), np.float32), group % 2, ("a", "b"), group.astype(str),
        np.array(["field"] * n), np.zeros((n, 2), int), 1.0,
    )  # fmt: skip


def answers(wrong: dict[int, float], on=None) -> np.ndarray:
    """To `held_out`: in these groups this share is wrong."""
    on = on or held_out()
    predicted = on.y.copy()
    for group, share in wrong.items():
        rows = np.flatnonzero(on.group == str(group))
        predicted[rows[: round(share * len(rows))]] ^= 1
    return predicted


def final(name, wrong, instructions, **more):
    """Two seeds that are wrong alike."""
    predicted = answers(wrong)
    candidate = {"name": name}
    right = float((predicted == held_out().y).mean())
    result = TrialResult(candidate, figures(right, instructions, **more), predicted, b"", 1.0)
    return choice.Finalist(candidate, (result, result), (result, result))


def test_nothing_on_the_front_is_beaten_and_everything_else_is():
    rows = [
        row(n, a / 10, i, f) for n, (a, i, f) in enumerate(itertools.product(range(3), repeat=3))
    ]
    assert [r.number for r in choice.front(rows)] == [18]  # right most often, and free
    rows = [row(0, 0.9, 100), row(1, 0.8, 50), row(2, 0.8, 60), row(3, 0.95, 10, kept=False)]
    rows.append(row(4, 1.0, 1, state="failed"))
    assert [r.number for r in choice.front(rows)] == [1, 0]


HAND = final("hand", {0: 0.5, 1: 0.5}, 1000)


def test_a_lead_that_all_groups_make_is_worth_more_than_one_that_a_few_make():
    steady = final("steady", {0: 0.3, 1: 0.3}, 600)  # better wherever the hand-made one errs
    lucky = final("lucky", {2: 0.5}, 500)  # better on the whole, but worse somewhere
    assert lucky.accuracy > steady.accuracy > HAND.accuracy
    assert choice.choose([steady, lucky], Budget(), HAND, held_out()) is steady
    assert choice.choose([lucky], Budget(), HAND, held_out()) is lucky


def test_what_is_worse_or_over_the_budget_is_not_chosen():
    worse = final("worse", {0: 0.5, 1: 0.55}, 100)
    equal = final("equal", {0: 0.5, 1: 0.5}, 500)
    dear = final("dear", {}, 990)
    assert choice.choose([worse], Budget(), HAND, held_out()) is HAND
    assert choice.choose([worse, equal, dear], Budget(), HAND, held_out()) is equal
    assert (
        choice.choose(
            [equal, final("equal", {0: 0.5, 1: 0.5}, 400)], Budget(), HAND, held_out()
        ).instructions
        == 400
    )
    assert choice.choose([equal], Budget(flash_bytes=999), HAND, held_out()) is HAND
    assert choice.choose([dear], Budget(), HAND, held_out()) is dear


def test_where_none_leads_one_will_do_that_cannot_be_told_from_the_hand_made_student():
    near = final("near", {0: 0.1, 1: 0.95}, 500)  # half a point, which another group could turn
    far = final("far", {0: 0.1, 1: 0.95, 2: 0.1}, 500)
    surely = final("surely", {0: 0.525, 1: 0.525}, 500)  # half a point, wherever they differ
    dear = final("dear", {0: 0.1, 1: 0.95}, 800)
    assert choice.choose([near], Budget(), HAND, held_out()) is HAND
    assert choice.choose([far, surely, dear], Budget(), HAND, held_out(), alike=True) is HAND
    assert choice.choose([far, near, dear], Budget(), HAND, held_out(), alike=True) is near


def test_the_short_list_saves_a_quarter_first():
    rows = [
        row(0, 0.9, 1000),
        row(1, 0.9, 900),
        row(2, 0.9, 500),
        row(3, 0.9, 600),
        row(4, 0.9, 990),
    ]
    rows += [row(5, 0.9, 300, kept=False), row(6, 0.9, 10, state="failed")]
    predicted = {0: answers({0: 0.5}), 1: answers({}), 2: answers({0: 0.6}), 3: answers({0: 0.2})}
    predicted |= {4: answers({}), 5: answers({})}
    assert [r.number for r in choice.shortlist(rows, predicted, held_out())] == [3, 2, 5, 1]


@given(st.integers(0, 2**32 - 1))
def test_a_lead_is_the_difference_of_two_scores(seed):
    rng, on = np.random.default_rng(seed), held_out()
    first, second = (np.where(rng.random((3, len(on))) < p, on.y, 1 - on.y) for p in (0.8, 0.7))
    difference = choice.paired_difference(on, first, second)
    scores = [
        np.mean([learn.score(on.y, s, on.classes, draws=1).balanced_accuracy for s in predicted])
        for predicted in (first, second)
    ]
    assert np.isclose(difference["mean"], scores[0] - scores[1])
    assert difference["low"] <= difference["mean"] <= difference["high"]
    same = choice.paired_difference(on, first, first)
    assert same["low"] == same["high"] == 0  # judged on the same draws
    turned = choice.paired_difference(on, second, first)
    assert np.isclose(turned["low"], -difference["high"])
