"""Frames, boxes, crops and splits along time, on a video and labels made here."""

import json
from pathlib import Path

import numpy as np
import pytest

from edgekit import data, usecases
from edgekit.core.errors import EdgekitError
from edgekit.data import crops, video
from edgekit.data.video import Box, BoxLabels
from edgekit.simulators import plants, scenes

LABELS = Path(usecases.__file__).parent / "people" / "labels.json"


def some_labels() -> BoxLabels:
    frames = {0: (Box(10, 20, 30, 60, "person", "confirmed"),), 10: ()}
    return BoxLabels((768, 576), 10.0, frames, {"source": "pedestrians"})


def test_a_label_file_says_what_its_boxes_are(tmp_path):
    path = tmp_path / "labels.json"
    labels = some_labels()
    head = {**labels.metadata, "size": labels.size, "rate": labels.rate}
    path.write_text(json.dumps({**head, "frames": labels.frames}), encoding="utf-8")
    again = video.load_boxes(path)
    assert again == some_labels()
    assert again.frames[10] == ()


def test_the_committed_labels_were_looked_at_and_lie_in_the_picture():
    labels = video.load_boxes(LABELS)
    assert sorted(labels.frames) == list(range(0, 795, 10))
    boxes = [b for found in labels.frames.values() for b in found]
    assert {b.provenance for b in boxes} == {"confirmed", "corrected"}
    assert {b.label for b in boxes} == {"person"}
    assert max(labels.counted(48).values()) == 8


def test_boxes_follow_the_pictures_size():
    small = some_labels().at((384, 288))
    assert small.frames[0][0][:4] == (5, 10, 15, 30)
    assert small.at((768, 576)) == some_labels()


@pytest.mark.parametrize(
    ("box", "complaint"),
    [
        ([700, 0, 100, 50, "person", "confirmed"], "lies outside"),
        ([0, 0, 0, 50, "person", "confirmed"], "lies outside"),
        ([0, 0, 10, "x", "person", "confirmed"], "no four numbers"),
        ([0, 0, 10, 10, "person", "confirmd"], "confirmed"),
        ([0, 0, 10], "a box is"),
    ],
)
def test_a_box_that_makes_no_sense_is_named_with_its_frame(tmp_path, box, complaint):
    path = tmp_path / "labels.json"
    text = f'{{"size": [768, 576], "rate": 10, "frames": {{"40": [{box}]}}}}'.replace("'", '"')
    path.write_text(text)
    with pytest.raises(EdgekitError, match=f"frame 40.*{complaint}"):
        video.load_boxes(path)


def test_frames_are_read_by_number_and_reduced(tmp_path):
    cv2 = pytest.importorskip("cv2")
    path = tmp_path / "film.avi"
    film = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"MJPG"), 10, (64, 48))
    for level in range(0, 200, 20):
        film.write(np.full((48, 64, 3), level, np.uint8))
    film.release()
    found = video.frames(path, (32, 24), pick=[2, 7])
    assert found.shape == (2, 24, 32)
    assert found.dtype == np.uint8
    assert np.abs(found.mean(axis=(1, 2)) - [40, 140]).max() < 4
    assert len(video.frames(path)) == 10
    with pytest.raises(EdgekitError, match="beyond frame"):
        video.frames(path, pick=[3, 30])
    with pytest.raises(EdgekitError, match="cannot be read"):
        video.frames(tmp_path / "missing.avi")


# --------------------------------------------------------------------------------------- crops


@pytest.fixture(scope="module")
def rendered():
    return scenes.target("quick", seed=3)


@pytest.fixture(scope="module")
def cut(rendered):
    return crops.crops(rendered, ("nobody", "person"), "nobody")


def test_crops_are_pieces_of_their_frame(rendered, cut):
    by_name = {r.name: r for r in rendered}
    for i in range(0, len(cut), 29):
        name, t = str(cut.origin[i]).split("@")
        frame, crop = by_name[name].samples[int(t)], cut.X[i, :, :, 0].astype(np.uint8)
        line = np.lib.stride_tricks.sliding_window_view(frame, 96, axis=1)
        group_times = np.argwhere((line == crop[0]).all(axis=2))
        assert any(np.array_equal(frame[y : y + 96, x : x + 96], crop) for y, x in group_times)


