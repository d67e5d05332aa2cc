"""The device's slots, its flash and its hash: what each call does, and what it refuses."""

import ctypes
import hashlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgekit.assurance import powercut_targets
from edgekit.assurance.powercut import TEAR_MODES, image
from edgekit.assurance.powercut_targets import LOG, POWER_CUT, RECORD, SLOT_SECTORS
from edgekit.packages.flash_layout import SECTOR, UNIT
from tests.assurance.slots import (
    CONFIRMED,
    DIGEST,
    FLASH,
    NONE,
    REFUSED,
    REVERTED,
    SIZE,
    blank,
    cells,
    flip,
    install,
    restart,
)
from tests.updates_fixtures import CHARGED

# the slots


def test_life_of_an_update(host):
    blank(host)
    assert restart(host) == NONE
    assert install(host, 5) == 0
    assert restart(host) == 0
    assert host.call("device_confirm", 5) == 0
    assert install(host, 6, 5000) == 0
    assert restart(host) == 1
    assert cells(host, SLOT_SECTORS * SECTOR, 5000) == image(6, 5000)
    assert install(host, 7) == REFUSED  # the other slot is the way back
    assert host.call("device_confirm", 5) == REFUSED  # replayed
    assert host.call("device_confirm", 6) == 0
    assert host.call("device_confirm", 6) == REFUSED
    assert host.call("device_revert") == REFUSED
    assert host.read("device")["counter"] == 6
    assert install(host, 6) == install(host, 5) == REFUSED
    assert restart(host) == 1


def test_a_boot_loop_ends(host):
    blank(host)
    install(host, 1)
    restart(host)
    host.call("device_confirm", 1)
    install(host, 2)
    assert [restart(host) for _ in range(5)] == [1, 1, 1, 0, 0]
    assert host.read("device")["slot"]["state"].tolist() == [CONFIRMED, REVERTED]
    assert host.read("device")["counter"] == 1


@pytest.mark.parametrize(
    ("sent", "answer"),
    [(image(2, 99), SIZE), (image(2, 101), SIZE), (image(3, 100), DIGEST), (b"", SIZE)],
)
def test_wrong_payload(host, sent, answer):
    blank(host)
    assert install(host, 2, 100, sent) == answer
    assert host.call("device_finish") == REFUSED
    assert host.call("device_put", b"x", 1) == REFUSED
    assert restart(host) == NONE


def test_sizes(host):
    blank(host)
    most = SLOT_SECTORS * SECTOR
    for size in (0, most + 1, 2**32 - 1):
        assert host.call("device_begin", 1, ctypes.c_uint32(size), bytes(32)) == SIZE
    assert install(host, 1, most) == 0
    assert restart(host) == 0
    assert not host.read("nor")["broken"]


def test_endless_data_stay_in_the_slot(host):
    blank(host)
    host.call("device_begin", 1, SLOT_SECTORS * SECTOR, bytes(32))
    answers = [host.call("device_put", bytes(1000), 1000) for _ in range(20)]
    assert answers == [0] * 8 + [SIZE] + [REFUSED] * 11
    assert not host.read("nor")["broken"]
    assert cells(host, SLOT_SECTORS * SECTOR, SECTOR) == b"\xff" * SECTOR


def test_a_rotten_confirmed_image_is_not_run_and_can_be_replaced(host):
    blank(host)
    for n in (1, 2):
        install(host, n)
        restart(host)
        host.call("device_confirm", n)
    flip(host, SLOT_SECTORS * SECTOR + 50)
    assert restart(host) == NONE  # and not the image before: it is below the counter
    assert install(host, 3) == 0
    assert restart(host) == 0
    assert cells(host, 0, 100) == image(3, 100)


