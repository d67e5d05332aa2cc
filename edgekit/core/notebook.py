"""Whether somebody sits at a notebook."""

from __future__ import annotations

import os
import sys
from typing import Any


def shell() -> Any:
    """The IPython shell that runs this code, or None; nothing is imported for the answer."""
    return sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None


def interactive() -> bool:
    """True where a person can move a control: JupyterLab and Notebook 7 (their server names the session), VS
    Code (it tells the kernel the file), Colab. False under papermill, nbval and nbconvert.

    Those run cells without anybody to answer a question, and say so with each. It holds also where one of
    them is started from a notebook, and inherits the name of that one's session.
    """
    if not _somebody_answers():
        return False
    if "JPY_SESSION_NAME" in os.environ or "google.colab" in sys.modules:
        return True
    running = shell()
    return running is not None and "__vsc_ipynb_file__" in running.user_ns


def _somebody_answers() -> bool:
    """False where the request that runs this cell forbids `input()` (Jupyter's `allow_stdin`)."""
    get_parent = getattr(getattr(shell(), "kernel", None), "get_parent", dict)
    request: dict[str, Any] = get_parent() or {}
    return bool(request.get("content", {}).get("allow_stdin", True))
