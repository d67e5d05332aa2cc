"""Features in Python against their C twins, number by number, on this machine and on the emulated core."""

from __future__ import annotations

import ctypes
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from edgekit.emulate.firmware import MAIN_FILE, SUFFIX, Firmware, build_host
from edgekit.emulate.machine import Machine
from edgekit.emulate.samples import check_windows, quantize_samples, sample_dtype, sensor_samples
from edgekit.signal.source import to_int8

if TYPE_CHECKING:
    import pandas as pd


def features_on_host(firmware: Firmware, X) -> tuple[np.ndarray, np.ndarray | None]:
    """The C features of windows `X`, compiled for this machine: (n, features) float32, and int8 or None."""
    name = firmware.source.name
    files = {k: v for k, v in firmware.feature_files.items() if k != MAIN_FILE}
    library = ctypes.CDLL(str(build_host(replace(firmware.source, files=files))))
    return run_library(
        library, name, firmware.step, check_windows(firmware.step, X), firmware.sensitivity
    )


def run_library(library, name: str, features, X, sensitivity=None):
    """Call `{name}_features`, and `{name}_quantize` where it exists, of a loaded library."""
    size = int(np.prod(features.shape))
    out, q = np.empty((len(X), size), np.float32), np.empty((len(X), size), np.int8)
    compute = getattr(library, f"{name}_features{SUFFIX[sample_dtype(features, sensitivity)]}")
    quantizer = getattr(library, f"{name}_quantize", None)
    for window, o, i in zip(X, out, q, strict=True):
        given = np.ascontiguousarray(sensor_samples(features, sensitivity, window))
        compute(given.ctypes, o.ctypes)
        if quantizer:
            quantizer(o.ctypes, i.ctypes)
    return out, q if quantizer else None


def features_on_core(firmware: Firmware, X) -> tuple[np.ndarray | None, np.ndarray]:
    """The features of windows `X` on the emulated core, (n, features) float32, and the network's input.

    The features are None where the binary makes the input of the sensor's bytes without them.
    """
    device = Machine(firmware)
    found: list[np.ndarray | None] = []
    inputs = []
    for window in check_windows(firmware.step, X):
        device.sense(window)
        found.append(device.feature_values())
        inputs.append(device.tensor(firmware.source.graph.inputs[0]).reshape(-1))
    values = [f for f in found if f is not None]
    return np.stack(values) if values else None, np.stack(inputs)


def feature_parity(firmware: Firmware, X: np.ndarray) -> pd.DataFrame:
    """Python's features against the C side's, one row for each feature, as a pandas DataFrame.

    X: (n, window, channels) in physical units. Raises EdgekitError for windows of another shape.
    Columns: feature, scale (its standard deviation over the windows), then for `host` and `core` the
    largest and the mean absolute error and how many int8 inputs differ. `attrs`: "windows", "exact"
    (every bit equal on both), "worst" (largest error over its feature's scale) and "int8_share" (of
    differing int8 inputs, on the core).
    """
    import pandas as pd

    X = check_windows(firmware.step, X)
    truth = firmware.step(quantize_samples(firmware.step, firmware.sensitivity, X))
    truth = truth.reshape(len(X), -1)
    into = firmware.source.graph.tensors[firmware.source.graph.inputs[0]]
    quantized = str(into.dtype) == "int8"
    wanted = to_int8(truth, into.scale[0], int(into.zero_point[0])) if quantized else truth
    scale = truth.std(axis=0)
    columns = {"feature": np.arange(truth.shape[1]), "scale": scale}
    exact, worst, share = True, 0.0, 0.0
    both: dict[str, tuple[np.ndarray | None, np.ndarray | None]] = {
        "host": features_on_host(firmware, X),
        "core": features_on_core(firmware, X),
    }
    for where, (got, inputs) in both.items():
        if got is None:  # there are no features on the core, only the input: exact if that is
            same = inputs is not None and np.array_equal(inputs, wanted)
            got = truth if same else np.full_like(truth, np.inf)
        with np.errstate(invalid="ignore"):
            error = np.abs(got.astype(np.float64) - truth)
        error = np.where(np.isfinite(got), error, np.inf)
        columns |= {f"{where}_max": error.max(axis=0), f"{where}_mean": error.mean(axis=0)}
        if quantized and inputs is not None:
            differs = np.not_equal(inputs, wanted)
            columns[f"{where}_int8"] = differs.sum(axis=0)
            share = float(differs.mean())
        exact &= bool(np.array_equal(got, truth))
        worst = max(worst, float((error.max(axis=0) / np.maximum(scale, 1e-12)).max()))
    table = pd.DataFrame(columns)
    table.attrs |= {"windows": len(X), "exact": exact, "worst": worst, "int8_share": share}
    return table
