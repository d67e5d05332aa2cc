"""A file that is there whole or not at all, whoever is killed and whoever else writes it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4


@contextmanager
def whole(path: Path) -> Iterator[Path]:
    """A temporary path, with the same suffix, that becomes `path` when the block ends well."""
    path.parent.mkdir(parents=True, exist_ok=True)
    # another host, process or thread may write the same file at this moment
    half = path.with_name(f".half-{uuid4().hex}{path.suffix}")
    try:
        yield half
        half.replace(path)
    finally:
        half.unlink(missing_ok=True)
