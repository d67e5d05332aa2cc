"""`edgekit new` makes sense of folders, says what it did not, and what it writes keeps the contract."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgekit import bring, data, datasets, select, usecases
from edgekit.bring import path_labels
from edgekit.cli import commands
from edgekit.core.errors import EdgekitError
from edgekit.design import load as load_design
from tests.bring import folders
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


def test_it_goes_the_way_of_chapter_01(made):
    _, case = made
    worlds = {}
    for domain in ("field", "lab"):
        found = case.recordings(domain, "quick", offline=True)
        kept = data.keep(found, data.inspect(found, case.RATE))
        worlds[domain] = case.windows([case.prepare(r) for r in kept], "quick")
    lab, field = worlds["lab"], worlds["field"]
    assert lab.X.shape[1:] == field.X.shape[1:]
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


# ------------------------------------------------------------------------------------ decisions


def understood(folder, **options):
    return bring.infer_plan(bring.read(folder), bring.Options(**options), assume=True)


def series(path, n=600, hertz=2.0, channels=2, seed=0, header=True):
    x = folders.sines(seed, n, 50, hertz, channels)
    path.parent.mkdir(parents=True, exist_ok=True)
    head = [",".join(f"c{i}" for i in range(channels))] if header else []
    path.write_text("\n".join([*head, *(",".join(f"{v:.4f}" for v in r) for r in x)]))


LABELS = {
    "folders": (["on/1.csv", "on/2.csv", "off/1.csv", "off/2.csv"], {"on", "off"}, "folder:1"),
    "prefixes": (["on.1.csv", "on.2.csv", "off.1.csv", "off.2.csv"], {"on", "off"}, "name:1"),
    "numbered": (["idle1.csv", "idle2.csv", "busy1.csv", "busy2.csv"], {"idle", "busy"}, "name:1"),
    "below a person": (
        ["subj01/on_1.csv", "subj01/off_1.csv", "subj02/on_1.csv", "subj02/off_1.csv",
         "subj03/on_1.csv", "subj03/off_1.csv"], {"on", "off"}, "name:1",
    ),
    "above a person": (
        ["on/p1/a.csv", "on/p2/a.csv", "on/p3/a.csv", "off/p1/a.csv", "off/p2/a.csv", "off/p3/a.csv"],
        {"on", "off"}, "folder:1",
    ),
    "train and test": (
        ["train/on/1.csv", "train/off/1.csv", "test/on/2.csv", "test/off/2.csv"], {"on", "off"}, "folder:1",
    ),
    "one file a class": (["on.csv", "off.csv", "idle.csv"], {"on", "off", "idle"}, "name:1"),
}  # fmt: skip


@pytest.mark.parametrize(("files", "classes", "where"), LABELS.values(), ids=LABELS)
def test_labels_are_found_in_names(tmp_path, files, classes, where):
    for i, file in enumerate(files):
        series(tmp_path / file, seed=i)
    plan = understood(tmp_path)
    assert set(plan.classes) == classes
    assert plan.label_from == where
    if "person" in files or "p1" in files[0]:
        assert plan.group_from == "folder:2"


def test_a_table_of_labels_wins_over_names(tmp_path):
    for i in range(6):
        series(tmp_path / f"rec_{i}.csv", seed=i)
    rows = [f"rec_{i}.csv,{'ab'[i % 2]},m{i // 2}" for i in range(6)]
    (tmp_path / "labels.csv").write_text("\n".join(["file,label,group", *rows]))
    plan = understood(tmp_path)
    assert plan.classes == ("a", "b")
    assert {r.group for r in plan.used} == {"m0", "m1", "m2"}


def test_info_labels_of_edge_impulse_are_read(tmp_path):
    import json

    files = []
    for i in range(6):
        series(tmp_path / "training" / f"x{i}.csv", seed=i)
        label = {"type": "label", "label": "ab"[i % 2]}
        files.append({"path": f"training/x{i}.csv", "category": "training", "label": label})
    (tmp_path / "info.labels").write_text(json.dumps({"version": 1, "files": files}))
    assert understood(tmp_path).classes == ("a", "b")


def test_few_recordings_are_cut_into_blocks_and_that_is_said_loudly(
    tmp_path, monkeypatch, home, capsys
):
    for i, name in enumerate(("on", "off")):
        series(tmp_path / f"{name}.csv", n=3_000, seed=i)
    plan = understood(tmp_path, rate=50.0)
    assert plan.blocks == {"on": 6, "off": 6}
    assert any("OPTIMISTIC" in s for s in plan.warnings)
    made = bring.write("blocks", plan, home, bring.Options())
    case = usecases.load("blocks", home)
    found = case.recordings("field", "full")
    spans = {}
    for r in found:
        whole = bring.read(tmp_path).readings[("off", "on").index(r.label)].samples
        start = next(
            i for i in range(len(whole)) if np.array_equal(whole[i : i + 50], r.samples[:50])
        )
        spans.setdefault(r.label, []).append((start, start + len(r.samples)))
    for blocks in spans.values():
        blocks.sort()
        gaps = [b[0] - a[1] for a, b in pairwise(blocks)]
        assert min(gaps) >= case.WINDOW, "neighbouring blocks touch"
    report = data.inspect(found, case.RATE)
    assert report["reason"].str.contains("block . of 6").all()
    assert "OPTIMISTIC" in usecases.notes("blocks", home, "01")
    assert any("OPTIMISTIC" in f for f in datasets.card("blocks", home / "data")["flaws"])
    assert made


def test_short_files_are_grouped_with_their_neighbours_by_name(tmp_path, home):
    for label in ("yes", "no"):
        for i in range(40):
            folders.wav(
                tmp_path / label / f"{i:03}.wav", folders.sines(i, 8_000, 8_000, 300, 1) / 3, 8_000
            )
    plan = understood(tmp_path)
    assert plan.window == 8_000
    assert len(plan.groups("yes")) == 10
    first = {r.path for r in plan.used if r.group == "yes/000.wav"}
    assert first == {f"yes/{i:03}.wav" for i in range(4)}
    bring.write("words", plan, home, bring.Options())
    case = usecases.load("words", home)
    quick = case.windows(case.recordings("field", "quick"), "quick")
    _, count = np.unique(quick.group, return_counts=True)
    assert count.min() >= 2, "a group of a single window has no spread"


def test_two_persons_are_too_few_groups_and_that_is_said(tmp_path):
    for p in (1, 2):
        for k in range(4):
            for i, name in enumerate(("on", "off")):
                series(tmp_path / f"person{p}" / f"{name}.{k}.csv", seed=10 * p + k + i)
    plan = understood(tmp_path, rate=50.0)
    assert any("OPTIMISTIC" in s for s in plan.warnings)
    assert min(len(plan.groups(c)) for c in plan.classes) >= 3


def test_channels_of_most_files_are_taken_and_the_others_named(tmp_path):
    for i in range(4):
        for name in ("on", "off"):
            series(tmp_path / name / f"{i}.csv", channels=3, seed=i)
    series(tmp_path / "on" / "odd.csv", channels=2)
    plan = understood(tmp_path, rate=50.0)
    assert plan.channels == ("c0", "c1", "c2")
    assert plan.excluded == {"on/odd.csv": "has no channel 'c2', only c0, c1"}
    plan = understood(tmp_path, rate=50.0, channels="c1,c0")
    assert plan.channels == ("c1", "c0")
    assert len(plan.used) == 9


def test_columns_in_another_order_are_put_right_by_name(tmp_path):
    for i in range(3):
        for name in ("on", "off"):
            series(tmp_path / name / f"{i}.csv", seed=i)
    text = (tmp_path / "on" / "0.csv").read_text().splitlines()
    turned = [",".join(reversed(line.split(","))) for line in text]
    (tmp_path / "on" / "0.csv").write_text("\n".join(turned))
    plan = understood(tmp_path, rate=50.0)
    first = {r.path: r for r in plan.used}
    np.testing.assert_array_equal(first["on/0.csv"].samples, first["off/0.csv"].samples)


def test_a_rate_that_nobody_told_is_asked_for_or_assumed_aloud(tmp_path):
    for i in range(3):
        for name in ("on", "off"):
            series(tmp_path / name / f"{i}.csv", seed=i)
    found = bring.read(tmp_path)
    with pytest.raises(EdgekitError, match="--rate"):
        bring.infer_plan(found, bring.Options())
    assert any("ASSUMED" in s for s in understood(tmp_path).warnings)
    assert understood(tmp_path, rate=200.0).rate == 200


@settings(max_examples=10, deadline=None)
@given(
    st.integers(2, 20), st.integers(1, 5), st.sampled_from([1.0, 12.5, 50.0, 400.0, 6_400.0, 25_600.0]),
    st.integers(1, 9), st.integers(400, 3_000), st.integers(0, 10**6),
)  # fmt: skip
def test_any_number_of_classes_files_channels_and_rates_ends_in_windows(
    tmp_path_factory, classes, files, rate, channels, length, seed
):
    root = tmp_path_factory.mktemp("any")
    rng = np.random.default_rng(seed)
    for c in range(classes):
        for f in range(files):
            n = int(length * rng.uniform(1, 2))
            (root / f"class_{chr(97 + c)}").mkdir(exist_ok=True)
            np.save(root / f"class_{chr(97 + c)}" / f"{f}.npy", rng.normal(size=(n, channels)))
    plan = understood(root, rate=rate)
    home = root / "home"
    bring.write("any", plan, home, bring.Options())
    case = usecases.load("any", home)
    assert len(case.CLASSES) == classes
    found = case.recordings("field", "quick")
    cut = case.windows([case.prepare(r) for r in found], "quick")
    case.split(cut, seed=0)
    case.folds(cut, 3, 0)
    assert np.isfinite(case.features(cut.X[:2])).all()
    assert case.teacher_input(cut.X[:2]).shape == (2, *case.teacher_input.shape)


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
    import re

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
    import sys

    from edgekit.cli import new

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


def test_words_of_names():
    assert path_labels.words("s1/walk.02-a.csv") == {
        "folder:1": "s1", "name:1": "walk", "name:2": "02", "name:3": "a",
    }  # fmt: skip
    assert path_labels.word("s1/walk12.csv", "name", "label") == "walk"
    assert path_labels.word("s1/walk12.csv", r"re:(\d+)", "group") == "1"
