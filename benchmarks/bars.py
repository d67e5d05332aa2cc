"""Bars: a goal, a figure, met or missed; printed as they come, and kept in docs/measured.md.

Every benchmark is a `python -m benchmarks.NAME [--smoke] [--write]` made by `command` or, of several parts,
by `main`; `python -m benchmarks` runs them all. `--smoke` asks the same of less, in at most a minute.
"""

from __future__ import annotations

import argparse
import importlib
import os
import platform
import re
import subprocess
import sys
from collections.abc import Callable
from datetime import date
from pathlib import Path

SOURCES = Path(__file__).resolve().parents[1]
MEASURED = SOURCES / "docs" / "measured.md"


class Bars:
    """Collects the bars of one benchmark. `name` is its section in docs/measured.md, `known` the misses that
    stand there already and are no news."""

    def __init__(self, name: str, known: frozenset[str] = frozenset()):
        self.name, self.known = name, known
        self.rows: list[tuple[str, str, str, bool]] = []

    def add(self, what: str, goal: str, figure: str, met: bool) -> None:
        """Print one bar and keep it."""
        self.rows.append((what, goal, figure, bool(met)))
        print(
            f"{'pass' if met else 'MISS'}  {what:<58} goal {goal:<10} figure {figure}", flush=True
        )

    @property
    def met(self) -> bool:
        return all(met or what in self.known for what, *_, met in self.rows)

    def write(self) -> None:
        """Replace what stands between this benchmark's two comments in docs/measured.md."""
        lines = [f"*{circumstances()}*", "", "| bar | goal | measured | |", "|---|---|---|---|"]
        for what, goal, figure, met in self.rows:
            lines.append(f"| {what} | {goal} | **{figure}** | {'✓' if met else 'missed'} |")
        begin, end = (f"<!-- {self.name}: {word} -->" for word in ("begin", "end"))
        text, found = re.subn(
            f"{re.escape(begin)}.*?{re.escape(end)}",
            lambda _: "\n".join([begin, *lines, end]),
            MEASURED.read_text(encoding="utf-8"),
            flags=re.DOTALL,
        )
        if not found:
            raise SystemExit(f"docs/measured.md has no {begin} … {end}")
        MEASURED.write_text(text, encoding="utf-8")


def circumstances() -> str:
    """When, on which commit and on what machine: `27 November 2026, commit 1a2b3c4, 2 cores of …`."""
    today = date.today()
    commit = _git("rev-parse", "--short", "HEAD") or "unknown"
    changed = (
        " with changes" if _git("status", "--porcelain", "--", "edgekit", "benchmarks") else ""
    )
    machine = f"{os.cpu_count()} cores of {processor()}, {platform.system()}"
    python = f"Python {platform.python_version()}"
    return f"{today.day} {today:%B %Y}, commit {commit}{changed}, {machine}, {python}"


def processor() -> str:
    """The processor's name, as far as the system tells it."""
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        text = ""
    named = re.search(r"^model name\s*: (.+)$", text, re.M)
    return named.group(1).strip() if named else platform.processor() or platform.machine()


def _git(*words: str) -> str:
    done = subprocess.run(["git", *words], cwd=SOURCES, capture_output=True, text=True)
    return done.stdout.strip()


def command(bars: Bars, measure: Callable, smoke: str, more: dict[str, dict] | None = None) -> int:
    """`python -m benchmarks.NAME [--smoke] [--write]`: 1 where a bar is missed.

    measure(arguments) adds to `bars`. smoke: what the part of a minute is. more: further arguments, by name,
    as argparse takes them.
    """
    parser = argparse.ArgumentParser(description=f"bars of {bars.name}")
    parser.add_argument("--smoke", action="store_true", help=smoke)
    parser.add_argument("--write", action="store_true", help="write the table to docs/measured.md")
    for name, how in (more or {}).items():
        parser.add_argument(name, **how)
    args = parser.parse_args()
    measure(args)
    print(f"{sum(met for *_, met in bars.rows)} of {len(bars.rows)} bars met")
    if args.write:
        bars.write()
    return 0 if bars.met else 1


def main(name: str, parts: tuple[str, ...], smoke: tuple[str, ...] = ()) -> int:
    """The command `python -m benchmarks.NAME [PART …] [--smoke] [--write]`; 1 where a bar is missed.

    smoke: parts that take part of a minute if they are told to; with `--smoke` and no part, all of them.
    """
    bars = Bars(name)

    def measure(args) -> None:
        chosen = args.part or (smoke if args.smoke else parts)
        if args.smoke and not (smoke and set(chosen) <= set(smoke)):
            print(f"--smoke is for {', '.join(smoke) or 'none of these'}", file=sys.stderr)
            raise SystemExit(2)
        for part in chosen:
            print(f"-- {part}", flush=True)
            by_part = importlib.import_module(f"benchmarks.{name}.{part}").bars
            by_part(bars, smoke=True) if args.smoke else by_part(bars)

    what = {"nargs": "*", "choices": [*parts, []], "help": "default: all of them"}
    return command(bars, measure, f"a minute, of {', '.join(smoke)}", {"part": what})
