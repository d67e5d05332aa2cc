"""The kit without its repository: `python -m benchmarks.wheel [--smoke | --example] [--cold] [--write]`.

Builds the wheel, installs it into a fresh virtual environment, goes to an empty folder and types what a
newcomer types: start, run, search, new and run. Nothing is downloaded for the data (`--offline`). The other
packages are those of this interpreter, lent to the new environment; `--cold` has pip fetch all of them from
the registry instead, which takes some minutes and gigabytes. `--smoke` stops the runs early and has the
search refuse a run that is not there. `--example`, which is part of `make test`, is the start and the example
through chapter 05 alone.
"""

from __future__ import annotations

import csv
import os
import subprocess
import sys
import sysconfig
import tempfile
import time
import venv
import zipfile
from pathlib import Path

import numpy as np

from benchmarks.bars import SOURCES, Bars, command
from edgekit.bundle import wheels
from edgekit.core import programs

SHARED = ("notebooks", "data", "docs")  # beside the package here, inside it once installed
EXTRAS = "notebooks,train,device,search,ota,compare"
LEAVE = ("EDGEKIT", "PYTHON", "VIRTUAL_ENV")  # nothing of this environment goes along
RUN = ["run", "activity", "--offline", "--run-dir", "runs/activity-quick"]
Command = tuple[
    str, list[str], str
]  # what it is, words, what must be said where it is to be refused
START: Command = ("edgekit start", ["start"], "")
EXAMPLE = [
    START,
    ("edgekit run activity --offline --through export", [*RUN, "--through", "export"], ""),
]
BARS = Bars("wheel")


class Installed:
    """The wheel in an environment of its own, and what it says in a folder of its own."""

    def __init__(self, folder: Path, wheel: Path, cold: bool):
        self.home, environment = folder / "somewhere", folder / "environment"
        self.home.mkdir()
        venv.create(environment, with_pip=True)
        self.bin = environment / ("Scripts" if os.name == "nt" else "bin")
        names = [n for n in os.environ if n.startswith(LEAVE)]
        self.environment = {k: v for k, v in os.environ.items() if k not in names}
        self.environment["EDGEKIT_KEY_PASSPHRASE"] = "only for this benchmark"
        target = f"{wheel}[{EXTRAS}]" if cold else str(wheel)
        how = [] if cold else ["--no-deps", "--no-index"]
        self.python("-m", "pip", "install", "--quiet", *how, target)
        where = "import sysconfig; print(sysconfig.get_path('purelib'))"
        self.site = Path(self.python("-c", where).stdout.strip())
        if not cold:  # a plain path: what is installed there as editable stays out of sight
            (self.site / "lent.pth").write_text(
                sysconfig.get_path("purelib") + "\n", encoding="utf-8"
            )
            self.environment["JUPYTER_PATH"] = str(Path(sys.prefix, "share", "jupyter"))

    def python(self, *words: str) -> subprocess.CompletedProcess:
        return self._call(self.bin / "python", *words, check=True)

    def edgekit(self, *words: str) -> tuple[int, str, float]:
        """Exit code, last words and seconds of a command in the empty folder."""
        began = time.monotonic()
        done = self._call(self.bin / "edgekit", *words)
        said = (done.stdout + done.stderr).strip()
        if done.returncode:
            print(said[-2000:])
        return done.returncode, said, time.monotonic() - began

    def _call(self, *words, check: bool = False) -> subprocess.CompletedProcess:
        return subprocess.run(
            [str(w) for w in words], cwd=self.home, env=self.environment, check=check,
            **programs.SAID,
        )  # fmt: skip


def lacking(wheel: Path) -> list[str]:
    """Files of the package, and of what travels with it, that the wheel has not."""
    there = set(zipfile.ZipFile(wheel).namelist())
    listed = subprocess.run(
        ["git", "ls-files", "edgekit", *SHARED, ":!docs/site"], cwd=SOURCES, check=True, **programs.SAID
    )  # fmt: skip
    names = [n for n in listed.stdout.split("\n") if n and not n.endswith(".png")]
    inside = {n: n if n.startswith("edgekit/") else f"edgekit/_share/{n}" for n in names}
    return [n for n, installed in inside.items() if installed not in there]


def recordings(folder: Path) -> Path:
    """Four machines in two states, a CSV each: a tone, and the same tone with knocks."""
    rng, t = np.random.default_rng(0), np.arange(4000) / 100
    for machine in range(4):
        for state in ("quiet", "knocking"):
            wave = np.sin(2 * np.pi * (3 + 0.1 * machine) * t) + rng.normal(0, 0.2, len(t))
            wave += 3 * (state == "knocking") * (rng.random(len(t)) < 0.1)
            path = folder / state / f"machine{machine}.csv"
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("w", newline="", encoding="utf-8") as file:
                csv.writer(file).writerows([("time", "x"), *zip(t.round(2), wave, strict=True)])
    return folder


def measure(args) -> None:
    with tempfile.TemporaryDirectory(prefix="edgekit-") as name:
        folder = Path(name)
        (folder / "dist").mkdir()
        wheel = wheels.own(folder / "dist")
        missing = lacking(wheel)
        shown = f"{len(missing)}{f': {missing[0]} …' if missing else ''}"
        BARS.add("files that the wheel lacks", "0", shown, not missing)
        kit = Installed(folder, wheel, args.cold)
        where = kit.python("-c", "import edgekit; print(edgekit.__file__)").stdout.strip()
        inside = Path(where).is_relative_to(kit.site)
        BARS.add("edgekit comes from", "the wheel", "the wheel" if inside else where, inside)
        before = installed_files(kit.site)
        source = recordings(folder / "recordings")
        for what, words, wanted in EXAMPLE if args.example else commands(source, args.smoke):
            code, said, seconds = kit.edgekit(*words)
            met = code == 0 if not wanted else wanted in said and code == 2
            BARS.add(what, wanted or "exit 0", f"exit {code}, {seconds:.0f} s", met)
        changed = len(before ^ installed_files(kit.site))
        BARS.add("files that changed in the installed package", "0", str(changed), not changed)


def commands(source: Path, smoke: bool) -> list[Command]:
    """What is typed."""
    little, part = (["--through", c] if smoke else [] for c in ("design", "collect"))
    refused = "holds no data yet" if smoke else ""
    search = ["search", "activity", "--trials", "4", "--no-finals"]
    return [
        START,
        *([("edgekit search, before there is a run", search, refused)] if smoke else []),
        ("edgekit run activity --offline", [*RUN, *little], ""),
        *([] if smoke else [("edgekit search activity, 4 trials", search, "")]),
        ("edgekit new", ["new", "pump", "--from", str(source), "--yes"], ""),
        ("edgekit run of one's own", ["run", "pump", *part], ""),
        ("edgekit report", ["report", "runs/pump-quick"], ""),
    ]


def installed_files(site: Path) -> set[tuple[str, int]]:
    """Names and sizes of what lies in the installed package, bytecode left out."""
    found = (p for p in (site / "edgekit").rglob("*") if p.is_file() and p.suffix != ".pyc")
    return {(str(p), p.stat().st_size) for p in found}


def main() -> int:
    more = {
        "--cold": {"action": "store_true", "help": "all packages from the registry (minutes)"},
        "--example": {"action": "store_true", "help": "the start and the example alone"},
    }
    return command(BARS, measure, "runs stop early, the search is refused", more)


if __name__ == "__main__":
    sys.exit(main())
