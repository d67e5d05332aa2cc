"""What forbids a placement, and with which number: the budget, the law, the battery, the network, privacy."""

from __future__ import annotations

from math import isinf, isnan

from edgekit.core.figures import Figure, number
from edgekit.design import Design
from edgekit.design.gate import Verdict, gate
from edgekit.select.boards import PASSED, Check
from edgekit.select.placed import NOWHERE, Placed
from edgekit.select.traffic import DAY_S, on_air_share


def checks_of(design: Design, placed: Placed, busy: float) -> tuple[Check, ...]:
    """Every check that applies to `placed`; `busy`: the share of the time that its medium is taken."""
    found = (
        *_budget(design, placed),
        _medium(design, placed, busy),
        *_air(design, placed),
        _peak(design, placed),
        *_functions(design, placed),
        _offline(design, placed),
        _private(design, placed),
    )
    return tuple(check for check in found if check)


def _budget(design: Design, placed: Placed) -> list[Check]:
    figures: dict[str, Figure | None] = {
        "power_mw": placed.power_mw,
        "decision_ms": placed.decision_ms,
    }
    if not design.battery.mains:
        figures["battery_years"] = placed.battery_years
    return [
        Check(v.key, PASSED[v.state], f"{v.key}: {_words(v)}, the budget says {number(v.limit)}")
        for v in gate(design.budget, figures)
        if not isinstance(v.limit, tuple)
    ]


def _words(verdict: Verdict) -> str:
    if verdict.figure is None or isnan(verdict.figure.value):
        return "unknown"
    if verdict.key == "decision_ms" and isinf(verdict.figure.value):
        return "never, the queue only grows"
    shown = f"{number(verdict.figure.value)} {verdict.figure.unit}"
    return f"{shown} in 99 of 100 cases" if verdict.key == "decision_ms" else shown


def _what(placed: Placed) -> str:
    return " and ".join(s.what for s in placed.streams)


def _medium(design: Design, placed: Placed, busy: float) -> Check:
    devices, link = design.flows.devices, design.link
    rate = placed.bytes_per_day * devices / DAY_S
    reason = (
        f"{_what(placed)} of {number(devices)} device{'s' * (devices > 1)} over {link.name}: "
        f"{number(rate)} bytes/s, which would take {busy:.3g} times the air that there is"
    )
    unknown = f"how much {_what(placed)} there are over {link.name} is unknown"
    return Check("medium", None if isnan(busy) else busy < 1, unknown if isnan(busy) else reason)


def _air(design: Design, placed: Placed) -> list[Check]:
    link, own = design.link, on_air_share(design.link, placed.streams)
    checks = []
    if link.duty_limit is not None:
        reason = (
            f"{_what(placed)} over {link.name}: on the air {own:.3%} of the time, the law allows "
            f"{link.share:.0%}"
        )
        checks.append(Check("duty cycle", None if isnan(own) else own <= link.share, reason))
    if link.fair_use_s_per_day is not None:
        day, most = own * DAY_S, link.fair_use_s_per_day.value
        reason = (
            f"{number(day)} s a day on the air, a public network's users are asked for {number(most)} "
            "(a network of one's own is free of that)"
        )
        # what is asked for is no law: it forbids nothing, and is said
        checks.append(Check("fair use", True, reason))
    return checks


def _peak(design: Design, placed: Placed) -> Check | None:
    if design.battery.mains or not placed.bytes_per_day:
        return None
    gives, draws = design.battery.peak_mw, design.link.value("tx_power_mw")
    reason = (
        f"{design.link.name} draws {number(draws)} mW on the air, {design.battery.name} gives "
        f"{number(gives)} mW at most"
    )
    unknown = isnan(gives) or isnan(draws)
    return Check("peak", None if unknown else draws <= gives, reason)


def _functions(design: Design, placed: Placed) -> list[Check]:
    """What the design asks for and this placement leaves out."""
    checks, flows = [], design.flows
    if flows.flagged_share and placed.at["confirm"] == "edge":
        share = number(100 * flows.flagged_share)
        reason = f"{share} % of windows want a second opinion, the device has one model"
        checks.append(Check("confirm", False, reason))
    if flows.kept_share and placed.at["retrain"] == NOWHERE:
        share = number(100 * flows.kept_share)
        reason = f"{share} % of windows are to be kept for training, nothing leaves the device"
        checks.append(Check("retrain", False, reason))
    return checks


def _offline(design: Design, placed: Placed) -> Check | None:
    hours = design.flows.offline_hours
    if not hours:
        return None
    where = placed.at["decide"]
    reason = f"it must decide for {number(hours)} h without a network, and decides on the {where}"
    return Check("offline", where == "edge", reason)


def _private(design: Design, placed: Placed) -> Check | None:
    leave = design.flows.samples_leave
    if leave == "always":
        return None
    sends = {s.what for s in placed.streams}
    bad = sends & ({"samples"} if leave == "flagged" else {"samples", "flagged windows"})
    words = (
        "leave the device only where flagged" if leave == "flagged" else "never leave the device"
    )
    reason = f"samples {words}"
    return Check("privacy", not bad, reason)
