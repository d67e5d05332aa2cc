"""A device takes only what was signed for it, byte for byte."""

import warnings

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgekit.errors import EdgekitError
from edgekit.ota import Device, PackageError, build, file_key, manifest, verify
from edgekit.ota import package as module

COMPATIBILITY = {"arena_bytes": 900, "operators": ["CONV_2D"], "features": "ab12"}


def make_signer(folder, algorithm="EdDSA", name="key.pem"):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return file_key(folder / name, "secret", algorithm)


@pytest.fixture(scope="module")
def signer(tmp_path_factory):
    return make_signer(tmp_path_factory.mktemp("keys"))


@pytest.fixture(scope="module")
def signed(signer):
    payload = bytes(range(256))
    return build(payload, manifest(payload, 2, "stm32u5", COMPATIBILITY), signer)


@pytest.mark.parametrize("algorithm", ["EdDSA", "ES256"])
def test_what_was_signed_is_what_arrives(tmp_path, algorithm):
    signer = make_signer(tmp_path, algorithm)
    data = build(b"model", manifest(b"model", 1, "b", {}), signer)
    assert verify(data, [signer.public]).payload == b"model"
    again = make_signer(tmp_path, algorithm)
    assert again.public == signer.public


def test_a_key_file_of_another_algorithm_is_refused(tmp_path):
    make_signer(tmp_path, "EdDSA")
    with pytest.raises(EdgekitError, match="EdDSA, not ES256"):
        make_signer(tmp_path, "ES256")


@pytest.mark.parametrize("text", [b"[1,2]", b'"x"', b'{"version":NaN}', b"null"])
def test_a_signed_manifest_that_is_none_is_refused(signer, text):
    head = module.MAGIC + len(text).to_bytes(4, "big") + text
    with pytest.raises(PackageError):
        verify(head + signer.sign(head), [signer.public])


def test_every_flipped_bit_and_every_cut_is_refused(signer, signed):
    for i in range(len(signed)):
        bad = bytearray(signed)
        bad[i] ^= 1 << (i % 8)
        with pytest.raises(PackageError):
            verify(bytes(bad), [signer.public])
        with pytest.raises(PackageError):
            verify(signed[:i], [signer.public])
    with pytest.raises(PackageError):
        verify(signed + b"\0", [signer.public])


def test_the_refusal_above_comes_from_the_checks(signer, signed, monkeypatch):
    """A mutation: without the signature check and the digest check, flipped bits get through."""
    monkeypatch.setattr(type(signer.public), "verifies", lambda *_: True)
    monkeypatch.setattr(module, "_check_payload", lambda *_: None)
    bad = bytearray(signed)
    bad[-1] ^= 1
    assert verify(bytes(bad), [signer.public]).payload[-1] != signed[-1]


def test_a_stranger_is_refused(tmp_path, signer, signed):
    stranger = make_signer(tmp_path, name="stranger.pem")
    with pytest.raises(PackageError, match="no key this device trusts"):
        verify(signed, [stranger.public])


@pytest.mark.parametrize(
    ("device", "why"),
    [
        (Device("nrf52840", 1), "made for stm32u5"),
        (Device("stm32u5", 2), "not newer"),
        (Device("stm32u5", 1, {"arena_bytes": 899}), "arena_bytes"),
        (Device("stm32u5", 1, {"operators": ["SOFTMAX"]}), "operators"),
        (Device("stm32u5", 1, {"features": "cd34"}), "features"),
        (Device("stm32u5", 1, {"abi": "1"}), "abi"),
    ],
)
def test_a_package_that_does_not_fit_is_refused(signer, signed, device, why):
    with pytest.raises(PackageError, match=why):
        verify(signed, [signer.public], device)


def test_a_package_that_fits_is_taken(signer, signed):
    device = Device("stm32u5", 1, {"arena_bytes": 900, "operators": ["CONV_2D", "SOFTMAX"]})
    assert verify(signed, [signer.public], device).manifest["version"] == 2


@settings(max_examples=300, deadline=None)
@given(data=st.binary(max_size=300))
def test_rubbish_is_refused_in_one_line(signer, data):
    for prefix in (b"", b"EKP1", b"EKP1\0\0\0\x02{}"):
        with pytest.raises(PackageError):
            verify(prefix + data, [signer.public])


def test_a_second_encoding_of_the_same_manifest_is_refused(signer):
    loose = b'{"version": 1}'
    head = b"EKP1" + len(loose).to_bytes(4, "big") + loose
    with pytest.raises(PackageError):
        verify(head + signer.sign(head), [signer.public])


def test_a_wrong_passphrase_is_one_line(tmp_path):
    make_signer(tmp_path)
    with pytest.raises(EdgekitError, match="wrong passphrase"), pytest.warns(match="NOT hardware"):
        file_key(tmp_path / "key.pem", "guess")


def test_a_file_key_says_that_no_hardware_guards_it(tmp_path):
    with pytest.warns(UserWarning, match="NOT hardware-secured"):
        file_key(tmp_path / "key.pem", "secret")
