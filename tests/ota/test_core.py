"""The whole device on the emulated Cortex-M4: packages in, classes out, and a way back."""

import numpy as np
import pytest

from edgekit import device
from edgekit.errors import EdgekitError
from edgekit.export import generate, read
from edgekit.ota import attack_underway, attacks, suit
from edgekit.ota.core import Boot, Core, firmware
from edgekit.ota.package import manifest_of, resign
from tests.device.bearings import ENVELOPE, SENSITIVITY, strikes
from tests.ota.conftest import release_of, retrained


@pytest.fixture(scope="module")
def app(releases, signer):
    return firmware(releases[0], [signer.public])


@pytest.fixture
def core(app, releases, signer):
    """A device on which release 1 was installed, tried and confirmed."""
    core = Core(app, releases[0].device())
    assert core.install(resign(releases[0].unsigned(1), signer)) == ""
    assert core.reset() == Boot(0, trial=True, healthy=True)
    return core


def classes_of(release, X):
    """What the same model says when its constants are compiled in."""
    source = generate(read(release.tflite), release.name)
    return device.classify(device.application(source, ENVELOPE, SENSITIVITY, "cortex-m4"), X)[0]


def test_a_new_device_runs_nothing(app, releases):
    core = Core(app, releases[0].device())
    assert core.restart() == Boot(-1, trial=False)


def test_a_delta_is_installed_tried_and_kept(core, releases, signer):
    old, new = releases
    X = strikes(30, seed=3)[0]
    np.testing.assert_array_equal(core.classify(X), classes_of(old, X))
    data = resign(new.unsigned(2, old), signer)
    assert suit.ENCODINGS[manifest_of(data).encoding] == "delta"
    assert core.install(data, piece=37) == ""
    np.testing.assert_array_equal(core.classify(X), classes_of(old, X))  # until the reset
    assert core.reset() == Boot(1, trial=True, healthy=True)
    np.testing.assert_array_equal(core.classify(X), classes_of(new, X))
    assert core.restart() == Boot(1, trial=False)
    assert "not newer" in core.install(data)


@pytest.mark.parametrize("piece", [1, 7, 512])
def test_pieces_of_any_size_make_the_same_device(core, releases, signer, piece):
    old, new = releases
    assert core.install(resign(new.unsigned(2, old), signer), piece) == ""
    assert core.reset() == Boot(1, trial=True, healthy=True)


def test_a_model_that_fails_its_self_test_is_never_run_again(core, releases, signer):
    old, new = releases
    image = bytearray(new.image)
    image[-1] ^= 1  # the answer that it promises
    object.__setattr__(bad := release_of(new.tflite), "image", bytes(image))
    assert core.install(resign(bad.unsigned(2, old), signer)) == ""
    assert core.reset() == Boot(0, trial=False, healthy=False)
    assert core.restart() == Boot(0, trial=False)
    assert core.install(resign(new.unsigned(2, old), signer)) == ""  # the number was not used up
    assert core.reset() == Boot(1, trial=True, healthy=True)


def test_an_image_that_never_reports_is_given_up_after_three_boots(core, releases, signer):
    old, new = releases
    assert core.install(resign(new.unsigned(2, old), signer)) == ""
    assert [core.restart().slot for _ in range(5)] == [
        1,
        1,
        1,
        0,
        0,
    ]  # nobody confirms: a boot loop


def test_no_attack_gets_in(core, releases, signer):
    old, new = releases
    data = resign(new.unsigned(2, old), signer)
    flash = core.flash
    table = attacks.attack(
        data, signer, old.device(sequence=1, base=old.image), old.image, core.answer, every=29
    )
    assert table.refused.all(), table[~table.refused]
    assert core.flash == flash
    assert core.restart() == Boot(0, trial=False)


def test_what_comes_after_the_last_byte_is_not_installed(core, releases, signer):
    old, new = releases
    data = resign(new.unsigned(2, old), signer)
    assert "more bytes" in core.install(data + b"\0" * 600)
    assert core.reset() == Boot(0, trial=False)


def test_es256_works_on_the_core_too(releases, es256, signer):
    core = Core(firmware(releases[0], [es256.public]), releases[0].device())
    assert "no key" in core.install(resign(releases[0].unsigned(1), signer))
    assert core.install(resign(releases[0].unsigned(1), es256)) == ""
    assert core.reset().healthy


def test_the_flash_is_all_that_a_reset_keeps(core, app, releases):
    other = Core(app, releases[0].device())
    assert other.power_on(core.flash) == Boot(0, trial=False)


def test_a_retrained_model_has_another_answer_to_the_self_test(releases):
    assert releases[0].image[-8:] != release_of(retrained(releases[0].tflite, share=1.0)).image[-8:]


def test_attacks_that_need_time_are_refused_too(core, releases, signer):
    old, new = releases
    flash = core.flash
    table = attack_underway(resign(new.unsigned(2, old), signer), core)
    assert table.refused.all(), table
    assert len(table) == 5
    assert core.flash == flash
    with pytest.raises(EdgekitError, match="without any attack"):
        attack_underway(resign(old.unsigned(1), signer), core)
