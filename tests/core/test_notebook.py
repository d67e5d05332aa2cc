"""Controls appear where somebody can move them, and nowhere else."""

import sys
from types import SimpleNamespace

import pytest

from edgekit.core import notebook

ASKS = "from edgekit.core.notebook import interactive\nprint(interactive())"


def kernel(allow_stdin, **names):
    request = {"content": {} if allow_stdin is None else {"allow_stdin": allow_stdin}}
    return SimpleNamespace(kernel=SimpleNamespace(get_parent=lambda: request), user_ns=names)


@pytest.mark.parametrize(
    ("place", "shell", "environment", "expected"),
    [
        ("JupyterLab, Notebook 7", kernel(True), {"JPY_SESSION_NAME": "/a.ipynb"}, True),
        ("a slider moved there", kernel(None), {"JPY_SESSION_NAME": "/a.ipynb"}, True),
        ("VS Code", kernel(True, __vsc_ipynb_file__="/a.ipynb"), {"VSCODE_PID": "1"}, True),
        ("a console in VS Code", kernel(True), {"VSCODE_PID": "1"}, False),
        ("papermill, nbconvert, nbval", kernel(False), {}, False),
        ("those, from a notebook", kernel(False), {"JPY_SESSION_NAME": "/a.ipynb"}, False),
        ("those, from VS Code", kernel(False), {"VSCODE_PID": "1"}, False),
        ("a script", None, {}, False),
    ],
)
def test_controls_where_a_person_sits(place, shell, environment, expected, monkeypatch):
    monkeypatch.delenv("JPY_SESSION_NAME", raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(notebook, "shell", lambda: shell)
    assert notebook.interactive() is expected, place


def test_colab_has_controls(monkeypatch):
    monkeypatch.delenv("JPY_SESSION_NAME", raising=False)
    monkeypatch.setitem(sys.modules, "google.colab", SimpleNamespace())
    assert notebook.interactive()


def test_a_notebook_that_another_notebook_runs_has_none(monkeypatch):
    """What papermill, nbval and nbconvert run a kernel by, under a session's name."""
    nbformat = pytest.importorskip("nbformat")
    from nbclient import NotebookClient

    monkeypatch.setenv("JPY_SESSION_NAME", "/outer.ipynb")
    made = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(ASKS)])
    NotebookClient(made, timeout=60, kernel_name="python3").execute()
    assert made.cells[0].outputs[0].text == "False\n"
