"""Groups stay honest where they can, and what cannot be is said by name."""

from __future__ import annotations

import numpy as np
import pytest

from edgekit import bring, data, usecases
from edgekit.core.errors import EdgekitError
from tests.bring.folders import series, understood


def test_one_class_of_too_few_groups_is_named_and_the_others_stay_honest(tmp_path):
    for p in range(4):
        for k, name in enumerate(("walk", "run")):
            series(tmp_path / f"person{p}" / f"{name}.csv", seed=10 * p + k)
    for i in range(3):
        series(tmp_path / "person0" / f"fall.{i}.csv", seed=90 + i)
    plan = understood(tmp_path, rate=50.0)
    assert plan.groups("walk") == plan.groups("run") == {f"person{p}" for p in range(4)}
    assert len(plan.groups("fall")) == 3
    (said,) = (s for s in plan.warnings if "OPTIMISTIC" in s)
    assert "'fall'" in said
    assert "--without fall" in said
    excluded = understood(tmp_path, rate=50.0, without="fall")
    assert excluded.classes == ("run", "walk")
    assert not any("OPTIMISTIC" in s for s in excluded.warnings)
    assert sum("--without" in why for why in excluded.excluded.values()) == 3


def test_a_class_to_leave_out_must_be_there(tmp_path):
    for name in ("on", "off"):
        series(tmp_path / f"{name}.csv", n=3_000)
    with pytest.raises(EdgekitError, match="--without onn: the classes are off, on"):
        understood(tmp_path, rate=50.0, without="onn")


def test_a_number_that_never_changes_within_a_recording_is_no_channel(tmp_path):
    for i in range(6):
        x = np.random.default_rng(i).normal(size=(300, 2)).round(3)
        path = tmp_path / ("on", "off")[i % 2] / f"{i}.txt"
        path.parent.mkdir(exist_ok=True)
        path.write_text("\n".join(f"{31 + i // 2},{a},{b}" for a, b in x))
    plan = understood(tmp_path, rate=50.0)
    assert plan.channels == ("ch2", "ch3")
    assert any("--group-from" in s for s in plan.warnings)
    options = bring.Options(rate=50.0, group_from="column:1")
    plan = bring.infer_plan(bring.read(tmp_path, wanted=bring.wanted(options)), options)
    assert {r.group for r in plan.used} == {"31", "32", "33"}


def test_columns_without_names_are_named_by_number(tmp_path):
    rows = [
        f"{i // 200},{('sit', 'walk')[i // 100 % 2]},{i * 20},{np.sin(i):.3f}" for i in range(800)
    ]
    (tmp_path / "log.txt").write_text("\n".join(rows))
    with pytest.raises(EdgekitError, match="column:2"):
        understood(tmp_path)
    options = bring.Options(label_from="column:2", group_from="column:1")
    plan = bring.infer_plan(bring.read(tmp_path, wanted=bring.wanted(options)), options)
    assert plan.classes == ("sit", "walk")
    assert len(plan.groups("sit")) == 4


@pytest.mark.parametrize("seconds", [0.1, 0.3])
def test_what_new_accepts_chapter_01_accepts(tmp_path, seconds):
    for i in range(8):
        for k, name in enumerate(("on", "off")):
            series(tmp_path / "raw" / name / f"{i}.csv", n=int(seconds * 500), seed=10 * i + k)
    plan = understood(tmp_path / "raw", rate=500.0)
    bring.write("brief", plan, tmp_path, bring.Options())
    case = usecases.load("brief", tmp_path)
    found = case.recordings("field", "full")
    kept = data.keep(found, data.inspect(found, case.RATE))
    assert len(kept) == 16
    assert len(case.windows([case.prepare(r) for r in kept], "full")) >= 16


def test_windows_with_nan_are_left_out_of_a_stack_and_counted(tmp_path):
    rng = np.random.default_rng(0)
    for i in range(6):
        X = rng.normal(size=(9, 64, 2)).astype(np.float32)
        X[::3, 5, 0] = np.nan
        path = tmp_path / ("on", "off")[i % 2] / f"{i}.npy"
        path.parent.mkdir(exist_ok=True)
        np.save(path, X)
    plan = understood(tmp_path, rate=50.0)
    assert all(np.isfinite(r.samples).all() for r in plan.used)
    assert {len(r.samples) for r in plan.used} == {6 * 64}
    assert any("3 of 9 windows" in n for r in plan.used for n in r.notes)


def test_one_class_is_called_one_class(tmp_path):
    for i in range(4):
        series(tmp_path / f"normal_{i}.csv", seed=i)
    with pytest.raises(EdgekitError, match="one class only: 'normal'"):
        understood(tmp_path, rate=50.0)


def test_a_window_of_days_is_asked_about(tmp_path):
    for name in ("on", "off"):
        series(tmp_path / f"{name}.csv", n=4_000)
    with pytest.raises(EdgekitError, match="--window"):
        understood(tmp_path, rate=1e-4)
    assert understood(tmp_path, rate=1e-4, window=640_000.0).window == 64


def test_true_lengths_are_told_of_recordings_that_are_too_short(tmp_path):
    for name in ("on", "off"):
        series(tmp_path / f"{name}.csv", n=60)
    with pytest.raises(EdgekitError, match="have 60 samples at 50 Hz"):
        understood(tmp_path, rate=50.0)
