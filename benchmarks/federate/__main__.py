"""Bars of federated learning: `python -m benchmarks.federate [PART …] [--smoke] [--write]`; exits 1 where
one is missed.

`clients`: how well a client is served that was never there, beside centralized and local training; with
dropout, a poisoned client and smaller updates. `overhead`: what rounds cost without training.
`device`: what training a last layer costs a microcontroller, and whether a network knows a person better
for it. `deployment`: a SuperLink and three SuperNodes on loopback, what they say and what a kill leaves.
"""

from __future__ import annotations

import sys

from benchmarks.bars import main

PARTS = {
    "overhead": True,
    "clients": True,
    "device": True,
    "deployment": True,  # two minutes: it has twenty processes
}  # and whether `--smoke` has a minute of it

if __name__ == "__main__":
    sys.exit(main("federate", tuple(PARTS), tuple(part for part, smoke in PARTS.items() if smoke)))
