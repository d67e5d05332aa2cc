"""Exercises as students and graders meet them: what a check says of the stub, mistakes, the solution."""

from __future__ import annotations

import ast
import doctest

import pytest

from edgekit.core.errors import EdgekitError
from edgekit.workshop import otter
from edgekit.workshop.source import ExerciseBook, tags, text
from tests.notebooks.checker import LONGEST_CELL, LONGEST_DEF, PARAMETERS
from tests.workshop.conftest import BOOKS, HERE
from tests.workshop.sitting import attempts, execute, helps

each_book = pytest.mark.parametrize("book", BOOKS, ids=lambda b: b.name)


@each_book
def test_a_check_takes_the_solution_and_helps_with_all_else(book, finished, monkeypatch):
    """A stub and a wrong solution end in an assert's own message; no other error reaches a student."""
    monkeypatch.chdir(HERE.folder)
    last = {}
    for exercise, what, error in attempts(book, names=last, run_dir=str(finished), offline=True):
        where = f"{book.name} {exercise.key}, {what}"
        if what == "solution":
            assert error is None, f"{where}: {error!r}"
        else:
            assert helps(exercise, error), f"{where}: {error!r}"
    _as_otter_grades(book, last)


def _as_otter_grades(book: ExerciseBook, names: dict) -> None:
    """Behind the last cell every test holds, one after the other in one namespace; and notices a stub."""
    for exercise in book.exercises:
        assert not _failures(exercise, names), f"{book.name} {exercise.key}: not at the end"
    for exercise in book.exercises:
        spoilt = dict(names)
        execute(spoilt, exercise.stub, book.name)
        assert _failures(exercise, spoilt), f"{book.name} {exercise.key}: Otter takes its stub"


def _failures(exercise, names: dict) -> int:
    spec: dict = {}
    execute(spec, otter.test_file(exercise), exercise.key)
    assert spec["test"]["points"] == exercise.points
    (case,) = spec["test"]["suites"][0]["cases"]
    found = doctest.DocTestParser().get_doctest(case["code"], names, exercise.key, None, None)
    found.globs = names  # as Otter does: what a test assigns stays for the next
    runner = doctest.DocTestRunner(verbose=False)
    runner.run(found, out=lambda _: None, clear_globs=False)
    return runner.failures


@pytest.mark.parametrize("book", BOOKS[1:], ids=lambda b: b.name)
def test_a_stage_that_has_not_been_run_is_named_with_its_command(book, tmp_path, monkeypatch):
    monkeypatch.chdir(HERE.folder)
    with pytest.raises(
        EdgekitError, match=r"is missing: run 0\d_\w+ first \(edgekit run activity"
    ) as said:
        list(attempts(book, run_dir=str(tmp_path / "run")))
    assert "\n" not in str(said.value)


def test_there_are_exercises_for_every_chapter():
    chapters = [p.stem for p in sorted(HERE.notebooks.glob("[0-9]*.ipynb"))]
    assert [b.name for b in BOOKS] == chapters
    for book in BOOKS:
        chapter = (HERE.notebooks / f"{book.name}.ipynb").read_text(encoding="utf-8")
        assert f"(exercises/{book.name}.ipynb)" in chapter, (
            f"{book.name} does not link to its exercises"
        )


@each_book
def test_an_exercise_fits_into_a_lesson(book):
    assert len(book.exercises) >= 3
    assert all(5 <= e.minutes <= 15 for e in book.exercises)
    opening = text(book.notebook["cells"][0])
    assert f"{book.minutes} minutes" in opening, f"the opening says not {book.minutes} minutes"
    assert f"({'../' + book.name}.ipynb)" in opening or book.name != "00_design"


@each_book
def test_a_cell_is_short_and_clean(book):
    cells = book.notebook["cells"]
    code = [c for c in cells if c["cell_type"] == "code"]
    assert len({c["id"] for c in cells}) == len(cells)
    assert all(not c["outputs"] and c["execution_count"] is None for c in code)
    names = {line.split(" = ")[0] for line in text(code[0]).splitlines()}
    assert tags(code[0]) == ["parameters"]
    assert names == set(PARAMETERS)
    for cell in code:
        assert len([line for line in text(cell).splitlines() if line.strip()]) <= LONGEST_CELL, (
            cell["id"]
        )
        for node in ast.walk(ast.parse(text(cell))):
            if isinstance(node, ast.FunctionDef):
                assert node.end_lineno - node.lineno < LONGEST_DEF, f"{cell['id']}: {node.name}"
