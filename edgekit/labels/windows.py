"""A window in the object store: a sensor's own samples, back in physical units."""

from __future__ import annotations

import numpy as np

from edgekit.core.errors import EdgekitError
from edgekit.emulate.samples import sample_dtype
from edgekit.signal.step import Step


def stored_window(data: bytes, step: Step, sensitivity: float | None) -> np.ndarray:
    """What a device sent: (time, channel) float32, or a picture (height, width, 1).

    `step` and `sensitivity`: its features, and physical units per count (None: no counts). Raises
    EdgekitError for bytes that are no window of it.
    """
    shape = getattr(step, "given", None) or (
        getattr(step, "full_window", step.window),
        step.channels,
    )
    kind = np.dtype(sample_dtype(step, sensitivity)).newbyteorder("<")
    if len(data) != kind.itemsize * int(np.prod(shape)):
        wanted = " × ".join(map(str, shape))
        raise EdgekitError(
            f"a window has {wanted} {kind.name} values here, not {len(data):,} bytes"
        )
    scale = sensitivity if kind.kind == "i" else 1
    return np.frombuffer(data, kind).reshape(shape).astype(np.float32) * np.float32(scale)
