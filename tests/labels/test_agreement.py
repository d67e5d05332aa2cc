"""Several labellers against published figures; estimates against what is known of their intervals."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest
from sklearn.metrics import cohen_kappa_score

from edgekit.core.errors import EdgekitError
from edgekit.labels import Oracle, agreement, estimate
from edgekit.labels.agreement import majority

# K. Krippendorff, "Computing Krippendorff's alpha-reliability" (2011), nominal data with gaps: .743
KRIPPENDORFF = (
    "1 2 3 3 2 1 4 1 2 . . .",
    "1 2 3 3 2 2 4 1 2 5 . 3",
    ". 3 3 3 2 3 4 2 2 5 1 .",
    "1 2 3 3 2 4 4 1 2 5 1 .",
)


def test_krippendorffs_own_example():
    votes = {}
    for name, row in zip("abcd", KRIPPENDORFF, strict=True):
        for sample, said in enumerate(row.split()):
            if said != ".":
                votes.setdefault(sample, {})[name] = said
    found = agreement(votes)
    assert found.figure == "Krippendorff's alpha"
    assert found.value == pytest.approx(0.743, abs=5e-4)
    assert found.low < found.value < found.high
    assert found.samples == 11  # the last one has one label


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("abc")), min_size=3, max_size=40))
def test_of_two_it_is_cohens_kappa(pairs):
    votes = {i: {"x": a, "y": b} for i, (a, b) in enumerate(pairs)}
    with np.errstate(invalid="ignore"):
        truth = cohen_kappa_score(*zip(*pairs, strict=True), labels=list("abc"))
    assert agreement(votes).value == pytest.approx(truth, nan_ok=True)


def test_a_majority_is_more_than_half():
    assert majority(["a", "b", "a"]) == "a"
    assert majority(["a", "b"]) is None
    assert majority([]) is None
    with pytest.raises(EdgekitError, match="two people"):
        agreement({1: {"x": "a"}})


def test_a_majority_of_three_mends_a_tenth_of_wrong_labels():
    rng = np.random.default_rng(0)
    people = [Oracle(str(i), 0.1, rng) for i in range(3)]
    said = [[p("a", "abcd") for p in people] for _ in range(2000)]
    assert np.mean([s[0] != "a" for s in said]) == pytest.approx(0.1, abs=0.02)
    assert np.mean([majority(s) not in ("a", None) for s in said]) < 0.02
    with pytest.raises(EdgekitError, match="0 to 1"):
        Oracle(error=1.5)


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 50), st.integers(1, 50))
def test_alike_weights_are_wilsons_interval(hits, more):
    n = hits + more
    found = estimate(np.arange(n) < hits, np.full(n, 7.5))
    low, high = binomtest(hits, n).proportion_ci(method="wilson")
    assert (found.share, found.low, found.high) == pytest.approx((hits / n, low, high))
    assert found.effective == pytest.approx(n)
    assert f"{n} random labels" in found.figure().source


def test_unlike_weights_count_and_cost():
    right, weight = np.array([True, False, False]), np.array([8.0, 1.0, 1.0])
    found = estimate(right, weight)
    assert found.share == pytest.approx(0.8)
    assert found.effective < 2
    assert found.high - found.low > 0.6
    for bad in (np.array([1.0, 0.0, 1.0]), np.ones(2)):
        with pytest.raises(EdgekitError):
            estimate(right, bad)
    with pytest.raises(EdgekitError, match="not known"):
        estimate(np.array([], bool))
