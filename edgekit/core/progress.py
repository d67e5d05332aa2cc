"""How far long work has come, for a person at a screen.

One line of text, in notebooks too: a widget would be gone, and an error in its place, when the notebook is
opened again.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from typing import Any


def watched() -> bool:
    """Whether somebody looks: at a terminal, or at a notebook in JupyterLab."""
    return sys.stderr.isatty() or _notebook()


def progress(
    items: Iterable[Any] | None, text: str, *, shown: bool | None = None, **how: Any
) -> Any:
    """A tqdm bar over `items`, or with None one that is moved by `update`; `how` as tqdm takes it.

    text: what is done. shown: None where somebody looks, and nothing in a headless run.
    """
    from tqdm import tqdm

    place = {"file": sys.stdout, "ncols": 80} if _notebook() else {}
    seen = watched() if shown is None else shown
    return tqdm(items, desc=text, disable=not seen, **{"leave": False, **place, **how})


def _notebook() -> bool:
    return "JPY_SESSION_NAME" in os.environ
