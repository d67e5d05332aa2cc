"""Who signed is judged alike by the device's C and by Python, on whatever an attacker can think of."""

import ctypes
import hashlib
import re
from importlib import resources

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from hypothesis import given, settings
from hypothesis import strategies as st

from edgekit.agent import native
from edgekit.core.errors import EdgekitError
from edgekit.packages import signature_checks
from edgekit.packages.keys import FileSigner
from edgekit.packages.public_keys import PublicKey, public_key
from edgekit.packages.signature_checks import L, N, P
from tests.packages import edwards
from tests.packages.published import SPECCHECK

ED, ES = (
    FileSigner(ed25519.Ed25519PrivateKey.generate()),
    FileSigner(ec.generate_private_key(ec.SECP256R1())),
)

RFC_8032 = [  # section 7.1, TEST 1 to 3: secret key, public key, message, signature
    ("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
     "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
     "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd"
     "25bf5f0595bbe24655141438e7a100b"),
    ("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
     "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
     "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c3"
     "87b2eaeb4302aeeb00d291612bb0c00"),
    ("c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
     "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
     "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594"
     "a7c15e9716ed28dc027beceea1ec40a"),
]  # fmt: skip


@pytest.mark.parametrize("vector", RFC_8032)
def test_rfc_8032(vector):
    _, key, message, signature = map(bytes.fromhex, vector)
    assert native.ed25519_verify(signature, key, message)
    assert not native.ed25519_verify(signature, key, message + b"\0")


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=400), st.integers(0, 511), st.booleans(), st.sampled_from([ED, ES]))
def test_signatures_are_judged_as_cryptography_does(message, bit, flip, signer):
    signature = bytearray(signer.sign(message))
    signature[bit // 8] ^= flip << bit % 8
    verify = native.ed25519_verify if signer is ED else native.es256_verify
    judged = verify(bytes(signature), native.raw_key(signer.public), message)
    assert judged == signer.public.verifies(bytes(signature), message) == (not flip)
    assert not verify(bytes(signature), native.raw_key(signer.public), message + b"!")


def test_messages_of_every_length_verify():
    """Both hashes at every place of their blocks' ends."""
    for n in range(300):
        assert native.ed25519_verify(ED.sign(bytes(n)), ED.public.raw, bytes(n))
    for n in range(0, 140):
        assert native.es256_verify(ES.sign(bytes(n)), native.raw_key(ES.public), bytes(n))


def test_no_second_signature_can_be_made_of_a_first():
    signature = ED.sign(b"m")
    s = int.from_bytes(signature[32:], "little")
    assert not native.ed25519_verify(
        signature[:32] + (s + L).to_bytes(32, "little"), ED.public.raw, b"m"
    )
    assert not ED.public.verifies(signature[:32] + (s + L).to_bytes(32, "little"), b"m")


def test_numbers_out_of_range_are_no_es256_signature():
    signature, key = ES.sign(b"m"), native.raw_key(ES.public)
    r, s = signature[:32], signature[32:]
    beyond = (int.from_bytes(s, "big") + N) % 2**256
    for bad in (bytes(64), r + bytes(32), bytes(32) + s, r + N.to_bytes(32, "big"), b"\xff" * 64):
        assert not native.es256_verify(bad, key, b"m")
    assert not native.es256_verify(r + beyond.to_bytes(32, "big"), key, b"m")
    assert not native.es256_verify(
        signature, key[:63] + bytes([key[63] ^ 1]), b"m"
    )  # not on the curve
    assert not native.es256_verify(signature, bytes(64), b"m")


def both(key: PublicKey, signature: bytes, message: bytes) -> bool:
    """The one answer of C and Python."""
    verify = {"EdDSA": native.ed25519_verify, "ES256": native.es256_verify}[key.algorithm]
    found = verify(signature, native.raw_key(key), message)
    assert found == key.verifies(signature, message)
    return found


def test_of_the_published_cases_only_the_strict_one_is_taken():
    """Case 3 holds with and without the cofactor; 0 to 2 and 8 to 11 have points of small order."""
    taken = [
        both(PublicKey("EdDSA", key), signature, message) for message, key, signature in SPECCHECK
    ]
    assert taken == [i == 3 for i in range(12)]
    assert taken == [
        edwards.verifies(key, signature, message) for message, key, signature in SPECCHECK
    ]


def test_the_small_points_are_those_of_the_curve():
    encodings = {edwards.encoded(t) for t in edwards.TORSION}
    assert len(encodings) == 8
    strange = {
        (y | sign << 255).to_bytes(32, "little")
        for y in range(signature_checks.P, 2**255)
        for sign in (0, 1)
    }
    for point in encodings | strange:
        assert not signature_checks.ed25519_point(point)
    assert {edwards.decoded(e)[1] for e in encodings} == signature_checks.SMALL


scalars = st.integers(1, L - 1)


@settings(max_examples=80, deadline=None)
@given(
    a=scalars | st.just(0), r=scalars | st.just(0), torsion=st.tuples(*[st.integers(0, 7)] * 2),
    more=st.sampled_from([0, 0, 0, L, 1]), message=st.binary(max_size=3), turn=st.integers(0, 40),
)  # fmt: skip
def test_keys_and_signatures_of_every_order_are_judged_by_the_policy(
    a, r, torsion, more, message, turn
):
    """Where both torsions are there, the message is turned until they happen to cancel out, or 40 times."""
    key, first = (
        edwards.encoded(edwards.add(edwards.times(n, edwards.BASE), edwards.TORSION[t]))
        for n, t in zip((a, r), torsion, strict=True)
    )
    s = r + edwards.challenge(first, key, message + bytes(turn)) * a
    signature = first + (s % L + more).to_bytes(32, "little")
    wanted = edwards.verifies(key, signature, message + bytes(turn))
    assert both(PublicKey("EdDSA", key), signature, message + bytes(turn)) == wanted
    if torsion == (0, 0) and a and r:
        assert wanted == (more == 0)


KEYS = [ED.public.raw, *map(edwards.encoded, edwards.TORSION)]


@settings(max_examples=80, deadline=None)
@given(
    key=st.sampled_from(KEYS) | st.binary(min_size=32, max_size=32),
    y=st.sampled_from([2, P - 2, P, P + 1, 2**255 - 1, *signature_checks.SMALL]),
    sign=st.booleans(), s=st.sampled_from([0, 1, L - 1, L, 2**253, 2**256 - 1]),
)  # fmt: skip
def test_numbers_at_every_limit_are_judged_alike(key, y, sign, s):
    signature = (y | sign << 255).to_bytes(32, "little") + s.to_bytes(32, "little")
    assert both(PublicKey("EdDSA", key), signature, b"m") == edwards.verifies(key, signature, b"m")


def test_a_key_of_small_order_is_no_key():
    for point in map(edwards.encoded, edwards.TORSION):
        with pytest.raises(EdgekitError, match="small order"):
            public_key(ed25519.Ed25519PublicKey.from_public_bytes(point))


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=20))
def test_signers_give_the_low_form_and_the_high_one_is_refused(message):
    signature = ES.sign(message)
    s = int.from_bytes(signature[32:], "big")
    assert both(ES.public, signature, message)
    assert s <= N // 2
    high = signature[:32] + (N - s).to_bytes(32, "big")
    assert not both(ES.public, high, message)
    assert signature_checks.low_s(high) == signature == signature_checks.low_s(signature)


