"""Bars of the fleet: `python -m benchmarks.fleet [PART …] [--smoke] [--write]`; exits 1 where one is missed.

`rollout`: four bad models and a good one, released on purpose; how often a good one is taken back for nothing.
"""

from __future__ import annotations

import sys

from benchmarks.bars import main

PARTS = {  # and whether `--smoke` has a minute of it
    "rollout": True,
}

if __name__ == "__main__":
    sys.exit(main("fleet", tuple(PARTS), tuple(part for part, smoke in PARTS.items() if smoke)))
