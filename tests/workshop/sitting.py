"""A student's sitting: the cells of an exercise notebook executed in one namespace, as a kernel would."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from edgekit.workshop.source import Exercise, ExerciseBook, role, tags, text


def attempts(
    book: ExerciseBook, names: dict[str, Any] | None = None, **parameters: Any
) -> Iterator[tuple[Exercise, str, BaseException | None]]:
    """What the check said of each exercise: (exercise, "stub" | "mistake 1" … | "solution", what it raised).

    Every attempt begins with the names that the cells above have left, and goes on with the solution's;
    at the end `names` holds those that a notebook with all solutions leaves.
    """
    names = {} if names is None else names
    names["__name__"] = "exercises"
    waiting = list(book.exercises)
    for cell in book.notebook["cells"]:
        if cell["cell_type"] != "code":
            continue
        if role(cell) == "check":
            exercise = waiting.pop(0)
            wrong = {f"mistake {n}": m for n, m in enumerate(exercise.mistakes, 1)}
            for what, source in {"stub": exercise.stub, **wrong}.items():
                yield exercise, what, _raised(book.name, dict(names), source, text(cell))
            execute(names, text(exercise.solution), book.name)
            yield exercise, "solution", _raised(book.name, names, "", text(cell))
        elif role(cell) != "solution":
            execute(names, text(cell), book.name)
            if "parameters" in tags(cell):
                names |= parameters


def helps(exercise: Exercise, error: BaseException | None) -> bool:
    """Whether it is an assert of the exercise's check that stopped, with its own message."""
    asserts = [n for n in ast.walk(ast.parse(text(exercise.check))) if isinstance(n, ast.Assert)]
    parts = [getattr(n.msg, "values", [n.msg]) for n in asserts]
    patterns = [
        "".join(re.escape(p.value) if isinstance(p, ast.Constant) else ".*" for p in some)
        for some in parts  # what is computed matches anything
    ]
    return isinstance(error, AssertionError) and any(
        re.fullmatch(pattern, str(error), re.S) for pattern in patterns
    )


def execute(names: dict[str, Any], source: str, where: str) -> None:
    exec(compile(source, where, "exec"), names)


def _raised(where: str, names: dict[str, Any], solution: str, check: str) -> BaseException | None:
    try:
        execute(names, solution, where)
        execute(names, check, where)
    except Exception as error:
        return error
    return None


def main(run_dir: Path, offline: bool, only: list[str]) -> None:
    """Look at it: every attempt and what it raised."""
    import time

    from edgekit.core.workspace import Workspace
    from edgekit.workshop import exercise_books

    for book in exercise_books(Workspace.find(), only):
        began = time.monotonic()
        for exercise, what, error in attempts(book, run_dir=str(run_dir), offline=offline):
            good = helps(exercise, error) if what != "solution" else error is None
            print(
                "ok  " if good else "BAD ",
                book.name,
                exercise.key,
                what,
                repr(error)[:230],
                flush=True,
            )
        print(f"{book.name}: {time.monotonic() - began:.1f} s")


if __name__ == "__main__":
    import sys

    main(Path(sys.argv[1]), "offline" in sys.argv, [a for a in sys.argv[2:] if a != "offline"])
