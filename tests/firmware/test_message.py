"""Messages: what goes in comes out, C says the same, and a stranger's bytes are refused."""

import ctypes
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from edgekit import catalog, usecases
from edgekit.core.errors import EdgekitError
from edgekit.core.workspace import Workspace
from edgekit.design import load as load_design
from edgekit.emulate import build, build_host
from edgekit.emulate.machine import Machine
from edgekit.export import generate, read
from edgekit.firmware.message import Field, Message, Schema
from tests.export import tiny

ROOT = Workspace.find().folder
BEARING = usecases.load("bearing", ROOT).MESSAGE
SCHEMAS = [
    BEARING,
    Schema("one", (Field("x", 1, 1),), ("heartbeat",), 7),
    Schema(
        "odd",
        (
            Field("a", 3, 1 / 1024, signed=True), Field("b", 3), Field("c", 1, 0.25),
            Field("d", 2, index=True), Field("e", 1, 4, signed=True, index=True),
            Field("f", 2, 12.5, signed=True),
        ),
        tuple(f"kind{i}" for i in range(32)),
    ),
]  # fmt: skip
PROBE = """\
#include "{name}_message.h"
struct {name}_message probe_in;
uint8_t probe_out[{size}];
int32_t probe(void) {{
  struct {name}_message back;
  if (!{name}_message_pack(&probe_in, probe_out)) return -1;
  if (!{name}_message_unpack(probe_out, {size}, &back)) return 0;
  probe_in = back;
  return 1;
}}
{keep}
"""
KEEP = '__attribute__((used, section(".vectors"))) static int32_t (*const kept)(void) = probe;'


def files(schema: Schema, keep: str = "") -> dict[str, str]:
    text = PROBE.format(name=schema.name, size=schema.size, keep=keep)
    return schema.sources() | {"zz_probe.c": text}


def struct(schema: Schema) -> np.dtype:
    return np.dtype(
        [("kind", "<i4"), ("counter", "<u4"), *((f.name, "<f4") for f in schema.fields)]
    )


def as_struct(schema: Schema, m: Message) -> bytes:
    values = [np.nan if m.values.get(f.name) is None else m.values[f.name] for f in schema.fields]
    return np.array([(schema.kinds.index(m.kind), m.counter, *values)], struct(schema)).tobytes()


def messages(schema: Schema):
    numbers = st.one_of(
        st.none(), st.floats(width=32), st.floats(-400, 70_000, width=32),
        st.integers(-300, 300).map(float),
    )  # fmt: skip
    return st.builds(
        Message,
        st.sampled_from(schema.kinds),
        st.fixed_dictionaries({f.name: numbers for f in schema.fields}),
        st.integers(0, 2**32 - 1),
    )


@pytest.mark.parametrize("schema", SCHEMAS, ids=lambda s: s.name)
def test_c_packs_and_unpacks_the_same(schema):
    source = SimpleNamespace(name="probe", files=files(schema))
    library = ctypes.CDLL(str(build_host(source)))
    given_to = (ctypes.c_char * struct(schema).itemsize).in_dll(library, "probe_in")
    out = (ctypes.c_uint8 * schema.size).in_dll(library, "probe_out")

    @settings(max_examples=120, deadline=None)
    @given(m=messages(schema))
    def same(m):
        given_to.raw = as_struct(schema, m)
        assert library.probe() == 1
        assert bytes(out) == schema.pack(m)
        back = np.frombuffer(given_to.raw, struct(schema))[0]
        read_here = schema.unpack(bytes(out))
        assert schema.kinds[back["kind"]] == read_here.kind
        assert back["counter"] == read_here.counter == m.counter % 65_536
        for name, value in read_here.values.items():
            assert np.isnan(back[name]) if value is None else back[name] == np.float32(value)

    same()
    given_to.raw = np.array(len(schema.kinds), "<i4").tobytes().ljust(struct(schema).itemsize)
    assert library.probe() == -1  # a kind that there is not


@pytest.mark.parametrize("cpu", ["cortex-m0plus", "cortex-m33", "rv32imc"])
def test_the_emulated_core_packs_the_same(cpu):
    tensors = [tiny.T((1, 4), scale=0.1), tiny.T((1, 4), scale=0.1)]
    network = tiny.write(tensors, [tiny.Op("RELU", [0], [1])], [0], [1])
    source = generate(read(network), "net")
    device = Machine(build(source, cpu, extra_files=files(BEARING, KEEP)))
    rng = np.random.default_rng(0)
    for i in range(40):
        values = rng.uniform(-50, 300, len(BEARING.fields)).astype(np.float32).tolist()
        given_to = {
            f.name: None if i % 7 == k else v
            for k, (f, v) in enumerate(zip(BEARING.fields, values, strict=True))
        }
        m = Message(BEARING.kinds[i % 2], given_to, i)
        device.write("probe_in", as_struct(BEARING, m))
        device.call("probe")
        said = device.read("probe_out", BEARING.size)
        assert said == BEARING.pack(m), m


