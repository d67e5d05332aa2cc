"""Pictures: PNG, JPEG, BMP and the like, as grey frames of one size."""

from __future__ import annotations

import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np

from edgekit.tables.reading import Reading, UnreadableError

MOST_PIXELS = 64_000_000  # of a picture; beyond it is no photograph, or a bomb
FORMATS = ("PNG", "JPEG", "BMP", "GIF", "WEBP", "TIFF", "PPM")
ORIENTATION = 0x0112  # tag of EXIF
DEEP = ("I", "F")  # modes of Pillow with more than 8 bits begin so
FEW_LEVELS = 64  # of 256; pictures that use fewer after their bits were cut are stretched


def read(path: Path, name: str, side: int = 96) -> list[Reading]:
    """One grey frame, (1, side, side): the middle square, made smaller by averaging; turned as the
    camera was held, transparent parts white.

    uint8; of more than 8 bits or float as float32, for `normalize_bit_depth` to bring to 8 bits with the
    others of its kind. Raises UnreadableError.
    """
    from PIL import Image, ImageOps

    notes = []
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(path, formats=FORMATS) as picture:
                width, height = picture.size
                if width * height > MOST_PIXELS:
                    raise UnreadableError(f"claims {width:,} × {height:,} pixels")
                if (frames := getattr(picture, "n_frames", 1)) > 1:
                    notes.append(f"the first of {frames} pictures in the file")
                picture.draft("L", (side, side))
                turned = picture.getexif().get(ORIENTATION) in (5, 6, 7, 8)
                grey = _grey(ImageOps.exif_transpose(picture), notes)
    except UnreadableError:
        raise
    except Exception as error:  # a decoder raises whatever it likes
        raise UnreadableError(
            f"is no picture that can be decoded ({type(error).__name__})"
        ) from None
    width, height = (height, width) if turned else (width, height)
    edge = min(grey.size)
    left, top = (grey.width - edge) // 2, (grey.height - edge) // 2
    square = grey.crop((left, top, left + edge, top + edge))
    small = square.resize(
        (side, side), Image.Resampling.BOX if edge >= side else Image.Resampling.BILINEAR
    )
    if width != height:
        notes.append(f"middle square of {width} × {height}")
    frame = np.asarray(small)[None]
    if frame.dtype != np.uint8 and not np.isfinite(frame).any():
        raise UnreadableError("holds no finite pixel")
    return [Reading(name, frame, None, ("grey",), "grey level", notes=tuple(notes))]


def _grey(picture, notes: list[str]):
    """Mode "L", or "F" for a picture of more than 8 bits."""
    from PIL import Image

    if picture.mode.startswith(DEEP):
        return picture.convert("F") if picture.mode in ("I", "F") else _wide(picture)
    if picture.mode == "P" or picture.has_transparency_data:
        picture = picture.convert("RGBA")
        if picture.getextrema()[3][0] < 255:
            notes.append("transparent parts taken for white")
            white = Image.new("RGBA", picture.size, "white")
            picture = Image.alpha_composite(white, picture)
    if picture.mode in ("CMYK", "LAB", "HSV", "RGBA"):
        picture = picture.convert("RGB")
    return picture.convert("L")


def _wide(picture):
    """The modes `I;16…`, which Pillow converts to nothing else in one step."""
    from PIL import Image

    order = ">" if picture.mode.endswith("B") else "<"
    counts = np.frombuffer(picture.tobytes(), f"{order}u2").reshape(picture.height, picture.width)
    return Image.fromarray(counts.astype(np.float32))


def normalize_bit_depth(readings: list[Reading]) -> list[Reading]:
    """All readings, with deep pictures brought to 8 bits, all of them by one rule, which is noted.

    Whole numbers lose their lower bits: a camera of 14 bits uses values below 16,384, so its upper 8
    remain. Floats, and pictures of which that would leave few levels, a thermal camera's say, are
    stretched from the darkest to the brightest thousandth of all.
    """
    deep = [r for r in readings if r.image and r.samples.dtype != np.uint8]
    if not deep:
        return readings
    some = np.concatenate([r.samples[np.isfinite(r.samples)][::7] for r in deep])
    low, high = (float(v) for v in np.quantile(some, [0.001, 0.999]))
    most = max(float(np.nanmax(r.samples, initial=0)) for r in deep)
    bits = next((b for b in (8, 10, 12, 14, 16) if most < 1 << b), 0)
    step = 2.0 ** (bits - 8)
    counts = most > 1 and low >= 0 and bits
    if counts and high - low >= FEW_LEVELS * step:
        first, rule = 0.0, f"{bits} bits a pixel: the upper 8 were taken"
    else:
        first, step = low, max(high - low, 1e-9) / 255
        rule = f"values from {low:.5g} to {high:.5g} became grey levels from 0 to 255"
    return [
        _eight(r, first, step, rule) if r.image and r.samples.dtype != np.uint8 else r
        for r in readings
    ]


def _eight(reading: Reading, first: float, step: float, rule: str) -> Reading:
    x = np.nan_to_num(reading.samples, nan=first, posinf=1e30, neginf=-1e30)
    grey = np.clip(np.floor((x - first) / step), 0, 255).astype(np.uint8)
    return replace(reading, samples=grey, notes=(*reading.notes, rule))
