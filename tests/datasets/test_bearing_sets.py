"""Public bearing rigs: files as the sets lay them out, and hostile ones in one line."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from scipy.io import savemat

from edgekit.core.errors import EdgekitError
from edgekit.datasets import bearing_files, bearing_sets
from edgekit.datasets.bearing_physics import fault_frequencies
from edgekit.simulators import bearings
from tests.datasets.spectra import peak_over_median

CWRU = [  # file, label, fs, end, element, size, place, load, rpm: rows of the index
    ("97.mat", "Normal_0", 48_000, "", "", "", "", 0, 1797),
    ("98.mat", "Normal_1", 48_000, "", "", "", "", 1, 1772),
    ("99.mat", "Normal_2", 48_000, "", "", "", "", 2, 1750),
    ("105.mat", "IR007_0", 12_000, "DE", "inner_race", "0.007", "", 0, 1797),
    ("169.mat", "IR014_0", 12_000, "DE", "inner_race", "0.014", "", 0, 1797),
    ("209.mat", "IR021_0", 12_000, "DE", "inner_race", "0.021", "", 0, 1797),
    ("130.mat", "OR007@6_0", 12_000, "DE", "outer_race", "0.007", "6:00", 0, 1797),
    ("197.mat", "OR014@6_0", 12_000, "DE", "outer_race", "0.014", "6:00", 0, 1797),
    ("234.mat", "OR021@6_0", 12_000, "FE", "outer_race", "0.021", "6:00", 0, 1797),
    ("118.mat", "B007_0", 12_000, "DE", "rolling_element", "0.007", "", 0, 1797),
]
KEYS = (
    "file", "native_label", "fs", "fault_end", "sub_element",
    "fault_size_in", "or_position", "load_hp", "rpm",
)  # fmt: skip
BEARINGS = [
    {"bearing_id": b, "fault_type": f, "pitch_diameter_mm": "29.05"}
    for b, f in {
        **dict.fromkeys(("K001", "K002", "K003"), "normal"),
        **dict.fromkeys(("KA04", "KA15", "KA16"), "outer"),
        **dict.fromkeys(("KI04", "KI14", "KI16"), "inner"),
        "KB23": "inner+outer",
    }.items()
]


def signal(label: str, rate: float, geometry, shaft_hz: float, seed: int) -> np.ndarray:
    """Some of what the simulator hears on that rig, (time,), in g."""
    r = bearings.simulate(
        label, 0.6, bearings.SOURCE_RIG, seed=seed, shaft_hz=shaft_hz, geometry=geometry, rate=rate
    )
    return r.samples[:, 0].astype(float)


@pytest.fixture(autouse=True)
def index(monkeypatch):
    """The package's tables, without the package."""
    monkeypatch.setattr(bearing_files, "_tables", {})
    monkeypatch.setitem(
        bearing_files._tables,
        ("cwru", "files.csv"),
        [dict(zip(KEYS, map(str, row), strict=True)) for row in CWRU],
    )
    monkeypatch.setitem(bearing_files._tables, ("paderborn", "bearings.csv"), BEARINGS)


def cwru(folder):
    for i, (file, _, fs, end, element, *_, rpm) in enumerate(CWRU):
        geometry = bearing_files.SKF_6203 if end == "FE" else bearing_files.SKF_6205
        label = bearing_files.CWRU_FAULT[element]
        x = signal(label, fs, geometry, rpm / 60, i)[:, None]
        key = f"X{int(file[:-4]):03d}"
        mat = {f"{key}_{end or 'DE'}_time": x, f"{key}RPM": [[rpm]]}
        savemat(folder / file, mat | {"X999_DE_time": np.zeros((99, 1))})  # another file's array


def paderborn(folder):
    for i, row in enumerate(BEARINGS):
        for repetition in (1, 2):
            name = f"N15_M07_F10_{row['bearing_id']}_{repetition}"
            x = signal(row["fault_type"].split("+")[0], 64_000, bearing_files.SKF_6203, 25.0, i)
            names = np.array(["force", "vibration_1"], object)
            channels = np.zeros(2, [("Name", object), ("Data", object)])
            channels["Name"], channels["Data"] = names, [np.zeros(9), x]
            (folder / row["bearing_id"]).mkdir(exist_ok=True)
            savemat(folder / row["bearing_id"] / f"{name}.mat", {name: {"Y": channels}})


