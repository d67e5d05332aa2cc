"""Keys: in a file for workshops, in a token for products; the same signer for packages and MCUboot."""

import shutil
import subprocess
import warnings

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from edgekit.errors import EdgekitError
from edgekit.ota import mcuboot, pkcs11
from edgekit.ota.keys import FileSigner, file_key, open_key

URI = "pkcs11:token=edgekit;object=release"


def make(folder, algorithm="EdDSA", passphrase="secret"):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return file_key(folder / "key.pem", passphrase, algorithm)


@pytest.fixture
def token(tmp_path, monkeypatch):
    """A SoftHSM token with nothing in it."""
    pytest.importorskip("pkcs11", reason="pip install 'edgekit[ota]'")
    if not shutil.which("softhsm2-util"):
        pytest.skip("SoftHSM is not installed (Debian: softhsm2)")
    (tmp_path / "tokens").mkdir()
    conf = tmp_path / "softhsm2.conf"
    conf.write_text(f"directories.tokendir = {tmp_path}/tokens\nobjectstore.backend = file\n")
    monkeypatch.setenv("SOFTHSM2_CONF", str(conf))
    monkeypatch.setenv(pkcs11.PIN, "1234")
    command = "softhsm2-util --init-token --free --label edgekit --pin 1234 --so-pin 5678"
    subprocess.run(command.split(), check=True, capture_output=True)
    # the library reads its configuration once in a process, so each token gets a process of its own
    return tmp_path


IN_TOKEN = """
from edgekit.ota import mcuboot, pkcs11
from edgekit.ota.keys import open_key
from edgekit.errors import EdgekitError
signer = pkcs11.make_token_key({uri!r})
assert not pkcs11.extractable({uri!r}), "the key can leave its token"
assert open_key({uri!r}).public == signer.public
assert pkcs11.make_token_key({uri!r}).public == signer.public, "a second key of that name"
for message in (b"", b"x" * 10_000):
    signature = signer.sign(message)
    assert len(signature) == 64 and signer.public.verifies(signature, message)
    assert not signer.public.verifies(signature, message + b"!")
image = mcuboot.mcuboot_image(bytes(4000), signer, version="1.2.3", slot_bytes=1 << 16)
assert "correctly validated" in mcuboot.check_mcuboot(image, signer.public)
strange = {{"token=edgekit;object=none": "exactly one", "token=no;object=release": "no token"}}
for bad, why in strange.items():
    try:
        pkcs11.token_key("pkcs11:" + bad)
        raise SystemExit("took " + bad)
    except EdgekitError as error:
        assert why in str(error), error
import os
os.environ[pkcs11.PIN] = "0000"
try:
    pkcs11.token_key({uri!r})
    raise SystemExit("took a wrong PIN")
except EdgekitError as error:
    assert "PinIncorrect" in str(error)
print("all held")
"""


def test_a_token_signs_and_does_not_give_its_key_away(token):
    import sys

    done = subprocess.run(
        [sys.executable, "-c", IN_TOKEN.format(uri=URI)], capture_output=True, text=True, cwd=token
    )
    assert done.stdout.strip() == "all held", done.stderr[-2000:]


@pytest.mark.parametrize("uri", ["pkcs11:token=x", "pkcs11:object=y", "release", "pkcs11:"])
def test_what_names_no_key_in_a_token_is_refused(uri):
    with pytest.raises(EdgekitError, match="no key in a token"):
        pkcs11.parse(uri)


def test_a_token_without_its_library_or_pin_says_what_to_do(monkeypatch, tmp_path):
    with pytest.raises(EdgekitError, match="softhsm2"):
        pkcs11.parse(f"{URI}?module-path={tmp_path}/none.so")
    monkeypatch.delenv(pkcs11.PIN, raising=False)
    (tmp_path / "lib.so").write_bytes(b"")
    pytest.importorskip("pkcs11")
    with pytest.raises(EdgekitError, match=pkcs11.PIN):
        pkcs11.token_key(f"{URI}?module-path={tmp_path}/lib.so")


def test_a_file_key_says_loudly_that_no_hardware_guards_it(tmp_path):
    with pytest.warns(UserWarning, match="NOT hardware-secured"):
        first = file_key(tmp_path / "key.pem", "secret", "ES256")
    assert b"ENCRYPTED" in (tmp_path / "key.pem").read_bytes()
    assert (tmp_path / "key.pem").stat().st_mode & 0o077 == 0
    assert make(tmp_path, "ES256").public == first.public
    with pytest.raises(EdgekitError, match="wrong passphrase"):
        make(tmp_path, "ES256", "guess")
    with pytest.raises(EdgekitError, match="ES256, not EdDSA"):
        make(tmp_path, "EdDSA")
    with pytest.raises(EdgekitError, match="needs a passphrase"):
        make(tmp_path, "EdDSA", "")


def test_one_door_opens_both_kinds_of_key(tmp_path, monkeypatch):
    made = make(tmp_path)
    monkeypatch.setenv("EDGEKIT_KEY_PASSPHRASE", "secret")
    with pytest.warns(UserWarning, match="NOT hardware-secured"):
        assert open_key(str(tmp_path / "key.pem")).public == made.public


@pytest.mark.parametrize(
    "private", [ed25519.Ed25519PrivateKey.generate(), ec.generate_private_key(ec.SECP256R1())]
)
def test_an_mcuboot_image_is_verified_by_mcuboots_own_tool(private):
    pytest.importorskip("imgtool", reason="pip install 'edgekit[ota]'")
    signer = FileSigner(private)
    program = bytes(range(256)) * 20
    image = mcuboot.mcuboot_image(program, signer, version="1.2.3", slot_bytes=1 << 16, counter=3)
    assert program in image
    assert len(image) - len(program) - 512 <= 200
    assert "correctly validated" in mcuboot.check_mcuboot(image, signer.public)
    with pytest.raises(EdgekitError, match="invalid hash"):
        mcuboot.check_mcuboot(image.replace(program, program[::-1]), signer.public)
    with pytest.raises(EdgekitError, match="No signature"):
        mcuboot.check_mcuboot(image, FileSigner(ed25519.Ed25519PrivateKey.generate()).public)
    with pytest.raises(EdgekitError, match="imgtool refused"):
        mcuboot.mcuboot_image(program, signer, version="no version", slot_bytes=1 << 16)
