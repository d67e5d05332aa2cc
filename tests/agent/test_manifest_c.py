"""The device's C takes what a trusted key signed, and tells what is damaged or another's from it."""

import ctypes
import hashlib
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgekit.agent import native, verification_cost
from edgekit.assurance import fuzz_manifest
from edgekit.packages import suit
from edgekit.packages.manifest import Manifest
from tests.agent.manifests import (
    DEVICE,
    ED,
    ES,
    FULL,
    GOOD,
    HEAD,
    PAYLOAD,
    STRANGER,
    TRUSTED,
    manifests,
    package_of,
    raw,
    reason,
    wrap,
)

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
    assert verification_cost.answer(bad, [ED.public]) == reason(bad)


@pytest.mark.parametrize("cpu", ["cortex-m4", "cortex-m0plus"])  # two multiplications in assembler
def test_es256_on_the_emulated_core(cpu):
    pytest.importorskip("unicorn")
    for data, says in (
        (package_of(signer=ES), "vendor"),
        (package_of(algorithm=-9), "fits no key"),
    ):
        assert says in verification_cost.answer(data, [ES.public], cpu)
    assert verification_cost.cost(data, [ES.public], cpu).flash.value < 8500


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
