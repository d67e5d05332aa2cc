"""Encrypted payloads: the device's C against published vectors, `cryptography` and Python's reader."""

import ctypes

import pytest
from cryptography.hazmat.primitives import keywrap
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from hypothesis import given, settings
from hypothesis import strategies as st

from edgekit.agent import decryption_cost, native
from edgekit.core.errors import EdgekitError
from edgekit.firmware import c_sources
from edgekit.packages import encryption

KEY = st.binary(min_size=16, max_size=16)


class Encryption(ctypes.Structure):
    _fields_ = (("iv", ctypes.c_char_p), ("keys", ctypes.c_char_p), ("count", ctypes.c_uint32))


class Cbor(ctypes.Structure):
    _fields_ = (("at", ctypes.c_void_p), ("end", ctypes.c_void_p), ("state", ctypes.c_int))


@pytest.fixture(scope="module")
def c():
    """The device's files for this machine, where undefined behaviour ends the program."""
    files = native.decryptor_files() | c_sources("cbor")
    built = native.compile_host(files, ("-O1", "-shared", "-fPIC"), sanitize="undefined")
    return ctypes.CDLL(str(built))


def decrypted(c, how: bytes, kek: bytes, payload: bytes, pieces=()) -> bytes | None:
    """By the device's C, in pieces of these sizes and the rest; None: encrypted for others."""
    iv, wrapped = encryption.parsed(how)
    keys = how[len(how) - 31 * len(wrapped) + 7 :]
    known, state = Encryption(iv, keys, len(wrapped)), ctypes.create_string_buffer(1024)
    if c.decrypt_begin(state, ctypes.byref(known), kek):
        return None
    made, at = bytearray(), 0
    for n in (*pieces, len(payload)):
        part = payload[at : at + n]
        out = ctypes.create_string_buffer(len(part) or 1)
        c.decrypt_run(state, part, out, len(part))
        made += out.raw[: len(part)]
        at += n
    return bytes(made)


def taken(c, data: bytes) -> bool:
    """Does the device's C read these bytes as what is said of an encrypted payload?"""
    whole = ctypes.create_string_buffer(bytes([0x58, len(data)]) + data, len(data) + 2)
    start = ctypes.addressof(whole)
    reader, found = Cbor(start, start + len(data) + 2, 0), Encryption()
    c.encryption_read(ctypes.byref(reader), ctypes.byref(found))
    return reader.state == 0 and reader.at == start + len(data) + 2


def test_published_vectors(c):
    """NIST SP 800-38A F.5.1 (AES-128 in counter mode), its key wrapped for the occasion; RFC 3394, 4.1."""
    key, iv = (
        bytes.fromhex(t)
        for t in ("2b7e151628aed2a6abf7158809cf4f3c", "f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff")
    )
    plain = bytes.fromhex(
        "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51"
        "30c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710"
    )
    hidden = bytes.fromhex(
        "874d6191b620e3261bef6864990db6ce9806f66b7970fdff8617187bb9fffdff"
        "5ae4df3edbd5d35e5b4f09020db03eab1e031dda2fbe03d1792170a0f3009cee"
    )
    kek = bytes(range(16))
    how = encryption.info(iv, [keywrap.aes_key_wrap(kek, key)])
    assert decrypted(c, how, kek, hidden) == encryption.decrypt(hidden, how, kek) == plain
    data = bytes.fromhex("00112233445566778899aabbccddeeff")
    wrapped = bytes.fromhex("1fa68b0a8112b447aef34bd8fb5a7b829d3e862371d2cfe5")
    keystream = Cipher(algorithms.AES(data), modes.CTR(iv)).encryptor().update(bytes(40))
    assert decrypted(c, encryption.info(iv, [wrapped]), kek, bytes(40)) == keystream


def test_the_example_of_the_draft(c):
    """draft-ietf-suit-firmware-encryption: 'aaaaaaaaaaaaaaaa' wraps the key of a real firmware image."""
    how = encryption.info(
        bytes.fromhex("93702c81590f845d9ec866ccac767bd1"),
        [bytes.fromhex("ce34035ce5c2e2666e46d4c131fc561dd190a6d26cfa1990")],
    )
    hidden = bytes.fromhex("b74188de68cd904873c7d4ab265a7f5608ac63f68dbbce7773adcb38da07")
    assert decrypted(c, how, b"a" * 16, hidden) == b"This is a real firmware image."


def test_a_payload_is_for_one_to_four(c):
    for n in range(6):
        how = encryption.info(bytes(16), [bytes(24)] * n)
        assert taken(c, how) == (1 <= n <= encryption.RECIPIENTS), n
        if n not in range(1, encryption.RECIPIENTS + 1):
            with pytest.raises(EdgekitError, match="none that a device knows"):
                encryption.parsed(how)