@pytest.mark.parametrize("r", [0, 1, N - 1, N, 2**256 - 1, None])
@pytest.mark.parametrize("s", [0, 1, N // 2, N // 2 + 1, N - 1, N, 2**256 - 1])
def test_r_and_s_at_every_limit_are_judged_alike(r, s):
    r = ES.sign(b"m")[:32] if r is None else r.to_bytes(32, "big")
    assert not both(ES.public, r + s.to_bytes(32, "big"), b"m")


def test_the_middle_is_the_last_low_s():
    """A key for which (r, s) fits: Q = r⁻¹(sR - eG), for any R of the curve; s is the signer's choice."""
    e = int.from_bytes(hashlib.sha256(b"m").digest(), "big")
    for s, good in ((N // 2, True), (N // 2 + 1, False)):
        k = 5  # then R = 5G, and the private key is (sk - e)/r
        r = ec.derive_private_key(k, ec.SECP256R1()).public_key().public_numbers().x % N
        key = ec.derive_private_key((s * k - e) * pow(r, -1, N) % N, ec.SECP256R1())
        signature = r.to_bytes(32, "big") + s.to_bytes(32, "big")
        assert both(public_key(key.public_key()), signature, b"m") == good


def test_sha512_is_hashlibs():
    library, state, out = (
        native.library(),
        (ctypes.c_uint64 * 32)(),
        ctypes.create_string_buffer(64),
    )
    for n in range(260):
        data = bytes(i * 7 & 255 for i in range(n))
        library.sha512_begin(state)
        library.sha512_add(state, data[: n // 3], n // 3)
        library.sha512_add(state, data[n // 3 :], n - n // 3)
        library.sha512_end(state, out)
        assert out.raw == hashlib.sha512(data).digest()


@pytest.mark.parametrize("name", ["monocypher", "p256-m"])
def test_what_others_wrote_is_what_its_notice_says(name):
    folder = resources.files("edgekit.firmware") / "crypto"
    sums = re.findall(
        rf"\| {name}\.([ch]) \|.*`([0-9a-f]{{64}})` \|", (folder / f"{name}.md").read_text()
    )
    assert len(sums) == 2
    for end, wanted in sums:
        assert hashlib.sha256((folder / f"{name}.{end}").read_bytes()).hexdigest() == wanted
