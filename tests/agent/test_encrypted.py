"""Packages that only some devices read: their form in C and Python, and on the core under attack."""

from dataclasses import replace

import cbor2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgekit.agent import native
from edgekit.agent.device_firmware import firmware
from edgekit.agent.simulator import Boot, DeviceSimulator
from edgekit.assurance import attacks
from edgekit.cli import commands, run_device
from edgekit.packages import delta, encryption, suit
from edgekit.packages.manifest import ENCODINGS, PackageError
from edgekit.packages.package import manifest_of, sign_package, verify
from tests.agent.manifests import (
    ED,
    FULL,
    PAYLOAD,
    TRUSTED,
    Writer,
    body,
    manifests,
    reason,
    wrap,
)
from tests.packages.processor import Ended, Processor
from tests.updates_fixtures import flipped, release_of

KEK, OTHER = bytes(range(16)), bytes(range(1, 17))
HIDDEN = replace(FULL, encryption=encryption.encrypt(PAYLOAD, [KEK, OTHER])[1])


# ---- The form ----


@settings(max_examples=12, deadline=None)
@given(manifests(), st.integers(1, 4))
def test_every_field_of_what_is_signed_arrives(m, recipients):
    keys = [bytes([i]) * 16 for i in range(recipients)]
    m = replace(m, encryption=encryption.encrypt(PAYLOAD, keys)[1], digest=b"i" * 32)
    longer = len(wrap(Writer().write(body(m)))) - len(PAYLOAD) > suit.HEAD_LIMIT
    if longer:
        with pytest.raises(PackageError, match="longer than 512"):  # said when it is built
            suit.sign(m, PAYLOAD, ED)
        return
    data = suit.sign(m, PAYLOAD, ED)
    assert data == wrap(Writer().write(body(m)))
    found = native.read(data, TRUSTED)
    assert found.pop("payload_at") == suit.head_size(data)
    assert suit.Manifest(**found) == m == suit.read(data, TRUSTED)[0]


@pytest.mark.parametrize("endless", [False, True], ids=["longer", "indefinite"])
def test_another_encoding_of_the_same_is_refused_even_if_well_signed(endless):
    plain = Writer()
    assert native.read(wrap(plain.write(body(HIDDEN))), TRUSTED)
    refused = 0
    for item in range(plain.items):
        twisted = Writer(item, endless).write(body(HIDDEN))
        if twisted != suit.body(HIDDEN):  # else it is null's, of which there is no other
            assert reason(wrap(twisted))
            refused += 1
    assert refused > 80


def test_the_device_and_the_builder_agree_on_each_damaged_byte():
    whole = suit.body(HIDDEN)
    for at in range(len(whole)):
        for bit in (1, 32, 128):
            bad = wrap(whole[:at] + bytes([whole[at] ^ bit]) + whole[at + 1 :])
            answers = []
            for read in (suit.read, native.read):
                try:
                    answers.append(read(bad, TRUSTED) and "")
                except PackageError as refusal:
                    answers.append(refusal.rule)
            assert len(set(answers)) == 1, (at, answers)


def test_a_raw_payload_that_is_encrypted_says_what_it_becomes():
    m = replace(HIDDEN, encoding=0, base=b"", digest=FULL.payload_digest, size=len(PAYLOAD))
    found = native.read(suit.sign(m, PAYLOAD, ED), TRUSTED)
    assert found["size"] == len(PAYLOAD)
    assert found["encryption"] == HIDDEN.encryption


# ---- By the draft ----


