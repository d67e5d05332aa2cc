"""Exercises as a course uses them: `python -m benchmarks.workshop [--smoke] [--write]`; 1 on a miss.

Builds all sets, sits every exercise as it is handed out, with each mistake that the teacher's set names, and
with its solution; then hands notebooks in to nbgrader and to Otter themselves, solved ones and empty ones.
The graders come from the registry into an environment of their own (`--graders DIR` names one that is there),
the run that the exercises read is `edgekit run activity` (`--run-dir` names one that has been through 06).
`--smoke` does without graders and run: the sets, and chapter 00, which reads no run.
"""

from __future__ import annotations

import contextlib
import csv
import io
import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import time
import venv
from collections.abc import Iterator
from pathlib import Path

from benchmarks.bars import SOURCES, Bars, command
from edgekit.core.workspace import Workspace
from edgekit.pipeline.execute import execute
from edgekit.workshop import ExerciseBook, build, exercise_books
from edgekit.workshop.source import text
from tests.workshop.sitting import attempts, helps

BARS = Bars("workshop")
SOLVED, EMPTY = "teacher", "student"  # the sets that two people hand in


class Graders:
    """nbgrader and Otter in an environment that borrows this one's packages, told where the run is."""

    def __init__(self, folder: Path | None, runs: Path, scratch: Path):
        self.folder = folder or scratch / "graders"
        self.bin = self.folder / ("Scripts" if os.name == "nt" else "bin")
        self.environment = os.environ | {
            "PATH": f"{self.bin}{os.pathsep}{os.environ['PATH']}",
            "PYTHONPATH": str(SOURCES),
            "EDGEKIT_RUNS": str(runs),
        }
        if folder is None:
            venv.create(self.folder, with_pip=True)
            self.call(scratch, "python", "-m", "pip", "install", "-q", "nbgrader", "otter-grader")
        where = "import sysconfig; print(sysconfig.get_path('purelib'))"
        site = Path(self.call(scratch, "python", "-c", where).strip())
        (site / "zz_lent.pth").write_text(sysconfig.get_path("purelib") + "\n")

    def call(self, cwd: Path, *words: str | Path) -> str:
        """What it printed; its last words and a stop where it failed."""
        program, *rest = (str(w) for w in words)
        done = subprocess.run(
            [str(self.bin / program), *rest], cwd=cwd, env=self.environment, capture_output=True, text=True
        )  # fmt: skip
        if done.returncode:
            raise SystemExit(f"{program} {' '.join(rest)}: {(done.stdout + done.stderr)[-3000:]}")
        return done.stdout


def leaks(course: Path, books: list[ExerciseBook]) -> int:
    """Lines of solutions in what students are given."""
    count = 0
    for book in books:
        cells = json.loads((course / f"student/{book.name}.ipynb").read_text("utf-8"))["cells"]
        shown = {line.strip() for c in cells for line in text(c).splitlines()}
        shown |= {
            line.strip() for p in (course / "otter" / book.name).rglob("*.py") for line in p.open()
        }
        bodies = [line.strip() for e in book.exercises for line in e.body.splitlines()]
        count += sum(line in shown for line in bodies if re.search(r"\w{2}", line))
    return count


def sit(books: list[ExerciseBook], run_dir: Path | None) -> None:
    """Every attempt at every exercise, in this process."""
    kinds: dict[str, list[bool]] = {"solution": [], "stub": [], "mistake": []}
    began = time.monotonic()
    for book in books:
        with contextlib.redirect_stdout(io.StringIO()):
            found = list(attempts(book, run_dir=str(run_dir or "")))
        for exercise, what, error in found:
            good = error is None if what == "solution" else helps(exercise, error)
            kinds[what.split()[0]].append(good)
            if not good:
                print(f"      {book.name} {exercise.key}, {what}: {error!r}")
    for kind, what in {
        "solution": "solutions that pass",
        "stub": "stubs that fail with the check's message",
        "mistake": "teachers' mistakes that fail with the check's message",
    }.items():
        some = kinds[kind]
        BARS.add(what, "all", f"{sum(some)} of {len(some)}", all(some))
    print(f"      {time.monotonic() - began:.0f} s for {len(kinds['solution'])} exercises")


