"""Run a firmware on its emulated core: outputs, classes, what each layer wrote."""

from __future__ import annotations

import os
import struct
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import numpy as np

from edgekit.core.errors import EdgekitError
from edgekit.emulate.cores import core
from edgekit.emulate.emulator import FLASH, SIZE, Emulator
from edgekit.emulate.firmware import Firmware
from edgekit.emulate.samples import check_windows, sensor_samples
from edgekit.export.slot import head_region, image
from edgekit.operators.graph import Graph

# a call may take so many instructions for each product and each value, beside emulator.INSTRUCTIONS;
# float32 without a floating-point unit takes about 150 for a product
PER_MAC, PER_VALUE = 250, 1000


class Machine(Emulator):
    """An emulated core with a firmware in its flash, standing still before the first inference.

    Constants that are read from a slot are there; `sense`, `classify` and `feature_values` are for a
    firmware with features.
    """

    def __init__(self, firmware: Firmware):
        source = self.source = firmware.source
        self.firmware, self.graph, self.name = firmware, source.graph, source.name
        values = sum(t.size for t in self.graph.tensors if t.data is None)
        allowance = PER_MAC * source.macs + PER_VALUE * values
        super().__init__(firmware.image(), core(firmware.cpu), allowance)
        self.arena = self.symbols[source.arena_symbol].address
        if source.slot:
            self.fill_slot(image(source))

    def fill_slot(self, data: bytes) -> None:
        """The model's image, at the end of the flash, and the program's pointer to it."""
        at = FLASH + SIZE - max(1 << 20, -(-len(data) // 8) * 8)
        if at < max(address + len(program) for address, program in self.image.segments):
            raise EdgekitError(f"constants of {len(data):,} bytes do not fit the emulated flash")
        self.uc.mem_write(at, data)
        if f"{self.name}_slot" in self.symbols:  # else no constants, and the linker left it out
            self.write(f"{self.name}_slot", struct.pack("<I", at))
        if self.source.head:  # as released, until the program says otherwise
            begin, _ = head_region(self.graph, self.source.layers)
            self.write(f"{self.name}_head", struct.pack("<I", at + begin))

    def load(self, values: Sequence[np.ndarray]) -> None:
        """Write an array for each model input, in its dtype. Raises EdgekitError for another one or size."""
        for i, x in zip(self.graph.inputs, values, strict=True):
            t = self.graph.tensors[i]
            if x.dtype != t.dtype or x.size != t.size:
                raise EdgekitError(f"input {t} cannot take {x.dtype}{list(x.shape)}")
            address = self.arena + self.source.offset(i)
            self.uc.mem_write(address, np.ascontiguousarray(x).tobytes())

    def tensor(self, i: int) -> np.ndarray:
        """Tensor i as it now stands in the arena."""
        t = self.graph.tensors[i]
        raw = self.read_at(self.arena + self.source.offset(i), t.nbytes)
        return np.frombuffer(raw, t.dtype).reshape(t.shape)

    def read_outputs(self) -> tuple[np.ndarray, ...]:
        return tuple(self.tensor(i) for i in self.graph.outputs)

    def infer(self, values: Sequence[np.ndarray]) -> tuple[np.ndarray, ...]:
        """One inference: `values` as `load` takes them; an array for each output."""
        self.load(values)
        self.call(f"{self.name}_invoke")
        return self.read_outputs()

    def reset(self) -> None:
        """Forget all earlier inferences, where the model remembers any."""
        if self.source.stateful:
            self.call(f"{self.name}_reset")

    def step_layers(self) -> dict[int, np.ndarray]:
        """One inference layer by layer; what each wrote, by tensor index."""
        seen: dict[int, np.ndarray] = {}
        for layer in self.source.layers:
            self.call(layer.name)
            seen |= {i: self.tensor(i) for i in layer.outputs}
        return seen

    def sense(self, window: np.ndarray) -> None:
        """A window of samples, (window, channels) in physical units, up to the network's input."""
        self._load_window(window)
        self.call(f"{self.name}_sense")

    def classify(self, window: np.ndarray) -> int:
        """The class of a window of samples, (window, channels) in physical units."""
        self._load_window(window)
        return self.call(f"{self.name}_classify")

    def feature_values(self) -> np.ndarray | None:
        """The features, float32, of the last window; None where the sensor's bytes become the input."""
        symbol = f"{self.name}_feature_values"
        return np.frombuffer(self.read(symbol), np.float32) if symbol in self.symbols else None

    def _load_window(self, window: np.ndarray) -> None:
        given = sensor_samples(self.firmware.step, self.firmware.sensitivity, window)
        self.write(f"{self.name}_samples", given.tobytes())


def as_batches(graph: Graph, X: Any) -> list[tuple[np.ndarray, ...]]:
    """`X` as a list of samples, each a tuple with one array for each input of `graph`, in that input's shape.

    X: (n, *input shape without its batch), or a list of such arrays where the model has several inputs. Of a
    model with a batch b of its own, b rows in a row are one sample; (n, *input shape) are n of them.
    Raises EdgekitError for others.
    """
    several = X if isinstance(X, (list, tuple)) and len(graph.inputs) > 1 else [X]
    if len(several) != len(graph.inputs):
        raise EdgekitError(
            f"the model has {len(graph.inputs)} inputs: give a list of as many arrays"
        )
    arrays = []
    for a, i in zip(map(np.asarray, several), graph.inputs, strict=True):
        t = graph.tensors[i]
        a = a[None] if a.ndim == 0 else a
        rows = 1 if a[:1].size == t.size else (t.shape or (1,))[0]
        if a.dtype != t.dtype or len(a) % rows or a[:rows].size != t.size:
            raise EdgekitError(f"input {t} cannot take samples of {a.dtype}{list(a.shape[1:])}")
        arrays.append(a.reshape(-1, *t.shape))
    if len({len(a) for a in arrays}) != 1:
        raise EdgekitError("the model's inputs were given different numbers of samples")
    return list(zip(*arrays, strict=True))


def run(firmware: Firmware, X: np.ndarray | Sequence[np.ndarray]) -> np.ndarray | list[np.ndarray]:
    """Outputs of the emulated binary for each sample of X (n, …): (n, …), or a list where there are several.

    Nothing is counted, so this goes at some 100–200 million instructions a second on each of the machine's
    cores. A model that keeps a state sees the samples in order, on one of them.
    """
    samples = as_batches(firmware.source.graph, X)
    workers = 1 if firmware.source.stateful else min(os.cpu_count() or 1, 8, len(samples) // 8)
    if workers < 2:
        results = _infer_all(firmware, samples)
    else:  # threads suffice: the emulator runs outside Python's lock
        size = -(-len(samples) // workers)
        parts = [samples[i : i + size] for i in range(0, len(samples), size)]
        with ThreadPoolExecutor(workers) as pool:
            results = [r for part in pool.map(partial(_infer_all, firmware), parts) for r in part]
    stacked = [
        np.concatenate([np.atleast_1d(r[i]) for r in results]) for i in range(len(results[0]))
    ]
    return stacked if len(stacked) > 1 else stacked[0]


def _infer_all(firmware: Firmware, samples) -> list[tuple[np.ndarray, ...]]:
    machine = Machine(firmware)
    return [machine.infer(sample) for sample in samples]


def classify(
    firmware: Firmware, X: np.ndarray, machine: Machine | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Windows of samples through the emulated binary: (n,) classes, and (n, …) outputs as they are.

    X: (n, window, channels) in physical units; the sensor's counts are made of it on the way in.
    machine: one that runs already, as a program whose constants lie in a slot needs; else a fresh one.
    Raises EdgekitError for windows of another shape.
    """
    device, classes, outputs = machine or Machine(firmware), [], []
    for window in check_windows(firmware.step, X):
        classes.append(device.classify(window))
        outputs.append(device.read_outputs()[0])
    return np.array(classes), np.concatenate([np.atleast_2d(o) for o in outputs])
