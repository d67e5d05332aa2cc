"""A candidate is pruned for a reason that stands, and not on an estimate that may be wrong."""

from edgekit.core.figures import Figure
from edgekit.design import Budget
from edgekit.search import cost, objective, prune
from edgekit.search.prune import PruneReason

SMALL = cost.Cost(100, 100, flash=2_000, ram=500, instructions=10_000)
LARGE = cost.Cost(10**6, 10**5, flash=100_000, ram=50_000, instructions=4_000_000)


def text(candidate, budget, reason=PruneReason.BUDGET, done=(), cpu="cortex-m4") -> str:
    found = prune.by_estimate(candidate, budget, 100, done, cpu)
    assert found.reason is reason
    return found.text


def test_a_candidate_that_cannot_keep_the_budget_is_pruned_and_says_which_line():
    budget = Budget(flash_bytes=65_536, ram_bytes=65_536, latency_ms=100)
    assert prune.by_estimate(SMALL, budget, 100, []) is None
    assert "flash_bytes ≤ 65,536 bytes: at least 100,000" in text(LARGE, budget)
    assert "ram_bytes" in text(LARGE, Budget(ram_bytes=9_000))
    assert "model_bytes" in text(LARGE, Budget(model_bytes=9_000))
    assert "latency_ms" in text(LARGE, Budget(latency_ms=1))


def test_a_core_that_issues_two_instructions_at_a_time_may_still_keep_it():
    tight = Budget(latency_ms=20)
    assert "latency_ms" in text(LARGE, tight)
    assert prune.by_estimate(LARGE, tight, 100, [], "cortex-m7") is None


def test_what_is_far_beyond_something_that_is_right_already_has_nothing_to_gain():
    right = [(1.0, 1_000_000)]
    assert "times a trial" in text(LARGE, Budget(), PruneReason.NOTHING_TO_GAIN, right)
    # but not of something that is merely cheap, while another is far better
    assert prune.by_estimate(LARGE, Budget(), 100, [(0.6, 1_000), (0.95, 3_000_000)]) is None


def test_a_range_that_is_missed_is_exceeded_by_how_much():
    rated = Figure(25.0, "°C", "published", "data sheet", low=-20.0, high=60.0)
    over = objective.excess({"temperature_c": rated}, Budget(temperature_c=(-20.0, 70.0)))
    assert over == {"temperature_c": 10.0}
