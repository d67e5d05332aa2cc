"""Bars of federated learning: `python -m benchmarks.federate [PART …] [--smoke] [--write]`; exits 1 where
one is missed.

`device`: what training a last layer costs a microcontroller, and whether a network knows a person better
for it.
"""

from __future__ import annotations

import sys

from benchmarks.bars import main

PARTS = {"device": True}  # and whether `--smoke` has a minute of it

if __name__ == "__main__":
    sys.exit(main("federate", tuple(PARTS), tuple(part for part, smoke in PARTS.items() if smoke)))
