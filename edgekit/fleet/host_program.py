"""The program of a device compiled for this machine: many windows in one call, byte for byte what the core
does.

Constants lie in the slot's image, so one library serves every release that its devices can take.
"""

from __future__ import annotations

import ctypes
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from edgekit.agent.device_firmware import DeviceFirmware
from edgekit.core.errors import EdgekitError
from edgekit.emulate.firmware import MAIN_FILE
from edgekit.emulate.samples import check_windows, sensor_samples
from edgekit.emulate.toolchain import host_library

DRIVER = """\
/* Many windows, one after the other; after `window_to_class.c`, whose arrays it fills. */
#include "window_to_class.h"
#include <string.h>
void edgekit_batch(const uint8_t *slot, const void *samples, int8_t *input, int8_t *output, int32_t n) {{
  {name}_slot = slot;
  for (int32_t i = 0; i < n; i++) {{
    memcpy({name}_samples, (const char *)samples + (size_t)i * sizeof {name}_samples, sizeof {name}_samples);
    {reset}{name}_sense();
    memcpy(input + (size_t)i * {inputs}, {name}_input(), {inputs});
    {name}_invoke();
    memcpy(output + (size_t)i * {outputs}, {name}_output(), {outputs});
  }}
}}
"""


@dataclass(frozen=True)
class Inference:
    """Of n windows the network's `inputs` (n, inputs) and `outputs` (n, classes), int8, as on the device."""

    inputs: np.ndarray
    outputs: np.ndarray

    @property
    def classes(self) -> np.ndarray:
        """(n,) the first of the highest, as the device decides."""
        return self.outputs.argmax(axis=1)


class HostProgram:
    """`firmware`'s features and network, on this machine. Compiled once, then taken from the user's cache."""

    def __init__(self, firmware: DeviceFirmware):
        self.firmware = firmware
        graph = firmware.source.graph
        self.given, self.made = (graph.tensors[i] for i in (graph.inputs[0], graph.outputs[0]))
        if {str(self.given.dtype), str(self.made.dtype)} != {"int8"}:
            raise EdgekitError("a fleet needs an int8 network, in and out")

    @cached_property
    def _library(self):
        firmware, name = self.firmware, self.firmware.source.name
        main = firmware.feature_files[MAIN_FILE].partition("/* Nothing calls it")[0]
        files = {**firmware.source.files, **firmware.feature_files}
        files["window_to_class.h"] = files.pop(MAIN_FILE) and main
        files["edgekit_batch.c"] = DRIVER.format(
            name=name, inputs=self.given.nbytes, outputs=self.made.nbytes,
            reset=f"{name}_reset();\n    " if firmware.source.stateful else "",
        )  # fmt: skip
        return ctypes.CDLL(str(host_library(files, "-O2")))

    def __call__(self, image: bytes, X: np.ndarray) -> Inference:
        """Windows `X` (n, time, channel) in physical units, by the model whose slot holds `image`.

        Raises EdgekitError for windows of another shape.
        """
        features = self.firmware.step
        X = check_windows(features, X)
        samples = np.stack([sensor_samples(features, self.firmware.sensitivity, x) for x in X])
        slot = np.zeros(-(-len(image) // 8), np.uint64)  # on a multiple of 8, as in flash
        slot.view(np.uint8)[: len(image)] = np.frombuffer(image, np.uint8)
        inputs = np.empty((len(X), self.given.nbytes), np.int8)
        outputs = np.empty((len(X), self.made.nbytes), np.int8)
        self._library.edgekit_batch(
            slot.ctypes, np.ascontiguousarray(samples).ctypes, inputs.ctypes, outputs.ctypes, len(X)
        )
        return Inference(inputs, outputs)
