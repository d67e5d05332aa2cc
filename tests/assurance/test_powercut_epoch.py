"""Epochs over power cuts: none twice, always one; and the search sees what is wrong."""

import pytest

from edgekit.assurance.powercut_epoch import FAULTS, MUTATIONS, PLACES, EpochDevice, cuts


def test_no_power_cut_makes_an_epoch_come_twice():
    found = cuts(deep=2)
    assert found["lives"] > 500
    assert {f: found[f] for f in FAULTS} == dict.fromkeys(FAULTS, 0)


@pytest.mark.parametrize("name", ["not read back", "used before it stands"])
def test_the_search_sees_a_mistake(name):
    found = cuts(MUTATIONS[name], stop=True, deep=2)
    assert any(found[f] for f in FAULTS)


def test_epochs_go_on_from_sector_to_sector_until_there_are_none():
    device = EpochDevice()
    assert [device.boot() for _ in range(3 * PLACES)] == list(range(1, 3 * PLACES + 1))
    last = bytes.fromhex("ffffffff00000000")
    flash = bytearray(device.flash)
    flash[:8] = last
    device.flash = bytes(flash)
    assert device.boot() == 0


def test_a_part_that_holds_nothing_gives_no_epoch():
    device = EpochDevice()
    for sector in (0, 1):
        device.wear(sector, 0, PLACES)
    assert device.boot() == 0
