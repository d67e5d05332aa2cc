"""What someone who picks hardware relies on: sources, explained rejections, honest unknowns."""

import tomllib
from dataclasses import replace
from importlib import resources
from itertools import pairwise
from math import inf, isfinite, isnan

import pytest

from edgekit import catalog, design, select
from edgekit.core.errors import EdgekitError

FILES = {"boards.toml": "boards", "links.toml": "links", "batteries.toml": "batteries"}
MUST_HAVE = (
    "stm32u5 stm32n6 stm32l4 nrf52840 nrf5340 rp2040 rp2350 esp32s3 imxrt1060 apollo4 "
    "cortex-m0plus riscv coral jetson-orin-nano raspberry-pi-5 cortex-a55 fpga"
)


@pytest.fixture(scope="module")
def bearing():
    return design.load(resources.files("edgekit") / "usecases/bearing/design.toml")


@pytest.fixture(scope="module")
def selection(bearing):
    return select.select(bearing)


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
    for entries in (catalog.boards(), catalog.links(), catalog.batteries()):
        for entry in entries.values():
            for name, figure in entry.figures.items():
                assert figure.source, (entry.key, name)
                assert isfinite(figure.value), (entry.key, name)
                assert figure.low is None or figure.low <= figure.value <= figure.high
            assert entry.name in entry._repr_html_()
            assert entry._repr_html_().count("(unchecked)") == len(entry.unchecked)


def test_lora_gets_faster_and_roomier_with_the_data_rate():
    rates = [catalog.link(f"lorawan-eu868-dr{n}") for n in range(6)]
    assert [r.value("max_payload_bytes") for r in rates] == [51, 51, 51, 115, 222, 222]
    energies = [select.message_energy_mj(r, 12) for r in rates]
    assert energies == sorted(energies, reverse=True)


def test_a_message_longer_than_a_packet_is_split():
    lora = catalog.link("lorawan-eu868-dr0")
    one, two = select.airtime_s(lora, 51), select.airtime_s(lora, 52)
    assert two - one > lora.value("setup_s")
    assert select.airtime_s(lora, 0) == 0


def test_a_misspelt_name_is_answered_with_the_nearest():
    with pytest.raises(EdgekitError, match="Did you mean 'stm32u5'"):
        catalog.board("stm32u6")
    with pytest.raises(EdgekitError, match="Did you mean 'er14505'"):
        catalog.battery("er14550")
    with pytest.raises(EdgekitError, match="no link 'smoke signals'"):
        catalog.link("smoke signals")


# ------------------------------------------------------------------------------------ selection


def test_every_board_fits_or_says_why_not(selection):
    assert {c.board.key for c in selection.candidates} == set(catalog.boards())
    for candidate in selection.candidates:
        assert candidate.verdict in ("fits", "unknown", "rejected")
        assert candidate.verdict == "fits" or candidate.reason, candidate.board.key


def test_ranking_is_fits_then_unknown_then_rejected_each_by_power(selection):
    table = selection.table
    order = table["verdict"].map({"fits": 0, "unknown": 1, "rejected": 2})
    assert order.is_monotonic_increasing
    assert table.loc[table["verdict"] == "fits", "average_mw"].is_monotonic_increasing
    assert selection.best is selection.fits[0]


def test_a_rejection_names_what_was_needed_and_what_there_is(bearing):
    big = replace(bearing, budget=replace(bearing.budget, ram_bytes=320 * 1024))
    candidate = select.select(big).of(catalog.board("nrf52840"))
    assert candidate.verdict == "rejected"
    assert candidate.reason == "needs 320 KB RAM, has 256"


def test_an_unknown_figure_is_shown_and_does_not_pass(bearing, selection):
    apollo = selection.of(catalog.board("apollo4"))
    assert apollo.verdict == "unknown"
    assert "temperature range is unknown" in apollo.reason
    assert isnan(apollo.power.battery_years.value)


def test_a_tighter_budget_never_lets_more_boards_through(bearing):
    fits = [
        {b.key for b in select.select(with_budget(bearing, power_mw=limit)).fits}
        for limit in (10, 0.16, 0.05, 0.03, 0.001)
    ]
    assert all(tight <= loose for loose, tight in pairwise(fits))
    assert not fits[-1]