def nbgrader(
    graders: Graders, course: Path, books: list[ExerciseBook]
) -> Iterator[tuple[str, str, float]]:
    """(chapter, who, share of the points) by `generate_assignment` and `autograde`."""
    folder, same = course / "nbgrader", 0
    for book in books:
        name = book.name
        graders.call(folder, "nbgrader", "generate_assignment", name, "--force")
        released, given = (
            [text(c) for c in json.loads(p.read_text("utf-8"))["cells"]]
            for p in (folder / f"release/{name}/{name}.ipynb", course / f"student/{name}.ipynb")
        )
        same += released == given
        for who in (SOLVED, EMPTY):
            handed_in = folder / "submitted" / who / name / f"{name}.ipynb"
            handed_in.parent.mkdir(parents=True)
            shutil.copy(course / who / f"{name}.ipynb", handed_in)
        graders.call(folder, "nbgrader", "autograde", name, "--force")
    BARS.add(
        "nbgrader's release is the student's set",
        "all",
        f"{same} of {len(books)}",
        same == len(books),
    )
    graders.call(folder, "nbgrader", "export", "--to", "grades.csv")
    with (folder / "grades.csv").open(newline="") as file:
        for row in csv.DictReader(file):
            yield (
                row["assignment"],
                row["student_id"],
                float(row["score"]) / float(row["max_score"]),
            )


def otter(
    graders: Graders, course: Path, books: list[ExerciseBook]
) -> Iterator[tuple[str, str, float]]:
    """(chapter, who, share of the points) by `otter generate` and `otter run`."""
    for book in books:
        folder = course / "otter" / book.name
        graders.call(folder, "otter", "generate")
        for who in (SOLVED, EMPTY):
            handed_in = course / who / f"{book.name}.ipynb"
            graders.call(folder, "otter", "run", handed_in, "-a", "autograder.zip", "-o", folder)
            tests = json.loads((folder / "results.json").read_text("utf-8"))["tests"]
            scored = [t for t in tests if t.get("max_score")]
            yield (
                book.name,
                who,
                sum(t["score"] for t in scored) / sum(t["max_score"] for t in scored),
            )


def grade(graders: Graders, course: Path, books: list[ExerciseBook]) -> None:
    """Both graders: full points for what is solved, none for what is empty."""
    for name, grader in {"nbgrader": nbgrader, "Otter": otter}.items():
        began = time.monotonic()
        shares = {(chapter, who): share for chapter, who, share in grader(graders, course, books)}
        for who, wanted, what in (
            (SOLVED, 1.0, "full points, solved"),
            (EMPTY, 0.0, "no point, empty"),
        ):
            right = [shares.get((b.name, who)) == wanted for b in books]
            BARS.add(f"{name}: {what}", "all", f"{sum(right)} of {len(books)}", all(right))
        print(f"      {time.monotonic() - began:.0f} s by {name}")


def measure(args) -> None:
    here = Workspace(SOURCES)
    with tempfile.TemporaryDirectory(prefix="edgekit-") as name:
        folder = Path(name)
        books = exercise_books(here)
        course = folder / "course"
        began = time.monotonic()
        files = build(course, workspace=here)
        seconds = time.monotonic() - began
        BARS.add("all sets built", "<= 30 s", f"{seconds:.0f} s, {len(files)} files", seconds <= 30)
        count = [len(b.exercises) for b in books]
        BARS.add(
            "exercises in a chapter", ">= 3", f"{min(count)}, {sum(count)} in all", min(count) >= 3
        )
        found = leaks(course, books)
        BARS.add("lines of a solution in what students get", "0", str(found), found == 0)
        if args.smoke:
            sit(books[:1], None)
            return
        run = Path(args.run_dir or folder / "runs" / "activity-quick").resolve()
        if not args.run_dir:
            execute("activity", run_dir=run, through="ota")
        sit(books, run)
        runs = folder / "lent"  # as a workspace has it: the exercises are given no folder
        runs.mkdir()
        (runs / "activity-quick").symlink_to(run)
        grade(
            Graders(Path(args.graders).resolve() if args.graders else None, runs, folder),
            course,
            books,
        )


def main() -> int:
    more = {
        "--graders": {
            "default": "",
            "metavar": "DIR",
            "help": "an environment with nbgrader and Otter",
        },
        "--run-dir": {"default": "", "metavar": "RUN", "help": "of activity, quick, through 06"},
    }
    return command(BARS, measure, "the sets and chapter 00, no graders", more)


if __name__ == "__main__":
    sys.exit(main())
