"""The folder that a person works in: their use cases, their data, their runs, and the notebooks.

    pumps/
      notebooks/   the chapters, to step through; where there are none, the kit's own are run
      usecases/    use cases of one's own
      data/        the data cards of these, and `cache/`: what was downloaded
      runs/        what `edgekit run` makes

Any folder will do: `edgekit start` makes one with everything in it. What the kit brings lies in its package.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from edgekit.core.errors import EdgekitError

PACKAGE = Path(__file__).resolve().parents[1]
FIRST = "00_design.ipynb"


@dataclass(frozen=True)
class Workspace:
    """A folder with `usecases/`, `data/`, `runs/` and `notebooks/`, none of which need be there."""

    folder: Path

    @classmethod
    def find(cls, start: Path | None = None) -> Workspace:
        """The nearest folder from `start` (the current one) upwards that holds the chapters or a use case;
        where none does, `start` itself."""
        here = (start or Path.cwd()).resolve()
        return cls(next((f for f in (here, *here.parents) if _is_workspace(f)), here))

    @property
    def notebooks(self) -> Path:
        """The folder with the chapters: the workspace's own, else those that the kit brings."""
        own = self.folder / "notebooks"
        return own if (own / FIRST).is_file() else shipped("notebooks")

    @property
    def usecases(self) -> Path:
        return self.folder / "usecases"

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def cache(self) -> Path:
        """Where downloads are kept; `EDGEKIT_CACHE` moves it."""
        chosen = os.environ.get("EDGEKIT_CACHE")
        return Path(chosen).expanduser() if chosen else self.data / "cache"

    @property
    def runs(self) -> Path:
        """Where runs are kept; `EDGEKIT_RUNS` moves them."""
        chosen = os.environ.get("EDGEKIT_RUNS")
        return Path(chosen).expanduser() if chosen else self.folder / "runs"

    def run_folder(self, use_case: str, profile: str, offline: bool = False) -> Path:
        """Where a run lives unless it is told otherwise."""
        return self.runs / f"{use_case}-{profile}{'-offline' if offline else ''}"


def shipped(name: str) -> Path:
    """The kit's own `notebooks`, `data` cards or `docs`: inside the package, or beside one in its sources.

    Raises EdgekitError where an installation lacks them.
    """
    for folder in (PACKAGE / "_share" / name, PACKAGE.parent / name):
        if folder.is_dir():
            return folder
    raise EdgekitError(f"this installation of edgekit lacks its {name}: install it again")


def _is_workspace(folder: Path) -> bool:
    if (folder / "notebooks" / FIRST).is_file():
        return True
    cases = folder / "usecases"  # the kit's own are a package, and no workspace of anybody
    return not (cases / "__init__.py").exists() and any(cases.glob("*/design.toml"))
