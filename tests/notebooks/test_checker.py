"""The checker of chapters bites."""

import copy
import dataclasses
import json

import pytest

from edgekit.core.workspace import Workspace
from edgekit.pipeline.artefacts import ARTEFACTS
from edgekit.pipeline.chapters import chapters
from tests.notebooks import checker
from tests.notebooks.checker import artefact_problems, problems

CHAPTERS = chapters(Workspace.find())
EXTRAS = {p.stem: p for p in (Workspace.find().notebooks / "extra").glob("*.ipynb")}


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
    elif what in ("$$", "**Sources.**", "view.plot_chapter(", "exercises/", "### By hand"):
        for cell in cells:
            instead = "str(" if what.endswith("(") else ""
            cell["source"] = [line.replace(what, instead) for line in cell["source"]]
    return notebook


@pytest.mark.parametrize(
    "what",
    [
        *("contract", "outputs", "gate", "class", "long", "profile", "tag"),
        *("$$", "**Sources.**", "view.plot_chapter(", "exercises/", "### By hand"),
    ],
)
def test_a_spoiled_chapter_is_noticed(what):
    notebook = json.loads(CHAPTERS["00_design"].read_text(encoding="utf-8"))
    assert problems(spoil(copy.deepcopy(notebook), what), "00_design")


@pytest.fixture
def notebooks():
    return {stem: json.loads(p.read_text(encoding="utf-8")) for stem, p in CHAPTERS.items()}


def test_what_is_written_is_read_and_both_are_said_in_one_place(notebooks):
    assert artefact_problems(notebooks) == []


def test_an_artefact_that_nobody_reads_is_noticed(notebooks, monkeypatch):
    lonely = dataclasses.replace(ARTEFACTS["golden.npz"], readers=())
    monkeypatch.setattr(checker, "ARTEFACTS", ARTEFACTS | {"golden.npz": lonely})
    found = artefact_problems(notebooks)
    assert any("nobody reads it" in problem for problem in found)
    assert any("05_export reads golden.npz" in problem for problem in found)


def test_an_artefact_that_no_cell_writes_or_reads_is_noticed(notebooks):
    for notebook in notebooks.values():
        for cell in notebook["cells"]:
            cell["source"] = [
                line.replace('save("model.json"', 'save("model.jsn"').replace(
                    '"golden.npz")', '"x")'
                )
                for line in cell["source"]
            ]
    found = artefact_problems(notebooks)
    assert "04_compress writes model.json, but no cell does" in found
    assert "05_export reads golden.npz, but no cell does" in found
