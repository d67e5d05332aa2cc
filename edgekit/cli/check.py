"""`edgekit check NAME`: run a use case through what every chapter relies on, a line a check."""

from __future__ import annotations

from edgekit.core import escape
from edgekit.core.workspace import Workspace


def add(commands) -> None:
    """Add the command to the parser's."""
    check = commands.add_parser("check", help="what is wrong with a use case, before it is run")
    check.add_argument("name", help="of the use case")
    check.set_defaults(do=_check)


def _check(args) -> int:
    from edgekit.testing import usecase

    wrong = 0
    for outcome in usecase.check(args.name, Workspace.find().folder):
        print(escape.line(str(outcome)), flush=True)
        wrong += bool(outcome.wrong)
    return 1 if wrong else 0
