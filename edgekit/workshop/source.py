"""The source of a chapter's exercises: one notebook, whose cells say by their tags what they are.

An exercise begins with a cell tagged `task`, and has, in this order, one cell of each of these tags; cells
without a tag between them are given to everybody.

    task       Markdown: `## 2 · Title` and `*10 minutes.*`, then what is to be done
    solution   code; what stands below its line `# your code` is the solution, what stands above is the stub
    check      code that asserts, each assert with a message that helps; shows nothing before the last
    teacher    Markdown: **Answer.**, **Pitfalls.** with at least one wrong solution as a block of Python that
               the check must refuse, **Minutes.**

A wrong solution is what stands below `# your code` instead.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from edgekit.core.errors import EdgekitError
from edgekit.core.workspace import Workspace
from edgekit.pipeline.chapters import full_name

Cell = dict[str, Any]  # of a notebook's JSON
ROLES = ("task", "solution", "check", "teacher")
MARK = "# your code"
MINUTES_A_POINT = 5
HEADING = re.compile(r"## (\d+) · (\S.*)")
MINUTES = re.compile(r"^\*(\d+) minutes\.\*", re.M)
# to another file: what is handed out leaves it behind
LINK = re.compile(r"\[([^\]]*)\]\((?!https?:)[^)]*\)")
MISTAKE = re.compile(r"^```python\n(.*?)^```$", re.M | re.S)


@dataclass(frozen=True)
class Exercise:
    """One exercise: its number from 1, title, `minutes`, and its four cells."""

    number: int
    title: str
    minutes: int
    task: Cell
    solution: Cell
    check: Cell
    teacher: Cell

    @property
    def key(self) -> str:
        """What graders call it."""
        return f"q{self.number}"

    @property
    def points(self) -> int:
        """One for each five minutes."""
        return max(1, round(self.minutes / MINUTES_A_POINT))

    @property
    def stub(self) -> str:
        """What a student finds: the solution's cell down to its mark."""
        return self._parts[0]

    @property
    def body(self) -> str:
        """The solution itself, with its indent."""
        return self._parts[1]

    @cached_property
    def mistakes(self) -> tuple[str, ...]:
        """The cell as wrong solutions leave it; the check refuses each."""
        indent = self.stub.splitlines()[-1].partition(MARK)[0]
        bodies = MISTAKE.findall(text(self.teacher))
        lines = ([indent + line if line else "" for line in body.splitlines()] for body in bodies)
        return tuple("\n".join([self.stub, *some]) for some in lines)

    @cached_property
    def _parts(self) -> tuple[str, str]:
        lines = text(self.solution).split("\n")
        at = [line.strip() for line in lines].index(MARK)
        return "\n".join(lines[: at + 1]), "\n".join(lines[at + 1 :])


@dataclass(frozen=True, eq=False)
class ExerciseBook:
    """A source notebook that was read: `name` as the chapter's, all of its JSON, and its exercises."""

    name: str
    notebook: dict[str, Any]
    exercises: tuple[Exercise, ...]

    @property
    def title(self) -> str:
        return text(self.notebook["cells"][0]).split("\n", 1)[0].lstrip("# ")

    @property
    def minutes(self) -> int:
        return sum(e.minutes for e in self.exercises)


def exercise_books(workspace: Workspace, only: Sequence[str] = ()) -> list[ExerciseBook]:
    """Those of a workspace, in order. `only`: chapters, as `"03"`, `"train"` or `"03_train"`; none: all.

    Raises EdgekitError for a chapter that has none, and as `read` does.
    """
    folder = workspace.notebooks / "exercises"
    known = {p.stem: p for p in sorted(folder.glob("[0-9][0-9]_*.ipynb"))}
    if not known:
        raise EdgekitError(f"{folder} holds no exercises: `edgekit start` lays them out")
    names = sorted({full_name(name, known) for name in only}) or list(known)
    return [read(known[name]) for name in names]


