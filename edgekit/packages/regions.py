"""What an image is made of, so that an update codes weights as weights.

regions(image)             -> the tensors of a `.tflite` and what lies between them
segments(target, base, …)  -> what each part of the new image is coded as, and from where in the old one
"""

from __future__ import annotations

import itertools
import struct
from collections import defaultdict
from dataclasses import dataclass
from typing import Any

import numpy as np

from edgekit.core.errors import EdgekitError
from edgekit.core.extras import missing

WIDTH = {"int8": 1, "int32": 4, "bytes": 1}
NEAR, FAR = 4, 16  # bytes that must agree before a run is copied: at the last shift, from anywhere
PIECE = 64  # values about which one decision is made
LENGTHS = 33  # of a value's magnitude: 0 to 32 bits
HEADER = 14  # bits that a new segment costs, about


@dataclass(frozen=True)
class Region:
    """`count` values of one kind from byte `offset` on.

    kind: "int8" (weights), "int32" (biases; little-endian) or "bytes". row: values of one output
    channel, 1 where there are no channels.
    """

    offset: int
    kind: str
    count: int
    row: int = 1

    @property
    def end(self) -> int:
        return self.offset + self.count * WIDTH[self.kind]


@dataclass(frozen=True)
class Segment:
    """Bytes `start` to `end` of the new image. form: one of `CODINGS`. base: the byte of the old image it
    is a change of, None for a form that stands alone."""

    start: int
    end: int
    form: str
    base: int | None = None

    @property
    def shift(self) -> int | None:
        return None if self.base is None else self.base - self.start


CODINGS = ("copy", "int8 change", "int32 change", "int8", "int32", "bytes")
RELATIVE_CODINGS = CODINGS[:3]


def regions(image: bytes) -> list[Region]:
    """The regions of a `.tflite`, without gaps, from its first byte to its last.

    Constants of int8 and int32 tensors are regions of their own, everything else is "bytes".
    Raises EdgekitError for a file that is damaged or not a `.tflite`.
    """
    try:
        import tflite
    except ImportError:
        raise missing("reading a .tflite takes", "tflite") from None
    from edgekit.export.verify import verify

    unions = {v: k for k, v in vars(tflite.BuiltinOptions).items() if isinstance(v, int)}
    verify(image, unions)
    try:
        found = _constants(tflite.Model.GetRootAs(image, 0))
    except (struct.error, IndexError, ValueError, TypeError, OverflowError, AttributeError) as err:
        raise EdgekitError(f"damaged .tflite: {type(err).__name__}: {err}") from None
    return cover_gaps(found, len(image))


def _constants(model) -> list[Region]:
    kinds = {2: "int32", 9: "int8"}  # TensorType of tensorflow/lite/schema/schema.fbs
    found: dict = {}
    for s in range(model.SubgraphsLength()):
        sub = model.Subgraphs(s)
        for tensor in (sub.Tensors(i) for i in range(sub.TensorsLength())):
            if tensor.Type() not in kinds or not 0 < tensor.Buffer() < model.BuffersLength():
                continue
            table = model.Buffers(tensor.Buffer())._tab
            field = table.Offset(4)
            kind = kinds[tensor.Type()]
            count = table.VectorLen(field) // WIDTH[kind] if field else 0
            if count:
                offset = table.Vector(field)
                found.setdefault(offset, Region(offset, kind, count, _row(tensor, count)))
    return list(found.values())


def _row(tensor, count: int) -> int:
    """Values that belong to one output channel: the slices along the axis of the scales, else the first."""
    if not tensor.ShapeLength():
        return 1
    quantization = tensor.Quantization()
    axis = quantization.QuantizedDimension() if quantization is not None else 0
    channels = tensor.Shape(axis) if 0 <= axis < tensor.ShapeLength() else 1
    return count // channels if channels > 0 and count % channels == 0 else 1


