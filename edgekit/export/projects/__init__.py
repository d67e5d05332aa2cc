"""A project that builds: the model, its features, a self-test and an inference task, for five tool chains.

`write(source, folder, kind, golden)` with `kind` one of `KINDS`. What it writes are the files under
`templates/` with `@name@` and the like filled in, so what a template says is what a user gets.

How far each kind is tested: `cmake` is built and its self-test run, on the host, on an emulated Cortex-M4 and
on an emulated ATmega; `arduino` is built on Arduino's own AVR core and run on an emulated Uno; `platformio`
is built by PlatformIO for a platform of the test's own. The SDKs of `zephyr` and `esp-idf` and the kernels
of FreeRTOS and ThreadX are not at hand where edgekit is developed: Kconfig and manifest are read by the
libraries that their tools use, all C compiles against stand-ins of the headers, and the glue runs over a
fake kernel. Each README says so.

For a Linux board no project is needed: the `.tflite` itself is the export, `ai-edge-litert` runs it; for
ONNX gateways see `edgekit.export.onnx`.
"""

from __future__ import annotations

from pathlib import Path

from edgekit.core.errors import EdgekitError, did_you_mean
from edgekit.export.projects.folder import archive, write_folder
from edgekit.export.projects.render import KINDS, RTOS, render
from edgekit.export.source import Source
from edgekit.signal.source import FeatureCode

__all__ = ["KINDS", "RTOS", "write"]


def write(
    source: Source,
    folder: str | Path,
    kind: str,
    golden: tuple,
    features: FeatureCode | None = None,
    board: str | None = None,
    rtos: str | None = None,
    model: bytes | None = None,
    window: int | None = None,
    sample_scale: float | None = None,
) -> Path:
    """Write a project into `folder`, whole or not at all, and return where it is.

    source: from `export.generate`, with one int8 input and one int8 output.
    kind: cmake, zephyr, esp-idf, arduino (the returned path is the library's .zip) or platformio.
    golden: (X, Y), int8 arrays (n, *input shape) and (n, *output shape) without the batch dimension, Y from
        the oracle. Up to eight vectors, evenly picked, go into the self-test.
    features: as `c(name, quantization)` of a step of `edgekit.signal` gives them, or C of your own with
        `<name>_features` and `<name>_quantize`, declared in `<name>_features.h`, as
        `signal.FeatureCode(files, window)`; without them raw samples are the input.
    board: as the kind's own tool names it (`west build -b`, `idf.py set-target`, "platform/board" for
        PlatformIO).
    rtos: bare, freertos, zephyr or threadx, as far as the kind allows; its first choice if left out.
    model: the `.tflite`, kept beside the sources.
    window: samples of one window, over all channels; features know it themselves.
    sample_scale: the model's unit for one count of the converter; 1/32768 if left out.

    Raises EdgekitError for an unknown kind or RTOS, golden vectors that do not fit the model, and for a
    folder that holds something edgekit did not write or that was changed since.
    """
    if kind not in KINDS:
        raise EdgekitError(f"unknown kind of project {kind!r}.{did_you_mean(kind, KINDS)}")
    folder = Path(folder).absolute()
    files = render(source, folder.name, kind, golden, features, board, rtos, window, sample_scale)
    if model is not None:
        files[f"{source.name}.tflite"] = bytes(model)
    if kind == "arduino":
        zipped = f"{source.name}.zip"
        files = {zipped: archive(files, source.name), "README.md": files["README.md"]}
        return write_folder(files, folder, source, kind) / zipped
    return write_folder(files, folder, source, kind)
