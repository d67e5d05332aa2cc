"""Device, gateway or cloud: the sums can be done by hand, and each refusal names its number."""

from dataclasses import replace
from math import inf, isnan

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgekit import catalog, select
from edgekit.core.errors import EdgekitError
from edgekit.design.design import Flows
from edgekit.select.traffic import Stream, on_air_share, radio_mw, transfer_s


def over(design, link, **flows):
    return replace(
        design, hardware=replace(design.hardware, link=link), flows=replace(design.flows, **flows)
    )


def test_raw_samples_over_lorawan_are_refused_with_the_number(bearing):
    fog = select.place(bearing)["all fog"]
    assert fog.verdict == "forbidden"
    each = select.airtime_s(bearing.link, 2048) * 6 * 24 / 86_400
    assert f"on the air {each:.3%} of the time, the law allows 1%" in fog.why
    assert fog.bytes_per_day == 2048 * 6 * 24
    assert fog.decision_ms.value == inf  # five hundred of them: the queue only grows


def test_the_cascade_sends_messages_and_the_flagged_windows_only(bearing):
    cascade = select.place(bearing)["cascade"]
    assert cascade.verdict == "possible"
    assert cascade.bytes_per_day == pytest.approx(24 * 12 + 0.002 * 144 * 2048)
    alone = select.power_budget(bearing, bearing.board).average_mw.value
    assert cascade.power_mw.value == pytest.approx(
        alone + 0.002 * 144 * select.message_energy_mj(bearing.link, 2048) / 86_400
    )


def test_nothing_is_promised_for_what_the_design_does_not_say(bearing):
    silent = replace(bearing, flows=Flows())
    placements = select.place(silent)
    assert placements["all edge"].verdict == "possible"
    assert placements["all cloud"].verdict in ("unknown", "forbidden")
    assert isnan(placements["all cloud"].bytes_per_day)
    assert "–" in placements._repr_html_()


@pytest.mark.parametrize(
    ("flows", "name", "why"),
    [
        ({"offline_hours": 8.0}, "all fog", "8 h without a network"),
        ({"samples_leave": "never"}, "cascade", "samples never leave the device"),
        ({"samples_leave": "flagged"}, "all cloud", "only where flagged"),
        ({"kept_share": 0.01}, "all edge", "kept for training"),
    ],
)
def test_what_the_design_asks_for_forbids_what_cannot_give_it(bearing, flows, name, why):
    placed = select.place(over(bearing, "ethernet", **flows))[name]
    assert placed.verdict == "forbidden"
    assert why in placed.why


def test_a_coin_cell_feeds_no_modem(bearing):
    coin = replace(bearing, hardware=replace(bearing.hardware, battery="cr2032", link="lte-m"))
    assert "draws 389 mW on the air" in select.place(coin)["cascade"].why


def test_the_four_examples_have_the_answers_that_they_are_there_for():
    answers = {name: select.place(d) for name, d in select.examples().items()}
    assert {n: a.best.name for n, a in answers.items()} == {
        "camera": "cascade", "forklift": "all edge", "holter": "cascade", "motors": "cascade",
    }  # fmt: skip
    assert "the budget says 10;" in answers["forklift"]["all fog"].why
    assert "times the air" in answers["motors"]["all cloud"].why
    assert "48 h without a network" in answers["holter"]["all cloud"].why


@settings(max_examples=40, deadline=None)
@given(st.sampled_from(sorted(catalog.links())), st.integers(1, 50_000), st.integers(0, 2**32 - 1))
def test_more_bytes_are_never_there_earlier_and_never_cheaper(key, nbytes, seed):
    link = catalog.link(key)
    one, two = (
        transfer_s(link, n, 0.3, True, np.random.default_rng(seed)) for n in (nbytes, 2 * nbytes)
    )
    assert np.median(two) >= np.median(one) > 0
    assert (one >= select.airtime_s(link, nbytes)).all()
    costs = [radio_mw(link, (Stream("x", n, 10),)) for n in (nbytes, 2 * nbytes)]
    assert isnan(costs[0]) or costs[1] >= costs[0]


def test_the_wait_grows_with_the_neighbours_and_never_ends_where_the_air_is_full():
    wifi, rng = catalog.link("wifi"), np.random.default_rng
    means = [transfer_s(wifi, 100_000, busy, True, rng(0)).mean() for busy in (0, 0.5, 0.9)]
    assert means == sorted(means)
    # M/D/1: at nine tenths, 4.5 services on average
    assert means[2] - means[0] == pytest.approx(4.5 * select.airtime_s(wifi, 100_000), rel=0.1)
    assert np.isinf(transfer_s(wifi, 100_000, 1.0, True, rng(0))).all()


def test_who_talks_all_day_stays_connected_and_who_talks_seldom_does_not():
    wifi = catalog.link("wifi")
    seldom, often = (radio_mw(wifi, (Stream("x", 12, n),)) for n in (24, 86_400))
    assert seldom == pytest.approx(select.message_energy_mj(wifi, 12) * 24 / 86_400)
    assert often < 100  # mW; a join each second would be a watt
    lora = catalog.link("lorawan-eu868-dr5")
    assert on_air_share(lora, (Stream("x", 12, 864),)) == pytest.approx(0.0617 / 100, rel=0.01)


def test_a_link_that_is_not_there_is_one_line(bearing):
    with pytest.raises(EdgekitError, match="no link 'pigeon'"):
        select.place(bearing, backhaul="pigeon")


def functions(features="edge", decide="edge", confirm="fog", keep="cloud"):
    at = {"sense": "edge", "features": features, "decide": decide, "confirm": confirm}
    return at | {"archive": keep, "retrain": keep}


@pytest.mark.parametrize("name", list(select.PLACEMENTS))
def test_a_placement_of_ones_own_costs_what_the_same_one_does_by_name(name):
    for design in select.examples().values():
        known, own = select.place(design)[name], select.place_at(design, select.PLACEMENTS[name])
        assert own.checks == known.checks
        assert str(own.eur_month) == str(known.eur_month)  # NaN where a price is unknown
        assert np.array_equal(own.latency_ms, known.latency_ms, equal_nan=True)


@pytest.mark.parametrize(
    ("at", "why"),
    [
        (functions(features="fog"), "decide comes after features"),
        (functions(decide="cloud", confirm="fog"), "confirm comes after decide"),
        (functions(confirm="edge"), "no window leaves the device"),
        (functions(keep="edge"), "no room for an archive"),
        (functions() | {"sense": "cloud"}, "the sensor is on the device"),
        (functions() | {"decide": "moon"}, "choose one of edge, fog, cloud"),
    ],
)
def test_an_order_that_no_data_can_flow_in_is_refused_in_a_sentence(at, why):
    with pytest.raises(EdgekitError, match=why):
        select.place_at(select.examples()["camera"], at)


def test_what_moves_to_the_cloud_crosses_the_backhaul():
    design = select.examples()["camera"]

    def onward(**at):
        return sum(s.bytes_per_day for s in select.place_at(design, functions(**at)).onward)

    assert onward(confirm="cloud") >= onward(confirm="fog")
    whole = {"decide": "cloud", "confirm": "cloud"}
    assert onward(features="cloud", **whole) > onward(features="fog", **whole)
