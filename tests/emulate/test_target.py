"""A board of the catalogue gets the core it has; a figure from a stand-in says so."""

import numpy as np
import pytest

from edgekit import catalog, emulate
from edgekit.emulate.cores import CORES
from edgekit.export.codegen import generate
from edgekit.export.reader import read
from tests.export import tiny


@pytest.mark.parametrize("key", list(catalog.boards()))
def test_every_board_gets_a_core_that_can_be_emulated(key):
    board = catalog.board(key)
    core = emulate.core_for(board)
    assert CORES[core].emulated
    assert core == board.core or board.core not in CORES or not CORES[board.core].emulated


@pytest.mark.parametrize(
    ("key", "says"),
    [
        ("nrf5340", "calibrated on"),
        ("stm32l4", "calibrated on"),
        ("stm32u5", ", calibrated on"),
        ("cortex-m0plus", ", calibrated on"),
        ("nrf52840", "calibrated on the STM32L4R5"),
        ("imxrt1060", "uncalibrated"),
        ("rp2040", "uncalibrated"),
        ("esp32s3", "stands in for xtensa"),
    ],
)
def test_a_latency_says_how_far_it_can_be_trusted(key, says):
    board = catalog.board(key)
    source = generate(read(tiny.fully_connected(np.random.default_rng(0))), "net")
    firmware = emulate.build(source, cpu=emulate.core_for(board))
    (sample,) = tiny.samples(source.graph, 1, np.random.default_rng(0))
    profile = emulate.profile(firmware, sample[0][None])
    assert says in emulate.latency_on(board, firmware, profile).source
