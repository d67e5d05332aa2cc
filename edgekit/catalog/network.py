"""Links, and what stands behind the devices."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import ClassVar

from edgekit.catalog.entry import Entry
from edgekit.core.figures import Figure


@dataclass(frozen=True)
class Link(Entry):
    """A way to send bytes. Energy and time of a message: `edgekit.select.message_energy_mj`.

    `duty_limit` is the law's, `fair_use_s_per_day` and `downlinks_per_day` what a public network asks of its
    users; `session_mj` and `session_s` come once a message, unless it stays connected, which draws
    `connected_mw`; `fixed_mj` and `setup_s` come with each packet.
    """

    key: str
    name: str
    cost: str
    unchecked: tuple[str, ...]
    max_payload_bytes: Figure | None = None
    overhead_bytes: Figure | None = None
    bytes_per_s: Figure | None = None
    setup_s: Figure | None = None
    tx_power_mw: Figure | None = None
    fixed_mj: Figure | None = None
    session_s: Figure | None = None
    session_mj: Figure | None = None
    connected_mw: Figure | None = None
    sleep_power_uw: Figure | None = None
    spreading_factor: Figure | None = None
    duty_limit: Figure | None = None
    fair_use_s_per_day: Figure | None = None
    downlinks_per_day: Figure | None = None
    channels: Figure | None = None
    round_trip_s: Figure | None = None
    loss: Figure | None = None
    price_eur_month: Figure | None = None

    UNITS: ClassVar[dict[str, str]] = {
        "max_payload_bytes": "bytes",
        "overhead_bytes": "bytes",
        "bytes_per_s": "bytes/s",
        "setup_s": "s",
        "tx_power_mw": "mW",
        "fixed_mj": "mJ",
        "session_s": "s",
        "session_mj": "mJ",
        "connected_mw": "mW",
        "sleep_power_uw": "µW",
        "spreading_factor": "",
        "duty_limit": "",
        "fair_use_s_per_day": "s/day",
        "downlinks_per_day": "/day",
        "channels": "",
        "round_trip_s": "s",
        "loss": "",
        "price_eur_month": "€/month",
    }
    OPTIONAL: ClassVar[frozenset[str]] = frozenset(
        ("setup_s", "session_s", "session_mj", "connected_mw", "sleep_power_uw", "spreading_factor",
         "duty_limit", "fair_use_s_per_day", "downlinks_per_day", "channels")
    )  # fmt: skip

    @property
    def share(self) -> float:
        """The part of the time it may be on the air; 1 where no rule limits it."""
        return 1.0 if self.duty_limit is None else self.duty_limit.value

    def _lead(self) -> str:
        return f"<small>{escape(self.cost)}</small>"


@dataclass(frozen=True)
class Tier(Entry):
    """What stands behind the devices: a gateway on the site ("fog"), rented machines ("cloud")."""

    key: str
    name: str
    unchecked: tuple[str, ...]
    gmacs: Figure | None = None
    service_ms: Figure | None = None
    round_trip_s: Figure | None = None
    price_eur_month: Figure | None = None
    power_w: Figure | None = None
    eur_per_kwh: Figure | None = None
    vcpu_eur_hour: Figure | None = None
    storage_eur_gb_month: Figure | None = None

    UNITS: ClassVar[dict[str, str]] = {
        "gmacs": "GMAC/s",
        "service_ms": "ms",
        "round_trip_s": "s",
        "price_eur_month": "€/month",
        "power_w": "W",
        "eur_per_kwh": "€/kWh",
        "vcpu_eur_hour": "€/h",
        "storage_eur_gb_month": "€/GB and month",
    }
    OPTIONAL: ClassVar[frozenset[str]] = frozenset(UNITS) - {"gmacs", "service_ms"}
