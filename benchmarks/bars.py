"""Bars: a goal, a figure, met or missed; printed as they come, and kept as the README's table."""

from __future__ import annotations

import argparse
import importlib
import re

from edgekit import project


class Bars:
    """Collects the bars of one benchmark. `name` is its section in the README."""

    def __init__(self, name: str):
        self.name = name
        self.rows: list[tuple[str, str, str, bool]] = []

    def add(self, what: str, goal: str, figure: str, met: bool) -> None:
        """Print one bar and keep it."""
        self.rows.append((what, goal, figure, bool(met)))
        print(
            f"{'pass' if met else 'MISS'}  {what:<58} goal {goal:<10} figure {figure}", flush=True
        )

    @property
    def met(self) -> bool:
        return all(met for *_, met in self.rows)

    def to_readme(self) -> None:
        """Replace what stands between this benchmark's two comments in the README."""
        lines = ["| bar | goal | measured | |", "|---|---|---|---|"]
        for what, goal, figure, met in self.rows:
            lines.append(f"| {what} | {goal} | **{figure}** | {'✓' if met else 'missed'} |")
        path = project.root() / "README.md"
        begin, end = (f"<!-- {self.name}: {word} -->" for word in ("begin", "end"))
        text, found = re.subn(
            f"{re.escape(begin)}.*?{re.escape(end)}",
            lambda _: "\n".join([begin, *lines, end]),
            path.read_text(encoding="utf-8"),
            flags=re.DOTALL,
        )
        if not found:
            raise SystemExit(f"README.md has no {begin} … {end}")
        path.write_text(text, encoding="utf-8")


def main(name: str, parts: tuple[str, ...]) -> int:
    """The command `python -m benchmarks.NAME [PART …] [--readme]`; 1 where a bar is missed."""
    parser = argparse.ArgumentParser(description=f"bars of {name}")
    parser.add_argument("part", nargs="*", choices=[*parts, []], help="default: all of them")
    parser.add_argument("--readme", action="store_true", help="write the table into README.md")
    args = parser.parse_args()
    bars = Bars(name)
    for part in args.part or parts:
        print(f"-- {part}", flush=True)
        importlib.import_module(f"benchmarks.{name}.{part}").bars(bars)
    if args.readme:
        bars.to_readme()
    return 0 if bars.met else 1
