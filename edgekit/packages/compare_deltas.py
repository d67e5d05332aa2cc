"""How many bytes an update takes by each way to send it: ours, and what others would use."""

from __future__ import annotations

import io
import lzma
import zlib
from typing import TYPE_CHECKING

from edgekit.core.errors import EdgekitError
from edgekit.core.extras import how_to_get
from edgekit.packages import delta
from edgekit.packages.regions import Region

if TYPE_CHECKING:
    import pandas as pd


def compare(
    base: bytes,
    target: bytes,
    target_regions: list[Region] | None = None,
    base_regions: list[Region] | None = None,
) -> pd.DataFrame:
    """The bytes of `target` by each method, for a device that has `base`.

    Returns a DataFrame, one row for each method: method, bytes (NaN where its package is not installed),
    share of the raw file, share of the smallest compressed full file, decoder on a microcontroller,
    provenance, note. Every byte string was decoded again, and compared. `target_regions` and
    `base_regions` as `delta.encode` takes them. Raises EdgekitError for those that do not fit, and for a
    method that gives back another file.
    """
    import pandas as pd

    regions = (target_regions, base_regions)
    rows = []
    for method, full, tiny, note, run in METHODS:
        size = float("nan")
        try:
            size = len(run(base, target, regions))
        except ImportError as error:
            note = f"{error.name} is missing: {how_to_get(error.name or method)}"
        rows.append((method, full, size, "yes" if tiny else "no", note))
    smallest = min(size for _, full, size, *_ in rows if full and size == size)
    return pd.DataFrame(
        {
            "method": method,
            "bytes": size,
            "share of the raw file": size / max(1, len(target)),
            "share of the best compressed full file": size / smallest,
            "decoder on a microcontroller": tiny,
            "provenance": "measured",
            "note": note,
        }
        for method, _, size, tiny, note in rows
    )


def _checked(data: bytes, back: bytes, target: bytes, method: str) -> bytes:
    if back != target:
        raise EdgekitError(f"{method} does not give the file back")
    return data


def _delta(base, target, regions):
    data = delta.encode(target, base, *regions)
    return _checked(data, delta.decode(data, base, len(target)), target, "delta")


def _packed(base, target, regions):
    data = delta.encode(target, None, regions[0])
    return _checked(data, delta.decode(data, None, len(target)), target, "packed")


def _zlib(base, target, regions):
    data = zlib.compress(target, 9)
    return _checked(data, zlib.decompress(data), target, "zlib")


def _lzma(base, target, regions):
    # no container and no check: what a firmware would send
    filters = [{"id": lzma.FILTER_LZMA2, "preset": 9 | lzma.PRESET_EXTREME}]
    data = lzma.compress(target, lzma.FORMAT_RAW, filters=filters)
    return _checked(data, lzma.decompress(data, lzma.FORMAT_RAW, filters=filters), target, "lzma")


def _zstd(base, target, regions):
    import zstandard

    data = zstandard.ZstdCompressor(level=22).compress(target)
    return _checked(data, zstandard.ZstdDecompressor().decompress(data), target, "zstd")


def _zstd_patch(base, target, regions):
    import zstandard

    # what the command `zstd --patch-from` does: the old file is a dictionary, the window spans both
    known = zstandard.ZstdCompressionDict(base, dict_type=zstandard.DICT_TYPE_RAWCONTENT)
    window = max(10, (len(base) + len(target)).bit_length())
    parameters = zstandard.ZstdCompressionParameters.from_level(
        22, window_log=window, enable_ldm=True
    )
    compressor = zstandard.ZstdCompressor(dict_data=known, compression_params=parameters)
    data = compressor.compress(target)
    back = zstandard.ZstdDecompressor(dict_data=known, max_window_size=1 << 31).decompress(data)
    return _checked(data, back, target, "zstd --patch-from")


def _detools(compression):
    def run(base, target, regions):
        import detools

        patch, back = io.BytesIO(), io.BytesIO()
        detools.create_patch(io.BytesIO(base), io.BytesIO(target), patch, compression=compression)
        detools.apply_patch(io.BytesIO(base), io.BytesIO(patch.getvalue()), back)
        return _checked(patch.getvalue(), back.getvalue(), target, "detools")

    return run


def _bsdiff4(base, target, regions):
    import bsdiff4

    data = bsdiff4.diff(base, target)
    return _checked(data, bsdiff4.patch(base, data), target, "bsdiff4")


# method, is it a compressed full file, does its decoder fit a microcontroller, why, how
METHODS = (
    ("edgekit delta", False, True, "below 1 KB of code and of RAM", _delta),
    ("edgekit packed", True, True, "the same decoder", _packed),
    ("raw", False, True, "nothing to decode", lambda base, target, regions: target),
    ("zlib, full", True, True, "a window of up to 32 KB, or output that can be read", _zlib),
    ("lzma, full", True, False, "a window as large as the file", _lzma),
    ("zstd, full", True, False, "a window as large as the file, and tables", _zstd),
    ("detools, heatshrink", False, True, "a few KB of code", _detools("heatshrink")),
    ("detools, lzma", False, False, "a window as large as the patch", _detools("lzma")),
    ("bsdiff4", False, False, "bzip2 takes hundreds of KB", _bsdiff4),
    ("zstd --patch-from", False, False, "a window as large as both files", _zstd_patch),
)
