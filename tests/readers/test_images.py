"""Pictures of any depth, colour and orientation become the grey that a person would see."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from edgekit import bring
from edgekit.readers import images
from edgekit.tables import UnreadableError

SIDE = 96
RAMP = np.linspace(0, 1, SIDE)[None, :].repeat(SIDE, axis=0)


def frames(folder):
    return {r.path: r.samples[0].astype(int) for r in bring.read(folder).readings}


@pytest.mark.parametrize("suffix", ["png", "tiff", "pgm"])
def test_sixteen_bits_keep_their_upper_eight(tmp_path, suffix):
    values = np.rint(RAMP * 65_535).astype(np.uint16)
    Image.fromarray(values).save(tmp_path / f"a.{suffix}")
    Image.fromarray(values // 4).save(tmp_path / f"b.{suffix}")
    made = frames(tmp_path)
    np.testing.assert_array_equal(made[f"a.{suffix}"], values >> 8)
    np.testing.assert_array_equal(made[f"b.{suffix}"], values // 4 >> 8)  # by the same rule


def test_fourteen_bits_of_a_warm_camera_keep_their_contrast_and_compare(tmp_path):
    for i, warm in enumerate((300, 900)):
        Image.fromarray((7_000 + RAMP * warm).astype(np.uint16)).save(tmp_path / f"{i}.png")
    made = frames(tmp_path)
    assert made["1.png"].max() == 255
    assert made["1.png"].min() == 0
    assert 80 <= made["0.png"].max() <= 90, "a third of the warmth is a third of the grey"
    (note,) = {n for r in bring.read(tmp_path).readings for n in r.notes}
    assert "became grey levels from 0 to 255" in note


def test_floats_are_stretched_and_what_is_no_number_is_dark(tmp_path):
    x = (20 + 5 * RAMP).astype(np.float32)
    x[:8, -8:] = np.nan
    Image.fromarray(x).save(tmp_path / "a.tiff")
    grey = frames(tmp_path)["a.tiff"]
    assert grey[50, 0] <= 1
    assert grey[50, -1] >= 253
    assert grey[2, -2] == 0
    Image.fromarray(np.full((20, 20), np.nan, np.float32)).save(tmp_path / "b.tiff")
    with pytest.raises(UnreadableError, match="no finite pixel"):
        images.read(tmp_path / "b.tiff", "b.tiff")


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_picture_is_turned_as_the_camera_was_held(tmp_path, orientation):
    from PIL import ImageOps

    picture = np.zeros((64, 48), np.uint8)
    picture[:20, :20] = 255
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(picture).save(tmp_path / "a.png", exif=exif)
    upright = np.asarray(ImageOps.exif_transpose(Image.open(tmp_path / "a.png")))
    (made,) = images.read(tmp_path / "a.png", "a.png")
    height, width = upright.shape
    assert f"middle square of {width} × {height}" in made.notes
    bright = [(r, c) for r in (0, -1) for c in (0, -1) if made.samples[0][r, c] > 200]
    edge = min(height, width)
    square = upright[(height - edge) // 2 :, (width - edge) // 2 :][:edge, :edge]
    assert bright == [(r, c) for r in (0, -1) for c in (0, -1) if square[r, c] > 200]


def test_colours_of_every_kind_are_the_same_grey(tmp_path):
    grey = np.rint(RAMP * 250).astype(np.uint8)
    plain = Image.fromarray(grey)
    plain.convert("RGB").convert("CMYK").save(tmp_path / "cmyk.tiff")
    plain.convert("P").save(tmp_path / "palette.png")
    plain.convert("RGB").save(tmp_path / "rgb.png")
    plain.convert("LA").save(tmp_path / "opaque.png")
    for name, made in frames(tmp_path).items():
        np.testing.assert_allclose(made, grey, atol=2, err_msg=name)


def test_what_is_transparent_is_white_and_that_is_noted(tmp_path):
    picture = np.zeros((SIDE, SIDE, 4), np.uint8)
    picture[:, :48, 3] = 255
    Image.fromarray(picture).save(tmp_path / "a.png")
    Image.fromarray(picture).quantize().save(tmp_path / "b.png")
    for name in ("a.png", "b.png"):
        (made,) = images.read(tmp_path / name, name)
        assert made.samples[0, 50, 10] == 0
        assert made.samples[0, 50, 90] == 255
        assert "transparent parts taken for white" in made.notes
