"""`edgekit new` makes sense of folders, says what it did not, and what it writes keeps the contract."""

from __future__ import annotations

import re
import sys

import numpy as np
import pytest

from edgekit import bring, data, datasets, select, usecases
from edgekit.cli import commands, new
from edgekit.core.errors import EdgekitError
from edgekit.design import load as load_design
from tests.bring import folders
from tests.bring.folders import series, understood
from tests.signal import compiled

FOLDERS = {
    "imu": (folders.imu, {"rest", "run", "walk"}, "rest", "folder:1", 50, 3),
    "machine": (folders.machine, {"leak", "normal"}, "normal", "file", 16_000, 1),
    "slow": (folders.slow, {"ok", "fouled", "off"}, "ok", "file", 1, 2),
    "impulse": (folders.impulse, {"idle", "wave", "snake"}, "idle", "file", 62.5, 3),
    "shapes": (folders.pictures, {"disc", "stripes"}, None, "file, short ones", 1, 1),
}


@pytest.fixture(scope="module", params=FOLDERS)
def made(request, home):
    """(name, module) of a use case that the command wrote."""
    make = FOLDERS[request.param][0]
    source = make(home / "raw" / request.param)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(home)
        assert commands.main(["new", request.param, "--from", str(source), "--yes"]) == 0
        yield request.param, usecases.load(request.param, home)


def test_it_understood_the_folder(made, home):
    name, case = made
    _, classes, normal, group_from, rate, channels = FOLDERS[name]
    assert set(case.CLASSES) == classes
    assert normal == case.NORMAL
    assert rate == case.RATE
    assert len(case.recordings("field", "full")[0].channels) == channels
    said = usecases.notes(name, home, "01")
    assert f"Groups: {group_from}" in said


def test_the_design_and_the_card_can_be_read(made, home):
    name, case = made
    design = load_design(home / "usecases" / name / "design.toml")
    assert design.use_case.name == name
    power = select.power_budget(
        design, design.board
    )  # a first guess that fails itself helps nobody
    assert power.average_mw.value <= design.budget.power_mw
    assert power.battery_years.value >= design.budget.battery_years
    card = datasets.card(name, home / "data")
    assert set(card["labels"]) == set(case.CLASSES)
    assert card["licence"] == "not stated"
    for chapter in ("00", "01", "02", "03", "04", "05"):
        assert usecases.notes(name, home, chapter)


def test_it_goes_the_way_of_chapter_01(made, home):
    name, case = made
    worlds = {}
    for domain in ("field", "lab"):
        found = case.recordings(domain, "quick", offline=True)
        kept = data.keep(found, data.inspect(found, case.RATE))
        worlds[domain] = case.windows([case.prepare(r) for r in kept], "quick")
    lab, field = worlds["lab"], worlds["field"]
    assert lab.X.shape[1:] == field.X.shape[1:]
    flows = load_design(home / "usecases" / name / "design.toml").flows
    assert flows.window_bytes == field.X[0].size * (1 if name == "shapes" else 2)  # what may leave
    assert set(lab.domain) == {"lab"}
    assert min(np.bincount(field.y)) >= 12, "too few windows of a class"
    assert not np.array_equal(lab.X[:3], field.X[:3])
    split = case.split(field, seed=0)
    data.assert_no_leak(field, split)
    for part in (split.train, split.val, split.test):
        assert set(field.y[part]) == set(range(len(case.CLASSES)))
    assert len(case.folds(field, 3, 0)) == 3
    X = field.X[:4]
    for preprocess in (case.features, case.teacher_input):
        heard = preprocess(X)
        assert heard.shape == (4, *preprocess.shape)
        assert np.isfinite(heard).all()
    assert len(case.FEATURE_AXIS[1]) == case.features.shape[1]
    got, _ = compiled.features(case.features, X, sensitivity=None)
    np.testing.assert_array_equal(
        compiled.bits(got), compiled.bits(case.features(X).reshape(4, -1))
    )
    table = case.descriptor(field.X)
    assert table.shape[1] <= 320
    assert np.isfinite(case.descriptor(np.full_like(X, np.nan))).all()  # chapter 02 plants them
    first, again = (case.augment(X, np.random.default_rng(1)) for _ in range(2))
    assert np.array_equal(first, again)
    assert first.shape == X.shape
    comparison = data.compare_grouped_vs_random(field, table)
    assert comparison["balanced_accuracy"].iloc[0] > 0.8, "easy classes, and a forest cannot tell"


def test_what_was_not_used_is_in_the_table_of_chapter_01(home, monkeypatch):
    monkeypatch.chdir(home)
    source = folders.machine(home / "raw" / "again")
    assert commands.main(["new", "again", "--from", str(source), "--yes"]) == 0
    case = usecases.load("again", home)
    report = data.inspect(case.recordings("field", "quick"), case.RATE)
    assert report.loc["leak/cut.wav", "verdict"] == "refused"
    assert "cut off or lies" in report.loc["leak/cut.wav", "reason"]


