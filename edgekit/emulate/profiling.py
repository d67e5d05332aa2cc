"""Count one inference: instructions layer by layer, stack, flash and memory."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

import numpy as np

from edgekit.core.errors import EdgekitError
from edgekit.core.figures import Figure, emulated, measured
from edgekit.core.html_table import TABLE
from edgekit.core.palette import BLUE
from edgekit.emulate.count import Counting
from edgekit.emulate.firmware import Firmware, build
from edgekit.emulate.machine import Machine, as_batches
from edgekit.emulate.samples import check_windows

SHOWN = ("instructions", "per_mac", "arena", "stack", "flash", "ram")
FEATURES = ("feature_instructions", "network", "feature_flash", "feature_ram")


@dataclass(frozen=True)
class LayerCount:
    """What one layer cost: instructions, taken branches, and how often each block of code ran."""

    name: str
    instructions: int
    macs: int
    blocks: dict  # (address, bytes) -> executions
    taken: int  # branches that left the straight line


@dataclass(frozen=True, eq=False)
class Profile:
    """One inference, counted. Layers in order of execution, "invoke", which calls them, behind them.

    Of a firmware with features, one window from samples to class: `layers` begin with "features" and end
    with "classify". `network` is the network's share of the instructions, `feature_instructions` that of
    the features; `feature_flash` and `feature_ram` are what the firmware takes more than the bare network,
    tables, the window of samples and float routines included. The features' are None without features.
    """

    layers: tuple[LayerCount, ...]
    instructions: Figure
    network: Figure
    per_mac: Figure
    stack: Figure
    arena: Figure
    flash: Figure
    ram: Figure
    output: tuple[np.ndarray, ...]
    cpu: str
    feature_instructions: Figure | None = None
    feature_flash: Figure | None = None
    feature_ram: Figure | None = None

    def _repr_html_(self) -> str:
        total = max(1, self.instructions.value)
        rows = "".join(
            f"<tr><td>{escape(c.name)}</td><td>{c.instructions:,}</td><td>{c.macs:,}</td><td>"
            f"<div style='background:{BLUE};height:.8em;width:{200 * c.instructions / total:.0f}px'>"
            f"</div></td></tr>"
            for c in self.layers
        )
        shown = (*FEATURES, *SHOWN) if self.feature_instructions else SHOWN
        heads = "".join(
            f"<tr><td>{k.replace('_', ' ')}</td><td>{getattr(self, k)._repr_html_()}</td></tr>"
            for k in shown
        )
        return (
            f"{TABLE}{heads}</table>{TABLE}<tr><th>layer</th><th>instructions</th><th>MAC</th>"
            f"<th></th></tr>{rows}</table>"
        )


def profile(
    firmware: Firmware, x: np.ndarray | Sequence[np.ndarray], machine: Machine | None = None
) -> Profile:
    """Count one inference. x: one sample of the network, (1, …), or one window, (1, window, channels).

    machine: as `classify` takes it. Instructions are exact: each executed block's length in instructions,
    summed. Stack by painting. Raises EdgekitError for more than one sample, or one of another shape.
    """
    device, source, name = machine or Machine(firmware), firmware.source, firmware.source.name
    layers = [layer.name for layer in source.layers]
    parts, entries = [*layers, "invoke"], {n: n for n in layers} | {f"{name}_invoke": "invoke"}
    samples: list[Any]
    run: Callable[[Any], object] = device.infer
    if firmware.features is None:
        samples = list(as_batches(device.graph, x))
    else:
        samples, run = list(check_windows(firmware.features, x)), device.classify
        parts = ["features", *layers, "decide", "invoke", "classify"]
        entries |= {f"{name}_{f}": f for f in ("decide", "classify")} | {
            f"{name}_sense": "features"
        }
    if len(samples) != 1:
        raise EdgekitError(f"one sample is counted at a time, not {len(samples)}")
    order = {part: n for n, part in enumerate(parts)}
    begins = {
        device.symbols[s].address: order[p] for s, p in entries.items() if s in device.symbols
    }
    macs = dict.fromkeys(parts, 0) | {layer.name: layer.macs for layer in source.layers}
    device.paint_stack()
    with Counting(device, begins, len(parts), list(macs.values())) as counting:
        run(samples[0])
    stack = device.stack_used()
    counts = tuple(
        LayerCount(part, device.instructions(blocks), macs[part], dict(blocks), taken)
        for part, blocks, taken in zip(parts, counting.blocks, counting.taken, strict=True)
    )
    cost = {c.name: c.instructions for c in counts}
    total, network = sum(cost.values()), sum(cost[part] for part in (*layers, "invoke"))
    where = f"unicorn, {firmware.described}"
    return Profile(
        layers=counts,
        instructions=emulated(total, "instructions", where),
        network=emulated(network, "instructions", where),
        per_mac=emulated(network / max(1, source.macs), "instructions/MAC", where),
        stack=emulated(stack, "B", f"painted stack, {where}"),
        arena=measured(source.plan.size, "B", "memory plan"),
        flash=firmware.flash,
        ram=firmware.ram,
        output=device.read_outputs(),
        cpu=firmware.cpu,
        **({} if firmware.features is None else _of_features(firmware, cost["features"], where)),
    )


def _of_features(firmware: Firmware, instructions: int, where: str) -> dict[str, Figure]:
    """What the features take beside the bare network."""
    bare = build(firmware.source, firmware.cpu, firmware.flags[0], firmware.compiler_name)

    def more(have: Figure, without: Figure) -> Figure:
        return measured(have.value - without.value, "B", f"{have.source}, less the bare network's")

    return {
        "feature_instructions": emulated(instructions, "instructions", where),
        "feature_flash": more(firmware.flash, bare.flash),
        "feature_ram": more(firmware.ram, bare.ram),
    }
