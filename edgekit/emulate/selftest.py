"""A network's answer to a known input: what a device compares before it keeps a new model.

The input is a pattern, so it takes no flash; the answer is a hash, so it takes eight bytes.
"""

from __future__ import annotations

import hashlib

import numpy as np

from edgekit.core.errors import EdgekitError
from edgekit.core.figures import Figure, measured
from edgekit.emulate.firmware import build
from edgekit.emulate.machine import Machine
from edgekit.export.slot import image, image_size
from edgekit.export.source import Source

DIGEST_BYTES = 8  # bytes at the end of an image


def self_test_input(n: int) -> np.ndarray:
    """The test input's bytes, uint8 (n,); `update_selftest` in C makes the same."""
    return ((np.arange(n) * 37 + 11) & 255).astype(np.uint8)


def expected_digest(source: Source, cpu: str = "cortex-m4") -> bytes:
    """The first 8 bytes of the SHA-256 of all outputs for the test input, by the emulated binary.

    source: generated with `slot`. Raises EdgekitError for a model with inputs other than int8 or uint8.
    """
    for i in source.graph.inputs:
        if source.graph.tensors[i].dtype.itemsize != 1:
            t = source.graph.tensors[i]
            raise EdgekitError(f"a self-test needs int8 inputs, {t.name!r} is {t.dtype}")
    outputs = self_test_outputs(source, cpu)
    return hashlib.sha256(b"".join(o.tobytes() for o in outputs)).digest()[:DIGEST_BYTES]


def self_test_outputs(source: Source, cpu: str = "cortex-m4") -> tuple[np.ndarray, ...]:
    """What the emulated binary answers to the test input. Raises EdgekitError for inputs of floats, which a
    pattern of bytes can make infinite."""
    tensors = [source.graph.tensors[i] for i in source.graph.inputs]
    for t in tensors:
        if t.dtype.kind not in "iu":
            raise EdgekitError(
                f"a self-test needs inputs of integers, {t.name!r} is {t.dtype}: "
                "export.strip_float_io takes a conversion off its ends"
            )
    given = [self_test_input(t.nbytes).view(t.dtype).reshape(t.shape) for t in tensors]
    return Machine(build(source, cpu)).infer(given)


def slot_image(source: Source, cpu: str = "cortex-m4") -> bytes:
    """What travels to a device and lies in its slot: the constants, and the answer they must give."""
    return image(source) + expected_digest(source, cpu)


def model_bytes(source: Source) -> Figure:
    """Bytes of `slot_image`, counted without running it: the budget's line of that name.

    source: generated with `slot`; EdgekitError for another, which may lack channels that the slot has.
    """
    if not source.slot:
        raise EdgekitError(
            "a slot's bytes are those of code that reads from one: generate(…, slot=True)"
        )
    size = image_size(source.graph, source.layers) + DIGEST_BYTES
    return measured(size, "bytes", "the image in a slot: constants and the self-test's answer")
