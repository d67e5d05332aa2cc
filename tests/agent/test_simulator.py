"""The whole device on the emulated Cortex-M4: packages in, classes out, and a way back."""

from dataclasses import replace

import numpy as np
import pytest

from edgekit import emulate
from edgekit.agent.device_firmware import firmware
from edgekit.agent.simulator import Boot, DeviceSimulator
from edgekit.assurance import attack_device, attack_transfer, attacks
from edgekit.core.errors import EdgekitError
from edgekit.export import generate, read
from edgekit.packages.manifest import ENCODINGS
from edgekit.packages.package import manifest_of, sign_package
from tests.emulate.bearings import ENVELOPE, SENSITIVITY, network, strikes
from tests.updates_fixtures import release_of, retrained


@pytest.fixture(scope="module")
def app(releases, signer):
    return firmware(releases[0], [signer.public])


@pytest.fixture
def core(app, releases, signer):
    """A device on which release 1 was installed, tried and confirmed."""
    core = DeviceSimulator(app, releases[0].device())
    assert core.install(sign_package(releases[0].unsigned(1), signer)) == ""
    assert core.reset() == Boot(0, trial=True, healthy=True)
    return core


def classes_of(release, X):
    """What the same model says when its constants are compiled in."""
    source = generate(read(release.tflite), release.name)
    return emulate.classify(emulate.build(source, features=ENVELOPE, sensitivity=SENSITIVITY), X)[0]


def test_a_new_device_runs_nothing(app, releases):
    core = DeviceSimulator(app, releases[0].device())
    assert core.restart() == Boot(-1, trial=False)


def test_a_delta_is_installed_tried_and_kept(core, releases, signer):
    old, new = releases
    X = strikes(30, seed=3)[0]
    np.testing.assert_array_equal(core.classify(X), classes_of(old, X))
    data = sign_package(new.unsigned(2, old), signer)
    assert ENCODINGS[manifest_of(data).encoding] == "delta"
    assert core.install(data, piece=37) == ""
    np.testing.assert_array_equal(core.classify(X), classes_of(old, X))  # until the reset
    assert core.reset() == Boot(1, trial=True, healthy=True)
    np.testing.assert_array_equal(core.classify(X), classes_of(new, X))
    assert core.restart() == Boot(1, trial=False)
    assert "not newer" in core.install(data)


@pytest.mark.parametrize("piece", [1, 7, 512])
def test_pieces_of_any_size_make_the_same_device(core, releases, signer, piece):
    old, new = releases
    assert core.install(sign_package(new.unsigned(2, old), signer), piece) == ""
    assert core.reset() == Boot(1, trial=True, healthy=True)


def test_a_model_that_fails_its_self_test_is_never_run_again(core, releases, signer):
    old, new = releases
    image = bytearray(new.image)
    image[-1] ^= 1  # the answer that it promises
    object.__setattr__(bad := release_of(new.tflite), "image", bytes(image))
    assert core.install(sign_package(bad.unsigned(2, old), signer)) == ""
    assert core.reset() == Boot(0, trial=False, healthy=False)
    assert core.restart() == Boot(0, trial=False)
    assert "tried here, and failed" in core.install(sign_package(bad.unsigned(2, old), signer))
    assert (
        core.install(sign_package(new.unsigned(2, old), signer)) == ""
    )  # the number was not used up
    assert core.reset() == Boot(1, trial=True, healthy=True)


def test_an_image_that_never_reports_is_given_up_after_three_boots(core, releases, signer):
    old, new = releases
    assert core.install(sign_package(new.unsigned(2, old), signer)) == ""
    assert [core.restart().slot for _ in range(5)] == [
        1,
        1,
        1,
        0,
        0,
    ]  # nobody confirms: a boot loop


def test_an_image_stays_on_trial_until_its_health_window_is_over(core, releases, signer):
    """The self-test alone keeps nothing: a week later somebody knows how it fares."""
    old, new = releases
    assert core.install(sign_package(new.unsigned(2, old), signer)) == ""
    for _ in range(2):  # it may restart
        assert core.reset(confirm=False) == Boot(1, trial=True, healthy=True)
    assert "on trial" in core.install(sign_package(new.unsigned(3, old), signer))
    assert core.finish_trial(True)
    assert core.reset(confirm=False) == Boot(1, trial=False)
    assert core.sequence == 2


def test_a_crash_loop_in_its_health_window_ends_in_the_old_image(core, releases, signer):
    """It passes its self-test each time, and runs an hour."""
    old, new = releases
    data = sign_package(new.unsigned(2, old), signer)
    assert core.install(data) == ""
    boots = [core.reset(confirm=False) for _ in range(4)]
    assert boots == [Boot(1, trial=True, healthy=True)] * 3 + [Boot(0, trial=False)]
    assert core.install(data) == ""  # no verdict: perhaps it was the battery
    core.reset(confirm=False)
    assert core.finish_trial(False)  # now there is one
    assert core.restart() == Boot(0, trial=False)
    assert "failed" in core.install(data)


