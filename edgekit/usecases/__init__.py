"""Use cases: what differs between them, and only that.

A use case is a folder with `usecase.py`, `design.toml` and, if it has something to say to its reader,
`notes.md`: the kit's own live here, a user's in `usecases/` of the project. To make one, copy a folder,
or let `edgekit new` write it from your files.

`usecase.UseCase` lists the names that `usecase.py` defines, each explained there and, with its reasons, in
`bearing/usecase.py`. `load` holds a file to them; `edgekit check NAME` also runs it.
"""

from __future__ import annotations

import importlib.util
import re
import sys
from pathlib import Path

from edgekit.core import naming
from edgekit.core.errors import EdgekitError, did_you_mean
from edgekit.data.windows import Windows, subsample
from edgekit.signal.step import Step
from edgekit.usecases.contract import problems, renamed
from edgekit.usecases.usecase import UseCase

KIT = Path(__file__).parent


def known(root: Path) -> dict[str, Path]:
    """Name -> folder, the project's own first."""
    folders = [*sorted((root / "usecases").glob("*")), *sorted(KIT.glob("*"))]
    found: dict[str, Path] = {}
    for folder in folders:
        if (folder / "usecase.py").is_file():
            found.setdefault(folder.name, folder)
    return found


def folder(name: str, root: Path) -> Path:
    """The use case's folder. Raises EdgekitError for an unknown name, or one that C cannot have."""
    cases = known(root)
    if name not in cases:
        raise EdgekitError(f"there is no use case {name!r}.{did_you_mean(name, cases)}")
    if why := naming.check(name):
        raise EdgekitError(f"rename {cases[name]}: its C code bears the folder's name, and {why}")
    return cases[name]


def refuse_taken(name: str) -> None:
    """Raises EdgekitError for a name that one of the kit's own use cases has, which a new one would hide."""
    if (KIT / name / "usecase.py").is_file():
        raise EdgekitError(f"{name!r} is one of the kit's own use cases: take another name")


def notes(name: str, root: Path, chapter: str) -> str:
    """What the use case's `notes.md` says of a chapter ("01"): the text below `## 01`, or ""."""
    path = folder(name, root) / "notes.md"
    text = path.read_text(encoding="utf-8") if path.is_file() else ""
    found = re.search(rf"^## {re.escape(chapter)}\b.*?\n(.*?)(?=^## |\Z)", text, re.M | re.S)
    return found.group(1).strip() if found else ""


def load(name: str, root: Path) -> UseCase:
    """The use case of that name. Raises EdgekitError, in a line, if its file cannot be loaded or does not
    keep the contract; `edgekit check NAME` lists all that is wrong.
    """
    case, lines = examine(name, root)
    if case is None or lines:
        more = f" ({len(lines) - 1} more: edgekit check {name})" if len(lines) > 1 else ""
        raise EdgekitError(f"{folder(name, root) / 'usecase.py'}{lines[0]}{more}")
    return case


def examine(name: str, root: Path) -> tuple[UseCase | None, list[str]]:
    """The use case, None if it cannot be loaded, and what is wrong with its file: the ends of lines that
    begin with the file's path. Raises EdgekitError for an unknown name, or one that C cannot have.
    """
    path = folder(name, root) / "usecase.py"
    try:
        if lines := renamed(path.read_text(encoding="utf-8")):
            return None, [f", {line}" for line in lines]
    except (OSError, UnicodeDecodeError) as error:
        return None, [f" cannot be read: {error}"]
    spec = importlib.util.spec_from_file_location(f"edgekit_usecase_{name}", path)
    if spec is None or spec.loader is None:  # a file on a disk has both
        return None, [" cannot be loaded"]
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses and pickle look their module up
    try:
        spec.loader.exec_module(module)
    except Exception as error:  # whatever a user's file raises, in one line
        return None, [f" cannot be loaded: {type(error).__name__}: {error}"]
    case = UseCase(name, path.parent, module)
    return case, [f": {line}" for line in problems(case)]


def some(case: UseCase, windows: Windows, most: int) -> Windows:
    """At most about `most` windows of a use case, as even over groups and classes as it asks for."""
    return subsample(windows, most, by_class=case.BY_CLASS)


def choose(case: UseCase, target: str) -> None:
    """Let a use case take another target domain than its own; nothing for an empty one.

    Raises EdgekitError where it has no other, or does not know this one.
    """
    if not target:
        return
    if not isinstance(target, str) or case.choose is None:
        raise EdgekitError(f"field = {target!r}: this use case has one field only; leave it empty")
    case.choose(target)


def variants(case: UseCase) -> dict[str, Step]:
    """What the student's input may be: name -> step; `"features"`, the use case's own, comes first."""
    return {"features": case.features, **case.SEARCH.get("features", {})}


def preprocessors(case: UseCase) -> dict[str, Step]:
    """All that a network of the chain may be given: name -> step; `model.json` names one as its input."""
    return {"teacher_input": case.teacher_input, **variants(case)}
