"""What the C side of all features has in common: two files and the headers that they include."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import numpy as np

from edgekit import firmware
from edgekit.core import naming
from edgekit.core.errors import EdgekitError
from edgekit.signal import fft, real

FOOT = ("", "#ifdef __cplusplus", "}", "#endif", "#endif", "")


def check(feature, X: np.ndarray) -> None:
    """Raises ValueError where `X` is not (n, feature.window, feature.channels)."""
    if X.ndim != 3 or X.shape[1:] != (feature.window, feature.channels):
        raise ValueError(f"expected (n, {feature.window}, {feature.channels}), got {X.shape}")


def to_int8(features: np.ndarray, scale: float, zero_point: int) -> np.ndarray:
    """`features` (n, …) as the int8 that a network expects: nearest, half away from zero, saturated.

    `real = scale * (int8 - zero_point)`. NaN counts as 0. Same shape.
    """
    scaled = np.nan_to_num(np.asarray(features, np.float64) / np.float32(scale))
    away = np.sign(scaled) * np.floor(np.abs(scaled) + 0.5)
    return np.clip(away + zero_point, -128, 127).astype(np.int8)


class FeatureCode(dict[str, str]):
    """C files of features by name, and what their caller has to know of them.

    window: samples that one call takes, over all channels. functions: what there is behind `{name}_`:
    "features" and "quantize", or more (`emit` says which). work_bytes: static memory beside. sensitivity:
    units per count, where "features_int16" takes a sensor's counts.
    """

    def __init__(
        self,
        files: Mapping[str, str],
        window: int,
        functions: Collection[str] = ("features", "quantize"),
        work_bytes: int = 0,
        sensitivity: float | None = None,
    ):
        super().__init__(files)
        self.window, self.functions = window, frozenset(functions)
        self.work_bytes, self.sensitivity = work_bytes, sensitivity

    def with_files(self, files: Mapping[str, str]) -> FeatureCode:
        """The same features, other files beside them."""
        more = (self.window, self.functions, self.work_bytes, self.sensitivity)
        return FeatureCode({**self, **files}, *more)

    def without(self, *names: str) -> FeatureCode:
        """The same features without these files."""
        files = {name: text for name, text in self.items() if name not in names}
        return FeatureCode(files, self.window, self.functions, self.work_bytes, self.sensitivity)


def emit(
    feature,
    name: str,
    headers,
    call: str,
    tables="",
    work=0,
    quantization=None,
    sensitivity=None,
    more=None,
) -> FeatureCode:
    """`{name}_features.h` and `.c` with the headers they need.

    `void {name}_features(const float *samples, float *features)` takes samples in physical units;
    `sensitivity` (physical units per count of the sensor) adds `{name}_features_int16`, and
    `quantization` (scale and zero point of the network's input) adds `{name}_quantize`. No libc, no
    heap; the one static work area is `{NAME}_WORK_BYTES` long, so neither function is re-entrant.

    From the feature: `call` is the statement that computes `features` from `from`; `tables` and
    `work` (floats) are what it uses; `more` are further functions, what stands behind `{name}_` ->
    (parameters, comment, statement).
    Raises EdgekitError for a name that is no C identifier, or for a
    scale or sensitivity that is not positive, or so large that a count exceeds `real.LARGEST_SAMPLE`.
    """
    naming.check_c_name(name)
    if sensitivity is not None and not 1e-30 < sensitivity * 32768 <= real.LARGEST_SAMPLE:
        raise EdgekitError(f"a sensitivity of {sensitivity} per count is out of range")
    up, size = name.upper(), int(np.prod(feature.shape))
    head = [
        f"/* {name}: from a window of samples to the features that the network takes.",
        f" * samples [{feature.window}][{feature.channels}] -> features {list(feature.shape)}, "
        "not re-entrant.",
        f" * {_described(feature)} */",
        f"#ifndef {up}_FEATURES_H",
        f"#define {up}_FEATURES_H",
        "",
        "#include <stdint.h>",
        "",
        "#ifdef __cplusplus",
        'extern "C" {',
        "#endif",
        "",
        f"#define {up}_WINDOW {feature.window} /* samples of each channel */",
        f"#define {up}_CHANNELS {feature.channels}",
        f"#define {up}_FEATURES {size}",
        f"#define {up}_WORK_BYTES {4 * work} /* static */",
    ]
    body = [f'#include "{name}_features.h"\n', *(f'#include "{h}"' for h in headers)]
    if quantization:
        body.append('#include "to_int8.h"')
    body.append("")
    if tables:
        body.append(tables)
    if work:
        body.append(f"static float work[{work}];\n")
    promises = [
        "/* Samples in physical units; NaN counts as 0, and beyond +-1e6 they are clamped. */",
        f"void {name}_features(const float *samples, float *features);",
    ]
    body.append(
        f"void {name}_features(const float *samples, float *features) {{\n"
        f"  const struct samples from = {{.real = samples, .channels = {feature.channels}}};\n"
        f"  {call}\n}}\n"
    )
    if sensitivity is not None:
        head.append(f"#define {up}_SENSITIVITY {literal(sensitivity)} /* units per count */")
        promises += [
            "/* Counts as the converter or the accelerometer delivers them. */",
            f"void {name}_features_int16(const int16_t *samples, float *features);",
        ]
        body.append(
            f"void {name}_features_int16(const int16_t *samples, float *features) {{\n"
            f"  const struct samples from = {{.raw = samples, .sensitivity = {up}_SENSITIVITY, "
            f".channels = {feature.channels}}};\n"
            f"  {call}\n}}\n"
        )
    if quantization:
        promises += [
            "/* The network's input: nearest step, half away from zero, saturated. */",
            f"void {name}_quantize(const float *features, int8_t *input);",
        ]
        body += [
            struct("int8_scale", "input_scale", **_split(*quantization)),
            f"void {name}_quantize(const float *features, int8_t *input) {{\n"
            f"  for (int32_t i = 0; i < {up}_FEATURES; i++) input[i] = to_int8(features[i], "
            "&input_scale);\n}\n",
        ]
    functions = ["features"]
    functions += ["features_int16"] if sensitivity is not None else []
    functions += ["quantize"] if quantization else []
    for function, (parameters, comment, statement) in (more or {}).items():
        functions.append(function)
        signature = f"void {name}_{function}({parameters})"
        promises += [f"/* {comment} */", f"{signature};"]
        body.append(f"{signature} {{\n  {statement}\n}}\n")
    files = {
        f"{name}_features.h": "\n".join([*head, "", *promises, *FOOT]),
        f"{name}_features.c": "\n".join(body).rstrip() + "\n",
    }
    files |= included((*headers, "to_int8.h") if quantization else headers)
    samples = feature.window * feature.channels
    return FeatureCode(files, samples, functions, 4 * work, sensitivity)


def literal(value: float | np.floating) -> str:
    """A float32 as C writes it, exactly."""
    value = np.float32(value)
    if not np.isfinite(value):
        raise EdgekitError(f"{value} has no place in C code")
    text = repr(float(np.format_float_scientific(value, unique=True)))
    return f"{text}f"


def array(kind: str, name: str, values, comment: str) -> str:
    """A constant array."""
    words = [literal(v) if kind == "float" else str(int(v)) for v in np.ravel(values)]
    return f"/* {comment} */\nstatic const {kind} {name}[{len(words)}] = {{\n{_rows(words, '  ')}\n}};\n\n"


def struct(kind: str, name: str, **fields) -> str:
    """A constant structure."""
    words = [f".{k} = {v}" for k, v in fields.items()]
    return f"static const struct {kind} {name} = {{\n{_rows(words, '    ')}\n}};\n"


def _rows(words, indent: str) -> str:
    """As many on a line as fit."""
    lines, line = [], ""
    for word in words:
        if line and len(indent) + len(line) + len(word) > 97:
            lines.append(line)
            line = ""
        line += f" {word}," if line else f"{word},"
    return "\n".join(indent + row for row in [*lines, line])


def cosine(turn: int) -> str:
    """The table that all transforms up to `turn` and the Hann window share."""
    return array("float", "cosine", fft.quarter_cosine(turn), f"cos(2 pi i / {turn})")


def _split(size: float, zero_point: int) -> dict[str, str]:
    """The scale as a sum of two numbers with 12 significant bits each, and its inverse."""
    scale = np.float32(size)
    if not 1e-20 < scale < 1e20 or not -128 <= zero_point <= 127:
        raise EdgekitError(f"cannot quantize with scale {scale} and zero point {zero_point}")
    high = (scale.view(np.uint32) & np.uint32(0xFFFFF000)).view(np.float32)
    return {
        "inverse": literal(np.float32(1) / scale),
        "high": literal(high),
        "low": literal(scale - high),
        "zero_point": str(int(zero_point)),
    }


def included(wanted) -> dict[str, str]:
    """The headers and those they include."""
    return firmware.with_includes(wanted, lambda header: firmware.text("features", header))


def _described(feature) -> str:
    text = f"{feature!r}".replace("*/", "")
    return text if len(text) < 160 else text[:157] + "..."
