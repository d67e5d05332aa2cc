"""Prints each bar of the use cases with its goal and its figure; exits 1 where one is missed.

`--smoke` leaves one person of `activity` out instead of ten, in a minute.
"""

from __future__ import annotations

import sys
from pathlib import Path

from benchmarks.bars import main

NAMES = sorted(p.stem for p in Path(__file__).parent.glob("[a-z]*.py"))

if __name__ == "__main__":
    sys.exit(main("usecases", tuple(NAMES), smoke=("activity",)))
