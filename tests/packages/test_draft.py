"""What we send is SUIT: valid by the draft's grammar, and any processor that knows the draft can run it."""

from dataclasses import replace
from pathlib import Path

import cbor2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgekit.packages import manifest, package, suit
from edgekit.packages.manifest import ENCODINGS
from edgekit.packages.package import digest, manifest_of, sign_package
from tests.packages.processor import Ended, Processor
from tests.packages.published import ENVELOPES
from tests.packages.test_suit import GOOD, PAYLOAD, SIGNERS, manifests

cddl_verifier = pytest.importorskip("cddl_verifier", reason="pip install 'edgekit[dev]'")
GRAMMAR = cddl_verifier.Validator(Path(__file__).with_name("suit.cddl").read_text("utf-8"))
SIGNED = suit.sign(GOOD, PAYLOAD, SIGNERS["EdDSA"])


def valid(envelope: bytes) -> bool:
    return GRAMMAR.validate(envelope).valid


def tree(envelope: bytes) -> dict:
    """The manifest with what its byte strings hold."""
    manifest = cbor2.loads(suit.opened(envelope)[3])
    common = cbor2.loads(manifest[3])
    common[4] = cbor2.loads(common[4])
    return manifest | {3: common, 20: cbor2.loads(manifest[20])}


def packed(manifest: dict, payload=PAYLOAD) -> bytes:
    """The inverse of `tree`, in an envelope with an empty signature."""
    common = manifest[3] | {4: cbor2.dumps(manifest[3][4])}
    body = cbor2.dumps(manifest | {3: cbor2.dumps(common), 20: cbor2.dumps(manifest[20])})
    return suit.envelope(body, suit.hashed(body), [b"", {}, None, b""], payload)


@settings(max_examples=25, deadline=None)
@given(manifests, st.sampled_from(list(SIGNERS)))
def test_whatever_is_signed_is_valid_by_the_draft(made, algorithm):
    data = suit.sign(made, PAYLOAD, SIGNERS[algorithm])
    assert GRAMMAR.validate(data).errors == ()


def test_the_drafts_own_examples_are_valid_and_so_is_what_is_not_signed_yet():
    own = [e for name, e in ENVELOPES.items() if name.startswith("draft-ietf-suit-manifest")]
    assert len(own) == 2
    assert all(valid(bytes.fromhex("".join(e.split()))) for e in own)
    assert valid(suit.unsigned(GOOD, PAYLOAD))
    assert valid(packed(tree(SIGNED)))


def _shared(m, key, value):
    m[3][4][1][key] = value


def _install(m, key, value):
    m[20][1][key] = value


BROKEN = {
    "a private parameter in the shared sequence": lambda m: _shared(m, -257, b""),
    "a number that is nobody's": lambda m: _install(m, -1, b""),
    "the first number that is not private": lambda m: _install(m, -256, b""),
    "a list as a private parameter": lambda m: _install(m, -257, [1, 2]),
    "a private map": lambda m: _install(m, -257, {}),
    "a vendor of 15 bytes": lambda m: _shared(m, 1, b"v" * 15),
    "a class in text": lambda m: _shared(m, 2, "m" * 16),
    "a digest that is not wrapped": lambda m: _shared(m, 3, [-16, bytes(32)]),
    "a digest by no known hash": lambda m: _shared(m, 3, cbor2.dumps([-15, bytes(32)])),
    "a date in text": lambda m: _shared(m, 4, "2026-01-01"),
    "a negative size": lambda m: _shared(m, 14, -1),
    "a URI in bytes": lambda m: _install(m, 21, b"#m"),
    "no parameter to override": lambda m: m[20][1].clear(),
    "a fetch in the shared sequence": lambda m: m[3][4].extend([21, 15]),
    "a command that nobody knows": lambda m: m[20].extend([7, 15]),
    "a report of a fifth bit": lambda m: m[20].__setitem__(-1, 16),
    "a command without its report": lambda m: m[20].pop(),
    "no component": lambda m: m[3].__setitem__(2, []),
    "a component that is no list": lambda m: m[3].__setitem__(2, [b"\0"]),
    "another version": lambda m: m.__setitem__(1, 2),
    "a sequence number below nothing": lambda m: m.__setitem__(2, -1),
    "a member that nobody knows": lambda m: m.__setitem__(5, b""),
}


