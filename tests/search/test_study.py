"""A search gives the same again, survives being killed, goes through Dask, and says no in a line."""

import json
import os
import signal
import subprocess
import sys
import time

import pandas as pd
import pytest

from edgekit.cli.commands import main
from edgekit.core.errors import EdgekitError
from edgekit.core.lock import locked
from edgekit.search import cluster, finalists, objective, study
from edgekit.search.config import SearchConfig
from edgekit.search.executor import Executor
from edgekit.search.trials import rows_of

TRIALS = 3


def columns(config) -> list:
    """What a search gave, without what a clock measured."""
    table = pd.read_csv(f"{config.directory}/artefacts/search.csv")
    return json.loads(table.drop(columns=["seconds"]).to_json(orient="records"))


def search(config, **how):
    return finalists.search(
        config, TRIALS, **{"workers": 1, "finals": False, "say": lambda _: None} | how
    )


@pytest.fixture(scope="module")
def expected(request):
    """What an uninterrupted search on one worker gives; filled by the first test that makes it."""
    return {}


def test_one_worker_a_kill_and_another_try_give_the_same(config, tmp_path, expected):
    command = [sys.executable, "-m", "edgekit", "search", "toy", "--run-dir", config.directory]
    command += ["--trials", str(TRIALS), "--workers", "1", "--no-finals"]
    process = subprocess.Popen(command, start_new_session=True, stdout=subprocess.DEVNULL)
    first, deadline = config.folder / "trials" / "0000.npy", time.monotonic() + 240
    while not first.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    time.sleep(0.4)  # in the middle of the next trial
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert first.exists(), "the search never began"
    killed = first.stat().st_mtime_ns

    found = search(config)
    assert sum(r.state != "pruned" for r in found.rows) == TRIALS
    assert first.stat().st_mtime_ns == killed, "a finished trial was trained again"
    interrupted = columns(config)

    for path in sorted(config.folder.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    search(config)
    assert columns(config) == interrupted


def test_a_kill_in_the_middle_of_a_draw_does_not_change_it(config, monkeypatch):
    monkeypatch.setattr(objective, "evaluate", lambda *_: 1 / 0)
    drawn = []
    for broken in (False, True):
        storage, opened = study._open(config, Executor())
        study.one(storage, 0, config)
        if broken:
            trial = study._load(storage, study._sampler(objective.seed_of(0, 1))).ask()
            for name in ("features", "network"):
                trial.suggest_categorical(name, opened.user_attrs["space"][name])
            study._resume(opened)
        study.one(storage, 1, config)
        drawn.append([r.candidate for r in rows_of(opened)])
        (config.folder / "study.db").unlink()
    assert drawn[0] == drawn[1]
    assert len(drawn[0]) == 2


def test_everything_is_written_with_its_provenance(config):
    found = finalists.search(config, 2, workers=1, finals=True, say=lambda _: None)
    artefacts = config.folder.parent / "artefacts"
    facts = json.loads((artefacts / "found.json").read_text())
    assert (artefacts / "found.tflite").read_bytes() == found.chosen.best.tflite
    for who in ("found", "hand_made"):
        assert facts[who]["figures"]["instructions"]["provenance"] == "emulated"
        assert facts[who]["figures"]["accuracy"]["provenance"] == "measured"
        assert facts[who]["test"]["provenance"] == "measured"
        assert facts[who]["seeds"] == finalists.SEEDS
        assert len(facts[who]["folds"]) == finalists.SEEDS  # all folds together, with each seed
    assert found.chosen.accuracy >= found.reference.accuracy
    table = pd.read_csv(artefacts / "search.csv")
    assert table.state.isin(["complete", "pruned", "failed"]).all()
    assert table.reason[table.state != "complete"].notna().all()
    # what it says it costs is what the file costs
    again = objective.device_figures(
        found.chosen.best.tflite, found.chosen.candidate["features"], objective.context(config)
    )
    assert again["instructions"] == found.chosen.best.figures["instructions"]


def test_a_candidate_that_cannot_be_made_is_a_row(config, monkeypatch):
    monkeypatch.setattr(objective, "evaluate", lambda *_: 1 / 0)
    with pytest.raises(EdgekitError, match=r"search\.csv says why: ZeroDivisionError"):
        search(config)
    table = pd.read_csv(f"{config.directory}/artefacts/search.csv")
    assert set(table.state) <= {"failed", "pruned"}
    assert (table.state == "failed").sum() == TRIALS


def test_a_trial_whose_worker_died_is_the_next_one(config, monkeypatch):
    monkeypatch.setattr(objective, "evaluate_trial", lambda *_: 1 / 0)
    storage, opened = study._open(config, Executor())
    lost = study._load(storage, study._sampler(0)).ask()
    lost.set_user_attr("index", 0)
    lost.set_user_attr("tries", 1)
    assert study.one(storage, 0, config) == lost.number  # the same task, by another worker
    (row,) = rows_of(opened)
    assert row.state == "failed"
    assert row.reason == "ZeroDivisionError: division by zero (tried 2 times)"


def test_failed_trials_are_tried_again_and_do_not_count_as_trained(config, monkeypatch):
    right, calls = objective.evaluate_trial, []

    def moody(candidate, config):
        calls.append(candidate)
        if len(calls) in (1, 3, 4):  # the first trial one time, the second both times
            raise OSError("disk full")
        return right(candidate, config)

    monkeypatch.setattr(objective, "evaluate_trial", moody)
    lines = []
    rows = study.explore(config, 2, Executor(), lines.append)
    assert [r.state for r in rows if r.state != "pruned"] == ["complete", "failed", "complete"]
    assert calls[0] == calls[1]
    assert "2 of 2 trained" in lines[-1]


def test_it_runs_on_a_dask_scheduler_over_tcp(config, capsys):
    from distributed import Client, LocalCluster

    with (
        LocalCluster(
            n_workers=2,
            threads_per_worker=1,
            dashboard_address="127.0.0.1:0",
            memory_limit=0,
            env=cluster.THREADS,
        ) as there,
        Client(there) as client,
    ):
        assert there.scheduler_address.startswith("tcp://")
        arguments = ["search", "toy", "--run-dir", config.directory, "--trials", "2", "--no-finals"]
        assert main([*arguments, "--scheduler", there.scheduler_address]) == 0
        assert "2 trained" in capsys.readouterr().out
        assert client.run_on_scheduler(lambda dask_scheduler: "optuna" in dask_scheduler.extensions)
        # the same study, finished, from one process
        rows = study.explore(config, 2, Executor(), say=lambda _: None)
    assert sum(r.state == "complete" for r in rows) == 2


def test_it_says_no_in_one_line(config, tmp_path, capsys, monkeypatch):
    empty = ["search", "toy", "--run-dir", str(tmp_path / "empty")]
    assert main(empty) == 2
    assert "edgekit run toy --through train" in capsys.readouterr().err
    assert main(["search", "toi"]) == 2
    assert "Did you mean 'toy'" in capsys.readouterr().err
    here = ["search", "toy", "--run-dir", config.directory, "--workers", "1", "--no-finals"]
    assert main([*here, "--trials", "0"]) == 2
    assert "--trials: '0' is not a whole number" in capsys.readouterr().err
    monkeypatch.setattr(cluster, "PATIENCE", "1s")
    assert main([*here, "--scheduler", "tcp://127.0.0.1:9"]) == 2
    assert "no Dask scheduler answers" in capsys.readouterr().err
    config.folder.mkdir(exist_ok=True)
    with locked(config.folder / ".lock", wait=False):
        assert main([*here, "--trials", "1"]) == 2
    assert "another search is at work" in capsys.readouterr().err
    with monkeypatch.context() as patch:
        patch.setitem(sys.modules, "optuna", None)
        assert main([*here, "--trials", "1"]) == 2
    assert '[search]"' in capsys.readouterr().err


def test_a_search_of_other_data_is_not_continued(config, monkeypatch):
    monkeypatch.setattr(objective, "evaluate", lambda *_: 1 / 0)
    with pytest.raises(EdgekitError):
        search(config)
    other = SearchConfig(**{**config.__dict__, "stamp": "other"})
    with pytest.raises(EdgekitError, match="delete it to start over"):
        search(other)
