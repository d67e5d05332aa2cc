"""Where each function of a use case runs: on the device (edge), on a gateway (fog), or in the cloud.

placements = place(design, backhaul="ethernet")   # a DataFrame by .table, the reasons in words
placements.best                                   # the cheapest that every known line allows
placed = place_at(design, {"decide": "fog", …})   # one of your own

Nothing here is measured: rates, losses and prices are the catalogue's, each with its source.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from importlib import resources
from itertools import pairwise
from math import isnan
from pathlib import Path
from types import MappingProxyType

import numpy as np
import pandas as pd

from edgekit import catalog
from edgekit.catalog.network import Link
from edgekit.core.errors import EdgekitError
from edgekit.core.escape import html as escape
from edgekit.core.figures import Figure, estimated, number
from edgekit.core.html_table import TABLE
from edgekit.core.palette import KEPT, MISSED, OPEN
from edgekit.design import Design, load
from edgekit.select.placed import NOWHERE, Placed
from edgekit.select.placement_checks import checks_of
from edgekit.select.power import battery_life, estimate_latency_ms, power_budget
from edgekit.select.traffic import (
    DRAWS,
    NAN,
    Stream,
    known_or_nan,
    on_air_share,
    radio_mw,
    round_trips_s,
    stays_connected,
    streams_of,
    transfer_s,
)

FUNCTIONS = ("sense", "features", "decide", "confirm", "archive", "retrain")
TIERS = ("edge", "fog", "cloud")  # from the device up
PLACEMENTS: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        name: MappingProxyType(dict(zip(FUNCTIONS, tiers.split(), strict=True)))
        for name, tiers in {
            "all edge": f"edge edge edge edge {NOWHERE} {NOWHERE}",
            "cascade": "edge edge edge fog cloud cloud",
            "all fog": "edge fog fog fog fog fog",
            "all cloud": "edge cloud cloud cloud cloud cloud",
        }.items()
    }
)
MONTH_H = 730
GB = 1e9


@dataclass(frozen=True)
class Placements:
    """The four of `place`, in the order of PLACEMENTS."""

    design: Design
    backhaul: Link
    placed: tuple[Placed, ...]

    def __getitem__(self, name: str) -> Placed:
        return next(p for p in self.placed if p.name == name)

    @property
    def best(self) -> Placed | None:
        """Of the possible ones the cheapest, by power where money is equal; None if none is possible."""
        possible = [p for p in self.placed if p.verdict == "possible"]
        return min(possible, key=_price, default=None)

    @property
    def table(self) -> pd.DataFrame:
        """A row a placement: milliseconds of a decision (median, 99 %), mW, years, bytes a day that leave the
        device and that go on to the cloud, € a month, verdict and why."""
        rows = [
            {
                "placement": p.name, "verdict": p.verdict,
                "ms (median)": np.median(p.latency_ms), "ms (99 %)": p.decision_ms.value,
                "mW": p.power_mw.value, "years": p.battery_years.value,
                "bytes/day": p.bytes_per_day,
                "bytes/day to the cloud": sum(s.bytes_per_day for s in p.onward),
                "€/month": p.eur_month.value, "why": p.why,
            }
            for p in self.placed
        ]  # fmt: skip
        return pd.DataFrame(rows).set_index("placement")

    def _repr_html_(self) -> str:
        colour = {"possible": KEPT, "unknown": OPEN, "forbidden": MISSED}
        head = "".join(f"<th>{escape(c)}</th>" for c in ("placement", *self.table.columns))
        rows = ""
        for (name, row), p in zip(self.table.iterrows(), self.placed, strict=True):
            values = (v if isinstance(v, str) else number(v) for v in row)
            cells = "".join(
                f'<td style="text-align:left">{escape(v)}</td>' for v in (name, *values)
            )
            rows += f'<tr style="background:{colour[p.verdict]};color:#222">{cells}</tr>'
        return f"{TABLE}<tr>{head}</tr>{rows}</table><small>estimated, of one device</small>"


def place(design: Design, backhaul: str = "ethernet", seed: int = 0) -> Placements:
    """Each of PLACEMENTS held against the design's budget, flows and link; `backhaul`: a link's key.

    Raises EdgekitError for a link that there is not. What the design does not say ([flows] of its file) gives
    NaN, and a verdict that says "unknown".
    """
    onward = catalog.link(backhaul)
    placed = tuple(_place(design, onward, name, at, seed) for name, at in PLACEMENTS.items())
    return Placements(design, onward, placed)


def place_at(
    design: Design, at: Mapping[str, str], backhaul: str = "ethernet", seed: int = 0
) -> Placed:
    """One placement, as `place` judges it: `at` says for each of FUNCTIONS "edge", "fog" or "cloud", and
    NOWHERE for archive and retrain where nothing is kept; `backhaul`, the catalogue's link behind a gateway.

    Raises EdgekitError for a function or tier that there is not, and for an order that no data can flow in:
    it goes up from the device, and nothing can be kept that did not leave it.
    """
    _check_order(at)
    return _place(design, catalog.link(backhaul), "your own", MappingProxyType(dict(at)), seed)


def _check_order(at: Mapping[str, str]) -> None:
    if set(at) != set(FUNCTIONS):
        raise EdgekitError(f"place each of {', '.join(FUNCTIONS)}, and nothing else")
    for function, tier in at.items():
        allowed = TIERS + ((NOWHERE,) if function in ("archive", "retrain") else ())
        if tier not in allowed:
            raise EdgekitError(
                f"{function} cannot be at {tier!r}: choose one of {', '.join(allowed)}"
            )
    if at["sense"] != "edge":
        raise EdgekitError("the sensor is on the device: sense stays at edge")
    for before, after in (*pairwise(FUNCTIONS[:4]), ("archive", "retrain")):
        if NOWHERE not in (at[before], at[after]) and TIERS.index(at[before]) > TIERS.index(
            at[after]
        ):
            raise EdgekitError(
                f"{after} comes after {before}, so it cannot be nearer the device than {at[before]}"
            )
    if (at["archive"] == NOWHERE) != (at["retrain"] == NOWHERE):
        raise EdgekitError(
            "what is retrained needs an archive, and the other way round: place both or none"
        )
    if at["archive"] in TIERS[1:] and at["confirm"] == "edge":
        raise EdgekitError(
            "no window leaves the device, so none can be kept: move confirm, or keep nothing"
        )
    if at["archive"] == "edge":
        raise EdgekitError("a device has no room for an archive: choose fog, cloud or nowhere")


def _price(placed: Placed) -> tuple[float, float]:
    """What is not known is not cheap."""
    money, power = placed.eur_month.value, placed.power_mw.value
    return np.inf if isnan(money) else money, np.inf if isnan(power) else power


def _place(design: Design, backhaul: Link, name: str, at: Mapping[str, str], seed: int) -> Placed:
    streams = streams_of(design, at["decide"], at["features"], at["confirm"])
    onward = _onward(design, at, streams)
    latency = _latency(design, backhaul, at, streams, onward, seed)
    link_mw = radio_mw(design.link, streams)
    parts = power_budget(design, design.board, None if at["decide"] == "edge" else 0.0).parts
    power = sum(parts[what].value for what in ("sleep", "sense", "compute")) + link_mw
    how = f"sleep, sensor, core, and {number(link_mw)} mW of {design.link.name}"
    years = battery_life(design.battery, power, how)
    money = _eur_month(design, backhaul, at, streams, onward)
    placed = Placed(
        name, at, streams, onward, latency, estimated(power, "mW", how), years, money, ()
    )
    checks = checks_of(design, placed, on_air_share(design.link, streams, design.flows.devices))
    return replace(placed, checks=checks)


def _onward(
    design: Design, at: Mapping[str, str], streams: tuple[Stream, ...]
) -> tuple[Stream, ...]:
    """What goes on from the gateway to the cloud, of one device."""
    duty, flows, windows = design.duty, design.flows, 24 * design.duty.inferences_per_hour
    raw = known_or_nan(flows.window_bytes)
    if at["decide"] == "cloud":
        if at["features"] == "fog":
            return (Stream("features", known_or_nan(flows.feature_bytes), windows),)
        return streams
    flagged: tuple[Stream, ...] = ()
    if at["confirm"] == "cloud" and flows.flagged_share:
        flagged = (Stream("flagged windows", raw, windows * flows.flagged_share),)
    if at["archive"] != "cloud":
        return flagged
    messages = Stream("messages", duty.message_bytes, duty.messages_per_day)
    if flagged or not flows.kept_share:  # what is kept is among the flagged
        return (messages, *flagged)
    kept = Stream("kept windows", raw, windows * min(flows.kept_share, flows.flagged_share or 1))
    return (messages, kept)


def _latency(design, backhaul, at, streams, onward, seed) -> np.ndarray:
    """Milliseconds (draws,) from the end of a window to the reaction."""
    rng = np.random.default_rng(seed)
    guess = estimate_latency_ms(design.board, design.duty.macs_per_inference)
    here = NAN if guess is None else guess.value
    if at["decide"] == "edge":
        return here * rng.uniform(
            0.95, 1.05, DRAWS
        )  # a cache, an interrupt: no network to wait for
    up = streams[0].nbytes
    busy = on_air_share(design.link, streams, design.flows.devices)
    connected = stays_connected(design.link, streams)
    total = transfer_s(design.link, up, busy, connected, rng)
    total = total + transfer_s(design.link, max(1, design.duty.message_bytes), busy, True, rng)
    tier = catalog.tiers()[at["decide"]]
    if at["decide"] == "cloud":
        wire = on_air_share(backhaul, onward, design.flows.devices)
        there = transfer_s(backhaul, onward[0].nbytes, wire, True, rng)
        total = total + 2 * there + round_trips_s(tier.value("round_trip_s"), rng)
    macs = design.duty.macs_per_inference or NAN
    return 1000 * total + tier.value("service_ms") + macs / (1e6 * tier.value("gmacs"))


def _eur_month(design, backhaul, at, streams, onward) -> Figure:
    """Of one device: its link, its share of gateway and backhaul, computing and storing in the cloud."""
    fog, cloud = (catalog.tiers()[t] for t in ("fog", "cloud"))
    devices, link = max(1, design.flows.devices), design.link
    parts = {"link": link.value("price_eur_month")}
    if set(at.values()) & {"fog", "cloud"}:
        watts = fog.value("power_w") * fog.value("eur_per_kwh") * MONTH_H / 1000
        parts["gateway"] = (fog.value("price_eur_month") + watts) / devices
    if onward:
        parts["backhaul"] = backhaul.value("price_eur_month") / devices
        stored = sum(s.bytes_per_day for s in onward) * 30 / GB
        parts["storage"] = stored * cloud.value("storage_eur_gb_month")
    share = 1.0 if at["decide"] == "cloud" else design.flows.flagged_share
    if at["confirm"] == "cloud" and share:
        busy_s = (
            share * design.duty.inferences_per_hour * MONTH_H * cloud.value("service_ms") / 1000
        )
        parts["computing"] = busy_s / 3600 * cloud.value("vcpu_eur_hour")
    how = ", ".join(f"{name} {number(v)}" for name, v in parts.items())
    return estimated(sum(parts.values()), "€/month", f"a device's share: {how}")


def examples() -> dict[str, Design]:
    """Four designs whose answers differ, by name: forklift, motors, a camera over a belt, an ECG."""
    folder = resources.files("edgekit.select") / "examples"
    files = sorted(f.name for f in folder.iterdir() if f.name.endswith(".toml"))
    with resources.as_file(folder) as there:
        return {Path(name).stem: load(there / name) for name in files}


def compare(designs: Mapping[str, Design], backhaul: str = "ethernet") -> pd.DataFrame:
    """A row for each of `designs`, by name: the best placement, and what forbids the others, with its number.

    backhaul: a link's key. Raises EdgekitError as `place` does.
    """
    rows = {}
    for name, design in designs.items():
        placements = place(design, backhaul)
        best = placements.best
        rows[name] = {"best": best.name if best else "none"} | {
            p.name: p.verdict if p.verdict == "possible" else f"{p.verdict}: {p.why}"
            for p in placements.placed
        }
    return pd.DataFrame.from_dict(rows, orient="index")
