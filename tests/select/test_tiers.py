"""Microcontroller or processor, a kit or a board of one's own."""

from dataclasses import replace

import pytest

from edgekit import select


def with_budget(bearing, **limits):
    return replace(bearing, budget=replace(bearing.budget, **limits))


def test_bearing_is_a_microcontroller_job(bearing):
    assert select.mcu_or_mpu(bearing).kind == "mcu"


@pytest.mark.parametrize(
    "change",
    [
        lambda d: with_budget(d, ram_bytes=2**30),
        lambda d: with_budget(d, flash_bytes=2**28),
        lambda d: replace(d, hardware=replace(d.hardware, os="linux")),
        lambda d: d.at(macs_per_inference=5e9),
    ],
)
def test_memory_linux_or_latency_ask_for_a_processor(bearing, change):
    split = select.mcu_or_mpu(change(bearing))
    assert split.kind == "mpu"
    assert "mpu" in set(split.table["says"])


def test_go_custom_only_below_100_mw_and_without_a_kit(bearing, selection):
    kit = select.recommend_custom_board(bearing, selection)
    assert not kit.recommended
    assert "STWINBX1" in kit.kit.name
    ecg = replace(bearing, hardware=replace(bearing.hardware, sensor="ecg"))
    assert select.recommend_custom_board(ecg, select.select(ecg)).recommended
    mains = with_budget(ecg, power_mw=5000)
    assert not select.recommend_custom_board(mains, select.select(mains)).recommended
