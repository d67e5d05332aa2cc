"""Average power, battery life and airtime are sums that a person can do by hand."""

from dataclasses import replace
from math import inf

import pytest

from edgekit import catalog, select
from edgekit.select.lora import lora_airtime_s


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
    from edgekit.select.power import battery_life

    assert battery_life(cell, 1.0, "").value == pytest.approx(7488 / (8766 + 74.88))


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


def test_lora_gets_faster_and_roomier_with_the_data_rate():
    rates = [catalog.link(f"lorawan-eu868-dr{n}") for n in range(6)]
    assert [r.value("max_payload_bytes") for r in rates] == [51, 51, 51, 115, 222, 222]
    energies = [select.message_energy_mj(r, 12) for r in rates]
    assert energies == sorted(energies, reverse=True)


def test_a_message_longer_than_a_packet_is_split():
    lora = catalog.link("lorawan-eu868-dr0")
    one, two = select.airtime_s(lora, 51), select.airtime_s(lora, 52)
    assert two - one > 0.9  # a packet more, whatever is in it
    assert select.airtime_s(lora, 0) == 0


@pytest.mark.parametrize(
    ("factor", "nbytes", "ms"),
    [
        (7, 25, 61.7),
        (12, 25, 1482.8),
        (9, 64, 390.1),
        (10, 33, 452.6),
        (7, 235, 368.9),
        (11, 13, 577.5),
    ],
)
def test_lora_is_on_the_air_as_semtechs_calculator_says(factor, nbytes, ms):
    assert 1000 * lora_airtime_s(nbytes, factor) == pytest.approx(ms, abs=0.06)


def test_a_session_is_paid_once_a_message_and_a_packet_each_time():
    wifi = catalog.link("wifi")
    one, ten = (select.message_energy_mj(wifi, n * 1460) for n in (1, 10))
    assert one > wifi.value("session_mj")
    assert ten - one < wifi.value("session_mj") / 10
