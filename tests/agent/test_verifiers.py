"""ES256 in its several ways: they agree with `cryptography`, where the sums of points are odd as well."""

import ctypes
from importlib import resources

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed, encode_dss_signature
from hypothesis import example, given, settings
from hypothesis import strategies as st

from edgekit import catalog, design
from edgekit.agent import native, verification_cost
from edgekit.agent.device_firmware import firmware
from edgekit.agent.simulator import Boot, DeviceSimulator
from edgekit.core.errors import EdgekitError
from edgekit.design.design import SIGNATURES
from edgekit.packages import verifiers
from edgekit.packages.package import sign_package
from tests.updates_fixtures import release_of

N = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
# of G: in these a sum meets P + P, P - P, or nothing at all
KEYS = [
    k % N for k in (1, -1, 2, -2, 3, -3, 4, -4, 5, 7, pow(2, -1, N), -pow(2, -1, N), pow(3, -1, N))
]
SMALL = st.integers(0, 12) | st.integers(N - 12, N - 1)
NUMBER = SMALL | st.integers(1, N - 1) | st.integers(0, 255).map(lambda i: (1 << i) % N)


@pytest.fixture(scope="module", params=["ES256", "ES256-joint"])
def verify(request):
    """(signature, key, digest) -> good, by the C compiled for this machine, undefined behaviour refused."""
    flags = ("-O1", "-DMUL64_IS_CONSTANT_TIME", "-shared", "-fPIC")
    if request.param == "ES256-joint":
        flags = tuple(f for f in flags if not f.startswith("-D"))  # it says so itself
    built = native.compile_host(native.files(request.param), flags)
    library = ctypes.CDLL(str(built))
    return lambda *parts: library.p256_ecdsa_verify(*parts, 32) == 0


def multiple(k: int) -> ec.EllipticCurvePublicNumbers:
    return ec.derive_private_key(k, ec.SECP256R1()).public_key().public_numbers()


def raw(*numbers: int) -> bytes:
    return b"".join(n.to_bytes(32, "big") for n in numbers)


def by_cryptography(r: int, s: int, key: int, digest: bytes) -> bool:
    public = ec.derive_private_key(key, ec.SECP256R1()).public_key()
    try:
        public.verify(encode_dss_signature(r, s), digest, ec.ECDSA(Prehashed(hashes.SHA256())))
    except InvalidSignature:
        return False
    return True


@settings(max_examples=150, deadline=None)
@example(u1=2, u2=1, key=2, off=False)  # 2 G + Q, which are the same
@example(u1=5, u2=2, key=N - 2, off=False)  # 2 G + Q is nothing on the way, and G is added to that
@example(u1=3, u2=1, key=1, off=False)  # 2 G meets G + Q, which are the same
@example(u1=3, u2=1, key=N - 3, off=False)  # or each other's opposite
@example(u1=3, u2=1, key=N - 1, off=False)  # G + Q are nothing
@given(u1=NUMBER, u2=NUMBER, key=st.sampled_from(KEYS) | st.integers(1, N - 1), off=st.booleans())
def test_the_sum_of_two_multiples_is_right_whatever_the_points(verify, u1, u2, key, off):
    """u1 G + u2 Q is chosen, and the signature that leads to it made from that."""
    if u2 == 0:
        return  # r is not 0, so no signature has it
    k = (u1 + u2 * key) % N
    r = multiple(k).x % N if k else 1
    s = r * pow(u2, -1, N) % N
    digest = raw((u1 * s + off) % N)
    public = multiple(key)
    judged = verify(raw(r, s), raw(public.x, public.y), digest)
    assert judged == by_cryptography(r, s, key, digest)
    assert judged == (k != 0 and not off)


def test_a_sum_that_is_no_point_is_no_signature(verify):
    """Q = -G and u1 = u2: the sum is the neutral point, whatever r claims."""
    public = multiple(N - 1)
    for u in (1, 2, 3, N - 1, 2**255 % N):
        for r in (1, public.x % N, N - 1):
            s = r * pow(u, -1, N) % N
            assert not verify(raw(r, s), raw(public.x, public.y), raw(u * s % N))


def test_numbers_that_are_out_of_range_and_points_off_the_curve_are_refused(verify):
    public, digest = multiple(5), bytes(31) + b"\1"
    key, k = raw(public.x, public.y), 77
    r = multiple(k).x % N
    s = pow(k, -1, N) * (1 + r * 5) % N
    assert verify(raw(r, s), key, digest)
    for bad in (raw(0, s), raw(r, 0), raw(N, s), raw(r, N), raw(r, s)[::-1], b"\xff" * 64):
        assert not verify(bad, key, digest)
    for off in (bytes(64), key[:63] + bytes([key[63] ^ 1]), b"\xff" * 64, key[32:] + key[:32]):
        assert not verify(raw(r, s), off, digest)


def test_a_design_may_choose_each_way_and_no_other(tmp_path):
    assert tuple(verifiers.VERIFIERS) == SIGNATURES
    text = (resources.files("edgekit") / "usecases/bearing/design.toml").read_text("utf-8")
    path = tmp_path / "design.toml"
    for name in (*SIGNATURES, "ES257"):
        path.write_text(text.replace("[hardware]", f'[hardware]\nsignature = "{name}"'), "utf-8")
        if name in verifiers.VERIFIERS:
            assert design.load(path).updates == {"signature": name, "encryption": ""}
            assert design.Design.from_dict(design.load(path).to_dict()).updates["signature"] == name
        else:
            with pytest.raises(
                EdgekitError, match="signature: there is no 'ES257'; there are EdDSA, ES256"
            ):
                design.load(path)


def test_a_faster_way_is_faster_on_the_core_and_costs_what_the_parts_say(
    releases, es256, signer, monkeypatch
):
    two = {n: verifiers.VERIFIERS[n] for n in ("ES256-joint", "ES256-fast")}
    monkeypatch.setattr(verifiers, "VERIFIERS", two)  # the others take seconds to count
    table = verification_cost.signatures(catalog.board("nrf52840"), "ES256-fast").set_index(
        "signature"
    )
    monkeypatch.undo()
    assert set(table.provenance) == {"emulated"}
    assert table.index[table["in use"]].tolist() == ["ES256-fast"]
    joint, fast = (table.loc[n] for n in two)
    assert fast.instructions < 0.6 * joint.instructions < 6_000_000
    assert joint.flash < 5_000 < fast.flash
    assert fast["ms, estimated"] == pytest.approx(fast.instructions / 64e3)

    release = release_of(releases[0].tflite, signature="ES256-fast")
    app = firmware(release, [es256.public])
    parts = app.parts
    assert parts["cryptography"].value == pytest.approx(fast.flash, abs=256)
    core = DeviceSimulator(app, release.device())
    assert "fits no key" in core.install(sign_package(release.unsigned(1), signer))
    assert core.install(sign_package(release.unsigned(1), es256)) == ""
    assert core.reset() == Boot(0, trial=True, healthy=True)
    with pytest.raises(EdgekitError, match="by ES256-fast, the key is for EdDSA"):
        firmware(release, [signer.public])


def test_the_count_would_not_hide_a_signature_that_is_refused(monkeypatch):
    key, message, signature = verification_cost.SIGNED["ES256"]
    monkeypatch.setitem(verification_cost.SIGNED, "ES256", (key, message, signature[:-2] + "84"))
    with pytest.raises(EdgekitError, match="refuses a published signature"):
        verification_cost.signature_cost("ES256-joint")
