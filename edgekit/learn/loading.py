"""Loading TensorFlow, which takes seconds, when it suits."""

from __future__ import annotations


def load_tensorflow() -> None:
    """Load TensorFlow now, in 5 to 7 s, and not in the middle of whatever needs it first."""
    from edgekit.learn import legacy  # noqa: F401
