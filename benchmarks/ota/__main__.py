"""Prints each bar of updates with its goal and its figure; exits 1 where one is missed.

`python -m benchmarks.ota package` (envelope, device, decoder), `… safety` (attacks, fuzzing, power cuts),
`… delivery`, `… finetune` (retrained models of real data, and the table of deltas).
"""

from __future__ import annotations

import argparse
import importlib
import sys

from benchmarks.bars import Bars

PARTS = ("package", "safety", "delivery", "finetune")


def main() -> int:
    parser = argparse.ArgumentParser(description="bars of updates")
    parser.add_argument("part", nargs="*", choices=[*PARTS, []], help="default: all")
    parser.add_argument("--readme", action="store_true", help="write the table into README.md")
    args = parser.parse_args()
    bars = Bars("ota")
    for part in args.part or PARTS:
        print(f"-- {part}", flush=True)
        importlib.import_module(f"benchmarks.ota.{part}").bars(bars)
    if args.readme:
        bars.to_readme()
    return 0 if bars.met else 1


if __name__ == "__main__":
    sys.exit(main())
