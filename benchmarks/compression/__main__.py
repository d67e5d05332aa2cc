"""Prints each bar of compression with its goal and its figure; exits 1 where one is missed.

`python -m benchmarks.compression techniques` takes the four use cases through chapter 04 at full (cached
if they have been there), `… search` searches each. EDGEKIT_MITBIH names the folder of the ECG records.
"""

from __future__ import annotations

import argparse
import importlib
import sys

from benchmarks.bars import Bars

PARTS = ("techniques", "search")
USE_CASES = ("bearing", "ecg", "activity", "people")


def main() -> int:
    parser = argparse.ArgumentParser(description="bars of compression")
    parser.add_argument("part", nargs="*", choices=[*PARTS, []], help="default: both")
    parser.add_argument("--use-case", action="append", choices=USE_CASES, help="default: all four")
    parser.add_argument(
        "--write", action="store_true", help="write the table into docs/measured.md"
    )
    args = parser.parse_args()
    bars = Bars("compression")
    for part in args.part or PARTS:
        print(f"-- {part}", flush=True)
        importlib.import_module(f"benchmarks.compression.{part}").bars(
            bars, tuple(args.use_case or USE_CASES)
        )
    if args.write:
        bars.write()
    return 0 if bars.met else 1


if __name__ == "__main__":
    sys.exit(main())
