"""What lies where in a program: the map accounts for every byte of the ELF, once."""

import matplotlib.pyplot as plt
import numpy as np
import pytest

from edgekit import emulate, export
from edgekit.view.memory_map import memory_map, plot_memory_map
from tests.export import tiny


@pytest.fixture(scope="module")
def firmware():
    return emulate.build(export.generate(export.read(tiny.convolution(np.random.default_rng(0)))))


def test_the_map_adds_up_to_the_flash_and_the_memory_of_the_program(firmware):
    total = memory_map(firmware).groupby("region")["bytes"].sum()
    assert total["flash"] == firmware.flash.value
    assert total["memory"] == firmware.ram.value


def test_weights_and_arena_are_named_for_what_they_are(firmware):
    what = memory_map(firmware).groupby("what")["bytes"].sum()
    assert what["weights"] == firmware.weights.value
    assert what["arena"] >= firmware.source.plan.size


@pytest.mark.parametrize("region", ["flash", "memory", "arena"])
def test_each_region_is_drawn_with_bytes_on_its_axis(firmware, region):
    axes = plot_memory_map(firmware, region)
    assert "bytes" in axes.get_xlabel() + axes.get_ylabel()
    plt.close("all")


def test_another_region_says_so(firmware):
    with pytest.raises(ValueError, match="choose one of flash"):
        plot_memory_map(firmware, "disk")
