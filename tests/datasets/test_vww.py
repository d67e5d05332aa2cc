"""Visual Wake Words from COCO's file format, on a handful of pictures made here."""

import json

import numpy as np
import pytest

from edgekit.core.errors import EdgekitError
from edgekit.datasets import vww

cv2 = pytest.importorskip("cv2")


@pytest.fixture
def coco(tmp_path):
    """Six pictures of 80 x 60: two with a person, two without, one with a tiny one, one missing."""
    rng = np.random.default_rng(0)
    boxes = {0: [10, 5, 20, 40], 1: [0, 0, 60, 50], 4: [3, 3, 2, 2], 5: [0, 0, 40, 40]}
    for i in range(5):
        picture = rng.integers(0, 255, (60, 80), dtype=np.uint8)
        cv2.imwrite(str(tmp_path / f"{i}.png"), picture)
    facts = {
        "licenses": [{"id": 1, "name": "Attribution License"}],
        "images": [
            {"id": i, "file_name": f"{i}.png", "width": 80, "height": 60, "license": 1}
            for i in range(6)
        ],
        "categories": [{"id": 1, "name": "person"}, {"id": 18, "name": "dog"}],
        "annotations": [{"image_id": i, "category_id": 1, "bbox": box} for i, box in boxes.items()]
        + [{"image_id": 2, "category_id": 18, "bbox": [0, 0, 70, 50]}],
    }
    path = tmp_path / "instances.json"
    path.write_text(json.dumps(facts))
    return tmp_path, path


def test_a_person_counts_from_half_a_percent_of_the_picture(coco):
    found = vww.labels(coco[1])
    assert found == {
        "0.png": "person", "1.png": "person", "2.png": "nobody", "3.png": "nobody",
        "5.png": "person",
    }  # fmt: skip


def test_pictures_come_balanced_grey_and_square(coco, capsys):
    windows = vww.load(*coco, size=32)
    assert windows.X.shape == (4, 32, 32, 1)
    assert sorted(windows.y) == [0, 0, 1, 1]
    assert set(windows.group) == {"0.png", "1.png", "2.png", "3.png"}
    shown = capsys.readouterr().out
    assert "CC BY 4.0" in shown
    assert "6 pictures: Attribution License" in shown
    expected = cv2.imread(str(coco[0] / "3.png"), cv2.IMREAD_GRAYSCALE)[:, 10:70].mean()
    assert abs(windows.X[list(windows.group).index("3.png")].mean() - expected) < 1


def test_recordings_of_one_picture_each_keep_their_label(coco):
    windows = vww.load(*coco, size=32, most=2)
    recordings = vww.recordings(windows)
    assert [r.label for r in recordings] == ["nobody", "person"]
    assert all(r.samples.shape == (1, 32, 32) for r in recordings)


def test_what_is_wrong_is_said_in_one_line(coco, tmp_path):
    bad = tmp_path / "bad.json"
    bad.write_text("{}")
    with pytest.raises(EdgekitError, match="no COCO annotation file"):
        vww.labels(bad)
    with pytest.raises(EdgekitError, match="holds none of"):
        vww.load(tmp_path / "elsewhere", coco[1])
    (coco[0] / "3.png").write_bytes(b"no picture")
    with pytest.raises(EdgekitError, match=r"3\.png is no readable picture"):
        vww.load(*coco)
