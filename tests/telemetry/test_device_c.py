"""The device's C: the same bytes and the same choices as Python's, whatever comes in."""

import ctypes
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgekit.assurance.powercut_epoch import EpochDevice
from edgekit.core.errors import EdgekitError
from edgekit.telemetry import Event, Kind, Outbox
from edgekit.telemetry.acknowledgement import pack_acknowledgements, unpack_acknowledgement
from edgekit.telemetry.device_cost import cost

ROOM, BODY = 16, 32
NUMBER = st.integers(0, 2**32 - 1)


class Ring:
    """The outbox in C."""

    def __init__(self, epoch: int):
        self.c = EpochDevice().c
        self.here = ctypes.c_char.in_dll(self.c, "powercut_outbox")
        self.numbers = (ctypes.c_uint32 * 4).in_dll(self.c, "powercut_outbox")
        self.c.outbox_encode.restype = ctypes.c_uint32
        self.c.outbox_open(ctypes.byref(self.here), ctypes.c_uint32(epoch))

    def put(self, kind: int, release: int, time: int, body: bytes) -> int:
        values = (kind, ctypes.c_uint32(release), ctypes.c_uint32(time), body, len(body))
        return self.c.outbox_put(ctypes.byref(self.here), *values)

    def wire(self) -> list[bytes]:
        to = ctypes.create_string_buffer(BODY + 30)
        sizes = (
            self.c.outbox_encode(ctypes.byref(self.here), i, to) for i in range(self.numbers[3])
        )
        return [to.raw[:size] for size in sizes]

    def acknowledge(self, data: bytes) -> int:
        return self.c.outbox_acknowledge(ctypes.byref(self.here), data, len(data))


@given(
    st.integers(1, 2**32 - 1),
    NUMBER,
    NUMBER,
    NUMBER,
    st.sampled_from(Kind),
    st.binary(max_size=BODY),
)
def test_an_event_has_the_same_bytes(epoch, sequence, release, time, kind, body):
    ring = Ring(epoch)
    ring.numbers[1] = sequence
    if sequence == 2**32 - 1:
        assert ring.put(kind, release, time, body) == 0  # the last number is not used
        return
    assert ring.put(kind, release, time, body) == 1
    there = Event("", epoch, sequence, kind, release, time, body)
    assert ring.wire() == [there.encode(named=False)]


@settings(max_examples=25)
@given(st.integers(0, 2**32 - 1))
def test_both_keep_and_drop_the_same(seed):
    rng = random.Random(seed)
    ring, box, dropped = Ring(3), Outbox(most_events=ROOM), 0
    for n in range(60):
        kind = rng.choice([Kind.REPORT, Kind.REPORT, Kind.SEGMENT, Kind.HEALTH])
        body = rng.randbytes(rng.randrange(BODY))
        assert ring.put(kind, 0, 0, body)
        box.put(Event("d", 3, n, kind, body=body))
        if rng.random() < 0.2:
            said = [(rng.choice([3, 3, 3, 2]), rng.randrange(60)) for _ in range(rng.randrange(12))]
            for message in pack_acknowledgements(said):
                left = box.acknowledge(("d", *key) for key in unpack_acknowledgement(message))
                assert ring.acknowledge(message) == left
        dropped = box.dropped.total()
        assert ring.wire() == [
            e.encode(named=False) for e in sorted(Event.decode(w, "d") for w in ring.wire())
        ]
        kept = sorted(box.pending(99), key=lambda e: e.sequence)
        assert ring.wire() == [e.encode(named=False) for e in kept]
    assert ring.numbers[2] == dropped


@given(st.data())
def test_both_refuse_the_same_acknowledgements(data):
    numbers = data.draw(
        st.sets(st.tuples(st.integers(0, 3), NUMBER | st.integers(0, 40)), max_size=20)
    )
    message = bytearray((pack_acknowledgements(numbers) or [b"\x82\x01\x80"])[0])
    for _ in range(data.draw(st.integers(0, 3))):
        at = data.draw(st.integers(0, len(message) - 1))
        message[at] = data.draw(st.integers(0, 255))
    message = bytes(
        message[: data.draw(st.integers(0, len(message)))] if data.draw(st.booleans()) else message
    )
    ring = Ring(2)
    for _ in range(ROOM):
        ring.put(Kind.REPORT, 0, 0, b"")
    try:
        named = {(e, s) for e, s in unpack_acknowledgement(message) if e == 2 and s < ROOM}
    except EdgekitError:
        assert ring.acknowledge(message) == -1
        assert len(ring.wire()) == ROOM
    else:
        assert ring.acknowledge(message) == len(named)


def test_without_an_epoch_or_room_for_its_body_nothing_is_taken():
    assert Ring(0).put(Kind.REPORT, 0, 0, b"") == 0
    assert Ring(1).put(Kind.REPORT, 0, 0, bytes(BODY + 1)) == 0


@pytest.mark.parametrize("cpu", ["cortex-m4", "cortex-m0plus", "rv32imc"])
def test_a_core_makes_the_same_bytes_and_it_costs_little(cpu):
    found = cost(cpu)
    assert found.code.value < 2048
    assert found.ram.value < 1024
    assert found.put.value < 1000
    assert found.encode.value < 1000
