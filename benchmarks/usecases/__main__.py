"""Prints each bar of the use cases with its goal and its figure; exits 1 where one is missed."""

from __future__ import annotations

import argparse
import importlib
import sys
from pathlib import Path

from benchmarks.bars import Bars

NAMES = sorted(p.stem for p in Path(__file__).parent.glob("[a-z]*.py"))


def main() -> int:
    parser = argparse.ArgumentParser(description="bars of the use cases")
    parser.add_argument("name", nargs="*", choices=[*NAMES, []], help="default: all of them")
    parser.add_argument("--readme", action="store_true", help="write the table into README.md")
    args = parser.parse_args()
    bars = Bars("usecases")
    for name in args.name or NAMES:
        print(f"-- {name}", flush=True)
        importlib.import_module(f"benchmarks.usecases.{name}").bars(bars)
    if args.readme:
        bars.to_readme()
    return 0 if bars.met else 1


if __name__ == "__main__":
    sys.exit(main())