def test_no_attack_gets_in(releases, signer):
    """With nothing confirmed there is no number to be above, and no base: all other rules hold."""
    old, new = releases
    stamp = 1_800_000_000  # a number that is a time
    data = sign_package(new.unsigned(stamp, old, expires=stamp + 1000), signer)
    table = attack_device(data, signer, old, old, every=400)
    assert table.refused.all(), table[~table.refused]
    kinds = table.groupby("device").attack.nunique()
    assert kinds["new"] >= 22
    assert kinds["in the field"] >= kinds["new"] + 2  # rollback, another base
    assert kinds["on the way"] == 5
    assert kinds["whom it trusts"] >= 20
    with pytest.raises(EdgekitError, match="kind tflite"):
        attack_device(sign_package(old.unsigned(1, kind="tflite"), signer), signer, old)


def test_the_table_would_show_what_an_attack_leaves_behind(releases, signer, monkeypatch):
    """A mutation: the agent says that there is too much, but has marked the image as installed."""
    from edgekit.agent import device_firmware as module

    read = module.c_sources("agent.c")["agent.c"]
    old = "if (n > a->manifest.payload_size - a->had) return AGENT_TOO_LONG;"
    assert read.count(old) == 1
    left = "a->manifest.payload_size - a->had"
    worse = read.replace(
        old, f"if (n > {left}) {{ pass(a, data, {left}); end(a); return AGENT_TOO_LONG; }}"
    )
    worse = worse.replace("/* Bytes of the payload.", "static int end(struct agent *a);\n/*", 1)
    real = module.build

    def patched(*args, extra_files, **how):
        return real(*args, extra_files={**extra_files, "agent.c": worse}, **how)

    monkeypatch.setattr(module, "build", patched)
    first, new = releases
    core = DeviceSimulator(firmware(first, [signer.public]), first.device())
    core.install(sign_package(first.unsigned(1), signer))
    core.reset()
    data = sign_package(new.unsigned(2, first), signer)
    device = first.device(sequence=1, base=first.image)
    table = attacks.attack(data, signer, device, first.image, core.answer, every=500)
    assert not table.set_index("attack").refused["bytes appended"]
    assert core.restart() == Boot(0, trial=False)


def test_a_revoked_key_is_refused_even_if_it_is_trusted_too(releases, signer, es256):
    core = DeviceSimulator(
        firmware(releases[0], [signer.public, es256.public], revoked=(signer.public,)),
        releases[0].device(),
    )
    assert "revoked" in core.install(sign_package(releases[0].unsigned(1), signer))
    assert core.install(sign_package(releases[0].unsigned(1), es256)) == ""


def test_a_changed_program_does_not_run_the_old_ones_image(core, releases, signer):
    other = release_of(network(np.ones((4, 40)), np.zeros(4), 0.1, -128))
    changed = DeviceSimulator(firmware(other, [signer.public]), other.device())
    assert changed.restore_flash(core.flash) == Boot(-1, trial=False)
    with pytest.raises(EdgekitError, match="no image"):
        changed.classify(strikes(1)[0])
    assert changed.install(sign_package(other.unsigned(2), signer)) == ""
    assert changed.reset().healthy


def test_time_passes_while_a_device_runs(core, releases, signer):
    data = sign_package(releases[1].unsigned(2, expires=1_000), signer)
    assert core.install(data, now=999) == ""
    assert core.reset().healthy


def test_a_clock_that_was_set_back_revives_nothing(core, releases, signer):
    old, new = releases
    data = sign_package(new.unsigned(2, old, expires=500_000), signer)
    assert core.install(data, now=500_000) == "expired"
    assert core.install(data, now=1_000) == "expired"  # what it was told, it knows
    core.restart()
    assert core.install(data, now=1_000) == "expired"  # after a reset too
    assert core.install(data, now=0) == "expired"  # and if the clock is gone
    assert core.install(sign_package(new.unsigned(2, old), signer), now=1_000) == ""


def test_transfers_that_fail_again_and_again_have_to_wait(core, releases, signer):
    """Whoever has one signed head could wear the flash out, with garbage behind it."""
    old, new = releases
    good, now = sign_package(new.unsigned(2, old), signer), 1_000_000
    bad = good[:-1] + bytes([good[-1] ^ 1])
    answers = [core.install(bad, now=now + n) for n in range(6)]
    later = "too many transfers failed here; later"
    assert [a == later for a in answers] == [False] * 4 + [True] * 2
    flash = core.flash
    assert core.install(good, now=now + 62) == later  # a minute after the last
    assert core.flash == flash
    assert core.install(bad, now=now + 63) != later
    assert core.install(good, now=now + 63 + 119) == later  # and now two
    assert core.install(good, now=now + 63 + 120) == ""
    assert core.reset().healthy