def read(path: Path) -> ExerciseBook:
    """Raises EdgekitError for a notebook that is not written as this module says."""
    try:
        notebook = json.loads(path.read_text(encoding="utf-8"))
        cells = notebook["cells"]
        found = [_exercise(path, some) for some in _groups(path, cells)]
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise EdgekitError(f"{path} is no notebook ({error})") from None
    if [e.number for e in found] != list(range(1, len(found) + 1)) or not found:
        raise EdgekitError(f"{path}: its exercises are not numbered from 1 on")
    return ExerciseBook(path.stem, notebook, tuple(found))


def text(cell: Cell) -> str:
    """A cell's source."""
    return "".join(cell["source"])


def unlinked(cell: Cell) -> str:
    """A cell's source, of Markdown without its links to other files: their words stay."""
    plain = cell["cell_type"] == "code" or role(cell) == "teacher"  # where brackets are code
    return text(cell) if plain else LINK.sub(r"\1", text(cell))


def tags(cell: Cell) -> list[str]:
    return cell["metadata"].get("tags", [])


def role(cell: Cell) -> str:
    """Which of ROLES a cell has; "" for one that is given."""
    return next((r for r in ROLES if r in tags(cell)), "")


def asserting(check: str) -> list[ast.stmt]:
    """The statements of a check up to its last assert: what a grader runs."""
    body = ast.parse(check).body
    last = max((i for i, node in enumerate(body) if _asserts(node)), default=-1)
    return body[: last + 1]


def _asserts(node: ast.AST) -> list[ast.Assert]:
    return [n for n in ast.walk(node) if isinstance(n, ast.Assert)]


def _groups(path: Path, cells: list[Cell]) -> list[dict[str, Cell]]:
    """The cells of each exercise by role."""
    groups: list[dict[str, Cell]] = []
    for cell in cells:
        name = role(cell)
        if not name:
            continue
        if name == ROLES[0]:
            groups.append({})
        here = groups[-1] if groups else {}
        if list(here) != list(ROLES[: ROLES.index(name)]):
            raise EdgekitError(
                f"{path}, cell {cell['id']}: {name!r} is out of place; an exercise has one cell each "
                f"of {', '.join(ROLES)}"
            )
        here[name] = cell
    return groups


def _exercise(path: Path, cells: dict[str, Cell]) -> Exercise:
    task = cells["task"]
    heading, minutes = HEADING.match(text(task)), MINUTES.search(text(task))
    where = f"{path}, cell {task['id']}"
    if not heading or not minutes:
        raise EdgekitError(f"{where}: a task begins with '## 1 · Title' and says '*10 minutes.*'")
    if len(cells) < len(ROLES):
        raise EdgekitError(f"{where}: it lacks its {', '.join(ROLES[len(cells) :])}")
    marks = [line.strip() for line in text(cells["solution"]).split("\n")].count(MARK)
    if marks != 1:
        raise EdgekitError(f"{where}: its solution has {marks} lines '{MARK}', one is needed")
    if problem := _check_problem(text(cells["check"])):
        raise EdgekitError(f"{where}: its check {problem}")
    found = Exercise(int(heading[1]), heading[2].strip(), int(minutes[1]), **cells)
    for wanted in ("Answer", "Pitfalls", "Minutes"):
        if f"**{wanted}.**" not in text(cells["teacher"]):
            raise EdgekitError(f"{where}: its teacher's cell lacks **{wanted}.**")
    if not found.mistakes:
        raise EdgekitError(f"{where}: its teacher's cell shows no wrong solution (```python)")
    return found


def _check_problem(source: str) -> str:
    """What keeps a check from being one; "" if nothing does."""
    asked = asserting(source)
    if not asked:
        return "asserts nothing"
    if any(a.msg is None for node in asked for a in _asserts(node)):
        return "has an assert without a message"
    if any(isinstance(node, ast.Expr) for node in asked):
        return "shows something before its last assert"
    return ""
