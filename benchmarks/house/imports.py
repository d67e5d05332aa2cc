"""Which module imports which, lazily or not: circles, and the size of files and packages."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import grimp
import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from benchmarks.bars import SOURCES

CODE = (".py", ".c", ".h", ".S", ".ld", ".html")


def circles(package: str = "edgekit") -> list[list[str]]:
    """Modules that import each other, lazily and for types, too."""
    graph = grimp.build_graph(package, cache_dir=None)
    modules = sorted(graph.modules)
    number = {name: n for n, name in enumerate(modules)}
    edges = [
        (n, number[to])
        for m, n in number.items()
        for to in graph.find_modules_directly_imported_by(m)
    ]
    matrix = coo_array(
        (np.ones(len(edges)), tuple(zip(*edges, strict=True))), shape=(len(modules),) * 2
    )
    count, label = connected_components(matrix, connection="strong")
    groups = [[modules[i] for i in np.flatnonzero(label == k)] for k in range(count)]
    return [group for group in groups if len(group) > 1]


def own_files() -> dict[str, int]:
    """Lines of every file of code that is ours, by path; tables and what others wrote are left out."""
    listed = subprocess.run(
        ["git", "ls-files", "edgekit", "tests", "benchmarks"],
        cwd=SOURCES, capture_output=True, text=True, check=True,
    ).stdout.split()  # fmt: skip
    others = vendored(listed)
    paths = [p for p in listed if p.endswith(CODE) and p not in others and (SOURCES / p).is_file()]
    return {p: len((SOURCES / p).read_text(encoding="utf-8").splitlines()) for p in paths}


def vendored(paths: list[str]) -> set[str]:
    """Files that the notice beside them names, in the first column of its table of hashes."""
    found = set()
    for notice in (p for p in paths if p.endswith(".md")):
        names = re.findall(
            r"^\| `?([\w.-]+\.[ch])`? \|", (SOURCES / notice).read_text(encoding="utf-8"), re.M
        )
        found |= {str(Path(notice).with_name(name)) for name in names}
    return found


def long_files(limit: int = 350) -> dict[str, int]:
    """Files of more than `limit` lines."""
    return {path: lines for path, lines in own_files().items() if lines > limit}


def packages() -> dict[str, int]:
    """Own lines of each package of `edgekit`; the C tree has one for each of its folders."""
    sizes: dict[str, int] = {}
    for path, lines in own_files().items():
        parts = Path(path).parts
        if parts[0] == "edgekit" and len(parts) > 2:
            name = "/".join(parts[1:3] if parts[1] == "firmware" and len(parts) > 3 else parts[1:2])
            sizes[name] = sizes.get(name, 0) + lines
    return sizes
