"""Folders as data sets come: masks, boxes, digits and speakers, copies, silence: taken right, or said."""

from __future__ import annotations

import shutil

import numpy as np
import pytest
from PIL import Image

from edgekit import bring, data, usecases
from edgekit.bring import crossed_factors, path_labels
from edgekit.core.errors import EdgekitError
from tests.bring import folders
from tests.bring.folders import understood

rng = np.random.default_rng(0)


def picture(path, kind="scene"):
    path.parent.mkdir(parents=True, exist_ok=True)
    grey = rng.integers(0, 255, (40, 40))
    if kind == "mask":
        grey = 255 * (grey > 200)
    if kind == "blank":
        grey = np.full((40, 40), 120)
    Image.fromarray(grey.astype("u1")).save(path)


def noise(path, loud=0.1):
    folders.wav(path, loud * rng.normal(size=12_000), 8_000)


# ------------------------------------------------------------------------------- beside pictures


@pytest.mark.parametrize("layout", ["ground_truth", "masks folder", "beside"])
def test_masks_are_no_class(tmp_path, layout):
    for label in ("good", "broken"):
        for i in range(9):
            picture(tmp_path / "test" / label / f"{i:03}.png")
            if layout == "ground_truth":
                picture(tmp_path / "ground_truth" / label / f"{i:03}_mask.png", "mask")
            elif layout == "masks folder":
                picture(tmp_path / "masks" / label / f"{i:03}.png", "mask")
            else:
                picture(tmp_path / "test" / label / f"{i:03}_mask.png", "mask")
    found = bring.read(tmp_path)
    plan = bring.infer_plan(found, bring.Options())
    assert plan.classes == ("broken", "good")
    assert len(plan.used) == 18
    assert len(found.ignored) == 18
    assert any("18 pictures" in s and "masks" in s for s in plan.warnings)


def test_a_class_called_mask_is_one(tmp_path):
    for label in ("mask", "no_mask"):
        for i in range(9):
            picture(tmp_path / label / f"{i:03}.png")
    assert understood(tmp_path).classes == ("mask", "no_mask")


@pytest.mark.parametrize("place", ["{c}/{n}.txt", "labels/{c}/{n}.txt"])
def test_boxes_do_not_outvote_pictures(tmp_path, place):
    for c in ("cat", "dog"):
        for i in range(9):
            picture(tmp_path / "images" / c / f"{c}_{i}.png")
            text = tmp_path / ("images/" * (place[0] == "{") + place.format(c=c, n=f"{c}_{i}"))
            text.parent.mkdir(parents=True, exist_ok=True)
            text.write_text("0 0.5 0.51 0.25 1\n1 0.125 0.5 0.1 0.1\n" * (i + 1))
    (tmp_path / "more.txt").write_text("0 0.5 0.51 0.25 1\n")
    plan = understood(tmp_path)
    assert plan.kind == "image"
    assert plan.classes == ("cat", "dog")
    assert any("18 files hold boxes" in s for s in plan.warnings)


def test_recordings_keep_their_files_beside_plots_of_the_same_name(tmp_path):
    for label in ("on", "off"):
        for i in range(4):
            picture(tmp_path / label / f"r{i}.png")
            rows = [f"{k / 50:.2f} {a:.4f} {b:.4f} {c:.4f} {c:.4f}" for k, (a, b, c) in
                    enumerate(rng.normal(size=(300, 3)))]  # fmt: skip
            (tmp_path / label / f"r{i}.txt").write_text("\n".join(["t a b c d", *rows]))
    assert understood(tmp_path).kind == "motion"


# ------------------------------------------------------------------------------ words that cross


def spoken(root, form, speakers, takes=2):
    for d in range(10):
        for s in speakers:
            for k in range(takes):
                noise(root / form.format(d=d, s=s, k=k))
    return root


@pytest.mark.parametrize(
    ("form", "speakers", "group_from"),
    [
        ("{d}_{s}_{k}.wav", ("george", "jackson", "theo"), "name:2"),
        ("{s}/{d}_{s}_{k}.wav", ("01", "02", "12"), "folder:1"),
    ],
)
def test_spoken_digits_are_the_label_and_speakers_the_group(tmp_path, form, speakers, group_from):
    plan = understood(spoken(tmp_path, form, speakers))
    assert plan.classes == tuple("0123456789")
    assert plan.label_from == "name:1"
    assert plan.group_from == group_from
    assert plan.groups("7") == set(speakers)
    assert any("--label-from" in s and "--group-from name:1" in s for s in plan.warnings)
    other = understood(tmp_path, label_from=group_from, group_from="name:1")
    assert set(other.classes) == set(speakers)


