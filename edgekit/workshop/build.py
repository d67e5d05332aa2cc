"""Everything that a teacher hands out or grades with, in one folder."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from edgekit.core.atomic import atomic_write_bytes
from edgekit.core.workspace import Workspace
from edgekit.pipeline.chapters import chapters
from edgekit.workshop import nbgrader, otter, sets, slides
from edgekit.workshop.source import ExerciseBook, exercise_books

README = """\
# Exercises of edgekit

Built by `edgekit workshop build`; built again, these files are replaced and all others stay.
A notebook reads what the chapter of its number wrote: run that first (`edgekit run activity`).

| folder | for | is |
|---|---|---|
| `student/` | students | tasks, stubs and checks; no solution. A check says what is wrong and where to look |
| `teacher/` | you | the same with solutions, answers, pitfalls and minutes; runs from top to bottom |
| `nbgrader/` | nbgrader | a course: there `nbgrader generate_assignment NAME`, later `… autograde NAME` |
| `otter/` | Otter | a folder a chapter; there: `otter generate`, later `otter run HANDED_IN.ipynb` |
| `slides/` | the projector | a page a chapter for any browser, without a network: arrow keys; prints to PDF |

What students hand in, `student/NAME.ipynb` filled in, is what both graders take. Whoever grades needs the kit
and the run that the exercises read: set `EDGEKIT_RUNS` to the folder that holds it.

| exercises | minutes, estimated | points |
|---|---|---|
"""


def build(out: Path, only: Sequence[str] = (), workspace: Workspace | None = None) -> list[str]:
    """Write the sets of `only` these chapters (none: all) into the folder `out`.

    Returns the names of the files, from `out` on. What is not among them stays as it is. Raises
    EdgekitError for exercises that are not as `source` says, before anything is written; OSError where
    `out` cannot be.
    """
    workspace = workspace or Workspace.find()
    books = exercise_books(workspace, only)
    known = chapters(workspace)
    files: dict[str, str | bytes] = {"nbgrader/nbgrader_config.py": nbgrader.CONFIG}
    files["README.md"] = README + "".join(map(_row, books))
    for book in books:
        files |= _files(book)
        files[f"slides/{book.name}.html"] = slides.deck(book, known.get(book.name))
    for name, content in files.items():
        atomic_write_bytes(out / name, content if isinstance(content, bytes) else content.encode())
    return list(files)


def _files(book: ExerciseBook) -> Iterator[tuple[str, str | bytes]]:
    name = book.name
    yield f"student/{name}.ipynb", sets.to_json(sets.student(book))
    yield f"teacher/{name}.ipynb", sets.to_json(sets.teacher(book))
    yield f"nbgrader/source/{name}/{name}.ipynb", sets.to_json(sets.nbgrader_source(book))
    for exercise in book.exercises:
        yield f"otter/{name}/tests/{exercise.key}.py", otter.test_file(exercise)


def _row(book: ExerciseBook) -> str:
    points = sum(e.points for e in book.exercises)
    return f"| {book.title} | {book.minutes} | {points} |\n"
