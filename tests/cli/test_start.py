"""`edgekit start` makes a folder that one can work in, and takes nothing away from anybody."""

import json
import re

import numpy as np
import pytest

from edgekit.cli.commands import main
from edgekit.core import workspace
from edgekit.core.workspace import Workspace
from edgekit.pipeline.chapters import chapters
from edgekit.pipeline.run import open_run
from tests.toy import DESIGN, FIRST, notebook
from tests.usecases.complete import USECASE


def test_an_empty_folder_becomes_a_workspace(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["start", "pumps"]) == 0
    said = capsys.readouterr().out
    assert "jupyter lab notebooks/00_design.ipynb" in said
    assert "edgekit run" in said
    made = Workspace(tmp_path / "pumps")
    assert Workspace.find(tmp_path / "pumps" / "notebooks" / "extra") == made
    assert made.notebooks == tmp_path / "pumps" / "notebooks"
    assert list(chapters(made)) == list(chapters(Workspace(tmp_path)))


def test_links_in_the_notebooks_lead_somewhere(tmp_path):
    main(["start", str(tmp_path)])
    for path in (tmp_path / "notebooks").rglob("*.ipynb"):
        for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
            for link in re.findall(r"\]\(([^):]+)\)", "".join(cell["source"])):
                assert (path.parent / link.split("#")[0]).exists(), f"{path.name}: {link}"


def test_what_is_there_is_kept_and_said(tmp_path, capsys):
    mine = {"README.md": "mine", "notebooks/00_design.ipynb": "{}", "usecases/x/design.toml": "y"}
    for name, text in mine.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    (tmp_path / "elsewhere").write_text("not yours")
    (tmp_path / "notebooks" / "01_collect.ipynb").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "notebooks" / "02_adapt.ipynb").symlink_to(tmp_path / "nowhere")
    assert main(["start", str(tmp_path)]) == 0
    said = capsys.readouterr().out
    assert {name: (tmp_path / name).read_text() for name in mine} == mine
    assert (tmp_path / "elsewhere").read_text() == "not yours"
    assert not (tmp_path / "nowhere").exists()
    for name in ("README.md", "00_design", "01_collect", "02_adapt"):
        assert name in said.split("differ")[1].split("next")[0]


@pytest.mark.parametrize("where", ["file", "file/below", "notes"])
def test_where_no_folder_can_be_is_one_line(tmp_path, monkeypatch, capsys, where):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_text("text")
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "notebooks").write_text("a file")
    assert main(["start", where]) == 2
    error = capsys.readouterr().err
    assert error.startswith("edgekit: ")
    assert error.count("\n") == 1


def test_without_notebooks_of_its_own_a_folder_runs_those_of_the_kit(tmp_path, monkeypatch):
    share, here = tmp_path / "kit" / "_share" / "notebooks", tmp_path / "here"
    share.mkdir(parents=True)
    (here / "usecases" / "toy").mkdir(parents=True)
    (here / "usecases" / "toy" / "usecase.py").write_text(USECASE)
    (here / "usecases" / "toy" / "design.toml").write_text(DESIGN)
    notebook(share, "00_design", FIRST, [], ["numbers.npy"])
    monkeypatch.setattr(workspace, "PACKAGE", tmp_path / "kit")
    monkeypatch.delenv("EDGEKIT_RUNS", raising=False)
    monkeypatch.chdir(here)
    assert Workspace.find().notebooks == share
    run = open_run("design", "toy")
    run.save("numbers.npy", np.arange(3))
    assert (here / "runs" / "toy-quick" / "artefacts" / "numbers.npy").is_file()
    assert [p.name for p in share.iterdir()] == ["00_design.ipynb"]
