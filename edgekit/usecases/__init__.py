"""Use cases: what differs between them, and only that.

A use case is a folder with `usecase.py` and `design.toml`: the kit's own live here, a user's in
`usecases/` of the project. To make one, copy a folder.
"""

from __future__ import annotations

import importlib.util
import re
import sys
from pathlib import Path
from types import ModuleType

from edgekit.errors import EdgekitError, did_you_mean

KIT = Path(__file__).parent


def known(root: Path) -> dict[str, Path]:
    """Name -> folder, the project's own first."""
    folders = [*sorted((root / "usecases").glob("*")), *sorted(KIT.glob("*"))]
    found = {}
    for folder in folders:
        if (folder / "usecase.py").is_file():
            found.setdefault(folder.name, folder)
    return found


def folder(name: str, root: Path) -> Path:
    """The use case's folder. Raises EdgekitError for an unknown name, or one that C cannot have."""
    cases = known(root)
    if name not in cases:
        raise EdgekitError(f"there is no use case {name!r}.{did_you_mean(name, cases)}")
    if not re.fullmatch(r"[a-z][a-z0-9_]{0,30}", name):
        raise EdgekitError(
            f"rename {cases[name]}: its C code bears the folder's name, so that has lower-case "
            "letters, digits and _ only, and begins with a letter"
        )
    return cases[name]


def load(name: str, root: Path) -> ModuleType:
    """The use case's module. Raises EdgekitError if it cannot be loaded, and later, on the first use
    of a name that it should define and does not.
    """
    path = folder(name, root) / "usecase.py"
    spec = importlib.util.spec_from_file_location(f"edgekit_usecase_{name}", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses and pickle look their module up

    def missing(wanted: str):
        if wanted.startswith("_"):
            raise AttributeError(wanted)
        raise EdgekitError(f"{path} does not define {wanted}; see {KIT / 'bearing' / 'usecase.py'}")

    module.__getattr__ = missing
    try:
        spec.loader.exec_module(module)
    except Exception as error:  # whatever a user's file raises, in one line
        raise EdgekitError(f"{path} cannot be loaded: {type(error).__name__}: {error}") from error
    return module
