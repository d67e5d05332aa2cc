"""Cycles, time, energy, battery."""

from __future__ import annotations

import numpy as np
import pytest

from edgekit.device import battery_life, build, energy, latency, profile
from edgekit.device.cost import block_cycles, cycles
from edgekit.errors import EdgekitError
from edgekit.export import generate, read
from edgekit.figures import estimated
from tests.export import tiny


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("00bf", 1),  # nop
        ("0868", 2),  # ldr r0, [r1]
        ("4043", 1),  # muls
        ("90fbf1f0", 7),  # sdiv r0, r0, r1
        ("2de9f041", 7),  # push.w {r4-r8, lr}: 1 + 6
        ("f0b5", 6),  # push {r4-r7, lr}: 1 + 5
        ("d1e90023", 3),  # ldrd r2, r3, [r1]
        ("51f8042b", 2),  # ldr r2, [r1], #4
        ("22fb0344", 1),  # smlad r4, r2, r3, r4
    ],
)
def test_instruction_costs_of_the_reference_manual(code, expected):
    assert block_cycles(bytes.fromhex(code)) == expected


@pytest.fixture(scope="module")
def counted():
    graph = read(tiny.OPERATORS["CONV_2D"](np.random.default_rng(200)))
    firmware = build(generate(graph))
    t = graph.tensors[graph.inputs[0]]
    return firmware, profile(firmware, np.zeros((1, *t.shape[1:]), np.int8))


def test_cycles_lie_between_one_and_three_an_instruction(counted):
    firmware, p = counted
    assert p.instructions.value < cycles(firmware, p).value < 3 * p.instructions.value


def test_latency_says_whether_it_is_calibrated(counted):
    known = latency(*counted, board="stm32l4r5")
    assert known.provenance == "estimated"
    assert known.low < known.value < known.high
    assert "calibrated on" in known.source
    assert "uncalibrated" in latency(*counted, mhz=64).source
    assert latency(*counted, mhz=32).value == pytest.approx(2 * latency(*counted, mhz=64).value)
    with pytest.raises(EdgekitError, match="stm32l4r5"):
        latency(*counted, board="stm32l4r6")
    with pytest.raises(EdgekitError, match="cortex-m33"):
        latency(*counted, board="nrf5340")


def test_energy_and_battery(counted):
    mj = energy(estimated(100, "ms", "given", low=90, high=110), milliwatts=(40, 50))
    assert mj.value == pytest.approx(4.5)
    assert (mj.low, mj.high) == pytest.approx((3.6, 5.5))
    one = battery_life(mj, per_hour=60, battery_mah=220, volts=3.0, sleep_ua=2.0)
    two = battery_life(mj, per_hour=120, battery_mah=220, volts=3.0, sleep_ua=2.0)
    assert one.low < one.value < one.high
    assert two.value < one.value < 2 * two.value  # sleep and leakage do not double
    # 220 mAh * 3 V * 0.85 = 2,019,600 mJ; a day: 6,480 + 518.4 + 65.0 mJ
    assert one.value == pytest.approx(2_019_600 / (6480 + 518.4 + 65.05), rel=1e-3)
    with pytest.raises(EdgekitError, match="positive"):
        battery_life(mj, per_hour=1, battery_mah=0, volts=3, sleep_ua=1)
