"""Which boards fit: explained rejections, honest unknowns, pictures with units."""

from dataclasses import replace
from itertools import pairwise
from math import isnan

from edgekit import catalog, design, select


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


def allowed(bearing, power_mw):
    return replace(bearing, budget=replace(bearing.budget, power_mw=power_mw))


def test_a_tighter_budget_never_lets_more_boards_through(bearing):
    fits = [
        {b.key for b in select.select(allowed(bearing, limit)).fits}
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


def test_what_the_budget_does_not_limit_is_not_asked_of_a_board(bearing):
    free = replace(bearing, budget=design.Budget(latency_ms=100))
    names = {check.name for c in select.select(free).candidates for check in c.checks}
    assert names & set(design.LINES) == {"latency_ms"}


def test_a_board_exactly_at_the_limit_fits_and_a_hair_beyond_does_not(bearing):
    guess = select.estimate_latency_ms(bearing.board, bearing.duty.macs_per_inference).value
    for limit, passes in ((guess, True), (guess * (1 - 1e-9), False)):
        tight = replace(bearing, budget=design.Budget(latency_ms=limit))
        (check,) = (
            c for c in select.select(tight).of(bearing.board).checks if c.name == "latency_ms"
        )
        assert check.passed is passes
