"""Cycles, time, energy, battery."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from benchmarks import latency as benchmark
from benchmarks.bars import Bars
from edgekit import catalog
from edgekit.core.errors import EdgekitError
from edgekit.core.figures import estimated
from edgekit.core.workspace import Workspace
from edgekit.emulate import build, energy, latency, profile
from edgekit.emulate.cores import timing_of
from edgekit.emulate.cost import cycles, weight_bytes
from edgekit.emulate.timing import block_cycles
from edgekit.export import generate, read
from tests.export import tiny


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
    known = latency(*counted, chip="stm32l4r5")
    assert known.provenance == "estimated"
    assert known.low < known.value < known.high
    assert "calibrated on" in known.source
    assert "another submitter's program, ±24 %" in known.source
    assert "uncalibrated" in latency(*counted, mhz=64).source
    assert latency(*counted, mhz=32).value == pytest.approx(2 * latency(*counted, mhz=64).value)
    with pytest.raises(EdgekitError, match="stm32l4r5"):
        latency(*counted, chip="stm32l4r6")
    for clock in (None, 0, -64, float("nan")):
        with pytest.raises(EdgekitError, match="clock in MHz"):
            latency(*counted, mhz=clock)
    with pytest.raises(EdgekitError, match="cortex-m33"):
        latency(*counted, chip="nrf5340")


def test_another_chip_of_the_core_is_less_certain(counted):
    own = latency(*counted, chip="stm32l4r5")
    like = latency(*counted, chip="stm32l4r5", on="nRF52840")
    assert like.value == own.value
    assert like.low < own.low < own.high < like.high
    assert like.source.startswith("nRF52840 at 120 MHz, calibrated on the STM32L4R5")


def test_weights_in_flash_take_their_time():
    """By hand: a matrix of 13 x 59 int8 weights, and no bias among them."""
    graph = read(tiny.fully_connected(np.random.default_rng(0)))
    firmware = build(generate(graph))
    (sample,) = tiny.samples(graph, 1, np.random.default_rng(0))
    p = profile(firmware, sample[0][None])
    assert weight_bytes(firmware) == 13 * 59
    chip = catalog.calibrations()["stm32l4r5"]
    waits = chip.weight_cycles * weight_bytes(firmware) / 16
    expected = (chip.factor * cycles(firmware, p).value + waits) / 120e3
    assert latency(firmware, p, "stm32l4r5").value == pytest.approx(expected)


def test_the_catalogue_has_what_the_published_binaries_say():
    """Refits every board from benchmarks/latency.csv; its bars hold and its constants are the catalogue's."""
    found = Bars("latency")
    benchmark.bars(found)
    assert [what for what, *_, met in found.rows if not met] == []
    page = (Workspace.find().folder / "docs/latency.md").read_text(encoding="utf-8")
    assert benchmark.markdown(benchmark.chips(benchmark.table())) in page


def test_one_kind_of_cycle_is_counted_in_the_data_and_in_the_kit():
    """A row that executed one instruction of a kind costs what that instruction costs in a firmware."""
    kinds = {
        "alu": "0844", "load": "0868", "store": "0860", "dual": "d1e90023", "mul": "4843",
        "mac": "22fb0344", "div": "90fbf1f0", "vdiv": "80ee200a", "it": "08bf", "branch": "7047",
        "tbb": "dfe800f0",
    }  # fmt: skip
    columns = (*kinds, "load_use", "multi", "multi_regs", "vfp", "taken")
    for cpu in ("cortex-m4", "cortex-m7"):
        for kind, code in kinds.items():
            row = pd.Series(dict.fromkeys(columns, 0) | {kind: 1})
            costs = timing_of(cpu)
            assert benchmark.kit_cycles(row, costs) == block_cycles(bytes.fromhex(code), costs), (
                kind
            )
        push = pd.Series(dict.fromkeys(columns, 0) | {"multi": 1, "multi_regs": 5})
        assert benchmark.kit_cycles(push, costs) == block_cycles(bytes.fromhex("f0b5"), costs)


def test_energy(counted):
    mj = energy(estimated(100, "ms", "given", low=90, high=110), milliwatts=(40, 50))
    assert mj.value == pytest.approx(4.5)
    assert (mj.low, mj.high) == pytest.approx((3.6, 5.5))
    board = catalog.board("stm32l4")
    drawn = board.active_power_mw
    one_ms = energy(estimated(1, "ms", "given"), board)
    assert (one_ms.low, one_ms.high) == pytest.approx((drawn.low / 1e3, drawn.high / 1e3))
    with pytest.raises(EdgekitError, match="active power"):
        energy(estimated(1, "ms", "given"), catalog.board("imxrt1060"))
