"""`edgekit workshop build`: what a teacher hands out and grades with, from the exercises' notebooks."""

from __future__ import annotations

from pathlib import Path


def add(commands) -> None:
    """Add the commands to the parser's."""
    workshop = commands.add_parser(
        "workshop", help="exercises for a course, with and without solutions"
    )
    actions = workshop.add_subparsers(required=True, metavar="COMMAND")
    build = actions.add_parser(
        "build",
        help="write the student's and the teacher's set, for nbgrader and Otter too, and slides",
    )
    build.add_argument(
        "--out", required=True, metavar="DIR", help="where to; files of before are replaced"
    )
    build.add_argument(
        "--only", nargs="+", default=[], metavar="CHAPTER", help="e.g. 03 or train (default: all)"
    )
    build.set_defaults(do=_build)


def _build(args) -> int:
    from edgekit import workshop

    out = Path(args.out).expanduser()
    names = workshop.build(out, args.only)
    count = sum(n.startswith("student/") for n in names)
    print(f"{out}: {count} notebooks of exercises, {len(names)} files; README.md says what each is")
    return 0
