"""No bytes of a stranger's make a reader slow, large or loud."""

import time
import tracemalloc

import cbor2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgekit.core.errors import EdgekitError
from edgekit.delivery import block_protocol
from edgekit.packages import cbor, suit
from edgekit.packages.package import manifest_of, sign_package, verify
from tests.packages.test_suit import GOOD, PAYLOAD, SIGNERS

SIGNER = SIGNERS["EdDSA"]
SECONDS, BYTES = 0.05, 20e6
READERS = {
    "cbor.decode": cbor.decode,
    "suit.opened": suit.opened,
    "suit.read": lambda data: suit.read(data, [SIGNER.public]),
    "suit.parsed": suit.parsed,
    "suit.authentication": suit.authentication,
    "suit.head_size": suit.head_size,
    "manifest_of": manifest_of,
    "resign": lambda data: sign_package(data, SIGNER),
    "verify": lambda data: verify(data, [SIGNER.public]),
    "streams.decode": lambda data: block_protocol.decode(data, 4096),
}


def shared(levels: int, fan: int) -> bytes:
    """[28([]), 28([29(0), 29(0), …]), 28([29(1), …]), …]: each level is `fan` times the one below."""
    rows = [b"\xd8\x1c\x80"]
    for i in range(levels):
        rows.append(b"\xd8\x1c" + bytes([0x80 + fan]) + (b"\xd8\x1d" + cbor.encode(i)) * fan)
    return bytes([0x80 + len(rows)]) + b"".join(rows)


HOSTILE = {
    "shared references": shared(15, 5),
    "a shared list that holds itself": b"\xd8\x1c\x81\xd8\x1d\x00",
    "a large power": bytes.fromhex("c5821b7fffffffffffffff03"),
    "a large decimal": bytes.fromhex("c4821b7fffffffffffffff03"),
    "a large number": b"\xc2\x59\x0f\xf0" + b"\xff" * 4080,
    "a regular expression": b"\xd8\x23\x78\x1e" + b"(a+)+" * 6,
    "an expression that is none": b"\xd8\x23\x61(",
    "a date of the year 1e308": b"\xc1\xfb\x7f\xef\xff\xff\xff\xff\xff\xff",
    "a set of lists": b"\xd9\x01\x02\x82\x80\x80",
    "deep lists": b"\x81" * 4000 + b"\x80",
    "deep tags": b"\xd8\x6b" * 2000 + b"\x80",
    "endless lists": b"\x9f" * 4000,
    "a list of 2^64": b"\x9b" + b"\xff" * 8,
    "a list of 2^31": b"\x9a\x80\0\0\0" + b"\0" * 4000,
    "bytes of 2^63": b"\x5b\x7f" + b"\xff" * 7,
    "an endless string": b"\x5f" + b"\x41a" * 2000,
    "text that is none": b"\x62\xff\xff",
    "keys that are lists": b"\xa1\x80\x00",
    "the same key often": b"\xb9\x07\xcf" + b"\0\0" * 1999,
    "not a number": b"\xf9\x7e\x00",
    "nothing": b"",
}


def where(data: bytes) -> list[bytes]:
    """`data` at every place of a package where there is CBOR."""
    good = suit.opened(suit.sign(GOOD, PAYLOAD, SIGNER))
    hashed, sign1 = suit.authentication(good[2])
    whole = cbor2.loads(good[3])
    common, install = cbor2.loads(whole[3]), cbor2.loads(whole[20])
    bodies = [
        data,
        cbor2.dumps(whole | {3: data}),
        cbor2.dumps(whole | {20: data}),
        cbor2.dumps(whole | {3: cbor2.dumps(common | {4: data})}),
        cbor2.dumps(whole | {20: cbor2.dumps([20, install[1] | {-257: data}, *install[2:]])}),
    ]
    wrappers = [data, cbor2.dumps([data, b""]), cbor2.dumps([hashed, data])]
    wrappers += [cbor2.dumps([hashed, cbor2.dumps(cbor2.CBORTag(18, [data, *sign1[1:]]))])]
    made = [*bodies, *wrappers, b"\xd8\x6b" + data]
    for body in bodies:
        made.append(suit.sealed(body, PAYLOAD, SIGNER))
    for wrapper in wrappers:
        made.append(cbor2.dumps(cbor2.CBORTag(107, {2: wrapper, 3: good[3], "#m": PAYLOAD})))
    return made


