"""Prints each bar of updates with its goal and its figure; exits 1 where one is missed.

`python -m benchmarks.ota package` (envelope, device, decoder), `… safety` (SUIT's grammar, hostile bytes,
attacks, keys that change, power cuts, mutants; `--smoke`: a minute), `… delivery`, `… finetune` (retrained
models of real data, and the table of deltas).
"""

from __future__ import annotations

import sys

from benchmarks.bars import main

PARTS = ("package", "safety", "delivery", "finetune")

if __name__ == "__main__":
    sys.exit(main("ota", PARTS, smoke=("safety",)))
