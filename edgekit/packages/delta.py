"""An update in few bytes: what changed in an int8 network, coded value by value.

An image is a list of segments (`edgekit.packages.regions`), each a kind, a count, a shift into the base and
then its values: changes of the base's values, or values that stand alone. Every number is an Exp-Golomb
code whose bits are coded, each in its context, by an adaptive binary range coder (G. N. N. Martin, 1979).
The device's decoder is `firmware/agent/delta.c`; `decode` here is written to be compared with it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from html import escape

from edgekit.core.errors import EdgekitError
from edgekit.core.html_table import TABLE
from edgekit.packages.manifest import ENCODINGS
from edgekit.packages.regions import (
    CODINGS,
    RELATIVE_CODINGS,
    Region,
    cover_gaps,
    default_regions,
    segments,
)

RAW, PACKED, DELTA = range(len(ENCODINGS))

# what a number is, and the first context of its family: 8 for "not 0", then 3 for each length of |v|
KIND, COUNT, SHIFT = range(3)
EVEN, ZEROS, PER_LENGTH, LONGEST, CONTEXTS = 0, 8, 3, 12, 202
HEADER_FAMILY = (1, 18, 18)
FAMILY = dict(zip(CODINGS, (0, 62, 158, 94, 158, 126), strict=True))
WIDE = ("int32 change", "int32")
MASK = 0xFFFF_FFFF


@dataclass(frozen=True)
class Encoded:
    """What travels. encoding: 0 raw, 1 packed, 2 delta. sizes: bytes of each encoding that was tried."""

    data: bytes
    encoding: int
    sizes: dict[str, int]

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><td>{escape(name)}</td><td>{size:,} B</td><td>{size / self.sizes['raw']:.1%}</td></tr>"
            for name, size in self.sizes.items()
        )
        return f"<p><b>{ENCODINGS[self.encoding]}</b></p>{TABLE}{rows}</table>"


def best(
    target: bytes, base: bytes | None = None, target_regions=None, base_regions=None
) -> Encoded:
    """The smallest of raw, packed and (given a base) delta. Arguments and errors as for `encode`."""
    found = [target, encode(target, None, target_regions)]
    if base is not None:
        found.append(encode(target, base, target_regions, base_regions))
    sizes = dict(zip(ENCODINGS, map(len, found), strict=False))
    encoding = min(range(len(found)), key=lambda i: len(found[i]))
    return Encoded(bytes(found[encoding]), encoding, sizes)


def encode(
    target: bytes,
    base: bytes | None = None,
    target_regions: list[Region] | None = None,
    base_regions: list[Region] | None = None,
) -> bytes:
    """`target` as changes of `base`, or packed by itself where there is no base.

    `target_regions`, `base_regions`: of a weights image, from who generated it; of a `.tflite` they are
    read from the file.
    Raises EdgekitError for regions that do not fit their image and for a damaged `.tflite`.
    """
    target, base = bytes(target), bytes(base or b"")
    new = (
        default_regions(target)
        if target_regions is None
        else cover_gaps(target_regions, len(target))
    )
    old = default_regions(base) if base_regions is None else cover_gaps(base_regions, len(base))
    coder, shift = _Encoder(), 0
    for segment in segments(target, base, new, old):
        width = 4 if segment.form in WIDE else 1
        count = (segment.end - segment.start) // width
        coder.header(KIND, CODINGS.index(segment.form))
        coder.header(COUNT, 0 if count == (len(target) - segment.start) // width else count)
        jump = 0 if segment.shift is None else segment.shift - shift
        coder.header(SHIFT, jump)
        shift += jump
        if segment.form == "copy":
            continue
        for at in range(segment.start, segment.end, width):
            value = int.from_bytes(target[at : at + width], "little")
            if segment.form in RELATIVE_CODINGS:
                value -= int.from_bytes(base[at + shift : at + shift + width], "little")
            half = 1 << 8 * width - 1
            coder.value(segment.form, at, (value + half) % (2 * half) - half)
    return coder.finish()


def decode(data: bytes, base: bytes | None, target_size: int) -> bytes:
    """The image that `data` codes. base: the image it is a change of, None for a packed one.

    Raises EdgekitError for data that is damaged, too short or too long.
    """
    base, image, shift = base or b"", bytearray(), 0
    coder = _Decoder(data)
    while len(image) < target_size:
        kind = coder.header(KIND)
        if kind >= len(CODINGS):
            raise EdgekitError(f"damaged update: byte {len(image)} of the image has kind {kind}")
        form = CODINGS[kind]
        width = 4 if form in WIDE else 1
        most = (target_size - len(image)) // width
        count = coder.header(COUNT) or most
        if not 0 < count <= most:
            raise EdgekitError(f"damaged update: {count} values where {most} fit the image")
        shift = (shift + coder.header(SHIFT)) & MASK
        start = (len(image) + shift) & MASK
        if form in RELATIVE_CODINGS and start + count * width > len(base):
            raise EdgekitError(
                f"damaged update: it reads beyond the base image's {len(base)} bytes"
            )
        old = (
            base[start : start + count * width]
            if form in RELATIVE_CODINGS
            else bytes(count * width)
        )
        if form == "copy":
            image += old
            continue
        for i in range(0, len(old), width):
            value = coder.value(form, len(image))
            value += int.from_bytes(old[i : i + width], "little")
            image += (value % (1 << 8 * width)).to_bytes(width, "little")
    if coder.at < len(data):
        raise EdgekitError(f"damaged update: {len(data) - coder.at} bytes follow its end")
    if coder.code:  # the encoder ends on its lower bound: no byte may be another
        raise EdgekitError("damaged update: its last bytes are not what was written")
    return bytes(image)


class _Numbers:
    """The numbers of an update, written (with a value) or read (without).

    A number's bits: not 0; for each length of |v| from 1 on, is it longer; |v| below its leading one; sign.
    """

    _bit: Callable[[int, int], int]  # codes a bit in its context, and gives it back

    def __init__(self):
        self.seen = [1] * CONTEXTS  # bits that a context has coded, at most 127
        self.probability = [1 << 15] * CONTEXTS  # of a 1 there, in 1/65536
        self.activity = (
            0  # share of values that were not 0, a moving mean; lowest bit: the last one
        )
        self.range = 1

    def header(self, field: int, v: int = 0) -> int:
        return self._number(HEADER_FAMILY[field], field, v) & MASK

    def value(self, form: str, at: int, v: int = 0) -> int:
        # changes come in clusters; other bytes are laid out in words of four
        place = at % 4 if form == "bytes" else self.activity >> 6
        v = self._number(FAMILY[form], 2 * place + (self.activity & 1), v)
        mean = self.activity - (self.activity >> 4) + 15 * (v != 0)
        self.activity = mean & 254 | (v != 0)
        return v

    def _number(self, family: int, zero: int, v: int) -> int:
        bit, size, length = self._bit, abs(v), 1
        if not bit(family + zero, size > 0):
            return 0
        first = family + ZEROS - PER_LENGTH
        while bit(first + PER_LENGTH * min(length, LONGEST), size >> length > 0) and length < 32:
            length += 1
        slot, value = first + PER_LENGTH * min(length, LONGEST), 1
        for lower in range(length - 2, -1, -1):
            value = value << 1 | bit(slot + 2 if lower == length - 2 else EVEN, size >> lower & 1)
        return -value if bit(slot + 1, v < 0) else value

    def _learn(self, context: int, bit: int) -> None:
        """Half of the way at first, 1/128 of it once a context has coded 64 bits."""
        n, p = self.seen[context], self.probability[context]
        rate = n.bit_length()
        self.probability[context] = p + (65536 - p >> rate) if bit else p - (p >> rate)
        if n < 127:
            self.seen[context] = n + 1


class _Encoder(_Numbers):
    def __init__(self):
        super().__init__()
        self.low, self.bytes = 0, bytearray()

    def _bit(self, context: int, bit: int) -> int:
        while self.range < 1 << 24:
            self.bytes.append(self.low >> 24)
            self.low, self.range = self.low << 8 & MASK, self.range << 8
        bound = (self.range >> 16) * self.probability[context]
        if bit:
            self.range = bound
        else:
            self.low += bound
            self.range -= bound
            if self.low > MASK:
                self.low &= MASK
                self._carry()
        self._learn(context, bit)
        return bit

    def _carry(self) -> None:
        i = len(self.bytes) - 1
        while self.bytes[i] == 255:
            self.bytes[i] = 0
            i -= 1
        self.bytes[i] += 1

    def finish(self) -> bytes:
        """As many bytes as the decoder takes; the sum's first four are 0, as it is below 1."""
        return bytes(self.bytes + self.low.to_bytes(4, "big"))[4:]


class _Decoder(_Numbers):
    def __init__(self, data: bytes):
        super().__init__()
        self.data, self.at, self.code = data, 0, 0

    def _bit(self, context: int, _: int) -> int:
        while self.range < 1 << 24:
            if self.at == len(self.data):
                raise EdgekitError(f"the update ends too early, after {self.at} bytes")
            self.code = self.code << 8 | self.data[self.at]
            self.at += 1
            self.range <<= 8
        bound = (self.range >> 16) * self.probability[context]
        bit = int(self.code < bound)
        if bit:
            self.range = bound
        else:
            self.code -= bound
            self.range -= bound
        self._learn(context, bit)
        return bit
