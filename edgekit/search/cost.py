"""What a candidate will cost on a device, before it exists: arithmetic on its layers.

The instruction estimate is a fit to what the generated C takes on an emulated Cortex-M33 (zig 0.17 -Os): 84
random networks of `space`, 412 layers, each counted exactly. `benchmarks.compression.search` repeats the
comparison on 24 others and on the kernels of today: the estimate of a whole network is within -32 % and +54 %
(networks of a few channels have become cheaper since). That is enough to prune by (`prune`), not enough
to choose by, so what is chosen is counted in the emulator.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from edgekit.emulate.cores import core
from edgekit.search.space import Layer

# Instructions of a layer: so many for each MAC, value copied together for a window, output and output
# pixel, and so many for the call. Least squares of relative errors, none negative.
INSTRUCTIONS = {
    "conv": (0.94, 7.01, 25.78, 43.11, 600.0),
    "pointwise": (1.06, 1.34, 20.83, 98.11, 190.0),
    "depthwise": (2.59, 0.0, 26.11, 0.0, 875.0),
    "dense": (1.87, 0.0, 40.13, 0.0, 188.0),
    "mean": (0.0, 5.79, 0.0, 0.0, 32.0),
    "pool": (0.0, 5.79, 0.0, 0.0, 32.0),
}
LEAST_CODE = 400  # bytes: below the code of the smallest of the 84 networks
DOUBT = 0.6  # what remains of an estimate that is as far too high as any was


@dataclass(frozen=True)
class Cost:
    """An estimate, features included: `weight_bytes`, `flash`, `ram` lower bounds, `instructions` a fit."""

    macs: int
    weight_bytes: int
    flash: int
    ram: int
    instructions: int


@dataclass(frozen=True)
class FeatureCost:
    """What a feature step takes on the core beside any network: counted once, it does not depend on it."""

    instructions: float = 0.0
    flash: float = 0.0
    ram: float = 0.0


def instructions(layer: Layer) -> float:
    """Estimated instructions of one layer on a core with DSP instructions."""
    pixels = layer.gives[0] * layer.gives[1]
    kind, copied = layer.kind, 0
    if kind == "conv":
        copied = pixels * layer.window[0] * layer.window[1] * layer.given[2]
        kind = "pointwise" if layer.window == (1, 1) and layer.stride == 1 else "conv"
    elif kind in ("mean", "pool"):
        copied = layer.inputs
    terms = (layer.macs, copied, layer.outputs, pixels, 1)
    return sum(a * b for a, b in zip(INSTRUCTIONS[kind], terms, strict=True))


def estimate(
    layers: Iterable[Layer], feature_cost: FeatureCost = FeatureCost(), cpu: str = "cortex-m4"
) -> Cost:
    """The cost of int8 layers on a core, with what their features cost."""
    layers = list(layers)
    weights = sum(layer.weights for layer in layers)
    biases = 8 * sum(layer.gives[2] for layer in layers if layer.weights)
    busiest = max(max(layer.inputs, layer.outputs) for layer in layers)
    taken = core(cpu).slower * sum(map(instructions, layers))
    return Cost(
        macs=sum(layer.macs for layer in layers),
        weight_bytes=weights + biases,
        flash=round(weights + LEAST_CODE + feature_cost.flash),
        ram=round(busiest + feature_cost.ram),
        instructions=round(taken + feature_cost.instructions),
    )
