"""Every benchmark, one after the other: `python -m benchmarks [NAME …] [--smoke] [--no-write]`; 1 on a miss.

Shows what each prints as it comes, goes on after a miss, and rewrites the tables of docs/measured.md with
date, commit and machine. All of them take hours; `--smoke` runs a minute of each, and writes nothing.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from pathlib import Path

FOLDER = Path(__file__).parent
SMOKE_SECONDS = 60


def names() -> list[str]:
    """Every benchmark of this folder: a module or a package that can be run."""
    modules = [
        p.stem
        for p in FOLDER.glob("[a-z]*.py")
        if 'if __name__ == "__main__"' in p.read_text("utf-8")
    ]
    return sorted([*modules, *(p.parent.name for p in FOLDER.glob("*/__main__.py"))])


def run(name: str, smoke: bool, write: bool) -> tuple[int, float]:
    """Exit code and seconds of one, its lines shown as they come."""
    words = ["--smoke"] if smoke else ["--write"] if write else []
    began = time.monotonic()
    code = subprocess.call([sys.executable, "-m", f"benchmarks.{name}", *words], cwd=FOLDER.parent)
    return code, time.monotonic() - began


def main() -> int:
    known = names()
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description=__doc__.split("\n")[0]
    )
    parser.add_argument(
        "name", nargs="*", choices=[*known, []], help=f"default: {', '.join(known)}"
    )
    parser.add_argument("--smoke", action="store_true", help="a minute of each; writes nothing")
    parser.add_argument("--no-write", action="store_true", help="leave docs/measured.md as it is")
    args = parser.parse_args()
    chosen, results = args.name or known, {}
    for n, name in enumerate(chosen, 1):
        print(f"== {n} of {len(chosen)}: {name}", flush=True)
        results[name] = code, seconds = run(name, args.smoke, not args.no_write)
        late = ", more than a minute" if args.smoke and seconds > SMOKE_SECONDS else ""
        print(
            f"== {name}: {'met' if code == 0 else f'exit {code}'}, {seconds:.0f} s{late}\n",
            flush=True,
        )
    missed = [name for name, (code, _) in results.items() if code]
    minutes = sum(seconds for _, seconds in results.values()) / 60
    print(
        f"{len(chosen) - len(missed)} of {len(chosen)} benchmarks met their bars, {minutes:.0f} min"
    )
    print(f"missed: {', '.join(missed)}" if missed else "no bar was missed")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
