"""Bars of the fleet: `python -m benchmarks.fleet [PART …] [--smoke] [--write]`; exits 1 where one is missed.

`rollout`: four bad models and a good one, released on purpose; how often a good one is taken back for
nothing.
`loop`: what the weekly loop wins back beside its controls, and what a fleet costs to simulate.
`uplink`: what is lost and doubled while broker, gateway and cloud are killed, bytes on the wire, the
cascade. `cloud`: events a second over HTTP into SQLite and PostgreSQL, and how long the dashboard of
10,000 devices takes to open. `drift`: false alarms and drifts found on streams of real windows, and what
the sketch costs.
"""

from __future__ import annotations

import sys

from benchmarks.bars import main

PARTS = ("loop", "rollout", "uplink", "cloud", "drift")

if __name__ == "__main__":
    sys.exit(main("fleet", PARTS, smoke=PARTS))
