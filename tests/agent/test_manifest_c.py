"""The device's C takes the one encoding of what a trusted key signed for it, and says why nothing else."""

import ctypes
import hashlib
import random
import re
from dataclasses import replace
from importlib import resources

import cbor2
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from hypothesis import given, settings
from hypothesis import strategies as st

from edgekit.agent import native, verification_cost
from edgekit.assurance import fuzz_manifest
from edgekit.packages import encryption, package, suit
from edgekit.packages.keys import FileSigner
from edgekit.packages.manifest import RULES as ASKED
from edgekit.packages.manifest import Manifest, PackageError

ED, ES = (
    FileSigner(ed25519.Ed25519PrivateKey.generate()),
    FileSigner(ec.generate_private_key(ec.SECP256R1())),
)
STRANGER = FileSigner(ed25519.Ed25519PrivateKey.generate())
TRUSTED = [ED.public, ES.public]
PAYLOAD = b"payload!" * 3
FULL = Manifest(
    sequence=70_000, vendor=b"v" * 16, model=b"m" * 16, digest=bytes(range(32)), size=9000,
    payload_digest=hashlib.sha256(PAYLOAD).digest(), payload_size=len(PAYLOAD), arena=300,
    operators=(0, 3, 25, 114), io=b"ioio", abi=b"abia", features=b"feat", kind=1, encoding=2,
    base=b"basebase", device=b"d" * 16, expires=1_900_000_000,
)  # fmt: skip


def raw(m: Manifest, **changes) -> Manifest:
    """The same with the image itself as its payload."""
    same = {"digest": m.payload_digest, "size": m.payload_size}
    return replace(m, **(same | {"encoding": 0, "base": b""} | changes))


DEVICE = package.Device(
    vendor=b"v" * 16, model=b"m" * 16, device=b"d" * 16, sequence=69_999, slot_bytes=9000,
    arena_bytes=300, operators=(114, 25, 3, 0, 9), io=b"ioio", abi=b"abia", features=b"feat",
    counter=69_000, base=b"basebase" + bytes(24), kind="weights",
)  # fmt: skip


# ---- A second writer, independent of suit.py: CBOR by hand, in which one item can be written otherwise ----


class Inside(list):
    """A byte string that holds the CBOR of its elements, one after the other; one is what belongs there."""


class Writer:
    """Deterministic CBOR; item number `twist` gets a longer head, or with `endless` an indefinite length."""

    def __init__(self, twist=None, endless=False):
        self.twist, self.endless, self.items = twist, endless, 0

    def head(self, major, n):
        twisted, self.items = self.items == self.twist, self.items + 1
        forms = ((24, n, 0), (2**8, 24, 1), (2**16, 25, 2), (2**32, 26, 4), (2**64, 27, 8))
        low, size = next((low, size) for limit, low, size in forms if n < limit)
        if twisted and self.endless:
            return bytes([major << 5 | 31])
        if twisted:
            low, size = (24, 1) if size == 0 else (low + 1, 2 * size)
        return bytes([major << 5 | low]) + (n.to_bytes(size, "big") if size else b"")

    def write(self, value) -> bytes:
        at = self.items
        if value is None:
            self.items += 1
            return b"\xf6"
        if isinstance(value, int):
            return self.head(0, value) if value >= 0 else self.head(1, -1 - value)
        if isinstance(value, cbor2.CBORTag):
            return self.head(6, value.tag) + self.write(value.value)
        if isinstance(value, dict):
            kind, n, parts = 5, len(value), [x for pair in value.items() for x in pair]
        elif isinstance(value, list) and not isinstance(value, Inside):
            kind, n, parts = 4, len(value), value
        else:
            return self.string(value)
        made = self.head(kind, n) + b"".join(map(self.write, parts))
        return made + (b"\xff" if self.endless and at == self.twist else b"")

    def string(self, value) -> bytes:
        at, self.items = self.items, self.items + 1
        if isinstance(value, Inside):
            data = b"".join(map(self.write, value))
        else:
            data = value.encode() if isinstance(value, str) else value
        after, self.items = (
            self.items,
            at,
        )  # the head is written behind its content, but counts before it
        head, self.items = self.head(3 if isinstance(value, str) else 2, len(data)), after
        if self.endless and at == self.twist:
            return head + Writer().write(data if not isinstance(value, str) else value) + b"\xff"
        return head + data


