"""A sweep runs every combination once, says what each gave, and refuses what no chapter knows."""

import time

import pandas as pd
import pytest

from edgekit.cli.commands import main
from edgekit.core.errors import EdgekitError
from edgekit.search import sweep


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("seed=0,1,2", [0, 1, 2]),
        ("seed=3..6", [3, 4, 5, 6]),
        ("rate=-1..1", [-1, 0, 1]),
        ("profile=quick,full", ["quick", "full"]),
        ("x=1", [1]),
        ("x=0.5,none,True", [0.5, "none", True]),
        ("x=(1, 2),(3, 4)", [(1, 2), (3, 4)]),
        ("x='a,b'", ["a,b"]),
    ],
)
def test_values_are_read_as_a_person_writes_them(text, values):
    assert list(sweep.grid([text]).values()) == [values]


@pytest.mark.parametrize(
    "texts", [[], ["seed"], ["seed="], ["1=2"], ["a=5..3"], ["a=1,1"], ["a=1", "a=2"]]
)
def test_what_cannot_be_read_is_refused(texts):
    with pytest.raises(EdgekitError):
        sweep.grid(texts)


def test_every_combination_runs_once_and_is_kept(toy, capsys):
    arguments = ["sweep", "toy", "-p", "seed=0..1", "-p", "profile=quick"]
    assert main(arguments) == 0
    shown = capsys.readouterr().out
    assert "2 of 2" in shown
    assert "flash_bytes" in shown
    assert "measured" in shown
    path = toy / "runs" / "sweeps" / "toy" / "seed_profile.csv"
    table = pd.read_csv(path)
    assert len(table) == 4  # two runs of two chapters with a figure each
    assert set(table.provenance) == {"measured"}
    assert set(table.unit) == {"bytes"}
    assert (toy / "runs" / "sweeps" / "toy" / "profile=quick,seed=1" / "manifest.json").is_file()
    began = time.monotonic()
    assert main(arguments) == 0
    assert time.monotonic() - began < 3, "it did not skip what was done"


def test_processes_do_the_same(toy):
    table, _ = sweep.run("toy", {"seed": [0, 1]}, through="00", workers=2, say=lambda _: None)
    assert list(table.seed) == [0, 1]
    assert set(table.state) == {"done"}


def test_an_unknown_parameter_is_refused_before_anything_runs(toy, capsys):
    assert main(["sweep", "toy", "-p", "sead=0,1"]) == 2
    assert "Did you mean 'seed'" in capsys.readouterr().err
    assert main(["sweep", "toy", "-p", "run_dir=a,b"]) == 2
    assert main(["sweep", "toy", "-p", "profile=quick,slow"]) == 2
    assert main(["sweep", "toy", "-p", "seed=-1"]) == 2
    assert not (toy / "runs").exists()


def test_a_combination_that_fails_is_a_row_and_the_others_go_on(toy, capsys):
    from tests.toy import SECOND, notebook

    body = "assert seed != 1, 'not this one'\n" + SECOND
    notebook(toy / "notebooks", "01_sum", body, ["numbers.npy"], ["sum.json"])
    assert main(["sweep", "toy", "-p", "seed=1,2"]) == 1
    assert "not this one" in capsys.readouterr().out
    table = pd.read_csv(toy / "runs" / "sweeps" / "toy" / "seed.csv")
    assert list(table.state) == ["failed", "done", "done"]


def test_names_of_directories_do_not_collide():
    assert sweep.folder({"a": "x/y"}) != sweep.folder({"a": "x:y"})
    assert sweep.folder({"b": 1, "a": 2}) == "a=2,b=1"
