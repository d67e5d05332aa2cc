"""The alert: what goes in comes out, C says the same, and a stranger's bytes are refused."""

import ctypes
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgekit import catalog
from edgekit.core.errors import EdgekitError
from edgekit.emulate import build, build_host, message
from edgekit.emulate.machine import Machine
from edgekit.emulate.message import BYTES, FIELDS, Message, pack, unpack
from edgekit.export import generate, read
from tests.export import tiny

PROBE = """\
#include "message.h"
struct message {name}_in;
uint8_t {name}_out[MESSAGE_BYTES];
int32_t {name}_pack(void) {{
  struct message back;
  message_pack(&{name}_in, {name}_out);
  const int ok = message_unpack({name}_out, MESSAGE_BYTES, &back);
  {name}_in = back;
  return ok;
}}
{keep}
"""
KEEP = '__attribute__((used, section(".vectors"))) static int32_t (*const kept)(void) = probe_pack;'
STRUCT = np.dtype(
    [("label", "<i4"), ("alarm", "<i4"), *((f, "<f4") for f in FIELDS), ("counter", "<u4")]
)
numbers = st.one_of(st.none(), st.floats(width=32), st.floats(-400, 70_000, width=32))
messages = st.builds(
    Message, st.one_of(st.none(), st.integers(-3, 20)), st.booleans(), numbers, numbers, numbers,
    numbers, st.integers(0, 2**32 - 1),
)  # fmt: skip


def as_struct(m: Message) -> bytes:
    values = [np.nan if getattr(m, f) is None else getattr(m, f) for f in FIELDS]
    label = -1 if m.label is None else m.label
    return np.array([(label, m.alarm, *values, m.counter)], STRUCT).tobytes()


@pytest.fixture(scope="module")
def on_host():
    files = message.sources() | {"probe.c": PROBE.format(name="probe", keep="")}
    library = ctypes.CDLL(str(build_host(SimpleNamespace(name="probe", files=files))))
    given, out = (ctypes.c_char * STRUCT.itemsize), (ctypes.c_uint8 * BYTES)

    def call(m: Message):
        given.in_dll(library, "probe_in").raw = as_struct(m)
        assert library.probe_pack() == 1
        back = np.frombuffer(given.in_dll(library, "probe_in").raw, STRUCT)[0]
        return bytes(out.in_dll(library, "probe_out")), back

    return call


@settings(max_examples=300, deadline=None)
@given(m=messages)
def test_c_packs_and_unpacks_the_same(on_host, m):
    packed, back = on_host(m)
    assert packed == pack(m)
    read_here = unpack(packed)
    assert back["label"] == (-1 if read_here.label is None else read_here.label)
    assert (bool(back["alarm"]), back["counter"]) == (read_here.alarm, read_here.counter)
    for name in FIELDS:
        value = getattr(read_here, name)
        assert np.isnan(back[name]) if value is None else back[name] == np.float32(value)


@pytest.mark.parametrize("cpu", ["cortex-m0plus", "cortex-m33", "rv32imc"])
def test_the_emulated_core_packs_the_same(cpu):
    tensors = [tiny.T((1, 4), scale=0.1), tiny.T((1, 4), scale=0.1)]
    network = tiny.write(tensors, [tiny.Op("RELU", [0], [1])], [0], [1])
    files = message.sources() | {"zz_probe.c": PROBE.format(name="probe", keep=KEEP)}
    device = Machine(build(generate(read(network), "net"), cpu, extra_files=files))
    rng = np.random.default_rng(0)
    for i in range(40):
        values = rng.uniform(-50, 100, 4).astype(np.float32).tolist()
        m = Message(
            i % 17, i % 2 == 0, *(None if i % 7 == k else v for k, v in enumerate(values)), i
        )
        device.write("probe_in", as_struct(m))
        device.call("probe_pack")
        said = device.read("probe_out", BYTES)
        assert said == pack(m), m


def test_what_goes_in_comes_out():
    m = Message(2, True, 1.234, -12.34, 3.601, 720, 99)
    assert unpack(pack(m)) == m
    assert unpack(pack(Message())) == Message()


def test_a_value_beyond_its_field_is_its_limit():
    m = unpack(
        pack(Message(score=1e9, temperature_c=-1e9, battery_v=-1, remaining_life_h=float("inf")))
    )
    assert (m.score, m.temperature_c, m.battery_v, m.remaining_life_h) == (
        65.534,
        -327.67,
        0,
        65_534,
    )


def test_the_counter_goes_round():
    assert unpack(pack(Message(counter=2**24 + 5))).counter == 5


@settings(max_examples=200, deadline=None)
@given(payload=st.binary(max_size=20))
def test_a_strangers_payload_is_refused_or_read(payload):
    try:
        m = unpack(payload)
    except EdgekitError:
        return
    assert pack(m) == payload  # every bit means something: nothing can hide in it


def test_it_fits_the_slowest_lorawan_link():
    assert message.check_fits(catalog.link("lorawan-eu868-dr0")) == 51 - 12
    tight = SimpleNamespace(name="a beep", value=lambda _: 8)
    with pytest.raises(EdgekitError, match="a beep carries 8 bytes"):
        message.check_fits(tight)