def test_worn_places_of_the_log_are_passed_over(host):
    blank(host)
    assert install(host, 1) == 0
    assert host.read("device")[["sector", "log_index"]].tolist() == (1, 2)
    flash = host.read("nor").copy()
    worn = LOG + SECTOR + np.array([2, 3, 5]) * RECORD
    flash["unit"][worn // UNIT + 1] = CHARGED
    host.write("nor", flash)
    assert restart(host) == 0
    assert host.call("device_confirm", 1) == 0
    assert host.read("device")[["sector", "log_index"]].tolist() == (1, 7)
    assert restart(host) == 0


def test_a_flash_that_fails_is_an_error_and_keeps_the_image(host):
    blank(host)
    install(host, 1)
    restart(host)
    host.call("device_confirm", 1)
    flash = host.read("nor").copy()
    host.call("device_begin", 2, 16, bytes(32))
    flash = host.read("nor").copy()
    flash["unit"][SLOT_SECTORS * SECTOR // UNIT + 1] = CHARGED
    host.write("nor", flash)
    assert host.call("device_put", bytes(16), 16) == FLASH
    assert host.call("device_put", bytes(16), 16) == REFUSED
    assert restart(host) == 0
    assert install(host, 2) == 0  # it begins with an erase
    assert restart(host) == 1


# the flash and the hash


def test_the_flash_keeps_its_rules(host):
    def rules_broken(function, *arguments):
        before = int(host.read("nor")["broken"])
        assert (host.call(function, *arguments) != 0) == (host.read("nor")["broken"] > before)
        return int(host.read("nor")["broken"]) - before

    blank(host)
    data = bytes(range(64))
    assert rules_broken("flash_write", 64, data, 64) == 0
    assert cells(host, 56, 80) == b"\xff" * 8 + data + b"\xff" * 8
    for address, n in (
        (64, 8),
        (120, 16),
        (4, 8),
        (0, 12),
        (0, 0),
        (powercut_targets.NOR["cell"].itemsize, 8),
    ):
        assert rules_broken("flash_write", address, data, n) == 1
    assert rules_broken("flash_write", ctypes.c_uint32(2**32 - 8), data, 16) == 1
    assert cells(host, 64, 64) == data
    assert rules_broken("flash_erase", 0) == 0
    assert cells(host, 0, SECTOR) == b"\xff" * SECTOR
    assert rules_broken("flash_write", 64, data, 64) == 0
    assert rules_broken("flash_erase", 6) == 1


@pytest.mark.parametrize("way", range(len(TEAR_MODES)))
def test_a_torn_erase_must_be_repeated(host, way):
    blank(host)
    host.call("device_begin", 1, 8, bytes(32))
    flash = host.read("nor").copy()
    flash["cell"][:SECTOR] = 0
    flash["unit"][: SECTOR // UNIT] = 1
    flash["cut"][0], flash["random"] = (2, way), 7  # the record, then the first erase
    host.write("nor", flash)
    assert host.call("device_begin", 2, 8, bytes(32)) == POWER_CUT
    after = cells(host, 0, SECTOR)
    ones = np.unpackbits(np.frombuffer(after, np.uint8)).mean()
    assert {"nothing": ones == 0, "half": ones == 0.5, "mix": 0.4 < ones < 0.6}.get(
        TEAR_MODES[way], ones == 1
    )
    assert (host.call("flash_write", 0, bytes(8), 8) == 0) == (TEAR_MODES[way] == "all")


@given(st.lists(st.binary(max_size=200), max_size=8))
def test_sha256(host, pieces):
    context, digest = ctypes.create_string_buffer(104), ctypes.create_string_buffer(32)
    host.call("sha256_begin", context)
    for piece in pieces:
        host.call("sha256_add", context, piece, len(piece))
    host.call("sha256_end", context, digest)
    assert digest.raw == hashlib.sha256(b"".join(pieces)).digest()


@pytest.mark.parametrize("n", [*range(50, 70), *range(115, 130), 100_000])
def test_sha256_at_once(host, n):
    digest = ctypes.create_string_buffer(32)
    host.call("sha256", bytes(n), n, digest)
    assert digest.raw == hashlib.sha256(bytes(n)).digest()
