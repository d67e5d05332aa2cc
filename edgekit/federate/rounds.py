"""What a round asks of a device's radio, and how many of them a link allows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from edgekit.catalog import Link
from edgekit.select import airtime_s, message_energy_mj

if TYPE_CHECKING:
    import pandas as pd

DAY = 86_400  # s


def radio_costs(link: Link, update_bytes: Mapping[str, float]) -> pd.DataFrame:
    """What it takes to send an update up over `link`, a row for each kind of update and its bytes.

    `seconds` on the air, `millijoules`, `rounds_a_day` that the link's duty cycle allows; NaN where the
    catalogue does not know. Estimated from the link's published figures; the model on its way down is heard,
    not sent, and the catalogue has no figure for that.
    """
    import pandas as pd

    def line(kind: str, size: float) -> dict[str, object]:
        seconds = airtime_s(link, size)
        return {"update": kind, "bytes": round(size), "seconds": seconds,
                "millijoules": message_energy_mj(link, size),
                "rounds_a_day": link.share * DAY / seconds}  # fmt: skip

    return pd.DataFrame([line(*each) for each in update_bytes.items()])