def test_a_processor_of_the_draft_checks_what_it_fetched_and_decrypts_it(releases, signer):
    old, new = releases
    data = sign_package(new.unsigned(2, old, recipients=(OTHER, KEK)), signer)
    m, target = manifest_of(data), new.device()
    known = {"vendor": m.vendor, "model": m.model, "device": target.device}
    made = Processor(**known, kek=KEK)
    found = made.update(data)
    assert made.done == [12, 20, 1, 2, 4, 12, 20, 21, 3, 12, 20, 22]
    assert found[1] == suit.opened(data)["#m"]
    assert delta.decode(found[0], old.image, m.size) == new.image
    with pytest.raises(Ended, match="for others"):
        Processor(**known, kek=bytes(16)).update(data)
    parts = suit.opened(data)
    wrong = flipped(parts["#m"], 0)
    with pytest.raises(Ended, match="condition 3"):
        Processor(**known, kek=KEK).update(
            suit.envelope(parts[3], *suit.authentication(parts[2]), wrong)
        )
    grammar = pytest.importorskip("tests.packages.test_draft").GRAMMAR
    assert grammar.validate(data).errors == ()
    install = cbor2.loads(cbor2.loads(parts[3])[20])
    install[11][19] = b"not a COSE_Encrypt"
    broken = cbor2.dumps(cbor2.loads(parts[3]) | {20: cbor2.dumps(install)})
    assert not grammar.validate(suit.sealed(broken, parts["#m"], signer)).valid


# ---- On the device ----


@pytest.fixture(scope="module")
def secret(releases, signer):
    """(the release of a design whose devices read secrets, its program)."""
    release = release_of(releases[0].tflite, encryption="A128KW")
    return release, firmware(release, [signer.public])


@pytest.fixture
def core(secret, signer):
    release, app = secret
    core = DeviceSimulator(app, release.device(kek=KEK))
    first = sign_package(release.unsigned(1, recipients=(KEK,)), signer)
    assert core.install(first) == ""
    assert core.reset() == Boot(0, trial=True, healthy=True)
    return core


@pytest.mark.parametrize("piece", [1, 29, 512])
def test_an_encrypted_delta_is_installed_tried_and_kept(core, releases, signer, piece):
    old, new = releases
    data = sign_package(new.unsigned(2, old, recipients=(OTHER, KEK)), signer)
    plain = sign_package(new.unsigned(2, old), signer)
    assert suit.opened(plain)["#m"] not in data
    device = old.device(sequence=1, base=old.image, kek=KEK)
    assert verify(data, [signer.public], device).image(old.image, KEK) == new.image
    half = suit.head_size(data) + 5  # what was broken off leaves nothing of its key behind
    assert "ended too early" in core.install(data[:half], piece)
    assert core.install(data, piece) == ""
    assert core.reset() == Boot(1, trial=True, healthy=True)


def test_a_device_takes_what_is_not_encrypted_as_well(core, releases, signer):
    old, new = releases
    assert core.install(sign_package(new.unsigned(2, old), signer)) == ""
    assert core.reset() == Boot(1, trial=True, healthy=True)


def test_no_attack_on_a_secret_gets_in(core, releases, signer):
    old, new = releases
    device = old.device(sequence=1, base=old.image, kek=KEK)
    data = sign_package(new.unsigned(2, old, recipients=(KEK,)), signer)
    own = {
        "encrypted for another device": "key that this device does not have",
        "encrypted, to a device that reads no secrets": "reads no such payload",
        "encrypted, the nonce another one": "",
        "encrypted, the key tampered with": "key that this device does not have",
        "encrypted, under another package's key": "",
        "encrypted, and not said so": "",
        "payload corrupted, and signed so": "",
        "payload corrupted, at every byte": "",
    }
    flash = core.flash
    for answer, every in ((attacks.check_in_python, 47), (core.answer, 601)):
        table = attacks.attack(data, signer, device, old.image, answer, every)
        assert table.refused.all(), table[~table.refused]
        said = table.set_index("attack").answer
        for name, why in own.items():
            if answer == attacks.check_in_python or "reads no secrets" not in name:
                assert why in said[name]
    assert core.flash == flash
    assert core.restart() == Boot(0, trial=False)


