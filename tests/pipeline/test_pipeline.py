"""A run skips what has not changed, survives being killed, and never takes half a file for a whole."""

import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from edgekit import usecases
from edgekit.cli.commands import main
from edgekit.core.errors import EdgekitError
from edgekit.core.lock import locked
from edgekit.core.workspace import Workspace
from edgekit.pipeline import execute
from edgekit.pipeline.chapters import chapters, full_name
from edgekit.pipeline.manifest import read_manifest
from edgekit.pipeline.run import open_run
from tests.toy import DESIGN, SECOND, notebook
from tests.usecases.complete import USECASE


def actions(outcomes):
    return [outcome.action for outcome in outcomes]


def test_unchanged_chapters_are_skipped_and_changed_ones_run(toy):
    directory, outcomes = execute.execute("toy", say=lambda _: None)
    assert actions(outcomes) == ["ran", "ran"]
    assert json.loads((directory / "artefacts" / "sum.json").read_text()) == {"sum": 10}
    began = time.monotonic()
    assert actions(execute.execute("toy", say=lambda _: None)[1]) == ["skipped", "skipped"]
    assert time.monotonic() - began < 2

    notebook(
        toy / "notebooks", "01_sum", SECOND + "\n# thought again", ["numbers.npy"], ["sum.json"]
    )
    assert actions(execute.execute("toy", say=lambda _: None)[1]) == ["skipped", "ran"]
    assert actions(execute.execute("toy", seed=1, say=lambda _: None)[1]) == ["ran", "ran"]
    (toy / "usecases" / "toy" / "usecase.py").write_text(f"{USECASE}\n# thought again\n")
    assert actions(execute.execute("toy", seed=1, say=lambda _: None)[1]) == ["ran", "ran"]


def test_a_damaged_artefact_is_made_again(toy):
    directory, _ = execute.execute("toy", say=lambda _: None)
    (directory / "artefacts" / "numbers.npy").write_bytes(b"half")
    assert actions(execute.execute("toy", say=lambda _: None)[1]) == ["ran", "skipped"]


def test_a_killed_run_resumes_where_it_was(toy):
    slow = "import time\nrun.path('sum.json').write_text('{')\ntime.sleep(60)"
    notebook(toy / "notebooks", "01_sum", slow, ["numbers.npy"], ["sum.json"])
    command = [sys.executable, "-m", "edgekit", "run", "toy"]
    process = subprocess.Popen(command, cwd=toy, start_new_session=True)
    half = toy / "runs" / "toy-quick" / "artefacts" / "sum.json"
    deadline = time.monotonic() + 60
    while not half.exists() and time.monotonic() < deadline:
        time.sleep(0.1)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert half.exists(), "the chapter never began"
    assert "01_sum" not in read_manifest(half.parents[1])["steps"]
    notebook(toy / "notebooks", "01_sum", SECOND, ["numbers.npy"], ["sum.json"])
    assert actions(execute.execute("toy", say=lambda _: None)[1]) == ["skipped", "ran"]
    assert json.loads(half.read_text()) == {"sum": 10}


def test_a_chapter_that_breaks_off_is_not_sealed_and_says_where(toy):
    notebook(toy / "notebooks", "01_sum", "1 / 0", ["numbers.npy"], ["sum.json"])
    with pytest.raises(EdgekitError, match=r"01_sum failed in cell \d+: ZeroDivisionError"):
        execute.execute("toy", say=lambda _: None)
    notebook(toy / "notebooks", "01_sum", "pass", ["numbers.npy"], ["sum.json"])
    with pytest.raises(EdgekitError, match=r"sum\.json not written"):
        execute.execute("toy", say=lambda _: None)


def test_a_missed_budget_is_reported_and_fails_only_under_strict(toy, capsys):
    text = DESIGN.replace("flash_bytes = 150", "flash_bytes = 50")
    (toy / "usecases" / "toy" / "design.toml").write_text(text)
    assert main(["run", "toy"]) == 0
    assert main(["run", "toy", "--strict"]) == 1
    assert "missed: flash" in capsys.readouterr().out
    page = (toy / "runs" / "toy-quick" / "report.html").read_text()
    assert "missed: flash" in page
    assert "✗" in page


def test_the_report_of_a_kept_budget_has_every_figure_with_its_source(toy):
    assert main(["run", "toy"]) == 0
    page = (toy / "runs" / "toy-quick" / "report.html").read_text()
    assert "lines judged, all kept" in page
    assert "counted" in page
    assert (toy / "runs" / "toy-quick" / "notebooks" / "01_sum.html").is_file()


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["run", "tou"], "Did you mean 'toy'"),
        (["run", "toy", "--profile", "fast"], "no profile 'fast'"),
        (["run", "toy", "--through", "exprot"], "no chapter 'exprot'"),
        (["run", "toy", "--from", "sum", "--through", "design"], "nothing to run"),
        (["run", "toy", "--from", "sum"], "run 00_design first"),
        (["run", "toy", "-p", "sed=1"], "Did you mean 'seed'"),
        (["run", "toy", "-p", "seed"], "write NAME=VALUE"),
        (["run", "toy", "-p", "seed=3"], "--seed says that"),
        (["run", "toy", "--seed", "-1"], "whole number from 0"),
        (["run", "toy", "--run-dir", "notebooks/00_design.ipynb"], "00_design.ipynb"),
        (["run", "toy", "--profile", "full", "--from", "sum"], "--profile full --through design"),
        (["report", "nowhere"], "no finished chapter"),
        (["data", "get", "mfpd"], "Did you mean 'mfpt'"),
    ],
)
def test_bad_input_is_one_line_that_says_what_to_do(toy, capsys, arguments, says):
    assert main(arguments) == 2
    error = capsys.readouterr().err.strip()
    assert error.splitlines()[-1].startswith("edgekit: ")
    assert says in error
    assert len(error.splitlines()) == 1


