"""Acknowledgements, segments and opinions: what goes in comes out, and nothing else is taken."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgekit.core.errors import EdgekitError
from edgekit.packages.cbor import encode
from edgekit.telemetry import Event, Kind, Opinion, Reason, Segment
from edgekit.telemetry.acknowledgement import pack_acknowledgements, unpack_acknowledgement
from edgekit.telemetry.privacy import may_leave, problems

NUMBER = st.integers(0, 2**32 - 1)


@given(st.sets(st.tuples(st.integers(0, 3), st.integers(0, 60)) | st.tuples(NUMBER, NUMBER)))
def test_every_event_is_acknowledged_once(numbers):
    messages = pack_acknowledgements(numbers)
    found = [n for m in messages for n in unpack_acknowledgement(m)]
    assert sorted(found) == sorted(numbers)
    assert all(len(m) <= 260 for m in messages)


@pytest.mark.parametrize(
    "value",
    [[2, []], [1, [[1, 2]]], [1, [[1, 2, 0]]], [1, [[1, 2, 513]]], [1, [[1, 2**32 - 1, 2]]],
     [1, [[1, 2, 1]] * 17], [1, 3], [1, [[1, 2, 2**40]]]],
)  # fmt: skip
def test_an_acknowledgement_that_cannot_be_is_refused(value):
    with pytest.raises(EdgekitError, match="no acknowledgement"):
        unpack_acknowledgement(encode(value))


def segment(**change) -> Segment:
    given = {"reason": Reason.UNCERTAIN, "predicted": 2, "confidence": 0.5}
    data = np.arange(-6, 6, dtype=np.int8).reshape(3, 4)
    return Segment(**{**given, "data": data, "scale": 0.25, "zero_point": -3, **change})


@given(
    st.sampled_from(Reason), st.integers(0, 65535), st.floats(0, 1), st.sampled_from(["i1", "<i2"]),
    st.lists(st.integers(1, 6), min_size=1, max_size=3), st.integers(-128, 127), st.randoms(),
)  # fmt: skip
def test_a_segment_comes_out_as_it_went_in(reason, predicted, confidence, kind, shape, zero, rng):
    data = np.frombuffer(rng.randbytes(2 * int(np.prod(shape))), kind)[: np.prod(shape)]
    data = data.reshape(shape)
    there = Segment(reason, predicted, confidence, data, 0.5, zero)
    back = Segment.decode(there.encode())
    assert (back.reason, back.predicted) == (reason, predicted)
    assert abs(back.confidence - confidence) < 1e-5
    assert back.data.dtype == data.dtype
    np.testing.assert_array_equal(back.data, data)
    np.testing.assert_allclose(back.values, (data.astype(float) - zero) * 0.5)


def test_a_segment_that_cannot_be_is_refused():
    body = segment().encode()
    for at in range(len(body)):
        with pytest.raises(EdgekitError):
            Segment.decode(body[:at])
    good = [1, 1, 2, 3, 1, b"\x3f\x80\0\0", 32768, [3], b"abc"]
    assert Segment.decode(encode(good)).data.tolist() == [97, 98, 99]
    for at, bad in (
        (0, 2), (1, 9), (3, 70000), (4, 3), (5, b"\x7f\x80\0\0"), (5, b"\xbf\x80\0\0"), (6, 1 << 20),
        (7, [4]), (7, []), (7, [3, 1, 1, 1]), (7, [0]), (7, [1 << 31, 1 << 31]), (8, b""),
    ):  # fmt: skip
        with pytest.raises(EdgekitError):
            Segment.decode(encode([*good[:at], bad, *good[at + 1 :]]))
    for change in ({"confidence": 2.0}, {"scale": 0.0}, {"data": np.zeros(3)}, {"predicted": -1}):
        with pytest.raises(EdgekitError):
            segment(**change)
    with pytest.raises(EdgekitError, match="16,384"):
        segment(data=np.zeros(20_000, np.int8)).encode()


def test_an_opinion_comes_out_as_it_went_in():
    said = Opinion("pump-1", 4, 5, b"12345678", 2, 0.75)
    back = Opinion.decode(said.encode())
    assert vars(back) | {"confidence": 0.75} == vars(said)
    assert abs(back.confidence - 0.75) < 1e-4
    for bad in (said.encode()[:-1], encode([1, b"a b", 1, 1, b"12345678", 1, 1]), b""):
        with pytest.raises(EdgekitError, match="no opinion"):
            Opinion.decode(bad)


def test_what_a_use_case_does_not_name_stays_on_the_device():
    check = may_leave({"report": (), "segment": ("uncertain",)})

    def why(kind, body):
        return check(Event("cam", 1, 1, kind, body=body))

    assert why(Kind.REPORT, b"x" * 12) == ""
    assert why(Kind.SEGMENT, segment().encode()) == ""
    assert "random" in why(Kind.SEGMENT, segment(reason=Reason.RANDOM).encode())
    assert "no segment" in why(Kind.SEGMENT, bytes(9216))  # a picture that says no reason
    assert "report" in why(Kind.REPORT, bytes(9216))  # nor does it hide in a report
    assert "sketch" in why(Kind.SKETCH, b"")
    assert may_leave({})(Event("cam", 1, 1, Kind.REPORT))


def test_a_wrong_list_of_what_may_leave_is_said():
    assert list(problems({"report": (), "segment": ("random",)})) == []
    for bad in (
        {"reprot": ()},
        {"segment": "random"},
        {"segment": ("radnom",)},
        {"report": ("novel",)},
        3,
    ):
        assert len(list(problems(bad))) == 1
        with pytest.raises(EdgekitError):
            may_leave(bad)
