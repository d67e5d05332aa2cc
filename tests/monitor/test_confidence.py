import subprocess
import sys
from ctypes import CDLL, c_int, c_void_p

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import log_softmax

from edgekit.core.errors import EdgekitError
from edgekit.monitor import confidence


def sampled(n=20_000, k=4, seed=0):
    """Logits and labels drawn from their own softmax: their true temperature is 1."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, 2, (n, k))
    p = confidence.probabilities(logits)
    return logits, (p.cumsum(axis=1) < rng.uniform(size=(n, 1))).sum(axis=1).clip(0, k - 1)


@pytest.mark.parametrize("factor", [0.3, 1.0, 4.0])
def test_the_temperature_undoes_a_known_overconfidence(factor):
    logits, y = sampled()
    assert confidence.fit(factor * logits, y) == pytest.approx(factor, rel=0.05)


def test_an_overconfident_network_is_made_honest():
    logits, y = sampled()
    loud = 5 * logits
    before = confidence.expected_error(loud, y)
    after = confidence.expected_error(loud, y, confidence.fit(loud, y))
    assert before > 0.1
    assert after < 0.02


def test_likelihood_is_scipys():
    logits, y = sampled(200)
    truth = -log_softmax(logits / 3, axis=1)[np.arange(200), y].mean()
    assert confidence.likelihood(logits, y, 3) == pytest.approx(truth)


def test_above_the_floor_the_wanted_share_is_right():
    logits, y = sampled()
    floor = confidence.choose_floor(logits, y, 1.0, wanted=0.95)
    p = confidence.probabilities(logits)
    trusted = p.max(axis=1) >= floor
    assert (p.argmax(axis=1) == y)[trusted].mean() >= 0.95


@pytest.mark.parametrize("share", [0.75, 0.9, 1.0])
def test_a_cascade_loses_nothing_to_the_larger_model_and_asks_it_no_more_than_that_takes(share):
    logits, y = sampled(3000)
    rng = np.random.default_rng(1)
    theirs = np.where(rng.uniform(size=len(y)) < share, y, (y + 1) % 4)  # larger: right so often
    p = confidence.probabilities(logits)
    own, sure = p.argmax(axis=1), p.max(axis=1)

    def recall(floor):
        answers = np.where(sure >= floor, own, theirs)
        return np.mean([(answers[y == c] == c).mean() for c in range(4)])

    floor = confidence.floor_beside(logits, y, 1.0, theirs)
    alone = recall(2.0)
    assert recall(floor) >= alone - 1e-9 or floor == 0.999
    lower = np.unique(sure[sure < floor])
    assert all(recall(f) < alone for f in lower[:: len(lower) // 50 + 1])


def test_a_cascade_of_a_worse_larger_model_never_asks_it():
    logits, y = sampled(500)
    floor = confidence.floor_beside(logits, y, 1.0, (y + 1) % 4)
    assert floor <= confidence.probabilities(logits).max(axis=1).min()


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.lists(st.integers(-128, 127), min_size=3, max_size=3), min_size=1, max_size=40),
    st.floats(0.1, 20),
    st.floats(0.34, 0.99),
    st.floats(0.01, 0.5),
)
def test_integers_decide_as_the_probabilities_do(rows, fitted_temperature, floor, scale):
    z = np.array(rows, np.int8)
    confidence_gate = confidence.ConfidenceGate(fitted_temperature, floor, scale)
    p = confidence.probabilities(scale * z.astype(float), fitted_temperature).max(axis=1)
    clear = np.abs(p - floor) > 1e-4  # nearer than the table's rounding, either answer will do
    np.testing.assert_array_equal(confidence_gate(z)[clear], (p >= floor)[clear])


def test_the_device_decides_the_same(tmp_path):
    pytest.importorskip("ziglang")
    confidence_gate = confidence.ConfidenceGate(1.7, 0.8, 0.11)
    (tmp_path / "sure.h").write_text(confidence_gate.c("pump", 3))
    (tmp_path / "run.c").write_text(
        '#include "sure.h"\n#include <stdint.h>\n'
        "void all(const int8_t *z, int n, int32_t *out) {\n"
        "  for (int i = 0; i < n; i++) out[i] = pump_is_confident(z + 3 * i);\n}\n"
    )
    library = tmp_path / "sure.so"
    strict = (
        "-std=c99 -O2 -Wall -Wextra -Wpedantic -Wconversion -Werror -shared -fPIC -fno-sanitize=all"
    )
    command = [sys.executable, "-m", "ziglang", "cc", *strict.split(), "run.c", "-o", str(library)]
    subprocess.run(command, cwd=tmp_path, check=True)
    z = np.random.default_rng(0).integers(-128, 128, (20_000, 3)).astype(np.int8)
    got = np.zeros(len(z), np.int32)
    CDLL(str(library)).all(c_void_p(z.ctypes.data), c_int(len(z)), c_void_p(got.ctypes.data))
    np.testing.assert_array_equal(got.astype(bool), confidence_gate(z))
    assert 0.05 < got.mean() < 0.95


def test_nothing_to_fit_is_said():
    with pytest.raises(EdgekitError, match="two finite answers"):
        confidence.fit(np.full((5, 2), np.nan), np.zeros(5, int))
