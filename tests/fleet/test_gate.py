"""When a candidate passes: better on the fleet beyond doubt, worse in no cohort, within the bytes."""

import numpy as np
import pytest

from edgekit.fleet.gate import Paired, difference, judge

COHORTS = ["a", "b"]


def labels(rng, n=120, gain=0.0, loss=0.0, worse_in=""):
    """`n` windows of 12 devices; a share `gain` only the candidate has right, `loss` only the old one."""
    device = rng.integers(12, size=n)
    cohort = np.array(COHORTS)[device % 2]
    draw = rng.random(n)
    after = np.where(cohort == worse_in, draw > 0.3, True) & ~(draw > 1 - loss)
    before = ~(draw < gain) if not worse_in else np.ones(n, bool)
    return Paired(device.astype(str), cohort, np.ones(n), before, after)


def passes(paired, size=100, budget=0):
    return judge(paired, COHORTS, size, budget, seed=0)


def test_one_that_is_no_better_passes_in_one_of_twenty_at_most():
    rng = np.random.default_rng(0)
    passed = [passes(labels(rng, gain=0.06, loss=0.06)).passed for _ in range(200)]
    assert np.mean(passed) < 0.05 + 2 * np.sqrt(0.05 * 0.95 / 200)


def test_one_that_is_ten_points_better_passes():
    rng = np.random.default_rng(1)
    assert np.mean([passes(labels(rng, gain=0.12, loss=0.02)).passed for _ in range(50)]) > 0.8


def test_one_that_is_better_on_the_whole_and_worse_in_a_cohort_is_refused_by_name():
    rng = np.random.default_rng(2)
    paired = labels(rng, 200, worse_in="b")
    better = paired.cohort == "a"
    before = np.where(better, rng.random(200) > 0.9, paired.before)
    report = passes(Paired(paired.device, paired.cohort, paired.weight, before, paired.after))
    assert report.whole.low > 0
    assert [r for r in report.reasons if r.startswith("worse on b")]


def test_too_few_labels_judge_nothing_and_bytes_beyond_the_budget_refuse():
    rng = np.random.default_rng(3)
    few = passes(labels(rng, n=8, gain=1.0))
    assert not few.passed
    assert "not judged" in few.reasons[0]
    heavy = passes(labels(rng, gain=0.5), size=101, budget=100)
    assert "101" in heavy.reasons[-1]


@pytest.mark.parametrize("level", [0.8, 0.95])
def test_the_interval_holds_the_truth_as_often_as_it_says(level):
    rng, gain, loss = np.random.default_rng(4), 0.2, 0.05
    found = [difference(labels(rng, gain=gain, loss=loss), i, level) for i in range(300)]
    inside = np.mean([f.low <= gain - loss <= f.high for f in found])
    assert inside == pytest.approx(level, abs=0.05)
