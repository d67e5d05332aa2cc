"""C compiled for this machine, callable from a test."""

import ctypes
from types import SimpleNamespace

import numpy as np

from edgekit.emulate import build_host
from edgekit.signal import source


def library(files: dict[str, str]) -> ctypes.CDLL:
    """The shared library of these sources; headers of `edgekit/firmware/features` are found by name."""
    text = "".join(files.values())
    own = [h for h in ("fft.h", "real.h", "to_int8.h") if f'"{h}"' in text]
    return ctypes.CDLL(
        str(build_host(SimpleNamespace(name="test", files=source.included(own) | files)))
    )


def features(feature, X, sensitivity=None, quantization=None, files=None):
    """(n, features) float32 and, with `quantization`, int8, from the C side of a feature."""
    from edgekit.emulate.compare_features import run_library

    files = files or feature.c("test", quantization=quantization, sensitivity=sensitivity)
    return run_library(library(files), "test", feature, X, sensitivity)


def bits(x) -> np.ndarray:
    """float32 as integers, so that a comparison sees every bit; the two zeros count as one."""
    return (np.asarray(x, np.float32) + np.float32(0)).view(np.uint32)