def test_without_a_clock_transfers_that_fail_wait_for_a_reset(core, releases, signer):
    old, new = releases
    good = sign_package(new.unsigned(2, old), signer)
    bad = good[:-1] + bytes([good[-1] ^ 1])
    answers = [core.install(bad) for _ in range(5)]
    later = "too many transfers failed here; later"
    assert [a == later for a in answers] == [False] * 4 + [True]
    core.restart()
    assert core.install(bad) != later
    assert core.install(good) == later
    core.restart()
    assert core.install(good) == ""
    assert core.reset().healthy


def test_a_flash_is_of_one_device_alone(core, app, releases):
    """Its records are authenticated by a secret that no other device has."""
    other = replace(releases[0].device(), secret=bytes(32))
    assert DeviceSimulator(app, other).restore_flash(core.flash) == Boot(-1, trial=False)


def test_an_image_that_lost_its_trials_may_come_again(core, releases, signer):
    old, new = releases
    data = sign_package(new.unsigned(2, old), signer)
    for _ in range(2):
        assert core.install(data) == ""
        assert [core.restart().slot for _ in range(4)] == [1, 1, 1, 0]  # the power went each time
    assert core.install(sign_package(new.unsigned(3, old), signer)) == ""
    assert core.reset() == Boot(1, trial=True, healthy=True)


def test_a_verdict_stands_whatever_came_in_between(core, releases, signer):
    old, new = releases
    bad = sign_package(new.unsigned(2, old), signer)
    assert core.install(bad) == ""
    core.restart()
    assert core.finish_trial(False)
    assert core.restart() == Boot(0, trial=False)
    assert "failed" in core.install(bad)
    broken_off = sign_package(old.unsigned(3), signer)
    assert "too early" in core.install(broken_off[:-1])
    assert "failed" in core.install(bad)
    core.restart()
    assert "failed" in core.install(bad)
    assert (
        core.install(sign_package(new.unsigned(4, old), signer)) == ""
    )  # whoever signs it again means it


def test_a_waiting_image_is_not_displaced(core, releases, signer):
    old, new = releases
    assert core.install(sign_package(new.unsigned(3, old), signer)) == ""
    flash = core.flash
    for number in (2, 3, 4):  # older, the same again, newer
        assert "waits for the reset" in core.install(
            sign_package(new.unsigned(number, old), signer)
        )
    assert core.flash == flash
    assert core.reset() == Boot(1, trial=True, healthy=True)
    assert core.sequence == 3


def test_a_packet_larger_than_the_radios_is_refused(core, releases, signer):
    with pytest.raises(EdgekitError, match="1 to 512"):
        core.install(b"x", piece=513)
    core._call("update_begin", 0)
    assert "more bytes" in core._reason(core._call("update_take", 513))
    assert "refused before" in core._reason(core._call("update_take", 1))  # it does not go on


def test_what_comes_after_the_last_byte_is_not_installed(core, releases, signer):
    old, new = releases
    data = sign_package(new.unsigned(2, old), signer)
    assert "more bytes" in core.install(data + b"\0" * 600)
    assert core.reset() == Boot(0, trial=False)


def test_es256_works_on_the_core_too(releases, es256, signer):
    core = DeviceSimulator(firmware(releases[0], [es256.public]), releases[0].device())
    assert "no key" in core.install(sign_package(releases[0].unsigned(1), signer))
    assert core.install(sign_package(releases[0].unsigned(1), es256)) == ""
    assert core.reset().healthy


def test_the_flash_is_all_that_a_reset_keeps(core, app, releases):
    other = DeviceSimulator(app, releases[0].device())
    assert other.restore_flash(core.flash) == Boot(0, trial=False)


def test_a_retrained_model_has_another_answer_to_the_self_test(releases):
    assert releases[0].image[-8:] != release_of(retrained(releases[0].tflite, share=1.0)).image[-8:]


def test_attacks_that_need_time_are_refused_too(core, releases, signer):
    old, new = releases
    flash = core.flash
    table = attack_transfer(sign_package(new.unsigned(2, old), signer), core)
    assert table.refused.all(), table
    assert len(table) == 5
    assert core.flash == flash
    with pytest.raises(EdgekitError, match="without any attack"):
        attack_transfer(sign_package(old.unsigned(1), signer), core)
