"""The student's and the teacher's notebook of a source, as JSON. Both know what nbgrader wants of a cell."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from typing import Any

from edgekit.workshop import nbgrader
from edgekit.workshop.source import Cell, Exercise, ExerciseBook, role, unlinked


def student(book: ExerciseBook) -> dict[str, Any]:
    """Without solutions and without what is for teachers."""
    return _notebook(book, lambda e: e.stub, ("task", "solution", "check"))


def teacher(book: ExerciseBook) -> dict[str, Any]:
    """With all of it: it runs from the first cell to the last."""
    return _notebook(
        book, lambda e: f"{e.stub}\n{e.body}", ("task", "solution", "check", "teacher")
    )


def nbgrader_source(book: ExerciseBook) -> dict[str, Any]:
    """What `nbgrader generate_assignment` makes the student's set of: the solutions between its markers."""
    return _notebook(book, nbgrader.marked, ("task", "solution", "check"))


def to_json(notebook: dict[str, Any]) -> bytes:
    """As Jupyter writes it."""
    return (json.dumps(notebook, indent=1, ensure_ascii=False, sort_keys=True) + "\n").encode()


def _notebook(
    book: ExerciseBook, solution: Callable[[Exercise], str], roles: tuple[str, ...]
) -> dict[str, Any]:
    """The cells of these roles, and those that are given; each solution's cell as `solution` says."""
    made = copy.deepcopy(book.notebook)
    at, cells = 0, []
    for cell in made["cells"]:
        name = role(cell)
        at += name == "task"
        if name and name not in roles:
            continue
        source = solution(book.exercises[at - 1]) if name == "solution" else unlinked(cell)
        cell["source"] = source.splitlines(keepends=True)
        if name in nbgrader.METADATA:
            cell["metadata"]["nbgrader"] = nbgrader.metadata(name, book.exercises[at - 1])
        cells.append(_empty(cell))
    made["cells"] = cells
    return made


def _empty(cell: Cell) -> Cell:
    """The cell as if it had never been run."""
    if cell["cell_type"] == "code":
        cell |= {"outputs": [], "execution_count": None}
    return cell
