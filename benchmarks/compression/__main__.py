"""Prints each bar of compression with its goal and its figure; exits 1 where one is missed.

`python -m benchmarks.compression techniques` takes the four use cases through chapter 04 at full (cached
if they have been there), `… search` searches each. EDGEKIT_MITBIH names the folder of the ECG records.
`--smoke` tries the techniques on one small network of `activity`.
"""

from __future__ import annotations

import sys

from benchmarks.bars import Bars, command
from benchmarks.compression import search, techniques

PARTS = {"techniques": techniques, "search": search}
USE_CASES = ("bearing", "ecg", "activity", "people")


def main() -> int:
    bars = Bars("compression")

    def measure(args) -> None:
        if args.smoke:
            techniques.in_short(bars)
            return
        for part in args.part or PARTS:
            print(f"-- {part}", flush=True)
            PARTS[part].bars(bars, args.use_case or USE_CASES)

    more = {
        "part": {"nargs": "*", "choices": [*PARTS, []], "help": "default: both"},
        "--use-case": {"action": "append", "choices": USE_CASES, "help": "default: all four"},
    }
    return command(bars, measure, "one small network", more)


if __name__ == "__main__":
    sys.exit(main())