def test_persons_in_names_are_groups_and_takes_are_not():
    takes = [
        f"{w}_{p}_{k}.wav"
        for w in ("walk", "run")
        for p in ("anna", "ben", "cleo")
        for k in range(3)
    ]
    labels = [t.split("_")[0] for t in takes]
    where, said = crossed_factors.group(takes, labels, "name:1")
    assert where == "name:2"
    assert "--group-from file" in said
    plain = [f"{w}/r{k}.wav" for w in ("walk", "run") for k in range(5)]
    assert crossed_factors.group(plain, [p.split("/")[0] for p in plain], "folder:1") == (None, "")
    hashed = [f"{w}/{h}_nohash_{k}.wav" for w in ("yes", "no") for h in ("0a7c2a8d", "1b7c2a8e", "2c7f2a8d")
              for k in range(2)]  # fmt: skip
    assert (
        crossed_factors.group(hashed, [p.split("/")[0] for p in hashed], "folder:1")[0] == "name:1"
    )


def test_a_number_before_the_label_is_said_and_stays_no_label():
    paths = [f"{p}_{w}_{k}.csv" for p in range(1, 5) for w in ("walk", "run") for k in range(3)]
    where, said = crossed_factors.label(paths, path_labels.find_label(paths))
    assert where == "name:2"
    assert "--group-from name:1" in said
    counted = [f"{k}_{w}.csv" for k in range(10) for w in ("walk", "run")]  # takes: nothing to say
    assert crossed_factors.label(counted, path_labels.find_label(counted)) == ("name:2", "")


# --------------------------------------------------------------------------- what 01 would refuse


def sounds(root, silent=0.0):
    for label in ("yes", "no", "silence"):
        for i in range(5):
            noise(root / label / f"{i}.wav", silent if label == "silence" else 0.1)
    return root


def test_new_refuses_what_chapter_01_refuses_and_says_so(tmp_path, home):
    plan = understood(sounds(tmp_path))
    assert plan.classes == ("no", "yes")
    assert any("'silence'" in s and "constant" in s for s in plan.warnings)
    bring.write("quiet", plan, home, bring.Options())
    case = usecases.load("quiet", home)
    report = data.inspect([*case.recordings("field", "full")], case.RATE)
    assert (report.verdict != "refused").all()
    assert understood(sounds(tmp_path / "faint", 1e-3)).classes == ("no", "silence", "yes")


def test_blank_pictures_and_a_class_that_vanishes(tmp_path):
    for i in range(9):
        picture(tmp_path / "on" / f"{i}.png")
        picture(tmp_path / "off" / f"{i}.png", "blank")
    with pytest.raises(EdgekitError, match=r"nothing of class 'off' can be learned.*blank"):
        understood(tmp_path)


def test_copies_are_one_group_wherever_they_stand(tmp_path):
    for label in ("yes", "no"):
        for i in range(4):
            noise(tmp_path / label / f"{i}.wav")
        for k in range(3):
            shutil.copy(tmp_path / label / "0.wav", tmp_path / label / f"again{k}.wav")
    plan = understood(tmp_path)
    assert {c: len(plan.groups(c)) for c in plan.classes} == {"no": 4, "yes": 4}
    assert any("6 recordings are copies" in s for s in plan.warnings)
    of = {r.path: r.group for r in plan.used}
    assert of["yes/again1.wav"] == of["yes/0.wav"]


def test_copies_in_two_persons_folders_are_one_group(tmp_path):
    for p in range(4):
        for label in ("yes", "no"):
            noise(tmp_path / f"person{p}" / f"{label}.1.wav")
    shutil.copy(tmp_path / "person0" / "yes.1.wav", tmp_path / "person1" / "yes.2.wav")
    shutil.copy(tmp_path / "person0" / "yes.1.wav", tmp_path / "person2" / "no.2.wav")
    plan = understood(tmp_path)
    of = {r.path: r.group for r in plan.used}
    assert any("ANOTHER LABEL" in s for s in plan.warnings)
    assert plan.label_from == "name:1"
    assert len({of["person0/yes.1.wav"], of["person1/yes.1.wav"]}) == 2
