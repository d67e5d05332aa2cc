"""Bars of the fleet: `python -m benchmarks.fleet [PART …] [--smoke] [--write]`; exits 1 where one is missed.

`cloud`: events a second over HTTP into SQLite and PostgreSQL, and how long the dashboard of 10,000 devices
takes to open.
"""

from __future__ import annotations

import sys

from benchmarks.bars import main

PARTS = {  # and whether `--smoke` has a minute of it
    "cloud": True,
}

if __name__ == "__main__":
    sys.exit(main("fleet", tuple(PARTS), tuple(part for part, smoke in PARTS.items() if smoke)))
