"""Bars of the fleet: `python -m benchmarks.fleet [PART …] [--smoke] [--write]`; exits 1 where one is missed.

`drift`: false alarms and drifts found on streams of real windows, and what the sketch costs a device.
"""

from __future__ import annotations

import sys

from benchmarks.bars import main

PARTS = {  # and whether `--smoke` has a minute of it
    "drift": True,
}

if __name__ == "__main__":
    sys.exit(main("fleet", tuple(PARTS), tuple(part for part, smoke in PARTS.items() if smoke)))