def body(m: Manifest) -> dict:
    """The manifest by the layout in the documentation, as a tree."""
    known = {1: m.vendor, 2: m.model, 3: Inside([[-16, m.payload_digest]])}
    known |= ({4: m.expires} if m.expires else {}) | {14: m.payload_size}
    known |= {24: m.device} if m.device else {}
    ours = [m.kind, m.encoding, m.arena, list(m.operators), m.io + m.abi + m.features]
    ours += ([m.size, m.digest] if not m.is_image else []) + ([m.base] if m.base else [])
    shared = [20, known, 1, 15, 2, 15] + [24, 15] * bool(m.device) + [4, 15] * bool(m.expires)
    components, install = [[b"\0"]], [20, {21: "#m", -257: Inside([ours])}, 21, 2, 3, 15]
    if m.encryption:
        components, shared = [[b"\0"], [b"\1"]], [12, 1, *shared]
        install = [12, 1, 20, {21: "#m"}, 21, 2, 3, 15, 12, 0, 20]
        install += [{19: Inside([hidden(m)]), 22: 1, -257: Inside([ours])}, 22, 2]
    common = {2: components, 4: Inside([shared])}
    return {1: 1, 2: m.sequence, 3: Inside([common]), 20: Inside([install])}


def hidden(m: Manifest) -> cbor2.CBORTag:
    """The COSE_Encrypt of a manifest by the layout in the documentation."""
    iv, wrapped = encryption.parsed(m.encryption)
    recipients = [[b"", {1: -3}, key] for key in wrapped]
    return cbor2.CBORTag(96, [b"", {1: -65534, 5: iv}, None, recipients])


def wrap(
    manifest: bytes, signer=ED, algorithm=None, unprotected=None, protected=None, payload=PAYLOAD
) -> bytes:
    """An envelope around the bytes of a manifest, well signed."""
    algorithm = algorithm or {"EdDSA": -19, "ES256": -9}[signer.public.algorithm]
    digest = [-16, hashlib.sha256(Writer().write(manifest)).digest()]
    header = Inside([protected or {1: algorithm}])
    signature = signer.sign(Writer().write(["Signature1", header, b"", Inside([digest])]))
    sign1 = cbor2.CBORTag(18, [header, unprotected or {}, None, signature])
    parts = {2: Inside([[Inside([digest]), Inside([sign1])]]), 3: manifest, "#m": payload}
    return Writer().write(cbor2.CBORTag(107, parts))


def package_of(m: Manifest = FULL, signer=ED, **options) -> bytes:
    return wrap(Writer().write(body(m)), signer, **options)


def reason(data, keys=TRUSTED, revoked=()) -> str:
    """Why the C refuses these bytes, for which Python has the same reason."""
    with pytest.raises(PackageError) as refused:
        native.read(data, keys, revoked)
    with pytest.raises(PackageError) as python:
        package.verify(bytes(data), list(keys), revoked=revoked)
    assert (
        fuzz_manifest.kind_of(python.value.rule) == fuzz_manifest.kind_of(refused.value.rule) != ""
    )
    return str(refused.value)


GOOD = package_of()
HEAD = len(GOOD) - len(PAYLOAD)
uint = st.integers(0, 2**32 - 1)