def cost(reader, data: bytes) -> tuple[float, int]:
    """CPU seconds and bytes. A reader may raise an EdgekitError of one line."""

    def run() -> float:
        began = time.process_time()
        try:
            reader(data)
        except EdgekitError as refusal:
            assert "\n" not in str(refusal)  # noqa: PT017 - it need not be raised
        return time.process_time() - began

    seconds = run()
    tracemalloc.start()  # which takes time itself
    run()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return seconds, peak


@pytest.mark.parametrize("name", HOSTILE)
def test_what_is_made_to_hurt_does_not(name):
    for data in where(HOSTILE[name]):
        for reader in READERS.values():
            seconds, peak = cost(reader, data)
            assert seconds < SECONDS
            assert peak < BYTES


def test_the_measure_would_see_a_decoder_that_is_not_guarded():
    """The same bytes in a decoder as it is, written again as a reader does that looks for one encoding."""
    assert len(shared(12, 5)) < 277
    value = cbor2.loads(shared(6, 4))
    _, peak = cost(lambda _: cbor.encode(value), b"")
    assert peak > 100 * len(shared(6, 4))
    for data in (HOSTILE["shared references"], HOSTILE["a shared list that holds itself"]):
        with pytest.raises(cbor.CborError, match="tag 28"):
            cbor.decode(data)


items = st.recursive(
    st.sampled_from([b"\0", b"\x18\x18", b"\xf6", b"\xf5", b"\x41a", b"\x61a", b"\xf9\0\0", b"\x20"])
    | st.binary(max_size=3),
    lambda inner: st.one_of(
        st.lists(inner, max_size=9).map(lambda x: bytes([0x80 + len(x)]) + b"".join(x)),
        st.lists(inner, max_size=8).map(lambda x: bytes([0xA0 + len(x) // 2]) + b"".join(x)),
        st.tuples(st.sampled_from([b"\xc2", b"\xc4", b"\xc5", b"\xd2", b"\xd8\x1c", b"\xd8\x1d", b"\xd8\x23",
                                   b"\xd8\x6b", b"\xd9\x01\x02", b"\xd9\xd9\xf7"]), inner).map(b"".join),
        inner.map(lambda x: b"\x59" + len(x).to_bytes(2, "big") + x),
        inner.map(lambda x: b"\x9f" + x + b"\xff"),
    ),
    max_leaves=60,
)  # fmt: skip


@settings(max_examples=80, deadline=None)
@given(items | st.binary(max_size=4096), st.integers(0, 17), st.sampled_from(list(READERS)))
def test_no_bytes_at_any_place_make_a_reader_slow_or_large(data, place, reader):
    seconds, peak = cost(READERS[reader], where(data)[place][:4096])
    assert seconds < SECONDS
    assert peak < BYTES


numbers = st.integers(-(2**64), 2**64 - 1)
values = st.recursive(
    numbers | st.none() | st.booleans() | st.binary(max_size=9) | st.text(max_size=2),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.integers(-300, 300), inner, max_size=4),
    max_leaves=12,
)  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(values)
def test_what_is_written_is_read(value):
    try:
        assert cbor.decode(cbor.encode(value)) == value
    except cbor.CborError as refusal:
        assert "too deep" in str(refusal)  # noqa: PT017 - the only reason that it may have


@settings(max_examples=150, deadline=None)
@given(items)
def test_what_is_read_has_no_other_encoding(data):
    try:
        value = cbor.decode(data, (18, 107))
    except cbor.CborError:
        return
    assert cbor.encode(value) == data


def test_the_limit_of_items_is_exact():
    assert len(cbor.decode(cbor.encode([0] * (cbor.ITEMS - 1)))) == cbor.ITEMS - 1
    with pytest.raises(cbor.CborError, match="too many"):
        cbor.decode(cbor.encode([0] * cbor.ITEMS))


@pytest.mark.parametrize("depth", range(4, 12))
def test_the_limit_of_depth_is_exact(depth):
    data = b"\x81" * (depth - 1) + b"\x80"
    if depth <= cbor.DEPTH:
        assert cbor.decode(data)
    else:
        with pytest.raises(cbor.CborError, match="deep"):
            cbor.decode(data)
