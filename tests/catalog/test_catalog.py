"""What someone who picks hardware relies on: every figure of the catalogue has a unit and a source."""

import tomllib
from importlib import resources
from math import isfinite

import pytest

from edgekit import catalog
from edgekit.core.errors import EdgekitError

FILES = {"boards.toml": "boards", "links.toml": "links", "batteries.toml": "batteries"}
MUST_HAVE = (
    "stm32u5 stm32n6 stm32l4 nrf52840 nrf5340 rp2040 rp2350 esp32s3 imxrt1060 apollo4 "
    "cortex-m0plus riscv coral jetson-orin-nano raspberry-pi-5 cortex-a55 fpga"
)


def toml(file):
    text = resources.files("edgekit.catalog").joinpath(file).read_text(encoding="utf-8")
    return tomllib.loads(text)


def figures_in(node):
    """Every figure in a parsed file, wherever it stands: a table with a value or a range."""
    if isinstance(node, dict):
        if {"value", "low", "high"} & node.keys():
            yield node
        else:
            for child in node.values():
                yield from figures_in(child)


@pytest.mark.parametrize("file", FILES)
def test_every_figure_names_a_source_and_every_source_is_used(file):
    content = toml(file)
    sources = content.pop("sources")
    used = {figure["source"] for figure in figures_in(content)}
    used |= {kit["source"] for b in content.get("boards", {}).values() for kit in b["kits"]}
    assert used == set(sources)
    for name, source in sources.items():
        assert source["title"].strip(), name
        assert isinstance(source["checked"], bool), name


@pytest.mark.parametrize("file", FILES)
def test_no_number_stands_outside_a_figure(file):
    content = toml(file)
    for entries in (content[FILES[file]], content.get("cores", {})):
        for key, entry in entries.items():
            loose = [k for k, v in entry.items() if type(v) in (int, float)]
            assert not loose, f"{key}: {loose} need a source"


def test_the_catalogue_holds_the_promised_boards():
    assert set(catalog.boards()) == set(MUST_HAVE.split())


def test_figures_carry_units_sources_and_sane_values():
    for entries in (catalog.boards(), catalog.links(), catalog.batteries(), catalog.tiers()):
        for entry in entries.values():
            for name, figure in entry.figures.items():
                assert figure.source, (entry.key, name)
                assert isfinite(figure.value), (entry.key, name)
                assert figure.low is None or figure.low <= figure.value <= figure.high
            assert entry.name in entry._repr_html_()
            assert entry._repr_html_().count("(unchecked)") == len(entry.unchecked)


def test_a_misspelt_name_is_answered_with_the_nearest():
    with pytest.raises(EdgekitError, match="Did you mean 'stm32u5'"):
        catalog.board("stm32u6")
    with pytest.raises(EdgekitError, match="Did you mean 'er14505'"):
        catalog.battery("er14550")
    with pytest.raises(EdgekitError, match="no link 'smoke signals'"):
        catalog.link("smoke signals")


def test_each_board_has_a_runtime_that_runs_on_it():
    for board in catalog.boards().values():
        assert catalog.runtime(board).why, board.key
    chosen = {key: catalog.runtime(board).key for key, board in catalog.boards().items()}
    assert chosen["stm32u5"] == chosen["riscv"] == "generated-c"
    assert chosen["stm32n6"] == "st-neural-art"
    assert chosen["coral"] == "edgetpu"
    assert chosen["jetson-orin-nano"] == "tensorrt"
    assert chosen["raspberry-pi-5"] == "litert"
    assert chosen["fpga"] == "hls4ml"


@pytest.mark.parametrize("key", list(catalog.boards()))
def test_a_board_is_timed_by_a_chip_of_its_core(key):
    board, known = catalog.board(key), catalog.calibrations()
    assert not (board.calibration_chip and board.calibration_proxy)
    chip = board.calibration_chip or board.calibration_proxy
    if chip is None:
        assert board.calibration is None
        return
    assert known[chip].core == board.core
    if board.calibration_chip:
        assert known[chip].clock_mhz == board.clock_mhz.value
    assert board.calibration.low < known[chip].factor < board.calibration.high
