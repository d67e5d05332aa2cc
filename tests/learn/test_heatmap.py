"""Counting by peaks of a map: targets, peaks in Python and C, thresholds, scores."""

import ctypes
from types import SimpleNamespace

import numpy as np
import pytest

from edgekit.core.errors import EdgekitError
from edgekit.data.video import Box
from edgekit.emulate import build_host
from edgekit.learn import heatmap


def person(x, y, height=24.0) -> Box:
    """Somebody whose middle is at (x, y)."""
    return Box(x - 5, y - height / 2, 10, height, "person", "confirmed")


def test_a_target_is_one_where_somebody_is_and_its_peaks_are_the_people():
    people = [person(20, 30), person(60, 30), person(100, 70)]
    aim = heatmap.targets([people], (24, 32), 1 / 4, least=12)[0]
    assert {tuple(c) for c in np.argwhere(aim[..., 0] == 1)} == {(7, 5), (7, 15), (17, 25)}
    assert len(heatmap.peaks(aim[..., 0], 0.5)) == 3
    assert (aim[..., 1] == 1).all()


def test_whoever_is_too_far_is_neither_asked_for_nor_wrong():
    aim = heatmap.targets([[person(40, 40, height=10)]], (24, 32), 1 / 4, least=12)[0]
    assert not aim[..., 0].any()
    assert aim[10, 10, 1] == 0
    assert aim[0, 0, 1] == 1
    lonely = np.zeros((1, 24, 32))
    lonely[0, 10, 9] = 1
    scored = heatmap.score(lonely, [[person(40, 40, height=10)]], 0.5, 1 / 4, least=12)
    assert scored["predicted"] == scored["true"] == [0]


def test_quarters_unfold_to_places_and_fold_back():
    maps = np.arange(2 * 3 * 4 * 4).reshape(2, 3, 4, 4)
    places = heatmap.unfold(maps)
    assert places.shape == (2, 6, 8)
    assert places[0, :2, :2].tolist() == [[0, 1], [2, 3]]
    assert places[0, 0, 2] == maps[0, 0, 1, 0]
    assert np.array_equal(heatmap.fold(places), maps)


def slow_peaks(heat, threshold):
    """The rule, cell by cell."""
    found = []
    for (y, x), value in np.ndenumerate(heat):
        around = [
            (heat[v, u], (v, u) < (y, x))
            for v in range(max(0, y - 1), min(heat.shape[0], y + 2))
            for u in range(max(0, x - 1), min(heat.shape[1], x + 2))
            if (v, u) != (y, x)
        ]
        if value >= threshold and all(value > o if first else value >= o for o, first in around):
            found.append((y, x))
    return np.array(found, int).reshape(-1, 2)


@pytest.mark.parametrize("seed", range(20))
def test_peaks_follow_the_rule_with_ties_and_edges(seed):
    rng = np.random.default_rng(seed)
    heat = rng.integers(-128, -128 + rng.integers(2, 250), (7, 9)).astype(np.int8)
    threshold = int(rng.integers(-127, 100))
    np.testing.assert_array_equal(heatmap.peaks(heat, threshold), slow_peaks(heat, threshold))
    as_real = heatmap.peaks(heat.astype(float), float(threshold))
    np.testing.assert_array_equal(as_real, heatmap.peaks(heat, threshold))


def test_c_counts_the_same(tmp_path):
    rng = np.random.default_rng(1)
    maps = [rng.integers(-128, high, (200, 6, 8, 4)).astype(np.int8) for high in (-120, 0, 128)]
    for threshold in (-127, -5, 90):
        text = heatmap.c_counter("crowd", (6, 8), threshold)
        source = SimpleNamespace(name="crowd", files={"crowd_count.c": text})
        count = ctypes.CDLL(str(build_host(source, cache=tmp_path))).crowd_count
        for some in maps:
            wanted = heatmap.counts(heatmap.unfold(some), threshold)
            assert [count(np.ascontiguousarray(m).ctypes) for m in some] == wanted.tolist()


def test_a_threshold_that_c_cannot_hold_is_refused():
    with pytest.raises(EdgekitError, match="threshold"):
        heatmap.c_counter("crowd", (6, 8), -128)


def test_the_threshold_comes_from_known_counts():
    rng = np.random.default_rng(2)
    known = rng.integers(1, 6, 40)
    maps = 0.3 * rng.random((40, 18, 24))
    for heat, n in zip(maps, known, strict=True):
        for k in range(n):
            heat[3 * k + 1, 2 + 4 * k] = 0.6 + 0.3 * rng.random()
    threshold = heatmap.choose_threshold(maps, known)
    assert 0.3 < threshold <= 0.9
    assert np.array_equal(heatmap.counts(maps, threshold), known)


def test_a_score_tells_counts_from_places():
    heat = np.zeros((1, 24, 32))
    heat[0, 7, 5] = heat[0, 20, 28] = 1  # one where somebody is, one where nobody is
    scored = heatmap.score(heat, [[person(20, 30), person(60, 30)]], 0.5, 1 / 4, least=12)
    assert scored["mean_absolute_error"] == 0
    assert scored["precision"] == scored["recall"] == 0.5


def test_variation_moves_boxes_with_the_picture():
    """A bright block stays inside its box, whatever happens to the picture."""
    rng = np.random.default_rng(3)
    pictures = np.full((40, 72, 96), 40, np.uint8)
    boxes = []
    for picture in pictures:
        x, y = int(rng.integers(25, 60)), int(rng.integers(20, 45))
        picture[y : y + 14, x : x + 8] = 250
        boxes.append((Box(x, y, 8, 14, "person"),))
    X, moved = heatmap.vary(pictures, boxes, np.random.default_rng(4), light=0.05, grain=1)
    assert len({b[0].x for b in moved if b}) > 20
    for picture, found in zip(X[..., 0], moved, strict=True):
        if found:
            box = found[0]
            inside = picture[
                round(box.y + 2) : round(box.y + box.height - 2),
                round(box.x + 2) : round(box.x + box.width - 2),
            ]
            assert inside.min() > 150


def test_it_learns_to_count_blobs_and_says_so_when_nobody_is_there():
    pytest.importorskip("tf_keras")
    from edgekit import signal
    from edgekit.learn import legacy

    rng = np.random.default_rng(5)
    pictures = rng.integers(90, 110, (32, 48, 64)).astype(np.uint8)
    boxes = []
    for picture in pictures:
        found = []
        for x, y in ((8, 8), (40, 8), (8, 30), (40, 30)):
            if rng.random() < 0.5:
                picture[y : y + 14, x : x + 6] = 20
                found.append(Box(x, y, 6, 14, "person"))
        boxes.append(tuple(found))
    see = signal.Pixels(48, 64)
    model = heatmap.counter(see.shape, 4, 0)
    losses = heatmap.fit(model, pictures, boxes, see, seed=0, least=6, epochs=30, rate=0.01)
    assert losses[-1] < 0.2 * losses[0]
    maps = heatmap.unfold(legacy.logits(model, see(pictures[..., None])))
    assert maps.shape == (32, 12, 16)
    known = np.array([len(b) for b in boxes])
    threshold = heatmap.choose_threshold(maps, known)
    assert np.abs(heatmap.counts(maps, threshold) - known).mean() < 0.3
    with pytest.raises(EdgekitError, match="nobody"):
        heatmap.fit(model, pictures[:2], [(), ()], see, seed=0, least=6, epochs=1)
