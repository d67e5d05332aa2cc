"""The chapters in a browser: `python -m benchmarks.lab [--smoke] [--write] [PART …]`; 1 on a miss.

Each is run from top to bottom, its controls are moved by keyboard, it is saved and opened again. The chapters
are those of `activity` at quick, one after another in one run: all in JupyterLab (`lab`), those with controls
and what they need in Notebook 7 (`notebook`), where that is installed (`pip install "notebook>=7"`). It takes
some twenty-five minutes, and Chromium; `--smoke` reads the first chapter alone.
"""

from __future__ import annotations

import importlib.util
import shutil
import sys
import tempfile
from pathlib import Path

from benchmarks.bars import SOURCES, Bars, command
from tests.notebooks.lab import LAB, NOTEBOOK, App, own_errors, read_through, served

BARS = Bars("lab")


NEEDED = ("00", "01", "03", "04")  # by Notebook 7: 04 reads what 03 makes


def measure_lab(args) -> None:
    """Every chapter in JupyterLab."""
    _read(LAB, sorted((SOURCES / "notebooks").glob("0*.ipynb")), args.smoke)


def measure_notebook(args) -> None:
    """Some in Notebook 7; a line that says so where it is not installed."""
    if importlib.util.find_spec(NOTEBOOK.module) is None:
        print('skip  Notebook 7 is not installed: pip install "notebook>=7"', flush=True)
        return
    chapters = [next((SOURCES / "notebooks").glob(f"{n}_*.ipynb")) for n in NEEDED]
    _read(NOTEBOOK, chapters, args.smoke)


def _read(app: App, chapters: list[Path], smoke: bool) -> None:
    """A bar a chapter: errors in the console, red outputs, models that are not found."""
    with tempfile.TemporaryDirectory(prefix="edgekit-lab-") as folder:
        place = Path(folder, "work")
        place.mkdir()
        with served(place, Path(folder, "runs"), app) as address:
            known = own_errors(address, place, app)
            for text in known:
                print(f"{app.title} itself: {text}")
            for chapter in chapters[: 1 if smoke else None]:
                wrong, moved = read_through(address, Path(shutil.copy(chapter, place)), app, known)
                for text in wrong:
                    print(text)
                what = f"{chapter.stem} in {app.title}: errors; {moved} controls moved by keyboard"
                BARS.add(what, "0", str(len(wrong)), not wrong)


PARTS = {"lab": measure_lab, "notebook": measure_notebook}


def measure(args) -> None:
    """The parts that were named, or all."""
    for part in args.part or PARTS:
        PARTS[part](args)


if __name__ == "__main__":
    part = {"nargs": "*", "choices": [*PARTS, []], "help": "default: both"}
    sys.exit(command(BARS, measure, "the first chapter", {"part": part}))