def test_the_use_case_s_own_board_fits(bearing, selection):
    assert bearing.board in selection.fits


def test_selection_reads_well(selection):
    html = selection._repr_html_()
    assert all(board.name in html for board in catalog.boards().values())
    assert set(selection.table["verdict"]) == {"fits", "unknown", "rejected"}


def test_notes_warn_when_the_link_is_asked_for_too_much(bearing):
    busy = bearing.at(messages_per_day=200_000)
    duty = next(n for n in select.select(busy).notes if n.name == "duty cycle")
    assert duty.passed is False


# ----------------------------------------------------------------------------------- pictures


def test_every_plot_names_its_units_also_without_a_battery(bearing, selection):
    import matplotlib

    matplotlib.use("Agg")
    from edgekit import view

    plugged = replace(bearing, hardware=replace(bearing.hardware, battery="mains"))
    axes = [
        view.plot_power(select.power_budget(bearing, bearing.board)),
        view.plot_battery_life(bearing.battery, 5, 0.16),
        view.plot_board_memory(catalog.table(), 65_536, 49_152),
        view.plot_life_over_rate(bearing, selection.fits[:2], 5),
    ]
    assert [a.get_xlabel() for a in axes] == [
        "average power (µW)",
        "average power (mW)",
        "memory (KB)",
        "inferences per hour",
    ]
    assert "mains" in view.plot_battery_life(plugged.battery).texts[0].get_text()
    assert view.plot_life_over_rate(plugged, [plugged.board]) is not None
    matplotlib.pyplot.close("all")


# ----------------------------------------------------------------------------------- decisions


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


# --------------------------------------------------------------------------------------- power


def test_power_is_the_sum_of_its_parts_and_work_costs_power(bearing):
    board = bearing.board
    calm = select.power_budget(bearing, board)
    busy = select.power_budget(bearing.at(inferences_per_hour=60), board)
    assert calm.average_mw.value == pytest.approx(sum(p.value for p in calm.parts.values()))
    assert busy.average_mw.value > calm.average_mw.value
    assert busy.battery_years.value < calm.battery_years.value
    assert calm.table["share"].sum() == pytest.approx(1)
    assert "STM32U575" in calm._repr_html_()


def test_a_slower_model_shortens_the_life(bearing):
    years = [
        select.power_budget(bearing, bearing.board, latency_s=s).battery_years.value
        for s in (0.001, 0.1, 10)
    ]
    assert years == sorted(years, reverse=True)


def test_self_discharge_bounds_the_life(bearing):
    idle = bearing.at(inferences_per_hour=0, messages_per_day=0)
    years = select.power_budget(idle, bearing.board).battery_years.value
    assert years < 100 / bearing.battery.value("self_discharge_pct_year")


def test_life_by_hand():
    """1 mW from 2.6 Ah x 3.6 V x 0.8 = 7.488 Wh lasts 7488 / (8766 + 74.88) years."""
    cell = catalog.battery("er14505")
    assert cell.energy_mwh == pytest.approx(7488)
    from edgekit.select.power import _life

    assert _life(cell, 1.0, "").value == pytest.approx(7488 / (8766 + 74.88))


def test_mains_has_no_end(bearing):
    plugged = replace(bearing, hardware=replace(bearing.hardware, battery="mains"))
    power = select.power_budget(plugged, catalog.board("raspberry-pi-5"))
    assert power.battery_years.value == inf
    assert all(c.name != "battery_years" for c in select.select(plugged).candidates[0].checks)


def test_latency_estimates_agree_with_the_published_ones():
    """2.66 M multiply-accumulates took 76.09 ms on the nRF5340 and 99.81 ms on the STM32L4R5."""
    for key, ms in (("nrf5340", 76.09), ("stm32l4", 99.81)):
        guess = select.estimate_latency_ms(catalog.board(key), 2.66e6)
        assert guess.value == pytest.approx(ms, rel=0.02)
        assert guess.low <= guess.value <= guess.high


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
