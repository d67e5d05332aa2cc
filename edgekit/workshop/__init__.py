"""What a teacher hands out, built from one source notebook a chapter (`notebooks/exercises/`).

    build(Path("course"))       student, teacher, nbgrader, otter and slides, of all chapters

`source` says how such a notebook is written, `sets` makes the student's and the teacher's of it, `nbgrader`
and `otter` add what these graders need (neither is a dependency), `slides` makes a deck without a network.
"""

from edgekit.workshop.build import build
from edgekit.workshop.source import Exercise, ExerciseBook, exercise_books, read

__all__ = ["Exercise", "ExerciseBook", "build", "exercise_books", "read"]
