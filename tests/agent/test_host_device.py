"""The whole device's C on this machine: what is refused, byte by byte, on a new device and in the field."""

import re
from dataclasses import replace

import pytest

from edgekit.agent import native
from edgekit.agent.device_firmware import KEPT
from edgekit.agent.host_device import HostDevice
from edgekit.agent.simulator import Boot
from edgekit.assurance import attacks
from edgekit.packages import manifest as manifests
from edgekit.packages import suit
from edgekit.packages.flash_layout import SECTOR
from edgekit.packages.manifest import RAW
from edgekit.packages.package import digest, sign_package
from tests.updates_fixtures import CHARGED, WORN, flipped, strangers

NOTHING, FIRST = Boot(-1, False), Boot(0, False)
CONDITIONS = ("new", "in the field")


@pytest.fixture(params=CONDITIONS)
def device(request, releases, signer):
    """A device without an image, or one that runs release 1; with the package that it takes next, and what
    the checks in Python know of it."""
    old, new = releases
    host = HostDevice(old, [signer.public], old.device())
    if request.param == "new":
        return host, sign_package(old.unsigned(1), signer), old.device(sequence=0), b""
    assert host.install(sign_package(old.unsigned(1), signer)) == ""
    assert host.reset() == Boot(0, trial=True, healthy=True)
    known = old.device(sequence=1, base=old.image)
    return host, sign_package(new.unsigned(2, old), signer), known, old.image


def signed_otherwise(package, signer, image=None, payload=None, **changes):
    """Well signed, but another manifest; with `image` another payload, raw."""
    manifest, sent, _ = suit.read(package, [signer.public])
    if payload is not None:
        changes |= {"payload_digest": digest(payload), "payload_size": len(payload)}
    payload = sent if payload is None else payload
    if image is not None:
        payload, hashed = image, digest(image)
        changes |= {"digest": hashed, "payload_digest": hashed, "encoding": RAW, "base": b""}
        changes |= {"size": len(image), "payload_size": len(image)}
    return suit.sign(replace(manifest, **changes), payload, signer)


def test_no_attack_gets_in(device, signer):
    host, package, known, base = device
    before, runs = host.flash, host.restart()
    table = attacks.attack(package, signer, known, base, host.answer, every=11)
    assert table.refused.all(), table[~table.refused]
    assert host.flash == before
    assert host.restart() == runs
    assert host.install(package) == ""
    assert host.reset().healthy


@pytest.mark.parametrize(
    "part", ["vendor", "model", "device", "base", "io", "abi", "features", "digest"]
)
def test_every_byte_of_what_is_compared_counts(device, signer, part):
    host, package, known, base = device
    manifest, _, _ = suit.read(package, [signer.public])
    right = getattr(manifest, part) or known.device
    if part == "base" and not manifest.base:
        pytest.skip("a new device gets no delta")
    runs = host.restart()
    for i in range(len(right)):
        wrong = signed_otherwise(package, signer, **{part: flipped(right, i)})
        attempt = attacks.Attempt(wrong, known, (signer.public,), base=base)
        assert host.answer(attempt), f"byte {i} of {part}"
        assert attacks.check_in_python(attempt), f"byte {i} of {part}"
    assert host.restart() == runs


def test_a_model_that_its_program_cannot_run_is_refused_by_the_c_too(signer):
    """As in `test_package`: real models, so that no rule compares what is always the same."""
    pairs = strangers()
    host = HostDevice(pairs["abi"][0], [signer.public], pairs["abi"][0].device())
    for rule, (own, other) in pairs.items():
        assert own.requirements == pairs["abi"][0].requirements
        says = native.library().manifest_reason(manifests.RULES.index(rule)).decode()
        assert host.install(sign_package(other.unsigned(1), signer)) == says, rule
    assert host.install(sign_package(pairs["abi"][0].unsigned(1), signer)) == ""


