"""Otter's test files, a question each, in the OK format: plain data with a doctest in it.

Written down here from https://otter-grader.readthedocs.io ("Test Files"), so that a course can be built
without it. `otter generate` packs them, `otter run` and `otter grade` hold a student's notebook to them.
"""

from __future__ import annotations

from pprint import pformat

from edgekit.workshop.source import Exercise, asserting, text


def test_file(exercise: Exercise) -> str:
    """`tests/qN.py`."""
    case = {"code": doctest(text(exercise.check)), "hidden": False, "locked": False}
    suite = {"cases": [case], "scored": True, "setup": "", "teardown": "", "type": "doctest"}
    spec = {"name": exercise.key, "points": exercise.points, "suites": [suite]}
    return f"OK_FORMAT = True\n\ntest = {pformat(spec, sort_dicts=False, width=110)}\n"


def doctest(source: str) -> str:
    """A check as a doctest that says nothing where all holds; what it shows at its end is left out.

    One example, for a doctest goes on behind an assert that fails, and only the first has something to say.
    """
    lines = source.split("\n")[: asserting(source)[-1].end_lineno]
    return "\n".join([">>> if True:", *(f"...     {line}".rstrip() for line in lines)])
