"""What a placement sends, how long that takes, and what it costs a device: sums and a small simulation."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, isnan

import numpy as np

from edgekit.catalog.network import Link
from edgekit.design import Design
from edgekit.select.power import airtime_s, message_energy_mj

DAY_S = 86_400
DRAWS = 4000  # decisions that are simulated
JITTER = 0.35  # of the logarithm of a round trip: its 99th percentile is 2.3 times the median
NAN = float("nan")


@dataclass(frozen=True)
class Stream:
    """Messages of one size, `per_day` of one device, each of `nbytes`."""

    what: str
    nbytes: float
    per_day: float

    @property
    def bytes_per_day(self) -> float:
        return self.nbytes * self.per_day


def radio_mw(link: Link, streams: tuple[Stream, ...]) -> float:
    """Average power (mW) of sending `streams`: joined for each message or connected all day, what is less."""
    sent = [s for s in streams if s.per_day and s.nbytes]
    asleep = 0.0 if link.sleep_power_uw is None else link.sleep_power_uw.value / 1000
    apart = asleep + sum(message_energy_mj(link, s.nbytes) * s.per_day for s in sent) / DAY_S
    if link.connected_mw is None or not sent:
        return apart
    session = 0.0 if link.session_mj is None else link.session_mj.value
    without = sum((message_energy_mj(link, s.nbytes) - session) * s.per_day for s in sent) / DAY_S
    return min(apart, without + link.connected_mw.value)


def stays_connected(link: Link, streams: tuple[Stream, ...]) -> bool:
    """Whether that is by staying connected; links that know no sessions always are."""
    if link.session_s is None:
        return True
    sent = sum(s.per_day for s in streams if s.nbytes)
    if link.connected_mw is None or link.session_mj is None:
        return sent * link.session_s.value >= DAY_S
    return sent * link.session_mj.value / DAY_S > link.connected_mw.value


def on_air_share(link: Link, streams: tuple[Stream, ...], devices: int = 1) -> float:
    """The part of the time that one device is on the air; of several `devices`, the part of the link's
    channels that they take together: above 1 they cannot be."""
    own = sum(airtime_s(link, s.nbytes) * s.per_day for s in streams) / DAY_S
    channels = 1.0 if link.channels is None or devices == 1 else link.channels.value
    return own * devices / channels


def transfer_s(
    link: Link, nbytes: float, busy: float, connected: bool, rng: np.random.Generator
) -> np.ndarray:
    """Seconds (DRAWS,) until `nbytes` have arrived: join, wait for the medium, air, repeats, half a trip.

    busy: the share of the time that the medium is taken (M/D/1 queue; from 1 on the wait only grows, and is
    infinite); the packets that are lost are sent again after a round trip. NaN where the link's rate or round
    trip is unknown.
    """
    air, trip = airtime_s(link, nbytes), link.value("round_trip_s")
    if isnan(air) or isnan(trip) or isnan(busy):
        return np.full(DRAWS, NAN)
    if busy >= 1:
        return np.full(DRAWS, np.inf)
    packets = max(1, ceil(nbytes / link.value("max_payload_bytes")))
    loss = 0.0 if link.loss is None else link.loss.value
    again = rng.negative_binomial(packets, 1 - loss, DRAWS)
    trips = round_trips_s(trip, rng)
    waits = rng.random(DRAWS) < busy
    queue = waits * rng.exponential(max(air, 1e-9) / (2 * (1 - busy)), DRAWS)
    joined = 0.0 if connected or link.session_s is None else link.session_s.value
    return joined + queue + air + again * (air / packets + trips) + trips / 2


def round_trips_s(median: float, rng: np.random.Generator) -> np.ndarray:
    """Seconds (DRAWS,) of round trips around their `median`."""
    return median * np.exp(JITTER * rng.standard_normal(DRAWS))


def known_or_nan(value: float | None) -> float:
    """What a design does not say is NaN, so that whatever is computed with it is unknown, too."""
    return NAN if value is None else float(value)


def streams_of(design: Design, decides: str, features: str, confirms: str) -> tuple[Stream, ...]:
    """What a device sends where `features` and `decides` and `confirms` are the tiers of these functions."""
    duty, flows = design.duty, design.flows
    windows = 24 * duty.inferences_per_hour
    raw, some = known_or_nan(flows.window_bytes), known_or_nan(flows.feature_bytes)
    if features != "edge":
        return (Stream("samples", raw, windows),)
    if decides != "edge":
        return (Stream("features", some, windows),)
    messages = Stream("messages", duty.message_bytes, duty.messages_per_day)
    if confirms == "edge" or not flows.flagged_share:
        return (messages,)
    return (messages, Stream("flagged windows", raw, windows * flows.flagged_share))
