"""What a round asks of a device's radio, and how long a plan of them takes on a link."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from edgekit.catalog import Link
from edgekit.select import airtime_s, message_energy_mj

if TYPE_CHECKING:
    import pandas as pd


def radio_costs(link: Link, update_bytes: Mapping[str, float], rounds: int) -> pd.DataFrame:
    """What it takes to send an update up over `link`, a row for each kind of update and its bytes.

    `seconds` on the air and `millijoules` of a round, `minutes` of all `rounds` at the link's duty cycle; NaN
    where the catalogue does not know. Estimated from the link's published figures; the model on its way down
    is heard, not sent, and the catalogue has no figure for that.
    """
    import pandas as pd

    def line(kind: str, size: float) -> dict[str, object]:
        seconds = airtime_s(link, size)
        return {"update": kind, "bytes": round(size), "seconds": seconds,
                "millijoules": message_energy_mj(link, size),
                "minutes": rounds * seconds / link.share / 60}  # fmt: skip

    return pd.DataFrame([line(*each) for each in update_bytes.items()])
