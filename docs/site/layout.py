"""What Sphinx reads: the repository's pages and notebooks where they lie, in a folder of their own."""

import importlib
import json
import pkgutil
import re
from collections.abc import Iterator
from pathlib import Path

import edgekit
from edgekit.core.errors import EdgekitError
from edgekit.core.workspace import Workspace
from edgekit.pipeline.chapters import chapters, code
from edgekit.pipeline.manifest import file_hash, read_manifest
from edgekit.workshop import exercise_books, sets

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
PAGES = ("README.md", "TEACHING.md", "CONTRIBUTING.md", "CHANGELOG.md")
# the command line has its own page, the service its own description; `ek` is what `api` defines
NO_PAGE = ("api", "cli", "cloud", "core", "firmware", "pipeline", "testing")
UNRUN = "The outputs are not shown: this site was built without a run that has this chapter."


def lay_out(source: Path, runs: list[Path], packages: tuple[str, ...] = ()) -> None:
    """Make `source` what the site is to be; only what differs is written, so that a second build is short.

    `packages`: those that get a page of the API, `("edgekit", "edgekit.data")`; none: all. Raises
    EdgekitError for one of `runs` that is no run.
    """
    for run in runs:
        if not read_manifest(run):
            raise EdgekitError(f"{run} is no run: name a folder that `edgekit run` has written")
    files = {name: (ROOT / name).read_bytes() for name in PAGES}
    for path in sorted((ROOT / "docs").rglob("*")):
        if path.is_file() and HERE not in path.parents:
            files[path.relative_to(ROOT).as_posix()] = path.read_bytes()
    workspace = Workspace(ROOT)
    for name, path in chapters(workspace).items():
        files[f"notebooks/{name}.ipynb"] = sets.to_json(chapter(path, runs))
    for path in sorted((ROOT / "notebooks" / "extra").glob("*.ipynb")):
        files[f"notebooks/extra/{path.name}"] = path.read_bytes()
    for book in exercise_books(workspace):
        files[f"notebooks/exercises/{book.name}.ipynb"] = sets.to_json(sets.student(book))
    for name, page in reference(packages):
        files[f"api/{name}.rst"] = page.encode()
    for name in [n for n in files if n.endswith(".md")]:
        files |= _linked(name, files)
    files["index.md"] = _index(files)
    _write(source, files)


def chapter(path: Path, runs: list[Path]) -> dict:
    """The notebook as the first of `runs` executed it, with a line that says which; else as it is."""
    for run in runs:
        manifest, executed = read_manifest(run), run / "notebooks" / path.name
        step = manifest["steps"].get(path.stem)
        if step and executed.is_file() and step.get("notebook") == file_hash(executed):
            notebook = json.loads(executed.read_text(encoding="utf-8"))
            return _noted(_homeless(notebook, run), _provenance(manifest, step, executed, path))
    return _noted(json.loads(path.read_text(encoding="utf-8")), UNRUN)


def _provenance(manifest: dict, step: dict, executed: Path, path: Path) -> str:
    rests = f", on {step['data']} recordings" if step["data"] else ""
    day, of = step["finished"][:10], manifest["use_case"]
    note = f"These outputs are of a run of `{of}` at `{manifest['profile']}`{rests}, on {day}."
    ran = [c for c in code(executed) if not c.startswith("# Parameters\n")]
    return note if ran == code(path) else f"{note} The chapter's code has changed since."


def _homeless(notebook: dict, run: Path) -> dict:
    """Without the name of the folder that somebody worked in."""
    home = str(run.resolve().parent.parent)
    return json.loads(json.dumps(notebook).replace(json.dumps(home)[1:-1], "…"))


def _noted(notebook: dict, note: str) -> dict:
    cell = {"cell_type": "markdown", "id": "site-note", "metadata": {}, "source": f"> {note}"}
    return notebook | {"cells": [notebook["cells"][0], cell, *notebook["cells"][1:]]}


def _index(files: dict[str, bytes]) -> bytes:
    """The front page. It names some of docs/; the how-tos and the others get their lines here."""
    text = (HERE / "index.md").read_text(encoding="utf-8")
    pages = [name[:-3] for name in files if name.startswith("docs/") and name.endswith(".md")]
    how_tos = sorted(
        (n for n in pages if n.startswith("docs/how-to/")),
        key=lambda n: (not n.endswith("/index"), n),
    )
    rest = [n for n in pages if n not in how_tos and f"\n{n}\n" not in text]
    text = text.replace("HOW_TOS", "\n".join(how_tos)).replace("OTHERS", "\n".join(rest))
    return text.encode()


def _linked(name: str, files: dict[str, bytes]) -> dict[str, bytes]:
    """The page, and files that it links to and that are no pages; a link to a folder stays as its words."""
    found: dict[str, bytes] = {}

    def link(match: re.Match[str]) -> str:
        target = (ROOT / name).parent.joinpath(match[2]).resolve()
        if not target.is_relative_to(ROOT) or not target.exists():
            return match[0]  # Sphinx says that it leads nowhere
        if target.is_dir():
            return match[1]
        if (path := target.relative_to(ROOT).as_posix()) not in files:
            found[path] = target.read_bytes()
        return match[0]

    page = re.sub(r"(?<!!)\[([^\]]+)\]\(([^)#:\s]+)\)", link, files[name].decode())
    return found | {name: page.encode()}


def reference(only: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """(name, page) of `ek` and of each package, from the docstrings: what each lists in `__all__`."""
    listed = [edgekit]
    for found in pkgutil.iter_modules(edgekit.__path__, "edgekit."):
        if found.ispkg and found.name.split(".")[1] not in NO_PAGE:
            listed.append(importlib.import_module(found.name))
    for package in (p for p in listed if not only or p.__name__ in only):
        modules = [package.__name__]
        if not hasattr(package, "__all__"):
            inside = pkgutil.walk_packages(package.__path__, f"{package.__name__}.")
            modules += [m.name for m in inside if not re.search(r"\._", m.name)]
        body = "\n".join(f".. automodule:: {name}\n   :members:\n" for name in modules)
        yield package.__name__, f"{package.__name__}\n{'=' * len(package.__name__)}\n\n{body}"


def _write(folder: Path, files: dict[str, bytes]) -> None:
    """Exactly `files` in `folder`; one that stays the same keeps its time, by which Sphinx knows it."""
    for path in sorted(folder.rglob("*"), reverse=True):
        if path.is_file() and path.relative_to(folder).as_posix() not in files:
            path.unlink()
    for name, content in files.items():
        path = folder / name
        if not path.is_file() or path.read_bytes() != content:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