def test_a_transfer_that_was_refused_does_not_go_on(device, signer):
    """Whoever sends does not listen: every packet comes, and the end, whatever the device says."""
    host, package, known, base = device
    runs = host.restart()
    start = attacks.Attempt(package, known, (signer.public,), base=base)
    for name, tries in attacks.attempts(start, signer, every=97):
        for attempt in tries:
            if attempt.device != known or attempt.revoked or attempt.now:
                continue  # the other device, not the other package
            host._call("update_begin", 0)
            answers = []
            for at in range(0, len(attempt.data), 64):
                host._write("update_packet", part := attempt.data[at : at + 64])
                answers.append(host._call("update_take", len(part)))
            end = host._call("update_end")
            assert end < 0, name
            first = next((i for i, a in enumerate(answers) if a < 0), len(answers))
            over = {
                host._reason(a) for a in (*answers[first + 1 :], *[end][: first < len(answers)])
            }
            assert over <= {"this transfer was refused before"}, name
            assert host.restart() == runs, name
    assert host.install(package) == ""


def test_a_device_believes_its_layout_not_its_facts(device, releases, signer):
    """Provisioned with more bytes in a slot than the flash has, it still refuses what does not fit."""
    host, package, known, _ = device
    large = signed_otherwise(package, signer, image=bytes(known.slot_bytes + 1))
    host.device = replace(host.device, slot_bytes=1 << 24)
    before = host.flash
    host.restart()
    assert host.install(large) == "the image is larger than a slot"
    assert host.flash == before


def test_a_packet_is_no_longer_than_the_radios(device):
    host, package, *_ = device
    for after in (0, 100):
        host._call("update_begin", 0)
        host._write("update_packet", package[:after])
        assert host._call("update_take", after) == 0
        assert (
            host._reason(host._call("update_take", 513)) == "more bytes than the manifest promised"
        )
        assert host._call("update_end") < 0


def test_a_package_ends_with_its_end(device):
    host, package, *_ = device
    for n in (0, 1, len(package) - 1):
        host._call("update_begin", 0)
        assert host.install(package[:n]) == "the package ended too early"
    assert host.install(package) == ""
    assert host._call("update_end") == 1  # said twice
    host._call("update_begin", 0)
    assert host._reason(host._call("update_end")) == "the package ended too early"


def test_what_is_wrong_with_a_payload_is_told(device, releases, signer):
    host, package, *_ = device
    before, raw = host.flash, signed_otherwise(package, signer, image=releases[1].image)
    payload = suit.read(package, [signer.public])[1]
    other = bytes(len(payload))
    for data, why in (
        (package + b"\0", "more bytes than the manifest promised"),
        (package + bytes(600), "more bytes than the manifest promised"),
        (package[:-1], "the package ended too early"),
        (package[: -len(payload)] + other, "decodes to no image|not the one that was signed"),
        (signed_otherwise(package, signer, payload=other), "decodes to no image"),
        (flipped(raw, len(raw) - 1), "image is not the one"),
    ):
        host.restore_flash(before)
        assert re.search(why, host.install(data)), why
    host.restore_flash(before)
    assert host.install(package) == ""


def test_every_byte_of_the_payloads_digest_counts(device, signer):
    """The image is right, and the payload is not the one whose digest was signed."""
    host, package, *_ = device
    manifest, payload, _ = suit.read(package, [signer.public])
    before, said = host.flash, manifest.payload_digest
    for i in range(len(said)):
        host.restore_flash(before)
        body = manifests.body(replace(manifest, payload_digest=flipped(said, i)))
        refused = host.install(suit.sealed(body, payload, signer))
        assert refused == "the payload is not the one that was signed"


def test_a_flash_that_fails_is_told(device, releases, signer):
    """The units of the idle slot take no bytes any more once the head has come."""
    host, package, known, base = device
    raw = signed_otherwise(package, signer, image=releases[1].image)
    idle, before = int(base != b""), host.flash
    cells = (len(before) - 40) * 8 // 9
    assert cells == 2 * known.slot_bytes + KEPT * SECTOR
    units = cells + idle * known.slot_bytes // 8, known.slot_bytes // 8
    for data in (package, raw):
        host.restore_flash(before)
        host._call("update_begin", 0)
        head = suit.head_size(data)
        host._write("update_packet", data[:head])
        assert host._call("update_take", head) == 0
        flash = bytearray(host._read("nor"))
        flash[units[0] : units[0] + units[1]] = bytes([CHARGED]) * units[1]
        host._write("nor", bytes(flash))
        answers = []
        for at in range(head, len(data), 512):
            host._write("update_packet", part := data[at : at + 512])
            answers.append(host._reason(host._call("update_take", len(part))))
        assert host._call("update_end") < 0
        assert answers[0] == "the flash failed"
        host.flash = host._read("nor")
        assert host.restart().slot == idle - 1


