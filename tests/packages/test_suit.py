"""The envelope: one encoding, one signature over every byte, and nothing else gets in."""

from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from hypothesis import given, settings
from hypothesis import strategies as st

from edgekit.packages import suit
from edgekit.packages.keys import FileSigner
from edgekit.packages.manifest import Manifest, PackageError
from edgekit.packages.package import digest
from edgekit.packages.public_keys import public_key
from tests.packages import published
from tests.packages.published import ENVELOPES, PUBLIC_KEY

cbor2 = pytest.importorskip("cbor2")
SIGNERS = {
    "EdDSA": FileSigner(ed25519.Ed25519PrivateKey.from_private_bytes(bytes(range(32)))),
    "ES256": FileSigner(ec.derive_private_key(0x1234567, ec.SECP256R1())),
}
ids = st.binary(min_size=16, max_size=16)
hashes = st.binary(min_size=4, max_size=4)
numbers = st.integers(0, (1 << 32) - 1)
PAYLOAD = bytes(300)


def whole(m: Manifest) -> Manifest:
    """What belongs together brought together: a raw payload is its image, a delta has a base."""
    if m.encoding == 0:
        return replace(m, digest=m.payload_digest, size=m.payload_size, base=b"")
    return m if m.encoding == 2 else replace(m, base=b"")


manifests = st.builds(
    Manifest,
    sequence=st.integers(1, (1 << 32) - 1), vendor=ids, model=ids, digest=st.binary(min_size=32, max_size=32),
    size=st.integers(1, 1 << 20), payload_size=st.just(300), payload_digest=st.just(digest(PAYLOAD)),
    operators=st.sets(st.integers(0, 255), max_size=32).map(lambda s: tuple(sorted(s))),
    io=hashes, abi=hashes, features=hashes, kind=st.integers(0, 1), base=st.just(b"basebase"), arena=numbers,
    encoding=st.integers(0, 2), device=st.sampled_from([b"", b"d" * 16]), expires=numbers,
).map(whole)  # fmt: skip
GOOD = Manifest(
    2, b"v" * 16, b"m" * 16, b"d" * 32, 1600, digest(PAYLOAD), 300, 900, (3, 9, 22), b"iiii", b"abia",
    b"feat", 1, 2, b"basebase", b"", 1_800_000_000,
)  # fmt: skip


def test_the_published_signature_that_is_not_the_lower_one_is_refused():
    key, high = public_key(load_pem_public_key(PUBLIC_KEY)), []
    for name, text in ENVELOPES.items():
        parts = published.parts(text, low=False)
        try:
            suit.authenticated(parts[2], parts[3], [key])
        except PackageError:
            high.append(name)
    assert high == ["draft-ietf-teep-protocol: a trusted application by URI"]


@pytest.mark.parametrize("name", ENVELOPES)
def test_published_envelopes_verify(name):
    key = public_key(load_pem_public_key(PUBLIC_KEY))
    parts = published.parts(ENVELOPES[name])
    assert suit.authenticated(parts[2], parts[3], [key]) == key
    with pytest.raises(PackageError, match="not the manifest's"):
        suit.authenticated(parts[2], parts[3] + b"\0", [key])
    with pytest.raises(PackageError, match="no key"):
        suit.authenticated(parts[2], parts[3], [SIGNERS["ES256"].public])


@settings(max_examples=60, deadline=None)
@given(manifest=manifests, algorithm=st.sampled_from(list(SIGNERS)))
def test_what_is_signed_is_what_is_read(manifest, algorithm):
    signer = SIGNERS[algorithm]
    data = suit.sign(manifest, PAYLOAD, signer)
    assert suit.read(data, [signer.public]) == (manifest, PAYLOAD, signer.public)
    assert suit.head_size(data) == len(data) - len(PAYLOAD) <= suit.HEAD_LIMIT


@pytest.mark.parametrize(("encoding", "bytes_over"), [(0, 300), (1, 340), (2, 340)])
def test_what_a_package_costs_over_its_payload(encoding, bytes_over):
    """A packed payload and a delta have two digests: of what is fetched, and of the image."""
    for signer in SIGNERS.values():
        data = suit.sign(whole(replace(GOOD, encoding=encoding)), PAYLOAD, signer)
        assert len(data) - 300 <= bytes_over


@pytest.mark.parametrize("algorithm", [-7, -9, -8, -19])
def test_both_generations_of_algorithm_numbers_are_read(algorithm):
    signer = SIGNERS[suit.ALGORITHMS[algorithm]]
    parts = suit.opened(suit.sign(GOOD, PAYLOAD, signer))
    digest, _ = suit.authentication(parts[2])
    header = suit.encode({1: algorithm})
    signature = signer.sign(suit.to_sign(header, digest))
    data = suit.envelope(parts[3], digest, [header, {}, None, signature], parts[suit.PAYLOAD])
    assert suit.read(data, [signer.public])[0] == GOOD


@pytest.mark.parametrize(
    "change",
    [
        {"vendor": b"short"},
        {"size": 0},
        {"sequence": 0},
        {"size": -1},
        {"sequence": 1 << 32},
        {"operators": (9, 3)},
        {"operators": (3, 3)},
        {"kind": 2},
        {"encoding": 3},
        {"base": b""},
        {"encoding": 0},
        {"digest": b"d" * 31},
        {"digest": "d" * 32},
        {"payload_digest": "d" * 32},
        {"payload_size": 0},
        {"vendor": "v" * 16},
        {"device": None},
        {"operators": (True, 3)},
        {"arena": 900.0},
        {"io": bytearray(4)},
    ],
)
def test_who_signs_nonsense_hears_it_first(change):
    with pytest.raises(PackageError):
        suit.sign(replace(GOOD, **change), PAYLOAD, SIGNERS["EdDSA"])


def test_who_signs_another_payload_hears_it_first():
    for payload, why in ((bytes(299), "299 bytes"), (b"!" * 300, "not the one")):
        with pytest.raises(PackageError, match=why):
            suit.sign(GOOD, payload, SIGNERS["EdDSA"])


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=400))
def test_noise_is_no_package(data):
    with pytest.raises(PackageError):
        suit.read(data, [SIGNERS["EdDSA"].public])


@pytest.mark.parametrize(
    "data",
    [b"", b"\xd8\x6b", b"\x81" * 5000, b"\x9f" * 5000, b"\x9b" + b"\xff" * 8, b"\xfb\x7f\xf8\0\0\0\0\0\0",
     b"\xd8\x6b\xa1\xa0\x01", b"\x5b\x7f\xff\xff\xff\xff\xff\xff\xff"],
)  # fmt: skip
def test_cbor_made_to_hurt_is_refused_in_one_line(data):
    with pytest.raises(PackageError) as refusal:
        suit.read(data, [])
    assert "\n" not in str(refusal.value)
