"""Loading TensorFlow, which takes seconds, when it suits."""

from __future__ import annotations

from typing import Any


def load_tensorflow() -> Any:
    """Load TensorFlow now, in 5 to 7 s, and not in the middle of whatever needs it first. Returns the Keras
    that the kit trains with: legacy Keras, which TensorFlow's model optimization works on."""
    from edgekit.learn.legacy import keras

    return keras
