"""Otter's test files, a question each, in the OK format: plain data with a doctest in it.

Written down here from https://otter-grader.readthedocs.io ("Test Files"), so that a course can be built
without it. `otter generate` packs them, `otter run` and `otter grade` hold a student's notebook to them.
"""

from __future__ import annotations

import ast
from pprint import pformat

from edgekit.workshop.source import Exercise, asserting, text


def test_file(exercise: Exercise) -> str:
    """`tests/qN.py`."""
    case = {"code": doctest(text(exercise.check)), "hidden": False, "locked": False}
    suite = {"cases": [case], "scored": True, "setup": "", "teardown": "", "type": "doctest"}
    spec = {"name": exercise.key, "points": exercise.points, "suites": [suite]}
    return f"OK_FORMAT = True\n\ntest = {pformat(spec, sort_dicts=False, width=110)}\n"


def doctest(source: str) -> str:
    """A check as a doctest that says nothing where all holds; what it shows at its end is left out."""
    lines = source.split("\n")
    examples = []
    for node in asserting(source):
        first, *rest = lines[node.lineno - 1 : node.end_lineno]
        block = [f">>> {first}", *(f"... {line}" for line in rest)]
        if isinstance(node, (ast.For, ast.With, ast.If, ast.FunctionDef)):
            block.append("... ")
        examples += block
    return "\n".join(examples)
