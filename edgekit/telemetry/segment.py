"""What a device sends of a window that it flagged, and what the larger model says of it. Strict CBOR.

    segment = [1, reason, class, confidence, type, scale, zero point + 32768, [n, …], data]
    opinion = [1, device, epoch, sequence, model, class, confidence]

confidence: in 1/65535. type: 1 int8 (what the device's model was given), 2 int16 (samples, little-endian).
scale: float32, four bytes big-endian: a value is (number - zero point) · scale. [n, …]: one to three sizes.
device, epoch, sequence: the segment's key; model: how the SHA-256 of the model's file begins, eight bytes.
"""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any

import numpy as np

from edgekit.core.errors import EdgekitError
from edgekit.packages.cbor import ARRAY, CborError, encode
from edgekit.packages.cbor_reader import CborReader
from edgekit.telemetry.event import BODY_MOST, DEVICE

VERSION = 1
TYPES: dict[int, np.dtype[Any]] = {1: np.dtype(np.int8), 2: np.dtype("<i2")}
ZERO = 1 << 15
CLASSES_MOST = 1 << 16
CONFIDENCE_ONE = (1 << 16) - 1
MODEL_BYTES = 8


class Reason(IntEnum):
    """Why a window was flagged."""

    UNCERTAIN = 1  # the device's model was not confident
    NOVEL = 2  # far from what it saw in its first weeks
    RANDOM = 3  # a share for honest estimates
    ALARM = 4  # it goes with an alarm
    REQUESTED = 5  # somebody asked for it


@dataclass(frozen=True)
class Segment:
    """`data`: int8 or int16 of one to three dimensions, as the device has it; `predicted` the class that the
    device's model took it for, `confidence` 0 to 1. Raises EdgekitError for what no device sends."""

    reason: Reason
    predicted: int
    confidence: float
    data: np.ndarray = field(repr=False)
    scale: float = 1.0
    zero_point: int = 0

    def __post_init__(self):
        number = next((n for n, t in TYPES.items() if t == self.data.dtype), 0)
        if not number or not 1 <= self.data.ndim <= 3 or not self.data.size:
            raise EdgekitError("a segment is int8 or int16, in one to three dimensions")
        if not (math.isfinite(self.scale) and self.scale > 0):
            raise EdgekitError("a segment's scale is a number above 0")
        _check_answer(self.predicted, self.confidence)
        if not -ZERO <= self.zero_point < ZERO:
            raise EdgekitError("a segment's zero point is an int16")

    @property
    def values(self) -> np.ndarray:
        """In their units, float32, the shape of `data`."""
        numbers = self.data.astype(np.int32) - self.zero_point
        return numbers.astype(np.float32) * np.float32(self.scale)

    def encode(self) -> bytes:
        """The body of a SEGMENT. Raises EdgekitError where it is longer than a body may be."""
        number = next(n for n, t in TYPES.items() if t == self.data.dtype)
        scale, zero = struct.pack(">f", self.scale), self.zero_point + ZERO
        head = [VERSION, int(self.reason), self.predicted, _steps(self.confidence)]
        body = encode([*head, number, scale, zero, list(self.data.shape), self.data.tobytes()])
        if len(body) > BODY_MOST:
            raise EdgekitError(f"a segment of {len(body):,} bytes; {BODY_MOST:,} at most")
        return body

    @classmethod
    def decode(cls, body: bytes) -> Segment:
        """The segment in an event's body. Raises EdgekitError for anything else."""
        r = CborReader(body)
        try:
            r.expect(0x89, VERSION)
            reason, predicted, confidence, number = (r.number() for _ in range(4))
            (scale,) = struct.unpack(">f", r.bytes(4))
            zero, count = r.number(), r.number(ARRAY)
            if not 1 <= count <= 3:
                raise CborError("of so many dimensions")
            shape = tuple(r.number() for _ in range(count))
            data = r.bytes()
            r.end()
            kind = TYPES.get(number)
            if kind is None or not 0 < math.prod(shape) * kind.itemsize == len(data):
                raise CborError("not as large as its shape says")
            if confidence > CONFIDENCE_ONE or reason not in set(Reason):
                raise CborError("of a confidence or a reason that there is not")
        except CborError as error:
            raise EdgekitError(f"no segment: what came is {error}") from None
        array = np.frombuffer(data, kind).reshape(shape)
        share = confidence / CONFIDENCE_ONE
        return cls(Reason(reason), predicted, share, array, scale, zero - ZERO)


@dataclass(frozen=True)
class Opinion:
    """What the model that begins with `model` says of the segment with this key: class and confidence."""

    device: str
    epoch: int
    sequence: int
    model: bytes
    predicted: int
    confidence: float

    def encode(self) -> bytes:
        """The body of an OPINION."""
        _check_answer(self.predicted, self.confidence)
        key = self.device.encode("ascii"), self.epoch, self.sequence
        answer = self.model[:MODEL_BYTES], self.predicted, _steps(self.confidence)
        return encode([VERSION, *key, *answer])

    @classmethod
    def decode(cls, body: bytes) -> Opinion:
        """The opinion in an event's body. Raises EdgekitError for anything else."""
        r = CborReader(body)
        try:
            r.expect(0x87, VERSION)
            name, epoch, sequence = r.bytes(), r.number(), r.number()
            model, predicted, confidence = r.bytes(MODEL_BYTES), r.number(), r.number()
            r.end()
            device = name.decode("ascii", "replace")
            if confidence > CONFIDENCE_ONE or not DEVICE.fullmatch(device):
                raise CborError("of a confidence, or a device, that there is not")
        except CborError as error:
            raise EdgekitError(f"no opinion: what came is {error}") from None
        _check_answer(predicted, 0.0)
        return cls(device, epoch, sequence, model, predicted, confidence / CONFIDENCE_ONE)


def _check_answer(predicted: int, confidence: float) -> None:
    if not 0 <= predicted < CLASSES_MOST or not 0.0 <= confidence <= 1.0:
        raise EdgekitError("a class is 0 to 65,535, a confidence 0 to 1")


def _steps(confidence: float) -> int:
    return int(confidence * CONFIDENCE_ONE + 0.5)
