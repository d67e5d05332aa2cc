"""Choosing: the front, the short list and the choice, on made-up figures."""

import itertools

from edgekit.design import Budget
from edgekit.figures import measured
from edgekit.search import found
from edgekit.search.objective import Judged
from edgekit.search.study import Row

UNITS = {"accuracy": "", "instructions": "instructions", "flash": "B", "ram": "B"}


def figures(accuracy, instructions, flash=1000, ram=100):
    values = (accuracy, instructions, flash, ram)
    return {k: measured(v, u, "made up") for (k, u), v in zip(UNITS.items(), values, strict=True)}


def row(number, *values, state="complete", kept=True):
    return Row(number, state, "", {}, figures(*values), {}, kept, 1.0)


def final(name, accuracies, instructions, **more):
    runs = (Judged({"name": name}, figures(a, instructions, **more), b"", 1.0) for a in accuracies)
    return found.Final({"name": name}, tuple(runs))


def test_nothing_on_the_front_is_beaten_and_everything_else_is():
    rows = [
        row(n, a / 10, i, f) for n, (a, i, f) in enumerate(itertools.product(range(3), repeat=3))
    ]
    assert [r.number for r in found.front(rows)] == [18]  # right most often, and free
    rows = [row(0, 0.9, 100), row(1, 0.8, 50), row(2, 0.8, 60), row(3, 0.95, 10, kept=False)]
    rows.append(row(4, 1.0, 1, state="failed"))
    assert [r.number for r in found.front(rows)] == [1, 0]


def test_the_cheapest_that_is_not_worse_is_chosen():
    hand = final("hand", [0.9, 0.92], 1000)
    better = final("better", [0.95, 0.95], 700)
    cheap = final("cheap", [0.91, 0.91], 500)
    lucky = final("lucky", [0.99, 0.80], 100)
    assert found.choose([better, cheap, lucky], Budget(), hand, windows=20) is cheap
    assert found.choose([lucky], Budget(), hand, 20) is hand
    assert found.choose([cheap], Budget(flash_bytes=999), hand, 20) is hand
    assert lucky.best.value("accuracy") == 0.99


def test_the_short_list_is_cheaper_and_within_the_noise():
    rows = [
        row(0, 0.9, 1000),
        row(1, 0.86, 500),
        row(2, 0.5, 10),
        row(3, 0.99, 990),
        row(4, 0.9, 600),
    ]
    rows.append(row(5, 0.89, 700))
    assert [r.number for r in found.shortlist(rows, windows=100)] == [1, 4, 5]
    assert [r.number for r in found.shortlist(rows, windows=1_000)] == [4, 5]
    rows[-1] = row(5, 0.95, 700)  # cheapest, most accurate, and then what is between
    assert [r.number for r in found.shortlist(rows, windows=100)] == [1, 5, 4]


def test_where_windows_are_many_the_better_one_is_believed_if_it_is_cheap():
    hand = final("hand", [0.9], 1000)
    cheap, better = final("cheap", [0.91], 500), final("better", [0.97], 700)
    dear = final("dear", [0.99], 990)
    assert found.choose([cheap, better, dear], Budget(), hand, windows=1000) is better
    assert found.choose([cheap, better, dear], Budget(), hand, windows=10) is cheap
    assert found.choose([dear], Budget(), hand, windows=1000) is dear
