"""A window in the object store: a sensor's own samples, back in physical units."""

from __future__ import annotations

import numpy as np

from edgekit.core.errors import EdgekitError
from edgekit.emulate.samples import sample_dtype
from edgekit.usecases import UseCase


def stored_window(data: bytes, case: UseCase) -> np.ndarray:
    """What a device of this use case sent: (time, channel) float32, or a picture (height, width, 1).

    Raises EdgekitError for bytes that are no window of it.
    """
    step = case.features
    shape = getattr(step, "given", None) or (
        getattr(step, "full_window", step.window),
        step.channels,
    )
    kind = np.dtype(sample_dtype(step, case.SENSITIVITY)).newbyteorder("<")
    if len(data) != kind.itemsize * int(np.prod(shape)):
        wanted = " × ".join(map(str, shape))
        raise EdgekitError(
            f"a window of {case.name} has {wanted} {kind.name} values, not {len(data):,} bytes"
        )
    scale = case.SENSITIVITY if kind.kind == "i" else 1
    return np.frombuffer(data, kind).reshape(shape).astype(np.float32) * np.float32(scale)
