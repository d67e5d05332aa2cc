"""Colours that people without red or green cones tell apart (one man in twelve)."""

import re
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest

from edgekit.core import palette

# what is left of a colour, linear RGB, at severity 1: Machado, Oliveira, Fernandes, IEEE TVCG 15(6), 2009
DEUTERANOPE = [
    [0.367322, 0.860646, -0.227968],
    [0.280085, 0.672501, 0.047413],
    [-0.011820, 0.042940, 0.968881],
]
PROTANOPE = [
    [0.152286, 1.052583, -0.204868],
    [0.114503, 0.786281, 0.099216],
    [-0.003882, -0.048116, 1.051998],
]
EYES = {"all": np.eye(3), "deuteranope": np.array(DEUTERANOPE), "protanope": np.array(PROTANOPE)}
# LMS of linear RGB, and the missing cone from the others: Viénot and others, Color Res. Appl. 24(4), 1999
LMS = np.array(
    [[17.8824, 43.5161, 4.11935], [3.45565, 27.1554, 3.86714], [0.0299566, 0.184309, 1.46709]]
)
for eye, cones in (
    ("deuteranope 1999", [[1, 0, 0], [0.494207, 0, 1.24827], [0, 0, 1]]),
    ("protanope 1999", [[0, 2.02344, -2.52581], [0, 1, 0], [0, 0, 1]]),
):
    EYES[eye] = np.linalg.inv(LMS) @ np.array(cones) @ LMS
XYZ = [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
VIEW = Path(palette.__file__).parents[1] / "view"


def seen(colour: str, eye: np.ndarray) -> np.ndarray:
    """CIELAB of an sRGB colour as that eye sees it."""
    encoded = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    linear = np.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4)
    t = np.array(XYZ) @ np.clip(eye @ linear, 0, 1) / [0.9505, 1, 1.089]
    x, y, z = np.where(t > 0.008856, np.cbrt(t), 7.787 * t + 16 / 116)
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


def nearest(colours, eye) -> float:
    """The least difference of two of them, Delta E of 1976; about 2 is just seen side by side."""
    return min(np.linalg.norm(seen(a, eye) - seen(b, eye)) for a, b in combinations(colours, 2))


@pytest.mark.parametrize("eye", EYES)
def test_lines_are_told_apart(eye):
    assert nearest(palette.COLOURS, EYES[eye]) > 10
    assert nearest(palette.COLOURS[:3], EYES[eye]) > 25


@pytest.mark.parametrize("eye", EYES)
def test_kept_open_and_missed_are_told_apart(eye):
    assert nearest((palette.KEPT, palette.OPEN, palette.MISSED), EYES[eye]) > 10


@pytest.mark.parametrize("eye", EYES)
def test_the_badges_of_a_report_are_told_apart(eye):
    page = (VIEW / "report.html").read_text("utf-8")
    badges = [re.search(rf"--{name}: (#\w{{6}});", page)[1] for name in ("pass", "open", "fail")]
    assert nearest(badges, EYES[eye]) > 10
    assert nearest((badges[0], badges[2]), EYES[eye]) > 25, "kept and missed"


@pytest.mark.parametrize("eye", EYES)
def test_white_stays_white(eye):
    """Or the matrix would not be one."""
    assert np.linalg.norm(seen("#ffffff", EYES[eye]) - [100, 0, 0]) < 2


def test_green_and_red_of_before_would_not_pass():
    assert nearest(("#d8f0d8", "#f6d8d8"), EYES["deuteranope"]) < 10


def test_no_picture_has_a_colour_of_its_own():
    for path in VIEW.glob("*.py"):
        assert not re.findall(
            r"[\"'](?:#[0-9a-fA-F]{6}|tab:\w+|C\d|red|green|lime|RdY?l?Gn(?:_r)?)[\"']",
            path.read_text("utf-8"),
        ), path
