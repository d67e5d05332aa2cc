"""Every cell of a notebook, run two times: `python -m tests.notebooks.twice FOLDER notebooks/*.ipynb`.

Who steps through a chapter runs a cell again to look again. It must then not fail, and not count a thing two
times, whatever was run after it: so the second time is from the last cell to the first. A name that a later
cell gives to something else is found by that.
"""

from __future__ import annotations

import copy
import sys
from pathlib import Path

from nbclient import NotebookClient
from papermill.iorw import load_notebook_node
from papermill.parameterize import parameterize_notebook


def doubled(path: Path, **parameters):
    """The notebook of `path` with its parameters, and its other code cells again, the last one first."""
    given = parameterize_notebook(load_notebook_node(str(path)), parameters)
    setting = {"parameters", "injected-parameters"}
    again = [
        copy.deepcopy(cell)
        for cell in reversed(given.cells)
        if cell.cell_type == "code" and not setting.intersection(cell.metadata.get("tags", []))
    ]
    for cell in again:
        cell["id"] += "-again"
    given.cells = [*given.cells, *again]
    return given


def run(path: Path, timeout: int = 600, **parameters):
    """Execute `doubled`; raises nbclient's CellExecutionError with the cell that cannot be run again."""
    made = doubled(path, **parameters)
    NotebookClient(
        made, timeout=timeout, kernel_name="python3", resources={"metadata": {"path": path.parent}}
    ).execute()
    return made


def main(folder: str, paths: list[str]) -> int:
    from nbclient.exceptions import CellExecutionError

    bad = 0
    for path in map(Path, paths):
        chapter = path.stem[0].isdigit()
        names = {"run_dir": str(Path(folder).resolve())} if chapter else {}
        try:
            run(path, **names)
            print(f"{path}: every cell can be run again", flush=True)
        except CellExecutionError as error:
            bad += 1
            print(f"{path}: {error}", flush=True)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