@pytest.mark.parametrize("fault", BROKEN)
def test_the_grammar_bites(fault):
    made = tree(SIGNED)
    BROKEN[fault](made)
    assert not valid(packed(made))


def test_the_grammar_bites_in_the_envelope():
    parts = suit.opened(SIGNED)
    hashed, sign1 = suit.authentication(parts[2])
    for broken in (
        [b"\xa0", {}, b"", 1],
        [b"\xa0", {}, None],
        [{}, {}, None, b""],
        [b"\xa0", [], None, b""],
    ):
        assert not valid(suit.envelope(parts[3], hashed, broken, PAYLOAD))
    assert not valid(suit.envelope(parts[3], b"\x82\x2f", sign1, PAYLOAD))
    assert not valid(cbor2.dumps(cbor2.CBORTag(108, cbor2.loads(SIGNED).value)))
    assert not valid(cbor2.dumps(cbor2.CBORTag(107, {**cbor2.loads(SIGNED).value, "#n": "text"})))


# ---- A processor of the draft ----

EXPIRES = 1_900_000_000


@pytest.fixture(scope="module", params=ENCODINGS)
def update(request, releases, signer):
    """(a package of this encoding, the device that it is for, the image in its slot)."""
    old, new = releases
    if request.param == "raw":  # noise cannot be packed
        new = replace(new, tflite=np.random.default_rng(1).bytes(500))
    base = old if request.param == "delta" else None
    device = old.device("tflite")
    image = package.unsigned(
        new.tflite, old.requirements, sequence=2, vendor=new.vendor, model=new.class_name,
        base=base and base.tflite, device=device.device, expires=EXPIRES,
        regions=[] if request.param == "raw" else None,
    )  # fmt: skip
    data = sign_package(image, signer)
    assert ENCODINGS[manifest_of(data).encoding] == request.param
    assert package.verify(data, [signer.public], replace(device, base=digest(old.tflite)))
    return data, device


def processor(target, **changes) -> Processor:
    known = {"vendor": target.vendor, "model": target.model, "device": target.device}
    return Processor(**(known | {"now": EXPIRES - 1} | changes))


def test_a_processor_of_the_draft_fetches_and_finds_what_was_meant(update):
    data, device = update
    made = processor(device)
    assert made.update(data) == {0: suit.opened(data)[suit.PAYLOAD]}
    assert made.done == [20, 1, 2, 24, 4, 20, 21, 3]  # and the last one was: image match


@pytest.mark.parametrize(
    ("change", "condition"),
    [({"vendor": bytes(16)}, 1), ({"model": bytes(16)}, 2), ({"device": bytes(16)}, 24),
     ({"now": EXPIRES}, 4)],
)  # fmt: skip
def test_a_processor_of_the_draft_refuses_what_is_not_for_it(update, change, condition):
    data, device = update
    with pytest.raises(Ended, match=f"condition {condition} does not hold"):
        processor(device, **change).update(data)


def test_a_processor_of_the_draft_finds_another_payload(update):
    data, device = update
    parts = suit.opened(data)
    for payload, why in ((parts["#m"][:-1] + b"?", "condition 3"), (parts["#m"] + b"?", "size")):
        other = suit.envelope(parts[3], *suit.authentication(parts[2]), payload)
        with pytest.raises(Ended, match=why):
            processor(device).update(other)


def test_the_private_parameter_is_not_missed_by_a_processor_of_the_draft(update):
    data, device = update
    made = tree(data)
    assert isinstance(made[20][1].pop(manifest.PRIVATE), bytes)
    assert set(made[20][1]) | set(made[3][4][1]) == {1, 2, 3, 4, 14, 21, 24}
    body = packed(made, suit.opened(data)["#m"])
    assert processor(device).update(body) == processor(device).update(data)
