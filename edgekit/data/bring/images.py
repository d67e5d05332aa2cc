"""Pictures: PNG, JPEG, BMP and the like, as grey frames of one size."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np

from edgekit.data.bring.reading import Reading, UnreadableError

MOST_PIXELS = 64_000_000  # of a picture; beyond it is no photograph, or a bomb
FORMATS = ("PNG", "JPEG", "BMP", "GIF", "WEBP", "TIFF", "PPM")


def read(path: Path, name: str, side: int = 96) -> list[Reading]:
    """One grey frame, (1, side, side) uint8: the middle square, made smaller by averaging."""
    from PIL import Image

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(path, formats=FORMATS) as picture:
                width, height = picture.size
                if width * height > MOST_PIXELS:
                    raise UnreadableError(f"claims {width:,} × {height:,} pixels")
                picture.draft("L", (side, side))
                grey = picture.convert("L")
    except UnreadableError:
        raise
    except Exception as error:  # a decoder raises whatever it likes
        raise UnreadableError(f"is no picture ({type(error).__name__})") from None
    edge = min(grey.size)
    left, top = (grey.width - edge) // 2, (grey.height - edge) // 2
    square = grey.crop((left, top, left + edge, top + edge))
    small = square.resize(
        (side, side), Image.Resampling.BOX if edge >= side else Image.Resampling.BILINEAR
    )
    notes = () if width == height else (f"middle square of {width} × {height}",)
    frame = np.asarray(small, np.uint8)[None]
    return [Reading(name, frame, None, ("grey",), "grey level", notes=notes)]
