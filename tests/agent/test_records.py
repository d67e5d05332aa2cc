"""What a device believes of its own flash: records that it wrote, whole, and images to the last byte."""

import ctypes
import hashlib
import hmac
from itertools import count

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgekit.assurance import powercut_targets
from edgekit.assurance.powercut import TEAR_MODES, image
from edgekit.assurance.powercut_targets import (
    LOG,
    LOG_RECORDS,
    RECORD,
    RECORDS,
    SLOT_SECTORS,
    HostTarget,
)
from edgekit.packages.flash_layout import SECTOR, UNIT
from tests.updates_fixtures import WORN

DIGEST, FLASH = -3, -4
INSTALLING, INSTALLED, TESTING, CONFIRMED, REVERTED, BANNED = range(1, 7)
NONE, POWER_CUT = -1, 100
SECRET = bytes(range(100, 132))
HOUR, START = 3600, 1_800_000_000


@pytest.fixture(scope="module")
def library():
    return HostTarget()


@pytest.fixture
def host(library):
    """A new device."""
    library.write("nor", np.zeros((), powercut_targets.NOR))
    library.write("powercut_secret", np.frombuffer(SECRET, np.uint8))
    library.call("nor_blank")
    library.call("device_open")
    return library


def install(host, sequence: int, of: int = 0, size: int = 100) -> int:
    data = image(of or sequence, size)
    return (
        host.call("device_begin", sequence, size, hashlib.sha256(data).digest())
        or host.call("device_put", data, size)
        or host.call("device_finish")
    )


def restart(host) -> int:
    host.call("device_open")
    return host.call("device_boot")


def confirmed(host, *sequences: int):
    for n in sequences:
        assert install(host, n) == 0
        assert restart(host) >= 0
        assert host.call("device_confirm", n) == 0


def failed(host, n: int, of: int = 0):
    assert install(host, n, of) == 0
    assert restart(host) >= 0
    assert host.call("device_revert") == 0


def banned(host, sequence: int, of: int) -> bool:
    device = ctypes.byref(host.raw["device"])
    return bool(
        host.call("slots_banned", device, sequence, hashlib.sha256(image(of, 100)).digest())
    )


def rest(host) -> int:
    return host.call("slots_backoff", ctypes.byref(host.raw["device"]))


def sealed(record: np.void, secret: bytes = SECRET) -> bytes:
    body = record.tobytes()[:-16]
    return body + hmac.digest(secret, b"slots" + body, "sha256")[:16]


