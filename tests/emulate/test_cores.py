"""Every core of the kit, and one that joins by a record alone, passes the contract suite."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from edgekit import catalog, emulate
from edgekit.core.errors import EdgekitError
from edgekit.emulate.cores import CORES, RISCV, SOFT, Core, core
from edgekit.emulate.emulator import Emulator
from edgekit.emulate.timing import M4
from edgekit.testing.core import lacks
from tests.emulate.bearings import ENVELOPE, SENSITIVITY, model, strikes
from tests.export import tiny

pytest.importorskip("tflite_micro", reason="the oracle has a wheel for Linux x86-64 only")

NEW = (
    Core("cortex-m23", SOFT, "cortex_m23", model="ARM_CORTEX_M33", timing=M4),
    Core("rv32imac", RISCV, "generic_rv32+m+a+c", model="RISCV32_ANY"),
)


@pytest.fixture(scope="module")
def models():
    names = ("CONV_2D", "FULLY_CONNECTED")
    return [tiny.OPERATORS[name](np.random.default_rng(5)) for name in names]


@pytest.mark.parametrize("record", CORES.values(), ids=lambda c: c.name)
def test_every_core_of_the_kit_holds(record, models):
    assert lacks(record, models) == []


@pytest.mark.parametrize("record", NEW, ids=lambda c: c.name)
def test_a_new_core_is_one_record(record, models):
    windows = strikes(2, seed=3)[0]
    assert lacks(record, models[:1], [(model(), ENVELOPE, SENSITIVITY, windows)]) == []
    with pytest.raises(EdgekitError, match="unknown core"):
        core(record.name)  # the suite leaves nothing behind


def test_a_new_core_is_what_its_boards_are_emulated_by(monkeypatch):
    board = replace(catalog.board("riscv"), core="rv32imac")
    assert emulate.core_for(board) == "cortex-m4"
    monkeypatch.setitem(CORES, "rv32imac", NEW[1])
    assert emulate.core_for(board) == "rv32imac"


def test_a_wrong_record_is_found(models):
    """zig switches off silently what a core's name does not ask for; the emulator has names of its own."""
    (found, *_) = lacks(replace(core("cortex-m33"), name="another", cpu="cortex_m33"), models[:1])
    assert "__ARM_FEATURE_DSP is off for another" in found
    (found, *_) = lacks(replace(core("cortex-m4"), name="another", model="ARM_M4F"), models[:1])
    assert "unicorn knows no core 'ARM_M4F'" in found


def test_a_count_that_is_wrong_by_one_is_found(models, monkeypatch):
    """A mutation of the emulator: the suite looks at each instruction by itself."""
    real = Emulator.instructions
    monkeypatch.setattr(Emulator, "instructions", lambda self, blocks: real(self, blocks) + 1)
    (found,) = lacks(core("cortex-m0plus"), models[1:])
    assert "instructions are counted" in found
