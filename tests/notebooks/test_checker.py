"""The checker of chapters bites."""

import copy
import json

import pytest

from edgekit.core import workspace
from tests.notebooks.checker import problems

CHAPTERS = workspace.chapters()
EXTRAS = {p.stem: p for p in (workspace.root() / "notebooks" / "extra").glob("*.ipynb")}


@pytest.mark.parametrize("stem", [*CHAPTERS, *EXTRAS])
def test_every_notebook_keeps_the_rules(stem):
    path = {**CHAPTERS, **EXTRAS}[stem]
    assert problems(json.loads(path.read_text(encoding="utf-8")), stem) == []


def spoil(notebook, what):
    cells = notebook["cells"]
    code = [c for c in cells if c["cell_type"] == "code"]
    if what == "contract":
        notebook["metadata"]["edgekit"]["writes"].append("more.csv")
    elif what == "outputs":
        code[1]["outputs"].append({"output_type": "stream", "name": "stdout", "text": "1"})
    elif what == "gate":
        for cell in code:
            cell["source"] = [line.replace("run.gate(", "run.gat(") for line in cell["source"]]
    elif what == "class":
        code[1]["source"] = ["class Model: pass"]
    elif what == "long":
        code[1]["source"] = ["x = 1\n"] * 26
    elif what == "profile":
        code[0]["source"] = [line.replace('"quick"', '"full"') for line in code[0]["source"]]
    elif what == "tag":
        code[1]["metadata"]["tags"] = ["raport"]
    return notebook


@pytest.mark.parametrize("what", ["contract", "outputs", "gate", "class", "long", "profile", "tag"])
def test_a_spoiled_chapter_is_noticed(what):
    notebook = json.loads(CHAPTERS["00_design"].read_text(encoding="utf-8"))
    assert problems(spoil(copy.deepcopy(notebook), what), "00_design")
