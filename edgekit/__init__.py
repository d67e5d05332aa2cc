"""edgekit: from sensor recordings to a signed model update, judged by one budget.

    import edgekit as ek

    tflite = ek.quantize(model, X_train)                    # Keras model -> int8 .tflite
    ek.parity(tflite, X_test[:20])                          # our C against TFLM, layer by layer
    ek.profile(tflite, "stm32l4", X_test[:1])               # latency, energy, flash, RAM on the board's core
    ek.generate_c(tflite, name="gesture").write("firmware") # C99 that a person can read

These need no run directory; `open_run` is for the chapters. What is listed here is loaded at first use.
"""

from __future__ import annotations

import os
from importlib import import_module
from typing import TYPE_CHECKING, Any

# TensorFlow reads these once, at import; set here so that no notebook has to.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")

from edgekit.core.version import VERSION

if TYPE_CHECKING:
    from edgekit.api.boards import BoardProfile, Parity, generate_c, parity, profile
    from edgekit.api.models import compress, quantize
    from edgekit.api.updates import package
    from edgekit.core.errors import EdgekitError
    from edgekit.core.figures import Figure, emulated, estimated, measured, published
    from edgekit.pipeline.run import open_run

__version__ = VERSION
__all__ = [
    "BoardProfile",
    "EdgekitError",
    "Figure",
    "Parity",
    "compress",
    "emulated",
    "estimated",
    "generate_c",
    "measured",
    "open_run",
    "package",
    "parity",
    "profile",
    "published",
    "quantize",
]

_HOMES = {
    "api.boards": ("BoardProfile", "Parity", "generate_c", "parity", "profile"),
    "api.models": ("compress", "quantize"),
    "api.updates": ("package",),
    "core.errors": ("EdgekitError",),
    "core.figures": ("Figure", "emulated", "estimated", "measured", "published"),
    "pipeline.run": ("open_run",),
}
_HOME = {name: module for module, names in _HOMES.items() for name in names}
# the parts of the library, which `ek.catalog.boards()` reaches without another import
_PACKAGES = ("catalog", "data", "datasets", "emulate", "export", "learn", "packages", "signal")


def __getattr__(name: str) -> Any:
    if name in _HOME:
        value = getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
        globals()[name] = value
        return value
    if name in _PACKAGES:
        return import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({"__version__", *__all__, *_PACKAGES})