def wrapped_from(start: bytes, kek: bytes, key: bytes) -> bytes:
    """RFC 3394, 2.2.1, from any initial value: `cryptography` starts from the right one alone."""
    block = Cipher(algorithms.AES(kek), modes.ECB()).encryptor()
    a, r = start, [key[:8], key[8:]]
    for t in range(12):
        made = block.update(a + r[t % 2])
        a, r[t % 2] = (int.from_bytes(made[:8], "big") ^ (t + 1)).to_bytes(8, "big"), made[8:]
    return a + r[0] + r[1]


def test_a_wrapped_key_is_asked_for_every_byte_of_its_check(c):
    kek, key, iv, right = bytes(range(16)), b"k" * 16, bytes(16), b"\xa6" * 8
    assert wrapped_from(right, kek, key) == keywrap.aes_key_wrap(kek, key)
    for i in range(8):
        start = right[:i] + b"\xa7" + right[i + 1 :]
        how = encryption.info(iv, [wrapped_from(start, kek, key)])
        assert decrypted(c, how, kek, b"secret") is None, i


@settings(max_examples=150, deadline=None)
@given(
    keks=st.lists(KEY, min_size=1, max_size=4, unique=True),
    which=st.integers(0, 3),
    payload=st.binary(max_size=200),
    pieces=st.lists(st.integers(0, 40), max_size=6),
    iv=st.none() | st.integers(0, 5).map(lambda n: (2**128 - n) % 2**128),
)
def test_each_recipient_reads_what_was_encrypted_and_nobody_else(
    c, keks, which, payload, pieces, iv
):
    hidden, how = encryption.encrypt(payload, keks)
    kek = keks[which % len(keks)]
    if iv is not None:  # the counter goes round
        iv = iv.to_bytes(16, "big")
        how = encryption.info(iv, encryption.parsed(how)[1])
        hidden = encryption.decrypt(payload, how, kek)
    assert encryption.decrypt(hidden, how, kek) == payload
    assert decrypted(c, how, kek, hidden, pieces) == payload
    other = bytes([kek[0] ^ 1]) + kek[1:]
    if other not in keks:
        assert decrypted(c, how, other, hidden) is None
        with pytest.raises(EdgekitError, match="key that this device does not have"):
            encryption.decrypt(hidden, how, other)


def test_no_package_is_encrypted_as_another_was():
    first, second = (encryption.encrypt(bytes(64), [bytes(16)]) for _ in range(2))
    assert first[0] != second[0]
    assert encryption.parsed(first[1])[0] != encryption.parsed(second[1])[0]


@settings(max_examples=300, deadline=None)
@given(
    data=st.integers(1, 4).map(
        lambda n: encryption.encrypt(b"", [bytes([k]) * 16 for k in range(n)])[1]
    ),
    damage=st.sampled_from(["none", "bit", "cut", "more", "recipients"]),
    at=st.integers(0, 10_000),
    more=st.binary(min_size=1, max_size=3),
)
def test_the_device_and_the_builder_read_the_same(c, data, damage, at, more):
    if damage == "bit":
        data = bytearray(data)
        data[at // 8 % len(data)] ^= 1 << at % 8
    elif damage == "cut":
        data = data[: at % len(data)]
    elif damage == "more":
        data += more
    elif damage == "recipients":
        data = data[:28] + bytes([0x80 + at % 6]) + data[29:]
    data = bytes(data)
    try:
        encryption.parsed(data)
        good = True
    except EdgekitError:
        good = False
    assert 24 <= len(data) < 256 or not good
    if len(data) >= 24:
        assert taken(c, data) == good


def test_a_devices_key_is_a_file_that_only_its_owner_reads(tmp_path):
    path = tmp_path / "device.kek"
    with pytest.raises(EdgekitError, match="cannot be read"):
        encryption.file_kek(path)
    kek = encryption.file_kek(path, make=True)
    assert len(kek) == 16
    assert encryption.file_kek(path) == encryption.file_kek(path, make=True) == kek
    assert path.stat().st_mode & 0o077 == 0
    path.chmod(0o640)
    with pytest.raises(EdgekitError, match="chmod 600"):
        encryption.file_kek(path)
    path.chmod(0o600)
    for bad in (b"", b"ab" * 15, b"zz" * 16, b"\xff\xfe", b"ab" * 17, b"{" * 32):
        path.write_bytes(bad)
        with pytest.raises(EdgekitError, match="32 hexadecimal digits"):
            encryption.file_kek(path)
    for wrong in ([], [bytes(16)] * 2, [bytes(15)], [bytes([i]) * 16 for i in range(5)]):
        with pytest.raises(EdgekitError):
            encryption.encrypt(b"", wrong)


def test_what_it_costs_a_device():
    found = decryption_cost.cost("cortex-m4")
    assert 30 < found.per_byte.value < 250
    assert found.flash.value < 4_000
    assert found.state.value < 300
    assert {found.per_byte.provenance, found.stack.provenance} == {"emulated"}