def test_half_of_the_crops_show_nobody(cut):
    assert abs((cut.y == 0).mean() - 0.5) < 0.1
    assert cut.X.dtype == np.float32
    assert cut.X.min() >= 0
    assert cut.X.max() <= 255


def test_a_crop_of_nothing_touches_no_box_and_one_of_a_person_holds_it():
    rng = np.random.default_rng(0)
    for _ in range(300):
        box = Box(*rng.uniform(0, 250, 2), *rng.uniform(20, 80, 2), "person")
        box = box._replace(width=min(box.width, 384 - box.x), height=min(box.height, 288 - box.y))
        place = crops.offset_around(box, 96, (384, 288), rng)
        assert crops.overlap_fraction(box, place, 96) >= crops.INSIDE - 0.02
        assert 0 <= place[0] <= 384 - 96
        assert 0 <= place[1] <= 288 - 96


def test_the_same_recordings_give_the_same_crops(rendered, cut):
    again = crops.crops(rendered, ("nobody", "person"), "nobody")
    assert np.array_equal(again.X, cut.X)
    assert np.array_equal(again.origin, cut.origin)


def test_a_label_nobody_announced_is_refused(rendered):
    with pytest.raises(EdgekitError, match="labelled 'person'"):
        crops.crops(rendered, ("nobody", "cat"), "nobody")


# ---------------------------------------------------------------------------------------- time


def test_parts_follow_time_and_leave_gaps(cut):
    split = data.split_by_time(cut, {"train": range(7), "val": range(8, 10), "test": range(11, 16)})
    place = data.time_splits.group_times(cut)
    assert place[split.train].max() < 7
    assert set(place[split.val]) == {8, 9}
    assert place[split.test].min() == 11
    assert split.groups["val"] == ("camera-08", "camera-09")
    data.assert_no_leak(cut, split)


def test_folds_test_all_time_once_and_never_train_next_to_it(cut):
    folds = data.folds_by_time(cut, 3)
    assert sorted(np.concatenate([f.test for f in folds])) == list(range(len(cut)))
    place = data.time_splits.group_times(cut)
    for fold in folds:
        away = np.abs(place[fold.train][:, None] - place[fold.test][None]).min()
        assert away >= 2


def test_shared_stretches_and_missing_numbers_are_refused(cut):
    with pytest.raises(EdgekitError, match="share a stretch"):
        data.split_by_time(cut, {"train": range(9), "val": range(8, 10), "test": range(11, 16)})
    with pytest.raises(EdgekitError, match="too few"):
        data.folds_by_time(cut, 9)


# -------------------------------------------------------------------------------------- scenes


def test_the_same_seed_renders_the_same_scene():
    first, again, other = (
        scenes.place("here", 1, np.random.default_rng(seed), "lab") for seed in (3, 3, 4)
    )
    assert np.array_equal(first.samples, again.samples)
    assert first.meta == again.meta
    assert not np.array_equal(first.samples, other.samples)


def test_a_rendered_person_differs_from_the_place_without_it(rendered):
    """Where a box is in one frame and not in another, pixels differ more than elsewhere."""
    inside, outside = [], []
    for r in rendered[:6]:
        change = np.abs(r.samples[0].astype(float) - r.samples[1])
        mask = np.zeros(change.shape, bool)
        for box in (*r.meta["boxes"][0], *r.meta["boxes"][1]):
            top, left = int(box.y), int(box.x)
            mask[top : int(box.y + box.height), left : int(box.x + box.width)] = True
        inside.append(change[mask].mean())
        outside.append(change[~mask].mean())
    assert np.mean(inside) > 2 * np.mean(outside)


def test_people_grow_towards_the_camera(rendered):
    boxes = [b for r in rendered for found in r.meta["boxes"] for b in found]
    whole = [b for b in boxes if b.y > 0 and b.y + b.height < 287]
    foot, height = np.array([(b.y + b.height, b.height) for b in whole]).T
    assert np.corrcoef(foot, height)[0, 1] > 0.9


def test_lab_and_field_of_the_plants_differ_in_light():
    lab, field = ([plants.bed("bed", 1, d, [0, i]) for i in range(5)] for d in ("lab", "field"))
    assert np.mean([r.samples.mean() for r in field]) > np.mean([r.samples.mean() for r in lab])
    assert {b.label for r in lab for f in r.meta["boxes"] for b in f} == {"crop", "weed"}
