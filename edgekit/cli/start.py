"""`edgekit start`: a workspace with the notebooks in it. What is there stays as it is."""

from __future__ import annotations

import os
from pathlib import Path

from edgekit.core import escape
from edgekit.core.atomic import atomic_write_bytes
from edgekit.core.workspace import Workspace, shipped

COPIED = {"notebooks": "**/*.ipynb", "docs": "**/*.md"}  # of what the kit brings: which files
README = """\
# A workspace of edgekit

- `notebooks/`: the chapters, from a requirement to a signed update, and some for one use case each (`extra/`)
- `usecases/`: yours; those of the kit (`edgekit run activity`) are in its package
- `data/`: the data cards of yours, and `cache/` for downloads
- `runs/`: what `edgekit run` makes, with a `report.html` in each

`jupyter lab notebooks/00_design.ipynb` to step through, `edgekit run activity --offline` to see it all run,
`edgekit new NAME --from FOLDER` to begin with recordings of your own; `edgekit doctor` says what is missing.
"""
USECASES = """\
A folder here is a use case: `design.toml`, `usecase.py`, and `notes.md` if it has something to say.
`edgekit new NAME --from FOLDER` writes one from your recordings, `edgekit run NAME` runs it.
"""


def start(where: str) -> Workspace:
    """Make the folder `where` a workspace, print what was made and kept, and what to type next.

    Nothing that is there is written over. Raises OSError where the folder cannot be written.
    """
    workspace = Workspace(Path(where).expanduser().resolve())
    lay_out(workspace)
    print(*_next(workspace), sep="\n")
    return workspace


def lay_out(workspace: Workspace) -> None:
    """`start`, without what to type next."""
    files = {"README.md": README.encode(), "usecases/README.md": USECASES.encode()}
    for name, pattern in COPIED.items():
        source = shipped(name)
        found = sorted(p for p in source.glob(pattern) if not p.parent.name.startswith("."))
        files |= {f"{name}/{p.relative_to(source).as_posix()}": p.read_bytes() for p in found}
    made, other = [], []
    for name, content in files.items():
        path = workspace.folder / name
        if not os.path.lexists(path):
            atomic_write_bytes(path, content)
            made.append(name)
        elif not path.is_file() or path.read_bytes() != content:
            other.append(name)
    workspace.data.mkdir(exist_ok=True)
    print(f"{workspace.folder}: {len(made)} of {len(files)} files made, the others were there")
    if other:
        print(f"kept as they are, though the kit's differ: {', '.join(other)}")


def _next(workspace: Workspace) -> list[str]:
    steps = {
        "jupyter lab notebooks/00_design.ipynb": "step through the chapters",
        "edgekit run activity --offline": "or run them all, on a small example",
        "edgekit new NAME --from FOLDER": "then begin with recordings of yours",
    }
    lines = [f"  {command:<40} {what}" for command, what in steps.items()]
    if workspace.folder != Path.cwd():
        lines.insert(0, f"  cd {escape.shell(workspace.folder)}")
    return ["next:", *lines]
