"""Keys: in a file for workshops, in a token for products; the same signer for packages and MCUboot."""

import re
import shutil
import subprocess
import sys
import warnings

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from hypothesis import given, settings
from hypothesis import strategies as st

from edgekit.core.errors import EdgekitError
from edgekit.packages import mcuboot, pkcs8, pkcs11
from edgekit.packages.keys import FileSigner, file_key, open_key

URI = "pkcs11:token=edgekit;object=release"


WORDS = "four words of battery"


def make(folder, algorithm="EdDSA", passphrase=WORDS):
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
from edgekit.packages import mcuboot, pkcs11
from edgekit.packages.keys import open_key
from edgekit.core.errors import EdgekitError
import warnings
warnings.simplefilter("error")
signer = pkcs11.make_token_key({uri!r})
assert open_key({uri!r}).public == signer.public
assert pkcs11.make_token_key({uri!r}).public == signer.public, "a second key of that name"
for message in (b"", b"x" * 10_000):
    signature = signer.sign(message)
    assert len(signature) == 64 and signer.public.verifies(signature, message)
    assert not signer.public.verifies(signature, message + b"!")
image = mcuboot.mcuboot_image(bytes(4000), signer, version="1.2.3", slot_bytes=1 << 16)
assert "correctly validated" in mcuboot.check_mcuboot(image, signer.public)
strange = {{
    "token=edgekit;object=none": "exactly one",
    "token=no;object=release": "softhsm2-util --init-token --free --label no",
}}
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


def alone(program, folder):
    """What a program of its own prints."""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, cwd=folder
    )
    return done.stdout.strip() or done.stderr[-2000:]


def test_a_token_signs_and_does_not_give_its_key_away(token):
    assert alone(IN_TOKEN.format(uri=URI), token) == "all held"


LOOSE = """
import pkcs11 as api, warnings
from pkcs11 import Attribute, KeyType
from edgekit.packages import pkcs11
from edgekit.packages.keys import open_key
from edgekit.core.errors import EdgekitError
token = api.lib(pkcs11.parse({uri!r}).module).get_token(token_label="edgekit")
session = token.open(user_pin="1234", rw=True)
curve = session.create_domain_parameters(KeyType.EC, {{Attribute.EC_PARAMS: pkcs11.P256}}, local=True)
for name, extractable, sensitive in (("a", True, True), ("b", True, False), ("c", False, False)):
    private = {{Attribute.EXTRACTABLE: extractable, Attribute.SENSITIVE: sensitive, Attribute.SIGN: True}}
    curve.generate_keypair(store=True, label=name, private_template=private)
session.close()
for name in "abc":
    for get in (open_key, pkcs11.make_token_key):
        try:
            get("pkcs11:token=edgekit;object=" + name)
            raise SystemExit("took " + name)
        except EdgekitError as error:
            assert "can leave the token" in str(error), error
with warnings.catch_warnings(record=True) as said:
    warnings.simplefilter("always")
    signer = open_key("pkcs11:token=edgekit;object=imported")
assert ["NOT made in its token" in str(w.message) for w in said] == [True], said
assert signer.public.verifies(signer.sign(b"x"), b"x")
print("all held")
"""


def test_a_key_that_can_leave_its_token_is_refused_and_one_that_came_in_is_told(token):
    key, plain = ec.generate_private_key(ec.SECP256R1()), serialization.NoEncryption()
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8)
    (token / "outside.pem").write_bytes(key.private_bytes(*form, plain))
    command = (
        "softhsm2-util --import outside.pem --token edgekit --pin 1234 --label imported --id 01"
    )
    subprocess.run(command.split(), check=True, capture_output=True, cwd=token)
    assert alone(LOOSE.format(uri=URI), token) == "all held"


def test_a_pin_that_others_may_read_is_refused(token):
    """It lies in a file, as a URI may say; and it is no use there to everybody."""
    (token / "pin").write_text("1234\n")
    (token / "pin").chmod(0o640)
    with pytest.raises(EdgekitError, match="chmod 600"):
        pkcs11.token_key(f"{URI}?pin-source=file:{token}/pin")


