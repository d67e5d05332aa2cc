"""What nbgrader wants to find in a notebook (cell metadata, version 3) and beside it.

Written down here from https://nbgrader.readthedocs.io (its `nbgraderformat/v3.json`), so that a course can be
built without it. Checks are autograded tests; tasks cannot be edited; a solution's cell can.
"""

from __future__ import annotations

from typing import Any

from edgekit.workshop.source import MARK, Exercise

SCHEMA_VERSION = 3
BEGIN, END = "### BEGIN SOLUTION", "### END SOLUTION"
METADATA = {  # by role
    "task": {"grade": False, "solution": False, "locked": True, "task": False},
    "solution": {"grade": False, "solution": True, "locked": False, "task": False},
    "check": {"grade": True, "solution": False, "locked": True, "task": False},
}
CONFIG = f"""\
# Written by `edgekit workshop build`; nbgrader reads it in this folder.
c = get_config()
c.CourseDirectory.course_id = "edgekit"
c.ClearSolutions.code_stub = {{"python": "{MARK}"}}  # as in the student's set: the check says what is missing
c.ExecutePreprocessor.timeout = 600
c.ClearSolutions.begin_solution_delimeter = "BEGIN SOLUTION"
c.ClearSolutions.end_solution_delimeter = "END SOLUTION"
"""


def metadata(role: str, exercise: Exercise) -> dict[str, Any]:
    """The cell's `metadata.nbgrader`."""
    name = exercise.key if role == "solution" else f"{exercise.key}-{role}"
    points = {"points": exercise.points} if role == "check" else {}
    return {"schema_version": SCHEMA_VERSION, "grade_id": name, **METADATA[role], **points}


def marked(exercise: Exercise) -> str:
    """The solution's cell with the markers between which nbgrader cuts: in place of `# your code`, which its
    stub puts back."""
    *above, mark = exercise.stub.split("\n")
    indent = mark.partition(MARK)[0]
    return "\n".join([*above, indent + BEGIN, exercise.body, indent + END])