def test_a_report_without_a_number_is_none(device):
    """Its number is kept first: where the sectors of the keys are worn, there is nothing to say."""
    host, _, known, _ = device
    flash = bytearray(host._read("nor"))
    cells = 2 * known.slot_bytes + KEPT * SECTOR
    at, units = cells + (cells - 2 * SECTOR) // 8, 2 * SECTOR // 8
    flash[at : at + units] = bytes([WORN]) * units
    host._write("nor", bytes(flash))
    assert host.report() == b""


def test_without_an_image_nothing_is_healthy(releases, signer):
    host = HostDevice(releases[0], [signer.public], releases[0].device())
    assert host.restart() == NOTHING
    assert host._call("update_selftest") == 0


def test_every_byte_of_the_signed_digest_counts(device, signer):
    """A signature by the right key over a digest that is nearly the manifest's."""
    host, package, *_ = device
    parts = suit.opened(package)
    hashed, (header, unprotected, _, _) = suit.authentication(parts[2])
    for i in range(len(hashed) - 32, len(hashed)):
        nearly = flipped(hashed, i)
        signature = signer.sign(suit.to_sign(header, nearly))
        sign1 = [header, unprotected, None, signature]
        wrong = suit.envelope(parts[3], nearly, sign1, parts[suit.PAYLOAD])
        assert host.install(wrong) == "the signed digest is not the manifest's"


def test_a_revoked_key_is_that_very_one(releases, signer, es256):
    """One that differs in any one byte takes nothing from it."""
    data = sign_package(releases[0].unsigned(1), es256)
    for i in range(1, 65):
        other = replace(es256.public, raw=flipped(es256.public.raw, i))
        assert native.read(data, [es256.public, signer.public], revoked=(other,))["sequence"] == 1
    with pytest.raises(suit.PackageError, match="revoked"):
        native.read(data, [es256.public], revoked=(es256.public,))


def test_an_image_on_trial_is_judged_by_its_number_only(device, signer):
    host, package, *_ = device
    number = suit.read(package, [signer.public])[0].sequence
    assert host.install(package) == ""
    trial = host.restart()
    assert trial.trial
    assert host.sequence == number
    assert "trial" in host.install(signed_otherwise(package, signer, sequence=number + 1))
    flash = host.flash
    for wrong in (number - 1, number + 1, 0):
        assert not host.finish_trial(True, wrong)
        assert not host.finish_trial(False, wrong)
    assert host.flash == flash
    assert host.finish_trial(True, number)
    assert host.restart() == replace(trial, trial=False)
    assert not host.finish_trial(False, number)  # a confirmed one is not on trial
    assert "not newer" in host.install(package)


def test_an_image_that_gives_another_answer_is_not_kept(device, releases, signer):
    host, package, *_ = device
    runs, good = host.restart(), releases[0].image if device[3] == b"" else releases[1].image
    for i in range(1, 9):  # the bytes of the answer
        host.restore_flash(device[0].flash)
        before = host.flash
        bad = good[:-i] + bytes([good[-i] ^ 1]) + good[len(good) - i + 1 :]
        made = signed_otherwise(package, signer, image=bad)
        assert host.install(made) == ""
        assert host.reset() == replace(runs, healthy=False)
        assert "tried here" in host.install(made)
        host.restore_flash(before)


def test_pieces_of_any_size_make_the_same_device(device):
    host, package, *_ = device
    before, after = host.flash, set()
    for piece in (1, 7, 64, 500, 512):
        host.restore_flash(before)
        assert host.install(package, piece) == ""
        assert host.reset().healthy
        after.add(host.flash)
    assert len(after) == 1


def test_two_devices_share_nothing(releases, signer):
    old = releases[0]
    one, other = (HostDevice(old, [signer.public], old.device()) for _ in range(2))
    assert one.install(sign_package(old.unsigned(1), signer)) == ""
    assert one.reset().healthy
    assert other.restart() == NOTHING
    assert one.restart() == FIRST