def openssl(*words):
    command = ["openssl", *map(str, words)]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


@pytest.mark.skipif(not shutil.which("openssl"), reason="OpenSSL is not installed")
@pytest.mark.parametrize("algorithm", ["EdDSA", "ES256"])
def test_a_key_file_is_an_ordinary_one_and_slow_to_guess(tmp_path, algorithm):
    """OpenSSL is the oracle for what is in it: PBES2 by PBKDF2, and how many rounds."""
    made, file = make(tmp_path, algorithm), tmp_path / "key.pem"
    public = openssl("pkey", "-in", file, "-passin", f"pass:{WORDS}", "-pubout")
    assert public.encode() == mcuboot.pem(made.public)
    parsed = openssl("asn1parse", "-in", file)
    assert re.search("PBES2.*PBKDF2.*INTEGER *:0927C0.*hmacWithSHA256.*aes-256-cbc", parsed, re.S)
    assert pkcs8.rounds(file.read_bytes()) == int("0927C0", 16) >= 600_000


@given(st.text(min_size=12, max_size=40), st.integers(0, 3))
@settings(deadline=None, max_examples=8)
def test_any_passphrase_opens_what_it_closed(text, seed):
    private = ed25519.Ed25519PrivateKey.from_private_bytes(bytes([seed]) * 32)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pkcs8, "ROUNDS", 1 + seed * 77)
        pem = pkcs8.encrypted(private, text.encode())
    assert pkcs8.rounds(pem) == 1 + seed * 77
    opened = serialization.load_pem_private_key(pem, text.encode())
    assert opened.private_bytes_raw() == private.private_bytes_raw()


@pytest.mark.skipif(not shutil.which("openssl"), reason="OpenSSL is not installed")
def test_a_key_file_that_is_soon_guessed_is_told_or_refused(tmp_path, monkeypatch):
    """What other programs have made: few rounds, a short passphrase, none at all."""
    file, plain = tmp_path / "key.pem", tmp_path / "plain.pem"
    openssl("genpkey", "-algorithm", "ed25519", "-out", plain)
    plain.chmod(0o600)
    with pytest.raises(EdgekitError, match="not encrypted: openssl pkcs8 -topk8"):
        open_key(str(plain))
    said = {
        ("x", "-iter", 2048): "2,048 rounds of PBKDF2 only and a short passphrase",
        (WORDS, "-iter", 2048): "2,048 rounds of PBKDF2 only$",
        ("x", "-iter", 600_000): "it has a short passphrase",
        (WORDS, "-iter", 600_000): None,
        (WORDS, "-scrypt"): None,
    }
    for (passphrase, *how), why in said.items():
        openssl(
            "pkcs8", "-topk8", *how, "-in", plain, "-out", file, "-passout", f"pass:{passphrase}"
        )
        file.chmod(0o600)
        monkeypatch.setenv("EDGEKIT_KEY_PASSPHRASE", passphrase)
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            open_key(str(file))
        weak = [str(w.message) for w in told if "soon guessed" in str(w.message)]
        assert len(weak) == (why is not None)
        assert not why or re.search(why, weak[0])


@pytest.mark.parametrize("mode", [0o604, 0o640, 0o620, 0o644, 0o610])
def test_a_key_file_that_others_may_read_is_refused(tmp_path, mode):
    make(tmp_path)
    (tmp_path / "key.pem").chmod(mode)
    with pytest.raises(EdgekitError, match=rf"chmod 600 {tmp_path}/key.pem"):
        make(tmp_path)
    (tmp_path / "key.pem").chmod(0o400)
    make(tmp_path)


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
        first = file_key(tmp_path / "key.pem", WORDS, "ES256")
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
    monkeypatch.setenv("EDGEKIT_KEY_PASSPHRASE", WORDS)
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
