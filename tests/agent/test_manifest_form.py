"""The device's C takes the one encoding of a manifest, and no other even if it is well signed."""

import re
from dataclasses import replace

import cbor2
import pytest

from edgekit.packages import suit
from edgekit.packages.manifest import PackageError
from tests.agent.manifests import (
    ED,
    FULL,
    GOOD,
    PAYLOAD,
    Inside,
    Writer,
    body,
    package_of,
    reason,
    wrap,
)


@pytest.mark.parametrize("endless", [False, True], ids=["longer", "indefinite"])
def test_another_encoding_of_the_same_is_refused_even_if_well_signed(endless):
    plain = Writer()
    assert cbor2.dumps(cbor2.loads(plain.write(body(FULL))), canonical=True) == Writer().write(
        body(FULL)
    )
    refused = 0
    for item in range(plain.items):
        twisted = Writer(item, endless).write(body(FULL))
        try:
            cbor2.loads(twisted)  # what is no CBOR at all proves nothing
        except cbor2.CBORDecodeError:
            assert endless  # a number or tag of indefinite length
            continue
        refused += reason(wrap(twisted)) == "the manifest is not one that this device understands"
    assert refused > (20 if endless else 60)


@pytest.mark.parametrize("by", [-1, 1])
def test_a_map_or_list_that_miscounts_its_content_is_refused_even_if_well_signed(by):
    class Miscounting(Writer):
        counted = 0

        def head(self, major, n):
            lies, self.counted = self.counted == liar, self.counted + (major in (4, 5))
            return super().head(major, n + by if major in (4, 5) and lies else n)

    liar = None
    plain = Miscounting()
    assert plain.write(body(FULL)) == Writer().write(body(FULL))
    for liar in range(plain.counted):  # noqa: B007 - head() reads it
        assert "understands" in reason(wrap(Miscounting().write(body(FULL))))
    assert plain.counted == 11


def test_what_follows_the_content_of_a_byte_string_is_refused_even_if_well_signed():
    common, ours = body(FULL)[3], body(FULL)[20][0][1][-257]
    for longer in (
        body(FULL) | {3: Inside([*common, 0])},
        body(FULL) | {3: Inside([common[0] | {4: Inside([*common[0][4], 0])}])},
        body(FULL) | {20: Inside([*body(FULL)[20], 0])},
        body(FULL) | {20: Inside([[20, {21: "#m", -257: Inside([*ours, 0])}, 21, 2, 3, 15]])},
        body(FULL) | {3: Inside([common[0] | {4: Inside([*common[0][4], b"", {}, None])}])},
    ):
        assert "understands" in reason(wrap(Writer().write(longer)))
    made = Writer().write(body(FULL))
    assert "understands" in reason(wrap(made + b"\0"))
    at = (
        made.index(b"\x39\x01\x00\x58") + 4
    )  # the private parameter swallows the commands behind it
    assert "understands" in reason(wrap(made[:at] + bytes([made[at] + 4]) + made[at + 1 :]))


def test_another_encoding_of_the_envelope_is_refused():
    parts = cbor2.loads(GOOD).value
    digest, sign1 = (cbor2.loads(x) for x in cbor2.loads(parts[2]))
    header = Inside([cbor2.loads(sign1.value[0])])
    tag = cbor2.CBORTag(18, [header, {}, None, sign1.value[3]])
    tree = cbor2.CBORTag(
        107, {2: Inside([[Inside([list(digest)]), Inside([tag])]]), 3: parts[3], "#m": PAYLOAD}
    )
    plain = Writer()
    assert plain.write(tree) == GOOD
    for endless in (False, True):
        for item in range(plain.items):
            twisted = Writer(item, endless).write(tree)
            if twisted != GOOD:  # else it is null's, of which there is no other
                assert re.search("one encoding|algorithm is none", reason(twisted))


def maps_and_lists(value, path=()):
    """Every map and list of a tree, by its path."""
    if isinstance(value, (dict, list)):
        if not isinstance(value, Inside):
            yield path
        for k, v in value.items() if isinstance(value, dict) else enumerate(value):
            yield from maps_and_lists(v, (*path, k))


def altered(tree, path, change):
    """A copy of the tree with `change` made to the map or list at `path`."""
    if not path:
        return change(tree)
    copy = type(tree)(tree)
    copy[path[0]] = altered(tree[path[0]], path[1:], change)
    return copy


def unsorted(x):
    return dict(reversed(x.items())) if isinstance(x, dict) else x[::-1]


CHANGES = {
    "unknown key": lambda x: x | {99: 0} if isinstance(x, dict) else [*x, 0],
    "unknown negative key": lambda x: x | {-99: 0} if isinstance(x, dict) else [0, *x],
    "text key": lambda x: x | {"z": 0} if isinstance(x, dict) else [*x, "z"],
    "one less": lambda x: dict(list(x.items())[:-1]) if isinstance(x, dict) else x[:-1],
    "the first is missing": lambda x: dict(list(x.items())[1:]) if isinstance(x, dict) else x[1:],
    "another order": unsorted,
}


@pytest.mark.parametrize("change", CHANGES)
def test_more_or_less_or_another_order_is_refused_even_if_well_signed(change):
    tree, tried = body(FULL), 0
    for path in maps_and_lists(tree):
        made = Writer().write(altered(tree, path, CHANGES[change]))
        fewer_operators = path[-3:] == (-257, 0, 3) and change in (
            "one less",
            "the first is missing",
        )
        if made != Writer().write(tree) and not fewer_operators:
            assert reason(wrap(made)) == "the manifest is not one that this device understands"
            tried += 1
    assert tried >= 6


@pytest.mark.parametrize(
    "changes",
    [
        {"payload_size": 0}, {"payload_digest": bytes(31)}, {"size": 0}, {"kind": 2}, {"encoding": 3},
        {"encoding": 1}, {"base": b""}, {"sequence": 2**32}, {"sequence": -1},
        {"operators": (3, 0)}, {"operators": (3, 3)}, {"operators": tuple(range(33))},
        {"vendor": b"v" * 15}, {"model": b"m" * 17}, {"digest": bytes(31)}, {"base": bytes(32)},
        {"device": b"d"}, {"io": b"io"}, {"arena": 2**40}, {"operators": ("a",)}, {"kind": b"\1"},
    ],
    ids=str,
)  # fmt: skip
def test_a_value_that_no_device_can_take_is_refused_even_if_well_signed(changes):
    bad = replace(FULL, **changes)
    with pytest.raises(PackageError):
        suit.sign(bad, PAYLOAD, ED)  # nor does the Python side sign it
    assert reason(package_of(bad)) == "the manifest is not one that this device understands"


def test_headers_beyond_the_algorithm_are_refused():
    for more in (
        {"unprotected": {4: b"kid"}},
        {"protected": {1: -19, 4: b"kid"}},
        {"protected": {4: b"kid"}},
    ):
        assert reason(package_of(**more)) == "not a package, or not in its one encoding"