def test_a_broken_design_is_named_before_anything_runs(toy, capsys):
    text = DESIGN.replace("flash_bytes", "flash_byte")
    (toy / "usecases" / "toy" / "design.toml").write_text(text)
    assert main(["run", "toy"]) == 2
    assert "Did you mean 'flash_bytes'" in capsys.readouterr().err
    assert not (toy / "runs").exists()


def test_a_broken_use_case_is_one_line(toy, capsys):
    (toy / "usecases" / "toy" / "usecase.py").write_text("CLASSES = (")
    assert main(["run", "toy"]) == 2
    assert "SyntaxError" in capsys.readouterr().err


def test_a_name_that_a_use_case_lacks_is_one_line(toy):
    (toy / "usecases" / "toy" / "usecase.py").write_text("CLASSES = ('a', 'b')\n")
    with pytest.raises(
        EdgekitError, match=r"usecase\.py: does not define .* more: edgekit check toy"
    ):
        usecases.load("toy", toy)


def test_a_use_case_whose_name_cannot_be_c_is_told_before_anything_runs(toy, capsys):
    (toy / "usecases" / "toy").rename(toy / "usecases" / "my-toy")
    assert main(["run", "my-toy"]) == 2
    assert "lower-case letters" in capsys.readouterr().err
    assert not (toy / "runs").exists()


def test_a_use_case_may_define_a_dataclass(toy):
    text = "\nfrom dataclasses import dataclass\n\n@dataclass\nclass Sensor:\n    rate: 'float' = 1.0\n"
    (toy / "usecases" / "toy" / "usecase.py").write_text(USECASE + text)
    assert usecases.load("toy", toy).Sensor().rate == 1.0


def test_saving_is_all_or_nothing(toy):
    run = open_run("design", "toy")
    run.save("numbers.npy", np.arange(3))
    with pytest.raises(ZeroDivisionError), run.writing("numbers.npy") as path:
        path.write_bytes(b"half") and 1 / 0
    assert run.load("numbers.npy").tolist() == [0, 1, 2]
    assert [p.name for p in (run.directory / "artefacts").iterdir()] == ["numbers.npy"]


def test_an_artefact_that_was_changed_by_hand_is_refused(toy):
    directory, _ = execute.execute("toy", through="design", say=lambda _: None)
    np.save(directory / "artefacts" / "numbers.npy", np.arange(9))
    with pytest.raises(EdgekitError, match="not what 00_design sealed"):
        open_run("sum", "toy")


def test_chapters_of_two_seeds_do_not_mix(toy):
    execute.execute("toy", through="design", say=lambda _: None)
    with pytest.raises(EdgekitError, match=r"ran with seed 0, this is seed 1.*--seed 1"):
        execute.execute("toy", seed=1, first="sum", say=lambda _: None)


def test_a_run_directory_belongs_to_one_use_case_and_profile(toy):
    directory, _ = execute.execute("toy", through="design", say=lambda _: None)
    sealed = read_manifest(directory)
    with pytest.raises(EdgekitError, match="holds a run of toy, quick"):
        open_run("design", "toy", profile="full", run_dir=str(directory))
    with pytest.raises(EdgekitError, match="holds a run of toy, quick"):
        execute.execute("toy", profile="full", run_dir=directory, say=lambda _: None)
    assert read_manifest(directory) == sealed


def test_a_manifest_of_something_else_is_not_a_run(toy):
    (toy / "manifest.json").write_text('{"name": "a web page"}')
    with pytest.raises(EdgekitError, match="no manifest of a run"):
        execute.execute("toy", run_dir=toy, say=lambda _: None)


def test_what_cannot_begin_leaves_no_run_behind(toy):
    with pytest.raises(EdgekitError, match="run 00_design first"):
        execute.execute("toy", first="sum", say=lambda _: None)
    assert not (toy / "runs").exists()


def test_two_runs_in_one_directory_are_refused(toy):
    directory, _ = execute.execute("toy", say=lambda _: None)
    with locked(directory / ".lock"), pytest.raises(EdgekitError, match="another run is at work"):
        execute.execute("toy", say=lambda _: None)
    assert actions(execute.execute("toy", say=lambda _: None)[1]) == ["skipped", "skipped"]


def test_data_beside_the_use_case_is_an_input(toy):
    data = toy / "usecases" / "toy" / "recording.csv"
    data.write_text("1,2,3")
    execute.execute("toy", say=lambda _: None)
    data.write_text("1,2,4")
    assert actions(execute.execute("toy", say=lambda _: None)[1]) == ["ran", "ran"]


def test_same_seed_same_bytes(toy):
    hashes = []
    for name in ("one", "two"):
        directory, _ = execute.execute("toy", run_dir=toy / name, say=lambda _: None)
        steps = read_manifest(directory)["steps"].values()
        hashes.append([step["outputs"] for step in steps])
    assert hashes[0] == hashes[1]


def test_chapters_answer_to_number_name_and_both(toy):
    known = chapters(Workspace.find())
    assert {full_name(n, known) for n in ("sum", "01", "01_sum")} == {"01_sum"}