def hust(folder):
    for kind in "NIO":
        for size in "456":
            bore, outer, ball, balls = bearing_files.HUST_GEOMETRY[size]
            geometry = bearing_files.Bearing(balls, ball, (bore + outer) / 2)
            x = signal(bearing_files.LETTERS[kind], 51_200, geometry, 24.5, ord(kind) + int(size))
            savemat(folder / f"{kind}{size}02.mat", {"data": x[:, None], "fs": [[24.5]]})
    savemat(folder / "IB702.mat", {"data": np.zeros((99, 1)), "fs": [[24.5]]})


def ottawa(folder):
    for number in range(1, 7):
        kind = "I" if number <= 3 else "O"
        for stage, letter in enumerate(f"H{kind}{kind}"):
            x = signal(
                bearing_files.LETTERS[letter], 42_000, bearing_files.ER_6203, 29.0, number + stage
            )
            table = np.zeros((len(x), 5))
            table[:, 0], table[0, 2:4] = 9.80665 * x, (29.0 * 60, 400)
            savemat(folder / f"{letter}_{number}_{stage}.mat", {f"{letter}_{number}": table})


LAYOUTS = {"cwru": cwru, "paderborn": paderborn, "hust": hust, "ottawa": ottawa}
NORMAL = {  # which files are of healthy bearings
    "cwru": lambda n: n in ("97.mat", "98.mat", "99.mat"),
    "paderborn": lambda n: "_K00" in n,
    "hust": lambda n: n[0] == "N",
    "ottawa": lambda n: n[0] == "H",
}
every_set = pytest.mark.parametrize("name", LAYOUTS)


@pytest.fixture(scope="module")
def originals(tmp_path_factory):
    folders = {name: tmp_path_factory.mktemp(name) for name in LAYOUTS}
    for name, folder in folders.items():
        LAYOUTS[name](folder)
    return folders


@pytest.fixture
def files(name, originals, tmp_path):
    return Path(shutil.copytree(originals[name], tmp_path / "files"))


@every_set
def test_faults_show_where_the_geometry_in_the_recording_says(name, files):
    recordings = bearing_sets.load(f"{name}:{files}")
    assert {r.label for r in recordings} == {"normal", "inner", "outer"}
    assert {r.domain for r in recordings} == {"field"}
    for r in recordings:
        hz = fault_frequencies(bearing_files.Bearing(**r.meta["bearing"]), r.meta["shaft_hz"])
        if r.label != "normal":
            line = {"inner": "BPFI", "outer": "BPFO"}[r.label]
            assert peak_over_median(r, hz[line], tolerance=0.02) > 8, r.name
        assert 0.1 < r.samples.std() < 3, "the unit is g"


@every_set
def test_no_group_is_in_two_classes_unless_it_is_one_bearing_in_both(name, files):
    recordings = bearing_sets.load(f"{name}:{files}")
    for label in ("normal", "inner", "outer"):
        groups = {r.group for r in recordings if r.label == label}
        assert len(groups) >= 3, "folds by group need three"
    names = [r.name for r in recordings]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("name", ["ottawa"])
def test_a_bearing_that_was_healthy_first_stays_with_itself(name, files):
    recordings = bearing_sets.load(f"ottawa:{files}")
    of = {r.name: r.group for r in recordings}
    assert of["ottawa-H_3_0"] == of["ottawa-I_3_1"] == of["ottawa-I_3_2"]


@pytest.mark.parametrize("name", ["cwru"])
def test_the_one_healthy_bearing_is_torn_apart_and_it_is_said(name, files):
    recordings = bearing_sets.load(f"cwru:{files}")
    kinds = {r.label: r.meta["group_is"] for r in recordings}
    assert kinds == {"normal": "recording", "inner": "bearing", "outer": "bearing"}


@pytest.mark.parametrize("name", ["cwru"])
def test_other_faults_are_left_out_and_named(name, files, capsys):
    assert "ball" not in {r.label for r in bearing_sets.load(f"cwru:{files}")}
    assert "1 of 'ball'" in capsys.readouterr().out
    with_ball = bearing_sets.load(f"cwru:{files}", ("normal", "inner", "outer", "ball"))
    assert sum(r.label == "ball" for r in with_ball) == 1


@every_set
def test_a_missing_class_is_named(name, files):
    for path in files.rglob("*.mat"):
        if NORMAL[name](path.name):
            path.unlink()
    with pytest.raises(EdgekitError, match="'normal'"):
        bearing_sets.load(f"{name}:{files}")
    assert bearing_sets.load(f"{name}:{files}", ("inner", "outer"))


