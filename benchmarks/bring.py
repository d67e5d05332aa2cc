"""The bars of `edgekit new`: `python -m benchmarks.bring [--smoke] [--trials FOLDER]`.

It makes its inputs, times the whole command in a process of its own and asks the system for that
process's largest memory; a table of tables as people have them says what was understood. `--smoke` takes
a fifth of the bytes and files, `--trials` also shows what becomes of each folder in FOLDER. Exits 1 where
a bar is missed.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from benchmarks import bars
from benchmarks.bring_cases import CASES, judge
from benchmarks.bring_exports import EXPORTS
from edgekit.core.workspace import Workspace

BARS = bars.Bars("bring")


def command(*words: str, home: Path) -> tuple[int, float, float, str]:
    """(exit code, seconds, largest MB, what it said) of `edgekit` with these words."""
    env = {**os.environ, "PYTHONPATH": str(Workspace.find().folder)}
    began = time.monotonic()
    with tempfile.TemporaryFile("w+", encoding="utf-8") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "edgekit", *words], cwd=home, env=env, stdin=subprocess.DEVNULL,
            stdout=out, stderr=subprocess.STDOUT,
        )  # fmt: skip
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        seconds = time.monotonic() - began
        out.seek(0)
        said = out.read()
    unit = 1 << 20 if sys.platform == "darwin" else 1 << 10
    return process.returncode, seconds, usage.ru_maxrss / unit, said


def large(path: Path, size: int, stamps: str) -> None:
    """A table of `size` bytes: time as `stamps` ("ISO" or "ms"), person, activity, three axes at 100 Hz."""
    rng = np.random.default_rng(0)
    axes = [",".join(f"{v:.4f}" for v in row) for row in rng.normal(size=(5000, 3))]
    path.parent.mkdir(parents=True)
    stretch, start = 60_000, np.datetime64("2024-03-01T08:00:00.000", "ms")
    with path.open("w", encoding="utf-8") as file:
        written, k = file.write("time,subject,activity,x,y,z\n"), 0
        while written < size:
            at = start + (k * stretch * 10 + 10 * np.arange(stretch)).astype("timedelta64[ms]")
            texts = (
                np.datetime_as_string(at) if stamps == "ISO" else at.astype(np.int64).astype(str)
            )
            who = f"s{k // 3 % 12},{('walk', 'run', 'rest')[k % 3]}"
            rows = (f"{t},{who},{axes[(i + k) % 5000]}" for i, t in enumerate(texts.tolist()))
            written += file.write("\n".join(rows) + "\n")
            k += 1


def many(root: Path, count: int) -> None:
    """Files of two seconds of three axes at 100 Hz, in class folders, ten persons."""
    rng = np.random.default_rng(1)
    for label in ("walk", "rest"):
        (root / label).mkdir(parents=True)
    for i in range(count):
        x = rng.normal(size=(200, 3))
        rows = [f"{k / 100:.2f},{a:.4f},{b:.4f},{c:.4f}" for k, (a, b, c) in enumerate(x)]
        name = root / ("walk", "rest")[i % 2] / f"p{i // 2 % 10 + 10}_take{i}.csv"
        name.write_text("\n".join(["time_s,x,y,z", *rows]), encoding="utf-8")


def performance(home: Path, smoke: bool) -> None:
    size, count, share = (60, 800, 0.3) if smoke else (300, 4000, 1.0)
    goal_s, goal_mb = 60 * share, 1000 if not smoke else 450
    for stamps in ("ISO", "ms"):
        source = home / f"large_{stamps}"
        large(source / "log.csv", size << 20, stamps)
        code, seconds, peak, said = command(
            "new", f"large_{stamps.lower()}", "--from", str(source), "--yes", home=home
        )
        what = f"{size} MB of CSV, time as {stamps}, written as a use case"
        BARS.add(
            f"{what}: memory", f"≤ {goal_mb} MB", f"{peak:.0f} MB", peak <= goal_mb and code == 0
        )
        BARS.add(
            f"{what}: time",
            f"≤ {goal_s:.0f} s",
            f"{seconds:.1f} s",
            seconds <= goal_s and code == 0,
        )
        if code:
            print(said)
        (source / "log.csv").unlink()
    many(home / "many", count)
    for words in (["--dry-run"], ["--yes"]):
        code, seconds, _, said = command(
            "new", "many", "--from", str(home / "many"), *words, home=home
        )
        what = f"{count:,} small files, {words[0]}"
        BARS.add(what, f"≤ {goal_s:.0f} s", f"{seconds:.1f} s", seconds <= goal_s and code == 0)
        if code:
            print(said)


def field(home: Path) -> None:
    """Each kind of table that people have: what was understood, right or wrong."""
    wrong = []
    cases = CASES | EXPORTS
    for name, case in cases.items():
        found, right = judge(case, home / "cases" / name)
        print(f"  {'right' if right else 'WRONG'}  {name:<44} {found}", flush=True)
        wrong += [] if right else [name]
    figure = f"{len(cases) - len(wrong)}{f', wrong: {wrong[0]}' if wrong else ''}"
    BARS.add("kinds of tables understood, or refused in a line", f"{len(cases)}", figure, not wrong)


def trials(folder: Path, home: Path) -> None:
    """Folders that somebody brought: what `new` says of each; none may end in a traceback."""
    broken = []
    cases = sorted(p for p in folder.iterdir() if p.is_dir())
    for path in cases:
        code, _, _, said = command("new", "trial", "--from", str(path), "--dry-run", home=home)
        print(f"== {path.name} (exit {code})\n{said.rstrip()}")
        broken += [path.name] if "Traceback" in said or code not in (0, 2) else []
    BARS.add(
        f"of {len(cases)} folders end in a traceback", "0", ", ".join(broken) or "0", not broken
    )


def measure(args) -> None:
    with tempfile.TemporaryDirectory(prefix="edgekit-") as folder:
        home = Path(folder)
        shutil.copytree(
            Workspace.find().folder / "notebooks", home / "notebooks"
        )  # a project of its own
        field(home)
        performance(home, args.smoke)
        if args.trials:
            trials(args.trials, home)


def main() -> int:
    more = {"--trials": {"type": Path, "help": "a folder of folders, to be shown too"}}
    return bars.command(BARS, measure, smoke="a fifth of the bytes and files", more=more)


if __name__ == "__main__":
    sys.exit(main())
