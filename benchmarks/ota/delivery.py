"""How fast a package travels here, and what it puts on the wire."""

from __future__ import annotations

from benchmarks.bars import Bars
from edgekit.assurance.delivery_rate import measure

SIZE = 61_440


def bars(bars: Bars) -> None:
    for row in measure(SIZE):
        what = f"{row['way']}, TLS" + (
            f", blocks of {row['block']:,} B" if row.get("block") else ""
        )
        if "missing" in row:
            bars.add(what, "runs", row["missing"], False)
            continue
        over = 100 * (row["wire"].value / SIZE - 1)
        shown = f"{row['rate'].value:,.0f} KiB/s, {over:.0f} % more bytes than the file"
        bars.add(what, "–", shown, True)