@st.composite
def manifests(draw):
    exactly = lambda n: st.binary(min_size=n, max_size=n)  # noqa: E731
    encoding = draw(st.integers(0, 2))
    made = Manifest(
        sequence=draw(uint) or 1, vendor=draw(exactly(16)), model=draw(exactly(16)), digest=draw(exactly(32)),
        size=draw(st.integers(1, 2**32 - 1)), payload_size=len(PAYLOAD), arena=draw(uint),
        payload_digest=FULL.payload_digest,
        operators=tuple(sorted(draw(st.sets(uint | st.integers(0, 30), max_size=32)))),
        io=draw(exactly(4)), abi=draw(exactly(4)), features=draw(exactly(4)),
        kind=draw(st.integers(0, 1)), encoding=encoding, base=draw(exactly(8)) if encoding == 2 else b"",
        device=draw(st.just(b"") | exactly(16)), expires=draw(uint),
    )  # fmt: skip
    return made if encoding else raw(made)


# ---- What is good ----


@settings(max_examples=150, deadline=None)
@given(manifests(), st.sampled_from([ED, ES]))
def test_every_field_of_what_suit_signs_arrives(m, signer):
    data = suit.sign(m, PAYLOAD, signer)
    found = native.read(data, TRUSTED)
    assert found.pop("payload_at") == suit.head_size(data) == len(data) - len(PAYLOAD)
    assert Manifest(**found) == m
    if signer is ED:  # of which signing twice gives the same
        assert data == package_of(m)


@pytest.mark.parametrize(("signer", "algorithm"), [(ED, -8), (ED, -19), (ES, -7), (ES, -9)])
def test_both_names_of_both_algorithms_are_known(signer, algorithm):
    assert (
        native.check(package_of(signer=signer, algorithm=algorithm), TRUSTED, DEVICE)["arena"]
        == 300
    )


def read_into(data, signer=ED):
    """The code, and what stands in a structure that was full of other things before."""
    left = native.CManifest.from_buffer_copy(b"\xaa" * ctypes.sizeof(native.CManifest))
    keys = native.as_keys([signer.public], ())
    return native.library().manifest_read(data, len(data), keys, ctypes.byref(left)), left


def test_what_is_refused_leaves_nothing_that_could_be_used():
    short, stranger = read_into(GOOD[:60]), read_into(GOOD, STRANGER)
    late = suit.sealed(suit.opened(GOOD)[3], PAYLOAD + b"!", ED)  # well signed, but longer
    for code, left in (short, stranger, read_into(late)):
        assert code
        assert not any(bytes(left)), code


def test_what_a_manifest_does_not_say_is_not_there():
    plain = replace(raw(FULL), device=b"", expires=0)
    code, found = read_into(package_of(plain))
    assert code == 0
    assert (found.expires, found.device, found.base) == (0, None, None)


def test_the_payload_is_not_looked_at():
    for end in range(HEAD, len(GOOD)):
        assert native.read(GOOD[:end], TRUSTED)["payload_at"] == HEAD
    assert native.read(GOOD[:HEAD] + b"\xff" * 2000, TRUSTED)["payload_at"] == HEAD


# ---- What is damaged ----


