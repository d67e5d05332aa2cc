"""Folders as apps and data sets lay them out: what tells persons, parts and sensors apart is no class."""

from __future__ import annotations

import numpy as np
import pytest

from edgekit import bring
from edgekit.bring import path_labels
from edgekit.core.errors import EdgekitError

PEOPLE = [
    "sub-{}",
    "Actor_0{}",
    "Volunteer_{}",
    "VP0{}",
    "athlete-{}",
    "ID00{}",
    "Teilnehmer {}",
    "horse{}",
]


@pytest.mark.parametrize("folder", [*PEOPLE, "Patient_{}"])
def test_folders_of_persons_are_groups(folder):
    letters = "ABC" if folder == "Patient_{}" else "123"
    paths = [f"{folder.format(i)}/{c}.csv" for i in letters for c in ("walk", "run")]
    assert path_labels.find_label(paths) == "name:1"
    assert path_labels.find_group(paths, "name:1") == "folder:1"


def test_a_number_that_counts_files_is_no_group():
    paths = [f"{c}/rec{i}.wav" for c in ("leak", "normal") for i in range(4)]
    assert path_labels.find_group(paths, "folder:1") is None


@pytest.mark.parametrize(
    ("paths", "label"),
    [
        ([f"seg_{s}/{c}/{i}.png" for s in ("train", "test") for c in "ab" for i in range(4)], "folder:2"),
        ([f"acc_{s}_{i}.csv" for s in ("train", "test") for i in range(4)], None),
        (["train.csv", "test.csv"], None),
        ([f"{s}/{p}_{s}.txt" for s in ("train", "test") for p in ("X", "y", "subject")], None),
        ([f"raw/{d}/data_{i}_{d}.txt" for d in ("phone", "watch") for i in range(1600, 1603)], None),
        ([f"2024-05-0{i}/{s}.csv" for i in (1, 2, 3) for s in ("Accelerometer", "Gyroscope")], None),
        ([f"{c}_{i}/log.csv" for c in ("walk", "run") for i in range(3)], "folder:1, without numbers"),
        ([f"{c}-2024-05-01_10-0{i}-00/log.csv" for c in ("walk", "run") for i in range(3)],
         "folder:1, without numbers"),
        ([f"level{n}/{i}.csv" for n in (1, 2, 3) for i in range(3)], "folder:1"),
        ([f"{c}/{i}.csv" for c in ("valve1", "valve2", "other") for i in range(3)], "folder:1"),
        ([f"{c}/{i}.csv" for c in ("cat", "dog", "person") for i in range(3)], "folder:1"),
    ],
)  # fmt: skip
def test_parts_and_sensors_are_no_classes(paths, label):
    assert path_labels.find_label(paths) == label


def test_each_numbered_folder_is_a_recording_of_its_class():
    paths = [f"{c}_{i}/log.csv" for c in ("walk", "run") for i in range(3)]
    where = path_labels.find_label(paths)
    assert {path_labels.word(p, where, "label") for p in paths} == {"walk", "run"}
    assert path_labels.find_group(paths, where) == "folder:1"


@pytest.mark.parametrize("sensors", [("Accelerometer", "Gyroscope"), ("BVP", "EDA", "TEMP")])
def test_files_of_several_sensors_are_not_recordings_of_one(tmp_path, sensors):
    rng = np.random.default_rng(0)
    for c in ("walk", "run"):
        for i in range(3):
            for s in sensors:
                path = tmp_path / c / f"take{i}" / f"{s}.csv"
                path.parent.mkdir(parents=True, exist_ok=True)
                rows = "\n".join(
                    f"{k * 0.02:.2f},{v:.4f}" for k, v in enumerate(rng.normal(size=600))
                )
                path.write_text(f"seconds,v\n{rows}\n")
    with pytest.raises(EdgekitError, match=f"different sensors.*{sensors[0]}"):
        bring.infer_plan(bring.read(tmp_path), bring.Options())
    for path in tmp_path.rglob("*.csv"):
        if path.stem != sensors[0]:
            path.unlink()
    assert bring.infer_plan(bring.read(tmp_path), bring.Options()).classes == ("run", "walk")