def cover_gaps(some: list[Region], size: int) -> list[Region]:
    """`some` in order, with "bytes" where they leave a gap up to `size`.

    Raises EdgekitError for regions that overlap, leave the image or have no known kind.
    """
    whole, end = [], 0
    for region in sorted(some, key=lambda r: r.offset):
        if region.kind not in WIDTH or region.count < 1 or region.row < 1:
            raise EdgekitError(f"{region} is no region of an image")
        if region.offset < end or region.end > size:
            raise EdgekitError(f"{region} overlaps another or leaves the image of {size} bytes")
        if region.offset > end:
            whole.append(Region(end, "bytes", region.offset - end))
        whole.append(region)
        end = region.end
    return [*whole, Region(end, "bytes", size - end)] if end < size else whole


def default_regions(image: bytes) -> list[Region]:
    """`regions` of a `.tflite`; any other image is plain bytes."""
    return regions(image) if image[4:8] == b"TFL3" else cover_gaps([], len(image))


# --- which part of the old image a part of the new one resembles


def segments(target: bytes, base: bytes, target_regions, base_regions) -> list[Segment]:
    """How to write `target`: the cheapest list of segments by an estimate of each piece's bits.

    A tensor belongs to the tensor of its kind and row length that it differs least from; between two
    that are alike, to the one in order. Names play no part, because converters change them at will.
    """
    index = {base[i : i + FAR]: i for i in range(len(base) - FAR, -1, -1)}
    pairs: list = []
    shift = 0
    for region in target_regions:
        if region.kind == "bytes":
            found = _same_bytes(target, base, region, shift, index)
        else:
            found = _same_tensor(target, base, region, shift, base_regions)
        pairs += ((region, *pair) for pair in found)
        shift = next(
            (
                base_offset - start
                for start, _, base_offset in reversed(found)
                if base_offset is not None
            ),
            shift,
        )
    return _cheapest(_priced(target, base, pairs))


