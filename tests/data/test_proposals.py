"""Boxes proposed by background subtraction, on rendered people."""

import numpy as np
import pytest

from edgekit.data import proposals
from edgekit.data.video import Box
from edgekit.simulators import scenes

pytest.importorskip("cv2")


@pytest.fixture(scope="module")
def film():
    """One place, one camera, eight stretches of time, twice as large as a small camera sees it."""
    recordings = [
        scenes.place(
            f"camera-{i}",
            3,
            np.random.default_rng(i),
            "field",
            scenes.TARGET_CAMERA,
            np.random.default_rng(9),
        )
        for i in range(8)
    ]
    pictures = np.concatenate([r.samples for r in recordings]).repeat(2, axis=1).repeat(2, axis=2)
    double = [
        tuple(
            b._replace(x=2 * b.x, y=2 * b.y, width=2 * b.width, height=2 * b.height) for b in found
        )
        for r in recordings
        for found in r.meta["boxes"]
    ]
    return pictures, double


def test_the_background_is_the_place_without_its_people(film):
    pictures, _ = film
    empty = proposals.background(pictures)
    assert empty.shape == pictures.shape[1:]
    change = np.abs(pictures.astype(float) - empty)
    assert np.median(change) < 6


def test_most_people_are_proposed_and_most_proposals_are_people(film):
    pictures, boxes = film
    found = proposals.propose(pictures[::3], proposals.background(pictures), tall=(50, 170))
    assert {b.provenance for p in found for b in p} == {"proposed"}
    tall = [[b for b in p if b.height >= 60] for p in boxes[::3]]
    agreed = proposals.agreement(found, tall, least=0.3)
    assert agreed["recall"] > 0.5
    assert agreed["precision"] > 0.5


def test_agreement_counts_each_box_once():
    a, b = Box(0, 0, 10, 20, "person"), Box(30, 0, 10, 20, "person")
    same = proposals.agreement([[a, a]], [[a, b]])
    assert same["precision"] == same["recall"] == 0.5
    assert proposals.overlap(a, a) == 1
    assert proposals.overlap(a, b) == 0
    assert proposals.overlap(a, a._replace(x=5)) == pytest.approx(1 / 3)
    assert proposals.agreement([[]], [[]])["recall"] == 0
