"""Events and batches: what goes in comes out, and nothing else is taken."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgekit.core.errors import EdgekitError
from edgekit.telemetry import Event, Kind, pack, unpack

NUMBER = st.integers(0, 2**32 - 1)
EVENT = st.builds(
    Event,
    st.from_regex(r"[A-Za-z0-9_-]{1,64}", fullmatch=True).filter(str.isascii),
    NUMBER,
    NUMBER,
    st.sampled_from(Kind),
    NUMBER,
    NUMBER,
    st.binary(max_size=200),
)


@given(st.lists(EVENT, max_size=5))
def test_events_come_out_as_they_went_in(events):
    assert unpack(pack(events)) == events
    for event in events:
        assert Event.decode(event.encode()) == event
        assert Event.decode(event.encode(named=False), event.device) == event


@given(EVENT, st.data())
def test_bytes_that_are_not_an_event_are_refused(event, data):
    good = event.encode()
    at = data.draw(st.integers(0, len(good)))
    for bad in (good[:at], good + b"\0", good[:at] + b"\xff" + good[at:]):
        if bad != good:
            with pytest.raises(EdgekitError) as refused:
                Event.decode(bad)
            assert "\n" not in str(refused.value)


def test_who_sends_is_named_once():
    event = Event("pump-1", 1, 2, Kind.REPORT)
    with pytest.raises(EdgekitError, match="not both"):
        Event.decode(event.encode(), "pump-2")
    with pytest.raises(EdgekitError, match="not both"):
        Event.decode(event.encode(named=False))
    with pytest.raises(EdgekitError, match="cannot name a device"):
        Event("<b>", 0, 0, Kind.REPORT)
    with pytest.raises(EdgekitError, match="of kind 99"):
        Event("pump-1", 0, 0, 99)


def test_a_batch_has_bounds():
    event = Event("pump-1", 1, 2, Kind.REPORT)
    with pytest.raises(EdgekitError, match="at most 500"):
        pack([event] * 501)
    assert len(unpack(pack([event] * 500))) == 500
    with pytest.raises(EdgekitError, match="no batch"):
        unpack(pack([event])[:-1])
