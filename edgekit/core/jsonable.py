"""Values for JSON, which has no NaN and knows no NumPy."""

from __future__ import annotations

import math
from typing import Any


def to_jsonable(value: Any) -> Any:
    """`value` for JSON: arrays and their numbers become plain ones, what is not finite None."""
    if isinstance(value, dict):
        return {str(k): to_jsonable(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [to_jsonable(v) for v in value]
    if hasattr(value, "tolist"):  # of NumPy, which is not imported for this
        return to_jsonable(value.tolist())
    return None if isinstance(value, float) and not math.isfinite(value) else value
