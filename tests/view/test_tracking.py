"""What `edgekit run --track` logs is what MLflow's own client reads back, and it stays on this machine."""

import json
import os
import socket
import sys
from pathlib import Path

import pytest

from edgekit.cli.commands import main
from edgekit.core.errors import EdgekitError
from edgekit.pipeline.review import review
from edgekit.view import tracking
from tests.toy import FIRST, notebook

INTERVAL = FIRST + (
    "\nrun.figures['score'] = ek.measured(0.9, '', 'ten people', low=0.8, high=0.95)"
    "\nrun.figures['nothing'] = ek.measured(float('nan'), '', 'nobody')"
)


@pytest.fixture(scope="module")
def mlflow():
    try:
        tracking.require()
    except EdgekitError as missing:
        pytest.skip(str(missing))
    import mlflow

    return mlflow


@pytest.fixture
def tracked(mlflow, toy, capsys):
    """A run that was logged by the command line, its folder, and MLflow's client."""
    notebook(toy / "notebooks", "00_design", INTERVAL, [], ["numbers.npy"])
    assert main(["run", "toy", "--track"]) == 0
    directory = toy / "runs" / "toy-quick"
    assert "tracked: toy-quick in sqlite:///" in capsys.readouterr().out
    uri = f"sqlite:///{(directory / 'mlflow' / 'mlflow.db').as_posix()}"
    client = mlflow.MlflowClient(tracking_uri=uri)
    (experiment,) = (e for e in client.search_experiments() if e.name == "toy")
    (run,) = client.search_runs([experiment.experiment_id])
    return directory, client, run


def test_lines_of_the_budget_and_figures_come_back_with_their_intervals(tracked):
    directory, _, run = tracked
    found = review(directory)
    assert run.info.status == "FINISHED"
    assert run.info.run_name == "toy-quick"
    metrics, params, tags = run.data.metrics, run.data.params, run.data.tags
    assert metrics["flash_bytes"] == 100
    assert metrics["flash_bytes/kept"] == 1
    assert params["budget/flash_bytes"] == "150"
    assert params["profile"] == "quick"
    assert [metrics[f"00_design/score{end}"] for end in ("", "/low", "/high")] == [0.9, 0.8, 0.95]
    assert "00_design/nothing" not in metrics  # NaN is no figure
    assert tags["flash_bytes/from"] == "measured: counted"
    assert found.verdicts.summary() in tags["mlflow.note.content"]


def test_the_report_comes_back_byte_for_byte_from_a_folder_of_the_run(tracked, tmp_path):
    directory, client, run = tracked
    names = {f.path for f in client.list_artifacts(run.info.run_id)}
    assert {"report.html", "manifest.json", "design.toml"} <= names
    got = Path(client.download_artifacts(run.info.run_id, "report.html", str(tmp_path)))
    assert got.read_bytes() == (directory / "report.html").read_bytes()
    assert directory / "mlflow" in Path(run.info.artifact_uri.removeprefix("file://")).parents
    assert not (directory.parents[1] / "mlruns").exists()


def test_two_runs_of_one_folder_stand_beside_each_other_and_no_socket_is_opened(
    mlflow, toy, monkeypatch
):
    assert main(["run", "toy"]) == 0
    found = review(toy / "runs" / "toy-quick")

    def nobody(*_, **__):
        raise AssertionError("something asks the network")

    monkeypatch.setattr(socket.socket, "connect", nobody)
    monkeypatch.setattr(socket, "create_connection", nobody)
    for _ in range(2):
        tracking.track(toy / "runs" / "toy-quick", found, str(toy / "all of them"))
    uri = f"sqlite:///{(toy / 'all of them' / 'mlflow.db').as_posix()}"
    client = mlflow.MlflowClient(tracking_uri=uri)
    number = client.get_experiment_by_name("toy").experiment_id
    assert len(client.search_runs([number])) == 2
    assert os.environ["MLFLOW_DISABLE_TELEMETRY"] == "true"


def test_a_server_that_is_not_there_is_one_line_without_its_password(mlflow, toy, monkeypatch):
    assert main(["run", "toy"]) == 0
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    found, where = review(toy / "runs" / "toy-quick"), "http://ann:secret@127.0.0.1:9"
    with pytest.raises(EdgekitError, match=r"MLflow at http://127\.0\.0\.1:9 took nothing") as said:
        tracking.track(toy / "runs" / "toy-quick", found, where)
    assert "secret" not in str(said.value)
    assert len(str(said.value).splitlines()) == 1


def test_without_mlflow_it_says_so_before_any_chapter_runs(toy, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "mlflow", None)
    assert main(["run", "toy", "--track"]) == 2
    assert not (toy / "runs").exists()
    assert "[track]" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("address", "uri"),
    [
        ("", "sqlite:///{run}/mlflow/mlflow.db"),
        ("{run}/other", "sqlite:///{run}/other/mlflow.db"),
        ("file://{run}/third", "sqlite:///{run}/third/mlflow.db"),
        ("sqlite:///{run}/x/all.db", "sqlite:///{run}/x/all.db"),
        ("https://mlflow.example", "https://mlflow.example"),
    ],
)
def test_a_folder_is_one_with_a_database_and_an_address_stays(tmp_path, address, uri):
    assert tracking.store_uri(address.format(run=tmp_path), tmp_path) == uri.format(run=tmp_path)


def test_a_file_is_no_folder(tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(EdgekitError, match="name a folder"):
        tracking.store_uri(str(tmp_path / "notes.txt"), tmp_path)


def test_a_ledger_and_a_model_card_go_along(mlflow, tmp_path, monkeypatch, toy):
    """As a table, and as the page that chapter 06 writes."""
    from edgekit.pipeline import artefacts, records
    from edgekit.view import papers

    assert main(["run", "toy"]) == 0
    directory = toy / "runs" / "toy-quick"
    rows = ({"variant": "student int8", "accuracy": 0.9},)
    ledger = records.LedgerTable(rows, {}, {}, "student int8")
    artefacts.write(directory / "artefacts" / "ledger.json", ledger, "ledger.json")
    card = directory / "model-card.md"
    monkeypatch.setattr(papers, "ready", lambda _: True)
    monkeypatch.setattr(papers, "write_card", lambda *_: card.write_text("# A card") and card)
    tracking.track(directory, review(directory), str(tmp_path))
    client = mlflow.MlflowClient(tracking_uri=f"sqlite:///{tmp_path.as_posix()}/mlflow.db")
    (run,) = client.search_runs([client.get_experiment_by_name("toy").experiment_id])
    got = Path(client.download_artifacts(run.info.run_id, "", str(toy / "got")))
    assert "student int8,0.9" in (got / "ledger.csv").read_text()
    assert (got / "model-card.md").read_text() == "# A card"
    assert json.loads((got / "artefacts" / "ledger.json").read_text())["chosen"] == "student int8"


@pytest.mark.parametrize("name", ["02_mine (v2)/seed", "recall of ./..", "a/../b", "", "/x/"])
def test_names_from_outside_are_ones_that_mlflow_takes(mlflow, tmp_path, name):
    client = mlflow.MlflowClient(tracking_uri=f"sqlite:///{tmp_path.as_posix()}/m.db")
    run = client.create_run(client.create_experiment("x")).info.run_id
    client.log_param(run, tracking._name(name), "1")
    client.log_metric(run, tracking._name(name), 1.0)
    assert client.get_run(run).data.params == {tracking._name(name): "1"}


def test_a_seed_of_zero_and_a_switch_that_is_off_are_parameters(tracked):
    _, _, run = tracked
    assert run.data.params["00_design/seed"] == "0"
