"""While a chapter runs, the next one's Python loads its libraries; a reader cannot tell, and none is left."""

import json
import os

import pytest

from edgekit.core.errors import EdgekitError
from edgekit.pipeline import execute, kernels
from tests.toy import SECOND, notebook

ASKS = "\nimport sys\nprint('colorsys' in sys.modules, 'colorsys' in globals())"
LOOKS = (
    "import colorsys\nimport edgekit as ek\n"
    "run = ek.open_run('01_sum', use_case, profile, run_dir, seed, offline)"
)


@pytest.fixture
def started(monkeypatch):
    """Of every kernel that a run starts: its process, and the folder of its sockets."""
    made, right = [], kernels._Kernel.__init__

    def noting(self, *how):
        right(self, *how)
        made.append((self.manager.provisioner.process, self._sockets.name))

    monkeypatch.setattr(kernels._Kernel, "__init__", noting)
    return made


def asks(toy, body=SECOND):
    """Chapter 01 begins by saying what is loaded, where its parameters are, before it imports anything."""
    notebook(toy / "notebooks", "01_sum", body, ["numbers.npy"], ["sum.json"])
    path = toy / "notebooks" / "01_sum.ipynb"
    chapter = json.loads(path.read_text())
    chapter["cells"][0]["source"] = "".join(chapter["cells"][0]["source"]) + ASKS
    chapter["cells"][1]["source"] = LOOKS
    path.write_text(json.dumps(chapter))


def printed(directory):
    cells = json.loads((directory / "notebooks" / "01_sum.ipynb").read_text())["cells"]
    code = [c for c in cells if c["cell_type"] == "code"]
    return [o for c in code for o in c["outputs"]], [c["execution_count"] for c in code]


def gone(process, sockets):
    """A kernel's process has ended, and the folder of its sockets is no more."""
    return process.poll() is not None and not os.path.exists(sockets)


def test_the_second_chapter_finds_its_imports_loaded_and_nothing_else_changed(toy, started):
    asks(toy)
    directory, _ = execute.execute("toy", say=lambda _: None)
    outputs, counts = printed(directory)
    assert "".join(outputs[0]["text"]) == "True False\n"  # loaded, but no name of it is set
    assert counts == list(range(1, len(counts) + 1))
    assert len(started) == 2
    assert all(gone(*kernel) for kernel in started)


def test_a_chapter_that_fails_leaves_no_kernel_behind_nor_the_next_ones(toy, started):
    notebook(toy / "notebooks", "00_design", "1 / 0", [], ["numbers.npy"])
    with pytest.raises(EdgekitError, match="ZeroDivisionError"):
        execute.execute("toy", say=lambda _: None)
    assert len(started) == 2
    assert all(gone(*kernel) for kernel in started)


def test_what_cannot_be_loaded_ahead_the_chapter_says(toy, capfd):
    asks(toy)
    path = toy / "notebooks" / "01_sum.ipynb"
    path.write_text(path.read_text().replace("import colorsys", "import no_such_library"))
    with pytest.raises(EdgekitError, match=r"01_sum failed in cell \d+: .*no_such_library"):
        execute.execute("toy", say=lambda _: None)
    assert "Traceback" not in "".join(capfd.readouterr())


def test_of_a_chapter_only_the_imports_are_run(tmp_path):
    def loads(source):
        cells = [("parameters", "seed = 0"), ("", source), ("", "import antigravity")]
        notebook = {
            "cells": [
                {"cell_type": "code", "metadata": {"tags": [tag]}, "source": text}
                for tag, text in cells
            ]
        }
        (tmp_path / "00_a.ipynb").write_text(json.dumps(notebook))
        return kernels.imports(tmp_path / "00_a.ipynb")

    first = "from __future__ import annotations\nfrom a import b as c\nimport d\n"
    found = loads(first + "keras = learn.load_tensorflow()\nd.start(1 / 0)\nimport e")
    assert [line.strip() for line in found.splitlines()[2:]] == [
        "from a import b as c", "import d", "import edgekit.learn.legacy",
    ]  # fmt: skip
    assert loads("x = 1") == ""
    assert loads("%matplotlib inline") == ""


def test_what_a_chapter_sets_before_an_import_is_set_when_that_is_loaded(
    toy, tmp_path, monkeypatch
):
    (tmp_path / "asking.py").write_text("import os\nsaw = os.environ.get('MODE', 'unset')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    asks(toy)
    path = toy / "notebooks" / "01_sum.ipynb"
    looks = json.loads(path.read_text())
    setting = "import os\nos.environ['MODE'] = 'set'\nimport asking\nprint(asking.saw)\n"
    looks["cells"][1]["source"] = setting + LOOKS
    path.write_text(json.dumps(looks))
    directory, _ = execute.execute("toy", say=lambda _: None)
    said = ["".join(o["text"]) for o in printed(directory)[0] if "text" in o]
    assert said[1].startswith("set\n")


def test_a_waiting_kernel_that_died_is_replaced(toy, started, monkeypatch):
    right = execute._execute

    def killing(notebook, *how):
        right(notebook, *how)
        if notebook.stem == "00_design":
            started[1][0].kill()

    monkeypatch.setattr(execute, "_execute", killing)
    _, outcomes = execute.execute("toy", say=lambda _: None)
    assert [o.action for o in outcomes] == ["ran", "ran"]
    assert len(started) == 3
    assert all(gone(*kernel) for kernel in started)


def test_a_chapter_cleans_up_after_itself(toy, tmp_path):
    left = tmp_path / "ended"
    ending = f"import atexit\natexit.register(open, {str(left)!r}, 'w')\n"
    asks(toy)
    path = toy / "notebooks" / "01_sum.ipynb"
    looks = json.loads(path.read_text())
    looks["cells"][1]["source"] = LOOKS + "\n" + ending
    path.write_text(json.dumps(looks))
    execute.execute("toy", say=lambda _: None)
    assert left.exists()
