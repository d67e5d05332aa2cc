"""How far long work has come, for a person at a screen.

One line of text, in notebooks too: a widget would be gone, and an error in its place, when the notebook is
opened again.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import Any

from edgekit.core.notebook import interactive


def progress(
    items: Iterable[Any] | None, text: str, *, shown: bool | None = None, **how: Any
) -> Any:
    """A tqdm bar over `items`, or with None one that is moved by `update`; `how` as tqdm takes it.

    text: what is done. shown: None where somebody looks, at a terminal or at a notebook.
    """
    from tqdm import tqdm

    notebook = interactive()
    place = {"file": sys.stdout, "ncols": 80} if notebook else {}
    seen = (notebook or sys.stderr.isatty()) if shown is None else shown
    return tqdm(items, desc=text, disable=not seen, **{"leave": False, **place, **how})


def progress_bytes(size: int, text: str, done: int = 0, **how: Any) -> Any:
    """A bar of `size` bytes (0: not known), `done` of them there before; `text`, `how` as in `progress`."""
    return progress(None, text, total=size or None, initial=done, unit="B", unit_scale=True, **how)
