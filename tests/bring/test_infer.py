"""What `edgekit new` decides about a folder: labels, groups, channels, rate; and what it says of it."""

from __future__ import annotations

import json
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgekit import bring, data, datasets, usecases
from edgekit.bring import path_labels
from edgekit.core.errors import EdgekitError
from tests.bring import folders
from tests.bring.folders import series, understood

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


def test_words_of_names():
    assert path_labels.words("s1/walk.02-a.csv") == {
        "folder:1": "s1", "name:1": "walk", "name:2": "02", "name:3": "a",
    }  # fmt: skip
    assert path_labels.word("s1/walk12.csv", "name", "label") == "walk"
    assert path_labels.word("s1/walk12.csv", r"re:(\d+)", "group") == "1"
