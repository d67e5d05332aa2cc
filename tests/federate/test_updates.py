"""An update that is sent in fewer bytes: what arrives, what is kept for the next one, what is refused."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgekit.core.errors import EdgekitError
from edgekit.federate.updates import decode, encode

SHAPES = [(39, 24), (24,), (24, 7), (7,)]
KINDS = ("int8", "top")


def drawn(seed, scale=1.0):
    rng = np.random.default_rng(seed)
    return [np.float32(scale) * rng.normal(size=s).astype(np.float32) for s in SHAPES]


@pytest.mark.parametrize("kind", KINDS)
@given(seed=st.integers(0, 1000), scale=st.sampled_from([0.0, 1e-6, 1.0, 1e4]))
def test_what_arrives_and_what_is_kept_are_the_whole(kind, seed, scale):
    update = drawn(seed, scale)
    sent, kept = encode(kind, update)
    for whole, got, rest in zip(update, decode(kind, sent, SHAPES), kept, strict=True):
        np.testing.assert_allclose(got + rest, whole, rtol=1e-5, atol=1e-6 * scale)


@given(seed=st.integers(0, 1000))
def test_int8_is_half_a_step_off_at_most(seed):
    update = drawn(seed)
    for whole, got in zip(update, decode("int8", encode("int8", update)[0], SHAPES), strict=True):
        assert np.abs(whole - got).max() <= np.abs(whole).max() / 127 * 0.501


def test_top_sends_the_largest_tenth_and_nothing_else():
    update = drawn(1)
    got = np.concatenate([a.ravel() for a in decode("top", encode("top", update)[0], SHAPES)])
    flat = np.abs(np.concatenate([a.ravel() for a in update]))
    sent = got != 0
    assert sent.sum() == len(flat) // 10
    assert flat[sent].min() >= flat[~sent].max()


def test_error_feedback_loses_nothing_over_rounds():
    """The same small update every round: without feedback the values that are never largest never arrive."""
    update = drawn(2)
    left, arrived, blind = [0 * a for a in update], 0.0, 0.0
    for _ in range(60):
        sent, left = encode("top", [a + b for a, b in zip(update, left, strict=True)])
        arrived = arrived + decode("top", sent, SHAPES)[0]
        blind = blind + decode("top", encode("top", update)[0], SHAPES)[0]
    error = np.abs(arrived / 60 - update[0]).mean()
    assert error < 0.3 * np.abs(blind / 60 - update[0]).mean()


@pytest.mark.parametrize(("kind", "times"), [("int8", 3.9), ("top", 8)])
def test_so_many_times_fewer_bytes(kind, times):
    update = drawn(3)
    assert sum(a.nbytes for a in update) / len(encode(kind, update)[0]) >= times


@pytest.mark.parametrize("kind", KINDS)
def test_a_strangers_bytes_are_refused_in_one_line(kind):
    sent, _ = encode(kind, drawn(4))
    for wrong in (sent[:-1], sent + b"\0", b"", np.float32(np.nan).tobytes() + sent[4:],
                  np.float32(-1).tobytes() + sent[4:]):  # fmt: skip
        with pytest.raises(EdgekitError) as refused:
            decode(kind, wrong, SHAPES)
        assert "\n" not in str(refused.value)


def test_places_outside_of_the_model_or_twice_are_refused():
    sent, _ = encode("top", drawn(5))
    for places in (b"\xff\xff", sent[4:6]):
        with pytest.raises(EdgekitError, match="places"):
            decode("top", sent[:6] + places + sent[8:], SHAPES)


def test_what_is_not_finite_never_leaves():
    with pytest.raises(EdgekitError, match="not finite"):
        encode("int8", [np.array([np.inf], np.float32)])


@given(data=st.binary(max_size=1400))
def test_any_bytes_are_an_update_or_an_error(data):
    for kind in KINDS:
        try:
            arrays = decode(kind, data, SHAPES)
        except EdgekitError:
            continue
        assert [a.shape for a in arrays] == SHAPES