REFUSED = {
    "one class": (["on/1.csv", "on/2.csv"], {}, "nothing tells the classes apart|one class only"),
    "no such column": (
        ["on/1.csv", "off/1.csv"],
        {"label_from": "column:nope"},
        "nothing that can be read",
    ),
    "odd option": (["on/1.csv", "off/1.csv"], {"label_from": "colour"}, "write folder"),
    "bad expression": (["on/1.csv", "off/1.csv"], {"label_from": "re:("}, "no regular expression"),
    "long window": (["on/1.csv", "off/1.csv"], {"rate": 50.0, "window": 500.0}, "--window"),
    "odd rate": (["on/1.csv", "off/1.csv"], {"rate": -5.0}, "--rate"),
    "unknown normal": (["on/1.csv", "off/1.csv"], {"rate": 5.0, "normal": "x"}, "--normal"),
    "unknown channel": (["on/1.csv", "off/1.csv"], {"rate": 5.0, "channels": "q"}, "no file has"),
}


@pytest.mark.parametrize(("files", "options", "words"), REFUSED.values(), ids=REFUSED)
def test_what_makes_no_sense_is_one_line(tmp_path, files, options, words, capsys):
    for i, file in enumerate(files):
        series(tmp_path / "raw" / file, seed=i)
    given = [f"--{k.replace('_', '-')}={v}" for k, v in options.items()]
    code = commands.main(
        ["new", "x", "--from", str(tmp_path / "raw"), "--yes", "--dry-run", *given]
    )
    said = capsys.readouterr().err
    assert code == 2
    assert len(said.splitlines()) == 1
    assert re.search(words, said), said


def test_names_that_cannot_be_or_are_taken(tmp_path, home):
    for i, name in enumerate(("on", "off")):
        series(tmp_path / f"{name}.csv", n=3_000, seed=i)
    plan = understood(tmp_path, rate=50.0)
    with pytest.raises(EdgekitError, match="cannot be the name"):
        bring.write("Pump 3", plan, home, bring.Options())
    bring.write("taken", plan, home, bring.Options())
    with pytest.raises(EdgekitError, match="is there already"):
        bring.write("taken", plan, home, bring.Options())


def test_a_second_world_becomes_the_lab(tmp_path, home, monkeypatch, capsys):
    monkeypatch.chdir(home)
    for world, hertz in (("site", 2.0), ("bench", 2.5)):
        for i in range(4):
            for k, name in enumerate(("on", "off")):
                series(tmp_path / world / name / f"{i}.csv", seed=10 * i + k, hertz=hertz + 3 * k)
    (tmp_path / "bench" / "on" / "photo.heic").write_bytes(b"?")
    code = commands.main(
        ["new", "two", "--from", str(tmp_path / "site"), "--lab", str(tmp_path / "bench"), "--rate", "50",
         "--yes", "--licence", "CC0-1.0"]
    )  # fmt: skip
    assert code == 0
    case = usecases.load("two", home)
    assert "on/photo.heic is of a kind" in capsys.readouterr().out
    assert "lab/on/photo.heic" in case.recordings("field", "full").unreadable
    lab, field = (case.recordings(d, "full") for d in ("lab", "field"))
    assert len(lab) == len(field) == 8
    assert {r.licence for r in lab} == {"CC0-1.0"}
    assert not any("stand_in" in r.meta for r in lab)
    assert datasets.card("two", home / "data")["licence"] == "CC0-1.0"


def test_at_a_terminal_it_asks_what_it_cannot_know(tmp_path, home, monkeypatch, capsys):
    for i in range(3):
        for name in ("on", "off"):
            series(tmp_path / name / f"{i}.csv", seed=i)
    monkeypatch.chdir(home)
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    answers = iter(
        ["50 Hz", "window 2,5", "nonsense", "rate fast", "normal off", "yes", "CC-BY-4.0"]
    )
    asked = []
    monkeypatch.setattr("builtins.input", lambda text: asked.append(text) or next(answers))
    new.create("asked", str(tmp_path), bring.Options())
    case = usecases.load("asked", home)
    assert (case.RATE, case.WINDOW, case.NORMAL) == (50, 125, "off")
    assert datasets.card("asked", home / "data")["licence"] == "CC-BY-4.0"
    assert "samples a second" in asked[0]
    said = capsys.readouterr().out
    assert "not understood: 'nonsense'" in said
    assert "'fast' is no number" in said


def test_a_channel_that_no_sensor_has_is_named(tmp_path, home):
    for i in range(3):
        for k, name in enumerate(("on", "off")):
            x = folders.sines(10 * i + k, 600, 50, 2.0)
            x[:, 1] = 1.7e12 + np.arange(600)
            (tmp_path / name).mkdir(exist_ok=True)
            np.savez(
                tmp_path / name / f"{i}.npz", X=x, channels=["x", "epoc\n(ms)", "z"], rate=50.0
            )
    with pytest.raises(EdgekitError, match=r"channel 'epoc.*time stamp or a counter.*--channels"):
        bring.write("clock", understood(tmp_path), home, bring.Options())
    assert not (home / "usecases" / "clock").exists()
    bring.write("clock", understood(tmp_path, channels="x,z"), home, bring.Options())
