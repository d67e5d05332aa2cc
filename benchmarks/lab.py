"""Every chapter in JupyterLab, in a browser: `python -m benchmarks.lab [--smoke] [--write]`; 1 on a miss.

Each is run from top to bottom, its sliders are moved by keyboard, it is saved and opened again. The chapters
are those of `activity` at quick, one after another in one run. It takes some fifteen minutes, and Chromium;
`--smoke` reads the first chapter alone.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path

from benchmarks.bars import SOURCES, Bars, command
from tests.notebooks.lab import read_through, served

BARS = Bars("lab")


def measure(args) -> None:
    """A bar a chapter: errors in the console, red outputs, models that are not found."""
    chapters = sorted((SOURCES / "notebooks").glob("0*.ipynb"))
    with tempfile.TemporaryDirectory(prefix="edgekit-lab-") as folder:
        place = Path(folder, "work")
        place.mkdir()
        with served(place, Path(folder, "runs")) as address:
            for chapter in chapters[: 1 if args.smoke else None]:
                wrong, moved = read_through(address, Path(shutil.copy(chapter, place)))
                print(*wrong, sep="\n", end="\n" if wrong else "")
                what = f"{chapter.stem}: errors in console and outputs; {moved} sliders moved by keyboard"
                BARS.add(what, "0", str(len(wrong)), not wrong)


if __name__ == "__main__":
    sys.exit(command(BARS, measure, "the first chapter"))