HARM = {
    "text": lambda p: p.write_text("not a mat"),
    "empty": lambda p: p.write_bytes(b""),
    "cut": lambda p: p.write_bytes(p.read_bytes()[:300]),
    "noise": lambda p: p.write_bytes(np.random.default_rng(0).bytes(5_000)),
    "other layout": lambda p: savemat(p, {"something": np.zeros(5)}),
    "text inside": lambda p: savemat(p, {"data": "hello", "fs": "x"}),
    "no signal": lambda p: savemat(p, {"data": np.zeros(3), "fs": 25.0}),
    "no shaft": lambda p: savemat(p, {"data": np.zeros(500), "fs": np.nan}),
}


@pytest.mark.parametrize("name", ["hust"])
@pytest.mark.parametrize("harm", HARM)
def test_hostile_files_are_refused_in_one_line(name, files, harm):
    victim = files / "I402.mat"
    HARM[harm](victim)
    with pytest.raises(EdgekitError, match="I402") as refusal:
        bearing_sets.load(f"hust:{files}")
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize("name", ["cwru", "paderborn", "ottawa"])
def test_another_layout_under_a_known_name_is_refused(name, files):
    victim = {"cwru": "97", "paderborn": "N15_M07_F10_KI04_1", "ottawa": "O_4_1"}[name]
    (victim,) = files.rglob(f"{victim}.mat")
    savemat(victim, {"something": np.zeros(5)})
    with pytest.raises(EdgekitError, match=victim.stem) as refusal:
        bearing_sets.load(f"{name}:{files}")
    assert "\n" not in str(refusal.value)


def test_what_cannot_be_found_is_said(tmp_path):
    with pytest.raises(EdgekitError, match="Did you mean 'cwru'"):
        bearing_sets.load("cwruu:/x")
    with pytest.raises(EdgekitError, match="no folder"):
        bearing_sets.load(f"cwru:{tmp_path / 'nowhere'}")
    with pytest.raises(EdgekitError, match="holds no recording"):
        bearing_sets.load(f"hust:{tmp_path}")


COMMON = {  # as people pass the files on
    "97": "normal_0", "98": "Normal_1 (2)", "99": "normal baseline", "105": "IR007_0",
    "169": "12k_DE_IR014_0_169", "209": "fault c", "130": "OR007@6_0",
    "197": "OR014@6_0_1797rpm", "234": "x", "118": "B007_0",
}  # fmt: skip


@pytest.mark.parametrize("name", ["cwru"])
def test_files_of_cwru_are_known_by_what_is_in_them(name, files):
    own = bearing_sets.load(f"cwru:{files}")
    for number, common in COMMON.items():
        (files / f"{number}.mat").rename(files / f"{common}.mat")
    savemat(files / "other.mat", {"x": np.zeros((99, 1))})
    again = bearing_sets.load(f"cwru:{files}")
    assert [(r.name, r.label, r.group, r.rate) for r in again] == [
        (r.name, r.label, r.group, r.rate) for r in own
    ]
    for one, two in zip(own, again, strict=True):
        np.testing.assert_array_equal(one.samples, two.samples)


@pytest.mark.parametrize("name", ["cwru"])
def test_a_file_that_is_there_twice_counts_once(name, files, capsys):
    count = len(bearing_sets.load(f"cwru:{files}"))
    shutil.copy(files / "105.mat", files / "IR007_0.mat")
    assert len(bearing_sets.load(f"cwru:{files}")) == count
    assert "1 that are there twice" in capsys.readouterr().out


@pytest.mark.parametrize("name", ["cwru"])
def test_the_field_of_bearing_is_a_parameter_and_its_marks_follow(name, files):
    from edgekit import usecases
    from edgekit.core.workspace import Workspace

    case = usecases.load("bearing", Workspace.find().folder)
    before = case.MARKS["field"]
    usecases.choose(case, "")
    assert case.MARKS["field"] == before
    usecases.choose(case, f"cwru:{files}")
    assert case.MARKS["field"] == bearing_files.fault_lines("cwru") != before
    assert {r.source for r in case.recordings("field", "quick")} == {"cwru"}
    for field in ("cwrv", "elsewhere:/x", 3):
        with pytest.raises(EdgekitError):
            usecases.choose(case, field)
    with pytest.raises(EdgekitError, match="one field only"):
        usecases.choose(usecases.load("activity", Workspace.find().folder), "cwru")
