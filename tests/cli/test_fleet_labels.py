"""`edgekit fleet label`: out to Label Studio, back in, and one clear line for what cannot be."""

import json

import numpy as np
import pytest

from edgekit import usecases
from edgekit.cli import fleet_labels
from edgekit.cli.types import Parser
from edgekit.cloud.database import open_database
from edgekit.core.errors import EdgekitError
from edgekit.core.workspace import Workspace
from edgekit.emulate.samples import sensor_samples
from edgekit.fleet.objects import Objects
from edgekit.labels import Queue, choose_windows


@pytest.fixture
def run(tmp_path):
    """A fleet's folder with nine windows of wrists in its queue."""
    case = usecases.load("activity", Workspace.find().folder)
    X = np.random.default_rng(0).normal(size=(9, 200, 6)).astype(np.float32)
    own = tmp_path / "loop"
    own.mkdir()
    (tmp_path / "world").mkdir()
    (tmp_path / "world" / "world.json").write_text('{"use_case": "activity"}')
    objects, engine = Objects(own / "objects"), open_database(own / "fleet.db")

    def put(row):
        data = sensor_samples(case.features, case.SENSITIVITY, X[row]).tobytes()
        return objects.put(data), len(data)

    with engine.begin() as connection:
        chosen = choose_windows(np.ones(9), np.ones(9), 4, np.random.default_rng(0))
        answers = np.zeros(9, int), np.ones(9), np.ones(9)
        Queue(connection, case.CLASSES).add("dev", 1, chosen, answers, put)
    engine.dispose()
    return tmp_path


def command(*words):
    parser = Parser(prog="edgekit fleet")
    fleet_labels.add(parser.add_subparsers(required=True))
    args = parser.parse_args(["label", *map(str, words)])
    return args.do(args)


def test_as_many_people_as_the_plan_says_are_asked(run, capsys):
    tasks = [{"data": {"edgekit_sample": 1}, "annotations": []}]
    choice = {"from_name": "class", "to_name": "window", "type": "choices"}
    label = usecases.load("activity", Workspace.find().folder).CLASSES[0]
    tasks[0]["annotations"] = [{"result": [{**choice, "value": {"choices": [label]}}]}]
    (run / "tasks.json").write_text(json.dumps(tasks))
    command(run, "--import", run / "tasks.json", "--annotator", "ann")
    assert "3 of 4 samples are open" in capsys.readouterr().out
    (run / "loop" / "plan.json").write_text('{"labellers": 2}')
    command(run)
    assert "4 of 4 samples are open" in capsys.readouterr().out


def test_out_and_back(run, tmp_path, capsys):
    file = tmp_path / "tasks.json"
    command(run, "--export", file)
    tasks = json.loads(file.read_text())
    assert len(tasks) == 4
    assert len(tasks[0]["data"]["signal"]["c5"]) == 200
    assert "<TimeSeries" in file.with_suffix(".xml").read_text()
    for task in tasks:
        task["annotations"] = [{"completed_by": 1, "result": task["predictions"][0]["result"]}]
    file.write_text(json.dumps(tasks))
    capsys.readouterr()
    command(run, "--import", file, "--annotator", "ann")
    said = capsys.readouterr().out
    assert "4 labels taken" in said
    assert "0 of 4 samples are open" in said
    assert "accuracy in the field: 100% (34%–100%), from 2 random labels" in said
    command(run, "--export", file, "--annotator", "ann")
    assert json.loads(file.read_text()) == []


def test_what_cannot_be_is_one_line(run, tmp_path):
    bad = tmp_path / "bad.json"
    bad.write_text('[{"data": {"edgekit_sample": 77}, "annotations": [{"result": []}]}]')
    for words, line in (
        ((tmp_path / "nothing",), "holds no fleet"),
        ((run, "--import", tmp_path / "none.json"), "No such file"),
        ((run, "--use-case", "activty"), "Did you mean"),
        ((run, "--export", tmp_path / "no" / "such.json", "--annotator", "../x"), "annotator"),
    ):
        with pytest.raises(EdgekitError, match=line):
            command(*words)
    command(run, "--import", bad)  # nothing was said in it: nothing is taken
    next((run / "loop" / "objects").rglob("*/*")).write_bytes(b"other")
    with pytest.raises(EdgekitError, match="damaged"):
        command(run, "--export", tmp_path / "t.json")
