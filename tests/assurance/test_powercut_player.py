"""One power cut: whatever the operation and the way, a device that ran release 1 boots a whole image."""

import pytest

from edgekit.assurance.powercut import MUTATIONS
from edgekit.assurance.powercut_player import MACHINES, UPDATES, WAYS, Player
from edgekit.assurance.powercut_targets import HostTarget
from edgekit.core.errors import EdgekitError
from edgekit.packages.flash_layout import SECTOR

GOOD = {"a good update", "a good update, as a delta"}


@pytest.fixture(scope="module", params=list(UPDATES))
def player(request):
    return Player(request.param)


def test_after_any_cut_something_confirmed_or_on_trial_boots_and_the_right_release_stays(player):
    for operation in player.operations.index:
        for way in WAYS:
            starts = player.cut(operation, way)
            assert (starts.boots != "nothing").all(), (operation, way)
            assert not starts.faults.any(), (operation, way)
            last = starts.iloc[-1]
            right = "release 2" if player.update in GOOD else "release 1"
            assert last.boots == right, (operation, way)


def test_the_operations_are_an_erase_of_the_slot_its_writes_and_the_log(player):
    operations = player.operations
    slot = operations[operations.area == "slot B"]
    erased, written = slot[slot.what == "erase"], slot[slot.what == "write"]
    assert (erased.bytes == SECTOR).all()
    assert erased.index.max() < written.index.min()  # nothing is written on what is not erased
    assert written.bytes.sum() >= 300
    assert "slot A" not in set(operations.area)  # the way back is not touched


def test_a_cut_before_the_trial_boots_release_1_and_one_after_the_install_release_2():
    player = Player("a good update")
    assert player.cut(1, "nothing").iloc[0].boots == "release 1"
    assert player.cut(len(player.operations), "nothing").iloc[0].boots == "release 2"


def test_the_emulated_core_says_what_this_machine_says():
    here, core = (Player("a good update, as a delta", make) for make in MACHINES.values())
    assert here.operations.equals(core.operations)
    for operation in (1, 3, 20, len(here.operations)):
        assert here.cut(operation).equals(core.cut(operation))


def test_an_agent_that_writes_over_the_way_back_is_seen_to_brick():
    broken = MUTATIONS["update written over the confirmed image"]
    player = Player("a good update", lambda *kind: HostTarget(*kind, replace=broken))
    first = [player.cut(k).iloc[0] for k in player.operations.index]
    assert any(start.boots == "nothing" and start.faults for start in first)


@pytest.mark.parametrize(("operation", "way"), [(0, "half"), (10_000, "half"), (1, "mix")])
def test_a_cut_that_there_is_not_says_so(operation, way):
    with pytest.raises(EdgekitError, match=r"no operation|no way"):
        Player("a good update").cut(operation, way)