def test_every_flipped_bit_of_the_head_is_refused():
    for bit in range(8 * HEAD):
        bad = bytearray(GOOD)
        bad[bit // 8] ^= 1 << bit % 8
        assert reason(bad)


def test_every_cut_asks_for_more_bytes():
    assert {reason(GOOD[:n]) for n in range(HEAD)} == {"the package ends within its head"}


def test_more_than_a_device_keeps_in_memory_is_refused_by_its_length():
    big = wrap(bytes(400))
    assert reason(big[:511]) == "the package ends within its head"
    assert reason(big) == reason(big[:512]) == "the package's head is longer than 512 bytes"


def test_a_payload_of_another_length_than_was_signed_is_refused():
    longer = package_of(payload=PAYLOAD + b"!")
    assert reason(longer) == "the payload's length is not the one that was signed"
    endless = GOOD[: HEAD - 2] + b"\x5a\xff\xff\xff\xff" + PAYLOAD
    assert reason(endless) == "the payload's length is not the one that was signed"


# ---- What is well signed, and still not in form ----


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


# ---- Whose signature ----


def test_only_a_trusted_key_that_is_not_revoked_may_sign():
    stranger = "the signature fits no key this device trusts"
    assert reason(package_of(signer=STRANGER)) == stranger
    assert reason(GOOD, []) == stranger
    assert reason(GOOD, [ES.public, STRANGER.public]) == stranger
    assert reason(GOOD, [ES.public], revoked=(ED.public,)) == "signed by a key that was revoked"
    assert native.read(GOOD, [STRANGER.public, ES.public, ED.public], revoked=(STRANGER.public,))


def test_an_algorithm_swap_is_refused():
    for signer, other in ((ED, -9), (ED, -7), (ES, -19), (ES, -8)):
        assert reason(package_of(signer=signer, algorithm=other)) == (
            "the signature fits no key this device trusts"
        )
    for unknown in (-1, -16, 5):  # -16 is SHA-256, 5 is HMAC: no signatures
        assert "algorithm" in reason(package_of(algorithm=unknown))


def test_a_signature_is_bound_to_its_manifest():
    other = package_of(replace(FULL, sequence=70_001))
    start = GOOD.index(b"\x03\x58")
    mixed = other[:start] + GOOD[start:]
    assert len(mixed) == len(GOOD)
    assert reason(mixed) == "the signed digest is not the manifest's"
    at = GOOD.index(hashlib.sha256(GOOD[start + 1 : HEAD - 5]).digest())
    forged = other[:at] + GOOD[at : at + 32] + other[at + 32 : start] + GOOD[start:]
    assert reason(forged) == "the signature fits no key this device trusts"


# ---- Whether it is for this device, now ----

RULES = [  # in the order of the device: what breaks the rule, what it says
    ({"vendor": b"w" * 16}, "vendor"),
    ({"model": b"n" * 16}, "class"),
    ({"device": b"e" * 16}, "another device"),
    ({"sequence": 69_999}, "not newer"),
    ({"sequence": 71_000}, "too far ahead"),
    ({"expires": 500}, "expired"),
    ({"kind": 0}, "another kind"),
    ({"size": 9001}, "larger than a slot"),
    ({"size": 23}, "payload is larger"),
    ({"base": b"basebasf"}, "delta from another image"),
    ({"arena": 301}, "arena"),
    ({"operators": (0, 3, 26)}, "operator"),
    ({"io": b"oioi"}, "inputs and outputs"),
    ({"abi": b"abib"}, "generation"),
    ({"features": b"feau"}, "features"),
]


def refusal(m, device=DEVICE, now=500) -> str:
    """Why the C refuses it, for which Python has the same reason; "" if both take it."""
    found = []
    for judge in (native.check, package.verify):
        try:
            judge(package_of(m), TRUSTED, device, now=now)
            found.append(("", ""))
        except PackageError as err:
            found.append((err.rule, str(err)))
    assert found[0][0] == found[1][0]
    return found[0][1]


@pytest.mark.parametrize(("broken", "says"), RULES, ids=[says for _, says in RULES])
def test_each_rule_has_its_own_reason(broken, says):
    assert refusal(FULL) == ""
    assert says in refusal(replace(FULL, **broken))


def test_the_first_broken_rule_is_the_one_that_is_told():
    for i, (_, says) in enumerate(RULES):
        broken = {}
        for change, _ in reversed(RULES[i:]):
            broken |= change
        assert says in refusal(replace(FULL, **broken))


def test_a_rule_has_one_number_in_c_and_in_python():
    header = (resources.files("edgekit.firmware") / "agent" / "manifest.h").read_text()
    names = re.findall(r"^  MANIFEST_(\w+),", header, re.MULTILINE)
    assert names[0] == "OK"
    assert [n.lower().replace("_", " ") for n in names[1:]] == list(ASKED[1:])


def test_limits_are_exact():
    assert refusal(replace(FULL, sequence=70_999)) == ""
    assert refusal(replace(FULL, expires=501)) == ""
    assert refusal(replace(FULL, expires=500), now=0) == ""  # no clock, no expiry
    assert refusal(replace(FULL, size=len(PAYLOAD))) == ""
    assert "not newer" in refusal(FULL, replace(DEVICE, sequence=1, counter=70_000))
    assert "delta" in refusal(FULL, replace(DEVICE, base=b""))
    assert refusal(replace(FULL, device=b"")) == ""
    assert refusal(replace(FULL, operators=())) == ""
    top = replace(DEVICE, sequence=2**32 - 1)
    assert "not newer" in refusal(replace(FULL, sequence=5), top)


def test_a_time_stamp_may_leap_as_far_as_the_clock():
    stamp = 1_800_000_000
    assert refusal(replace(FULL, sequence=stamp), now=stamp - 86_400) == ""
    assert refusal(replace(FULL, sequence=package.TIMESTAMPS_FROM), now=stamp) == ""
    for sequence, now in (
        (stamp, stamp - 86_401),
        (stamp, 0),
        (package.TIMESTAMPS_FROM - 1, stamp),
    ):
        assert "too far ahead" in refusal(replace(FULL, sequence=sequence), now=now)


def test_python_and_c_keep_the_same_rules():
    draw, kept = random.Random(3), 0
    for _ in range(600):
        few = {
            "sequence": draw.choice([69_999, 70_000, 70_999, 71_000, 2**32 - 1]),
            "expires": draw.choice([0, 499, 500, 501]),
            "size": draw.choice([23, 24, 9000, 9001]),
            "arena": draw.choice([0, 300, 301]),
            "operators": draw.choice([(), (0,), (9, 114), (0, 1)]),
            "device": draw.choice([b"", b"d" * 16, b"e" * 16]),
            "kind": draw.choice([1, 1, 0]),
            "features": draw.choice([b"feat", b"feat", b"feau"]),
        }
        m = replace(FULL, **dict(draw.sample(sorted(few.items()), 2)))
        device = replace(
            DEVICE, counter=draw.choice([0, 69_999, 70_500]), base=draw.choice([b"", DEVICE.base])
        )
        now = draw.choice([0, 500])
        kept += refusal(m, device, now) == ""
    assert 50 < kept < 300


# ---- On the core, and under fire ----


def test_the_emulated_core_says_the_same_within_its_means():
    pytest.importorskip("unicorn")
    good = verification_cost.cost(GOOD, [ED.public])
    assert (
        good.reason == "made for another vendor's devices"
    )  # its device has none: the rest was good
    assert good.instructions.value < 2_500_000
    assert good.stack.value < 2600
    assert good.flash.value < 16_000  # of Monocypher's 50 KB only what is needed
    bad = bytearray(GOOD)
    bad[-30] ^= 1
    assert verification_cost.cost(bad, [ED.public], count=False).reason == reason(bad)


@pytest.mark.parametrize("cpu", ["cortex-m4", "cortex-m0plus"])  # two multiplications in assembler
def test_es256_on_the_emulated_core(cpu):
    pytest.importorskip("unicorn")
    for data, says in (
        (package_of(signer=ES), "vendor"),
        (package_of(algorithm=-9), "fits no key"),
    ):
        found = verification_cost.cost(data, [ES.public], cpu, count=False)
        assert says in found.reason
        assert found.flash.value < 8500


def test_no_input_crashes_the_parser_or_passes_unlike_in_python():
    table = fuzz_manifest.fuzz(3000, seed=7).set_index("damage")
    assert table.attrs["finds"] == []
    assert table.crashes.sum() == table.unlike.sum() == 0
    assert table.inputs.sum() == 3000
    assert table.read["none"] == table.inputs["none"] > 0
    assert table.read["none, signed"] == table.inputs["none, signed"] > 0
    assert 0 < table.taken["none"] < table.read["none"]
    for damage in ("noise", "longer numbers, signed", "cut off, signed", "noise, signed"):
        assert table.read[damage] == 0, damage
    for damage in ("flipped bits", "cut off", "length lies"):  # some of them hurt the payload only
        assert table.read[damage] < 0.3 * table.inputs[damage]
    assert len(table.attrs["reasons"]) > 10
