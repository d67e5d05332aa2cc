"""Whether somebody sits at a notebook."""

from __future__ import annotations

import os
import sys


def interactive() -> bool:
    """True where a person can move a control: JupyterLab and Notebook 7 (their server names the session), VS
    Code (it tells the kernel the file), Colab. False under papermill, nbval and nbconvert."""
    if "JPY_SESSION_NAME" in os.environ or "google.colab" in sys.modules:
        return True
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    return shell is not None and "__vsc_ipynb_file__" in shell.user_ns