def _same_tensor(target, base, region, shift, base_regions):
    """[(start, end, place in the base or None)]: the tensor's pieces, a few rows each."""
    width = WIDTH[region.kind]
    new = _values(target, region.offset, region.count, region.kind)
    best, base_offset, alike = 2 * _weight(new) + 2, None, 0  # a tensor of zeros has a place, too
    for other in base_regions:
        if (other.kind, other.row) != (region.kind, region.row):
            continue
        n = min(other.count, region.count)
        change = _change(new[:n], _values(base, other.offset, n, region.kind), region.kind)
        cost = 2 * (_weight(change) + _weight(new[n:])) + (other.offset != region.offset + shift)
        if cost < best:
            best, base_offset, alike = cost, other.offset, n
    row = region.row if region.row <= 4 * PIECE else 1
    step = width * row * -(-PIECE // row)
    middle = region.offset + alike * width
    edges = sorted({*range(region.offset, region.end, step), middle, region.end})
    return [
        (a, b, None if base_offset is None or a >= middle else base_offset + a - region.offset)
        for a, b in itertools.pairwise(edges)
    ]


def _weight(values: np.ndarray) -> int:
    """About half of the bits that the values need."""
    return int(_lengths(values).sum())


def _same_bytes(target, base, region, shift, index):
    """The same for bytes: runs that agree with the base at some shift, and what lies between them."""
    found, at, start = [], region.offset, region.offset

    def between(end):
        if start < end:
            inside = start + shift >= 0 and end + shift <= len(base)
            found.append((start, end, start + shift if inside else None))

    while at < region.end:
        n, base_offset = _agreement(target, at, base, at + shift, region.end, NEAR), at + shift
        if not n:
            base_offset = index.get(target[at : at + FAR], -1)
            n = _agreement(target, at, base, base_offset, region.end, FAR)
        if not n:
            at += 1
            continue
        between(at)
        found.append((at, at + n, base_offset))
        shift = base_offset - at
        at = start = at + n
    between(region.end)
    return found


def _agreement(a: bytes, i: int, b: bytes, j: int, end: int, least: int) -> int:
    """Bytes that agree from a[i] and b[j] on, at most to a[end]; 0 for fewer than `least`."""
    n = min(end - i, len(b) - j)
    least = min(least, end - i)
    if j < 0 or n < least or a[i : i + least] != b[j : j + least]:
        return 0
    differ = np.frombuffer(a, np.uint8, n, i) != np.frombuffer(b, np.uint8, n, j)
    return int(differ.argmax()) if differ.any() else n


# --- what a piece costs


def _values(image: bytes, offset: int, count: int, kind: str) -> np.ndarray:
    """(count,) int64."""
    form = "<i4" if kind == "int32" else "i1"
    return np.frombuffer(image, form, count, offset).astype(np.int64)


def _change(new: np.ndarray, old: np.ndarray, kind: str) -> np.ndarray:
    """new - old as it is coded: modulo 2^8 or 2^32, signed."""
    half = 1 << 8 * WIDTH[kind] - 1
    return (new - old + half) % (2 * half) - half


def _lengths(values: np.ndarray) -> np.ndarray:
    """Bits of each |v|: 0 for 0, 1 for ±1, 2 for ±2 and ±3, …"""
    return np.frexp(np.abs(values).astype(np.float64))[1]


def _priced(target, base, pairs):
    """[(start, end, place, {form: bits})] of [(region, start, end, place)].

    A value's price comes from how often its length occurs: in the whole image where it stands alone, in
    its own region where it is a change.
    """
    pieces: list = []
    counts: dict = defaultdict(lambda: np.full(LENGTHS, 0.1))
    for region, start, end, base_offset in pairs:
        kind, size = region.kind, end - start
        options = {("bytes", None): _values(target, start, size, "bytes")}
        options[kind, None] = new = _values(target, start, size // WIDTH[kind], kind)
        if base_offset is not None:
            change = _change(new, _values(base, base_offset, len(new), kind), kind)
            options["int32 change" if kind == "int32" else "int8 change", region.offset] = change
        options = {key: _lengths(values) for key, values in options.items()}
        for (form, where), lengths in options.items():
            if form == kind or where is not None:
                counts[form, where] += np.bincount(lengths, minlength=LENGTHS)
        pieces.append((start, end, base_offset, options))
    n = np.arange(LENGTHS)
    price = {
        key: np.log2(c.sum() / c) + np.maximum(n - 1, 0) + (n > 0) for key, c in counts.items()
    }
    price.setdefault(("bytes", None), n + 2.0)
    priced = []
    for start, end, base_offset, options in pieces:
        bits = {form: float(price[form, w][k].sum()) for (form, w), k in options.items()}
        if (
            base_offset is not None
            and target[start:end] == base[base_offset : base_offset + end - start]
        ):
            bits["copy"] = 0.0
        priced.append((start, end, base_offset, bits))
    return priced


def _cheapest(pieces) -> list[Segment]:
    """The cheapest way through the pieces, where each change of form costs a new segment (Viterbi)."""
    if not pieces:
        return []
    paths, before, shift = {None: (0.0, None)}, [], 0
    for start, _, base_offset, bits in pieces:
        new_shift = shift if base_offset is None else base_offset - start
        jump = 2 * abs(new_shift - shift).bit_length()
        step = {}
        for coding, cost in bits.items():
            moved = jump if coding in RELATIVE_CODINGS else 0
            step[coding] = min(
                (total + cost + moved + HEADER * (coding != last or moved > 0), last)
                for last, (total, _) in paths.items()
            )
        before.append({coding: last for coding, (_, last) in step.items()})
        paths, shift = step, new_shift
    form: Any = min(paths, key=lambda f: paths[f][0])
    found = []
    for (start, end, base_offset, _), last in zip(reversed(pieces), reversed(before), strict=True):
        found.append(Segment(start, end, form, base_offset if form in RELATIVE_CODINGS else None))
        form = last[form]
    return _joined(reversed(found))


def _joined(found) -> list[Segment]:
    """Neighbours of one form, and of one shift where they read the base, become one segment."""
    whole: list = []
    for new in found:
        old = whole[-1] if whole else None
        if old and (old.form, old.shift) == (new.form, new.shift):
            whole[-1] = Segment(old.start, new.end, old.form, old.base)
        else:
            whole.append(new)
    return whole
