"""A device's reports: nobody else writes them, and each counts once."""

import json
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgekit.assurance.keyset_device import KeysetDevice
from edgekit.core.errors import EdgekitError
from edgekit.packages.status import ReportReceiver, Status, decode_unverified, report
from tests.packages.test_keyset import listed

DEVICE, SECRET = b"d" * 16, bytes(range(32))
GOOD = Status(DEVICE, 1, running=2, counter=2, verdict=1, reason=0, keys=0, fresh=0)


@pytest.fixture
def receiver(tmp_path):
    return ReportReceiver(tmp_path / "reports.json", {DEVICE: SECRET})


@pytest.fixture
def device():
    return KeysetDevice(listed(), SECRET, device=DEVICE)


def test_the_devices_own_reports_are_taken_once(device, receiver):
    first, second = device.report(3, 2, 2, 114), device.report(3, 3)
    status = receiver.take(first)
    assert (status.number, status.running, status.counter, status.verdict, status.reason) == (
        1,
        3,
        2,
        2,
        114,
    )
    assert "on trial" in str(status)
    with pytest.raises(EdgekitError, match="sent before"):
        receiver.take(first)
    assert receiver.take(second).number == 2
    with pytest.raises(EdgekitError, match="sent before"):
        ReportReceiver(receiver.file, receiver.secret).take(first)
    device.start()
    assert receiver.take(device.report()).number > 2  # a reset gives no number twice


numbers = st.integers(0, 2**32 - 1) | st.integers(0, 300)


@settings(max_examples=25, deadline=None)
@given(numbers, numbers, st.integers(0, 3), numbers)
def test_python_writes_what_the_device_writes(running, counter, verdict, reason):
    device = KeysetDevice(listed(), SECRET, device=DEVICE)
    made = device.report(running, counter, verdict, reason)
    assert (
        report(
            replace(GOOD, running=running, counter=counter, verdict=verdict, reason=reason), SECRET
        )
        == made
    )


def test_nobody_else_reports(receiver):
    good = report(GOOD, SECRET)
    for i in range(len(good)):
        with pytest.raises(EdgekitError):
            receiver.take(good[:i] + bytes([good[i] ^ 1 << i % 8]) + good[i + 1 :])
        with pytest.raises(EdgekitError):
            receiver.take(good[:i])
    with pytest.raises(EdgekitError, match="not by the device"):
        receiver.take(report(GOOD, bytes(32)))
    with pytest.raises(EdgekitError, match="not by the device"):
        receiver.take(report(replace(GOOD, device=b"e" * 16), SECRET))
    for bad in (replace(GOOD, verdict=4), replace(GOOD, fresh=3), replace(GOOD, number=0)):
        with pytest.raises(EdgekitError, match="not a device's report"):
            receiver.take(report(bad, SECRET))
    assert receiver.take(good) == GOOD  # nothing of all that counted


def test_lost_numbers_are_said_and_not_begun_anew(receiver):
    receiver.take(report(GOOD, SECRET))
    for text in ("", "[]", '{"x": "1"}', "{"):
        receiver.file.write_text(text)
        with pytest.raises(EdgekitError, match="bring back a copy"):
            receiver.take(report(GOOD, SECRET))


def test_two_receivers_take_each_report_once_between_them(tmp_path):
    many = [report(replace(GOOD, device=bytes([i]) * 16), SECRET) for i in range(10)]
    file = tmp_path / "reports.json"

    def take(_) -> int:
        taken = 0
        for data in many:
            with suppress(EdgekitError):
                taken += ReportReceiver(file, lambda _: SECRET).take(data).number
        return taken

    with ThreadPoolExecutor() as pool:
        assert sum(pool.map(take, range(3))) == len(many)
    assert list(json.loads(file.read_text()).values()) == [1] * len(many)
    assert decode_unverified(many[3]).device == bytes([3]) * 16