def put(host, data: bytes, log_index: int | None = None) -> None:
    """As somebody who can write the flash: bytes into the next log_index of the log."""
    flash, device = host.read("nor").copy(), host.read("device")
    log_index = int(device["log_index"]) if log_index is None else log_index
    at = LOG + int(device["sector"]) * SECTOR + log_index * RECORD
    flash["cell"][at : at + len(data)] = np.frombuffer(data, np.uint8)
    flash["unit"][at // UNIT : (at + len(data)) // UNIT] = 1
    host.write("nor", flash)


def forged(host, **changes) -> np.void:
    """A record that would make slot 1 the one to boot."""
    record = np.zeros((), RECORDS)
    record["order"], record["layout"] = host.read("device")["order"] + 1, 2
    record["state"], record["slot"] = CONFIRMED, 1
    record["sequence"] = record["counter"] = 9
    record["size"] = 100
    record["digest"] = np.frombuffer(hashlib.sha256(image(9, 100)).digest(), np.uint8)
    for name, value in changes.items():
        record[name] = value
    return record


def prepared(host):
    """Image 1 is confirmed in slot 0; somebody has written another one into slot 1."""
    confirmed(host, 1)
    flash = host.read("nor").copy()
    at = SLOT_SECTORS * SECTOR
    flash["cell"][at : at + 100] = np.frombuffer(image(9, 100), np.uint8)
    host.write("nor", flash)


# what is forged


def test_only_a_record_by_this_device_counts(host):
    prepared(host)
    put(host, sealed(forged(host), bytes(32)))
    assert restart(host) == 0
    put(host, sealed(forged(host)))  # the proof that nothing else was wrong with it
    assert restart(host) == 1


@pytest.mark.parametrize("byte", range(RECORD))
def test_every_byte_of_a_record_counts(host, byte):
    prepared(host)
    data = bytearray(sealed(forged(host)))
    data[byte] ^= 1 << byte % 8
    put(host, bytes(data))
    assert restart(host) == 0
    assert host.read("device")["counter"] == 1


@pytest.mark.parametrize(
    "wrong",
    [
        {"layout": 1}, {"layout": 3}, {"slot": 6}, {"slot": 255}, {"slot": 6, "state": BANNED},
        {"slot": 255, "state": BANNED}, {"state": BANNED}, {"state": 200},
        {"slot": 2}, {"size": SLOT_SECTORS * SECTOR + 1}, {"size": 2**32 - 1},
    ],
    ids=str,
)  # fmt: skip
def test_a_record_says_nothing_that_cannot_be(host, wrong):
    """Even with the right MAC: an older layout, no such slot, an image that is larger than its slot."""
    prepared(host)
    put(host, sealed(forged(host, **wrong)))
    assert restart(host) == 0
    assert host.read("device")["counter"] == 1
    confirmed(host, 2)


@pytest.mark.parametrize("byte", range(32))
def test_every_byte_of_the_digest_counts_at_boot_and_at_the_end_of_a_transfer(host, byte):
    prepared(host)
    wrong = np.frombuffer(hashlib.sha256(image(9, 100)).digest(), np.uint8).copy()
    wrong[byte] ^= 128
    put(host, sealed(forged(host, digest=wrong)))
    assert restart(host) == NONE
    assert host.call("device_begin", 10, 100, wrong.tobytes()) == 0
    assert host.call("device_put", image(9, 100), 100) == 0
    assert host.call("device_finish") == DIGEST


# flash that fails


def test_a_record_that_flash_does_not_hold_is_written_again(host):
    """A worn cell takes a write without a complaint."""
    confirmed(host, 1)
    assert install(host, 2) == 0
    restart(host)
    flash, device = host.read("nor").copy(), host.read("device")
    log_index = int(device["log_index"])
    at = LOG + int(device["sector"]) * SECTOR
    for n in (log_index, log_index + 1):
        flash["unit"][(at + n * RECORD) // UNIT + n % (RECORD // UNIT)] = WORN
    host.write("nor", flash)
    assert host.call("device_confirm", 2) == 0
    assert host.read("device")["log_index"] == log_index + 3
    assert restart(host) == 1
    assert host.read("device")["counter"] == 2


@pytest.mark.parametrize("way", range(len(TEAR_MODES)))
def test_a_log_whose_other_sector_is_worn_keeps_what_it_has(host, way):
    """To go on there fails; the full sector, which holds everything, must not be erased for another try."""
    confirmed(host, 1)
    flash, sector = host.read("nor").copy(), int(host.read("device")["sector"])
    other = (LOG + (1 - sector) * SECTOR) // UNIT
    flash["unit"][other : other + SECTOR // UNIT] = WORN
    host.write("nor", flash)
    said = [host.call("device_begin", 2, 100, bytes(32)) for _ in range(2 * LOG_RECORDS)]
    assert said[0] == 0
    assert said[-LOG_RECORDS:] == [FLASH] * LOG_RECORDS
    for after in count(1):
        flash = host.read("nor").copy()
        flash["cut"][0] = after, way
        flash["random"] = 7
        host.write("nor", flash)
        if host.call("device_begin", 2, 100, bytes(32)) != POWER_CUT:
            break
        assert restart(host) == 0, f"after {after}"
    assert host.read("device")["counter"] == 1


# verdicts


def test_the_last_four_verdicts_are_kept(host):
    confirmed(host, 1)
    for n in range(2, 7):
        failed(host, n)
        host.call("device_open")
        assert [m for m in range(2, 7) if banned(host, m, of=m)] == list(
            range(max(2, n - 3), n + 1)
        )


def test_a_verdict_is_on_a_number_and_those_before(host):
    confirmed(host, 1)
    failed(host, 5)
    assert banned(host, 5, of=5)
    assert banned(host, 4, of=5)  # an older permission does not overrule it
    assert not banned(host, 6, of=5)
    assert not banned(host, 5, of=6)
    assert install(host, 5) == 0
    assert restart(host) == 0  # whoever has installed it, it is not tried
    failed(host, 6, of=5)
    failed(host, 7)
    assert banned(host, 6, of=5)
    assert sum(r["order"] > 0 for r in host.read("device")["ban"]) == 2  # each image once


def test_a_lost_trial_is_no_verdict(host):
    confirmed(host, 1)
    assert install(host, 2) == 0
    assert [restart(host) for _ in range(4)] == [1, 1, 1, 0]
    assert not banned(host, 2, of=2)
    assert host.read("device")["slot"]["state"].tolist() == [CONFIRMED, REVERTED]
    confirmed(host, 2)


# time and wear


@given(
    st.lists(st.tuples(st.integers(-2 * HOUR, 3 * HOUR), st.sampled_from("tttri")), max_size=60),
)
def test_time_does_not_fall_and_is_kept_to_the_hour(library, steps):
    host, told, now = library, 0, START
    host.write("nor", np.zeros((), powercut_targets.NOR))
    host.call("nor_blank")
    host.call("device_open")
    for step, what in steps:
        now += step
        if what == "t":
            assert host.call("device_time", now) == 0
            told = max(told, now)
            assert host.read("device")["time"] == told
        elif what == "r":
            host.call("device_open")
            kept = int(host.read("device")["time"])
            assert told - HOUR < kept <= told or kept == told == 0
            told = kept
        else:
            host.call("device_begin", 1, 8, bytes(32))  # any record holds it
            host.call("device_open")
            assert host.read("device")["time"] == told
    assert host.read("nor")["broken"] == 0


def test_the_hours_do_not_wear_the_log(host):
    confirmed(host, 1)
    before = int(host.read("nor")["operations"])
    for minute in range(24 * 60):
        host.call("device_time", START + 60 * minute)
    assert int(host.read("nor")["operations"]) - before == 24


def test_each_transfer_that_fails_makes_the_next_wait_longer(host):
    confirmed(host, 1)
    waits = []
    for n in range(20):
        host.call("device_time", START + n)
        waits.append(rest(host))
        assert host.call("device_begin", 2, 100, bytes(32)) == 0
        host.call("device_open")
        begun = int(host.read("device")["slot"]["time"][1])
        host.call("device_time", START + n + HOUR)  # the hour is logged, and is no transfer
        host.call("device_open")
        assert host.read("device")["slot"]["time"][1] == begun
    assert waits[:6] == [0, 0, 0, 0, 60, 120]
    assert waits[-1] == 86_400
    assert waits == sorted(waits)
    assert install(host, 2) == 0
    assert rest(host) == 86_400  # installed is not confirmed
    assert restart(host) == 1
    assert host.call("device_confirm", 2) == 0
    assert rest(host) == 0


# HMAC


@given(st.binary(min_size=32, max_size=32), st.lists(st.binary(max_size=150), max_size=4))
def test_hmac(library, key, pieces):
    context, mac = ctypes.create_string_buffer(120), ctypes.create_string_buffer(32)
    library.call("hmac_begin", context, key)
    for piece in pieces:
        library.call("hmac_add", context, piece, len(piece))
    library.call("hmac_end", context, mac)
    assert mac.raw == hmac.digest(key, b"".join(pieces), "sha256")


@given(st.binary(min_size=1, max_size=40), st.data())
def test_every_byte_counts_for_same(library, data, draw):
    n = len(data)
    i = draw.draw(st.integers(0, n - 1))
    other = data[:i] + bytes([data[i] ^ draw.draw(st.integers(1, 255))]) + data[i + 1 :]
    assert library.call("hmac_same", data, data, n) == 1
    assert library.call("hmac_same", data, other, n) == 0
    assert library.call("hmac_same", data, other, i) == 1