fields = st.builds(
    Field,
    st.sampled_from("abcdefgh"),
    st.sampled_from((1, 2)),
    st.sampled_from((1, 10, 1000, 0.5, 0.25, 3)),
    st.booleans(),
    st.booleans(),
)
schemas = st.builds(
    lambda fields, kinds, version: Schema("any", tuple(fields), kinds, version),
    st.lists(fields, min_size=1, max_size=6, unique_by=lambda f: f.name),
    st.sampled_from((("report", "alarm"), ("one",), ("x", "y", "z"))),
    st.integers(2, 7),
)


@settings(max_examples=100, deadline=None)
@given(schema=schemas, data=st.data())
def test_a_payload_of_any_schema_is_refused_or_every_bit_of_it_means_something(schema, data):
    payload = data.draw(st.binary(min_size=schema.size, max_size=schema.size))
    head = data.draw(st.sampled_from([payload[0], schema.version << 5]))
    payload = bytes([head]) + payload[1:]
    try:
        m = schema.unpack(payload)
    except EdgekitError as error:
        assert "\n" not in str(error)  # noqa: PT017
        assert (head >> 5, head & 31 < len(schema.kinds)) != (schema.version, True)
        return
    assert schema.pack(m) == payload


@settings(max_examples=60, deadline=None)
@given(schema=schemas, version=st.integers(0, 7), data=st.data())
def test_an_unknown_version_is_refused_in_a_line_whatever_follows(schema, version, data):
    assume(version != schema.version)
    payload = bytes([version << 5]) + data.draw(st.binary(max_size=20))
    with pytest.raises(EdgekitError, match=f"of version {version}; any is at version"):
        schema.unpack(payload)


@settings(max_examples=100, deadline=None)
@given(payload=st.binary(max_size=20))
def test_a_strangers_payload_is_refused_or_read(payload):
    try:
        m = BEARING.unpack(payload)
    except EdgekitError as error:
        assert "\n" not in str(error)  # noqa: PT017
        return
    assert BEARING.pack(m) == payload


def test_the_first_layout_without_schemas_is_refused():
    old = bytes.fromhex("3200000000000000000000 00".replace(" ", ""))
    with pytest.raises(EdgekitError, match="of version 1; bearing is at version 2"):
        BEARING.unpack(old)


def test_a_value_beyond_its_field_is_its_limit_and_an_index_is_unknown():
    m = BEARING.unpack(
        BEARING.pack(
            Message("alarm", {"label": 300, "score": 1e9, "temperature_c": -1e9, "battery_v": -1,
                              "remaining_life_h": float("inf")})
        )
    )  # fmt: skip
    assert dict(m.values) == {
        "label": None, "score": 65.534, "temperature_c": -327.67, "battery_v": 0, "remaining_life_h": 65_534,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("make", "line"),
    [
        (lambda: Field("x", 4), "cannot be exact in float32"),
        (lambda: Field("x", 3, 1000), "cannot be exact in float32"),
        (lambda: Field("x", 2, 1e-60), "cannot be exact in float32"),
        (lambda: Field("x", 2, float("nan")), "cannot be exact in float32"),
        (lambda: Field("x y"), "C takes"),
        (lambda: Schema("a", (Field("x"), Field("x"))), "a name twice"),
        (lambda: Schema("a", (Field("kind"),)), "a name twice"),
        (lambda: Schema("a", ()), "no values"),
        (lambda: Schema("a b", (Field("x"),)), "C takes"),
        (lambda: Schema("a", (Field("x"),), ()), "0 kinds"),
        (lambda: Schema("a", (Field("x"),), version=1), "version 1"),
        (lambda: BEARING.pack(Message("alram")), "Did you mean 'alarm'"),
        (lambda: BEARING.pack(Message(values={"scor": 1})), "Did you mean 'score'"),
    ],
)
def test_what_no_schema_can_say_is_one_line(make, line):
    with pytest.raises(EdgekitError, match=line) as refusal:
        make()
    assert "\n" not in str(refusal.value)


def test_the_bearings_message_fits_its_design_and_the_slowest_lorawan_link():
    design = load_design(usecases.folder("bearing", ROOT) / "design.toml")
    assert BEARING.size == design.duty.message_bytes == 12
    assert BEARING.check_fits(catalog.link("lorawan-eu868-dr0")) == 51 - 12
    tight = SimpleNamespace(name="a beep", value=lambda _: 8)
    with pytest.raises(EdgekitError, match="a beep carries 8 bytes"):
        BEARING.check_fits(tight)
