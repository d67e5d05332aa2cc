"""Prints each bar of compression with its goal and its figure; exits 1 where one is missed.

`python -m benchmarks.compression techniques` takes the four use cases through chapter 04 at full (cached
if they have been there), `… search` searches each. EDGEKIT_MITBIH names the folder of the ECG records.
`--smoke` asks the same of the techniques on `activity` alone, offline and at quick: a minute, the first time.
"""

from __future__ import annotations

import importlib
import sys

from benchmarks.bars import Bars, command

PARTS = ("techniques", "search")
USE_CASES = ("bearing", "ecg", "activity", "people")


def main() -> int:
    bars = Bars("compression")

    def measure(args) -> None:
        for part in ("techniques",) if args.smoke else args.part or PARTS:
            print(f"-- {part}", flush=True)
            module = importlib.import_module(f"benchmarks.compression.{part}")
            how = {"profile": "quick", "offline": True} if args.smoke else {}
            module.bars(bars, ("activity",) if args.smoke else args.use_case or USE_CASES, **how)

    more = {
        "part": {"nargs": "*", "choices": [*PARTS, []], "help": "default: both"},
        "--use-case": {"action": "append", "choices": USE_CASES, "help": "default: all four"},
    }
    return command(bars, measure, "one use case at quick, offline", more)


if __name__ == "__main__":
    sys.exit(main())
