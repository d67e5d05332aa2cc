"""A file that is there whole or not at all, whoever is killed and whoever else writes it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def whole(path: Path) -> Iterator[Path]:
    """A temporary path, with the same suffix, that becomes `path` when the block ends well."""
    path.parent.mkdir(parents=True, exist_ok=True)
    half = path.with_name(f".half-{os.getpid()}-{path.name}")
    try:
        yield half
        half.replace(path)
    finally:
        half.unlink(missing_ok=True)