def test_a_raw_payload_is_decrypted_and_judged_too(core, secret, signer):
    """Noise cannot be packed: it travels as it is, and the self-test is what refuses it."""
    release, _ = secret
    noise = bytes(i * i % 251 for i in range(len(release.image)))
    object.__setattr__(other := release_of(release.tflite), "image", noise)
    data = sign_package(other.unsigned(2, recipients=(KEK,)), signer)
    m = manifest_of(data)
    wrong = flipped(suit.opened(data)["#m"], 40)
    if ENCODINGS[m.encoding] == "raw":
        bad = replace(m, payload_digest=suit.hashlib.sha256(wrong).digest())
        assert "not the one that was signed" in core.install(suit.sign(bad, wrong, signer))
    other = suit.body(replace(m, payload_digest=bytes(32)))
    travelled = suit.opened(data)["#m"]
    assert "payload is not the one" in core.install(suit.sealed(other, travelled, signer))
    assert core.install(data) == ""
    assert core.reset() == Boot(0, trial=False, healthy=False)


def test_a_device_without_the_reader_has_none_of_its_code_and_refuses(secret, releases, signer):
    old, _ = releases
    plain, (_, app) = firmware(old, [signer.public]), secret
    names = {s.name for s in plain.image().symbols.values()}
    assert not any(n.startswith(("br_aes", "decrypt")) for n in names)
    assert 2_500 < app.flash.value - plain.flash.value < 4_500
    core = DeviceSimulator(plain, old.device(kek=KEK))
    data = sign_package(old.unsigned(1, recipients=(KEK,)), signer)
    assert "reads no such payload" in core.install(data)


def test_from_a_devices_key_to_a_confirmed_update(
    tmp_path, monkeypatch, capsys, secret, releases, signer
):
    """By the command line: a key for a device, a package that only it reads, and the others' answers."""
    (tmp_path / "old.tflite").write_bytes(releases[0].tflite)
    design = {"encryption": "A128KW"}

    def release(run_dir, tflite=""):
        return release_of(
            (tmp_path / tflite).read_bytes() if tflite else releases[0].tflite, **design
        )

    monkeypatch.setattr(run_device, "release_of", release)
    monkeypatch.setenv("EDGEKIT_KEY_PASSPHRASE", "four words of battery")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "run").mkdir()

    def ota(*words):
        code = commands.main(
            ["ota", *words, "--vendor", "acme.example"][: 99 if words[0] != "key" else -2]
        )
        said = capsys.readouterr()
        return code, said.out + said.err

    assert ota("key", "one.kek", "--algorithm", "A128KW")[0] == 0
    assert ota("key", "two.kek", "--algorithm", "A128KW")[0] == 0
    assert ota("key", "release.pem")[0] == 0
    built = ("build", "run", "--sequence", "1", "--out", "1.suit", "--encrypt-for", "one.kek")
    assert "encrypted for 1 device" in ota(*built)[1]
    code, said = ota("sign", "1.suit", "--key", "release.pem")
    assert code == 2
    assert "--kek" in said
    assert (
        "key that this device does not have"
        in ota("sign", "1.suit", "--key", "release.pem", "--kek", "two.kek")[1]
    )
    assert ota("sign", "1.suit", "--key", "release.pem", "--kek", "one.kek")[0] == 0
    install = ("install", "1.suit", "run", "--trust", "release.pub.pem")
    for words in ((), ("--kek", "two.kek")):
        code, said = ota(*install, *words)
        assert code == 1
        assert "key that this device does not have" in said
    assert "confirmed in slot A" in ota(*install, "--kek", "one.kek")[1]
    assert (
        ota(
            "attack", "1.suit", "run", "--key", "release.pem", "--kek", "one.kek", "--every", "400"
        )[0]
        == 0
    )
    design.clear()
    for words in (built, (*install, "--kek", "one.kek")):
        code, said = ota(*words)
        assert code == 2
        assert "read no encrypted packages" in said
    assert ota("build", "run", "--sequence", "1", "--encrypt-for", "release.pem")[0] == 2
