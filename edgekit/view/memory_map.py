"""What lies where in a compiled program: its flash and its memory by section and symbol, and the arena."""

from __future__ import annotations

from typing import TYPE_CHECKING

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.axes import Axes

from edgekit.agent.device_firmware import DeviceFirmware
from edgekit.agent.flash_usage import slots_bytes
from edgekit.view.device import plot_memory
from edgekit.view.palette import COLOURS

if TYPE_CHECKING:
    from edgekit.emulate import Firmware

REGIONS = ("flash", "memory", "arena")
COLUMNS = ["region", "section", "name", "address", "bytes", "what"]
KINDS = {
    "code": COLOURS[0],
    "weights": COLOURS[1],
    "arena": COLOURS[2],
    "data": COLOURS[3],
    "slots": "0.75",
}
EMULATED = "nor"  # the emulator's model of the flash: no memory of a device's
LARGEST = 12  # symbols with a bar of their own


def memory_map(firmware: Firmware) -> pd.DataFrame:
    """What `firmware` holds, a row a symbol of the ELF, largest first, and a row "(rest)" for what of a
    section no symbol names (padding, literals). Of a device that takes updates its slots are in it too.

    Columns: region ("flash" or "memory"), section, name, address, bytes, what ("code", "weights", "arena",
    "data", "slots"). The bytes of a section are those of its header; without the stack, and without the
    emulator's model of the flash. A program's .data counts in both regions: it is copied at the start.
    """
    image, rows = firmware.image(), []
    weights, arena = _weights(firmware), f"{firmware.source.name}_arena"
    symbols = sorted(
        {(s.address, s.size): s for s in image.symbols.values() if s.size}.values(),
        key=lambda s: (s.address, -s.size),
    )
    for section, (start, size) in image.places.items():
        named, end = 0, start
        for s in symbols:
            # a name within another's bytes (an alias, a label) takes none of its own
            if not start <= s.address < start + size or s.address < end:
                continue
            what = "code" if s.kind == "function" else "data"
            what = "weights" if s.name in weights else "arena" if s.name == arena else what
            rows.append((section, s.name, s.address, s.size, what))
            named, end = named + s.size, s.address + s.size
        rest = "code" if section == ".text" else "data"
        rows.append((section, "(rest)", start, size - named, rest))
    if isinstance(firmware, DeviceFirmware):  # the ELF keeps them in the model of the flash
        model = len(firmware.release.image)
        rows.append(("slots", "the model", 0, model, "weights"))
        rows.append(("slots", "(other slot, log, keys)", 0, slots_bytes(model) - model, "slots"))
    kept = [
        (region, *row)
        for row in rows
        for region in _regions(row[0])
        if row[3] and not (row[1] == EMULATED and region == "memory")
    ]
    table = pd.DataFrame(kept, columns=COLUMNS)
    return table.sort_values("bytes", ascending=False, ignore_index=True)


def plot_memory_map(firmware: Firmware, region: str = "flash") -> Axes:
    """The largest symbols of a `region` of `firmware` as bars, coloured by what they are; of "arena", where
    each tensor lies and how long it lives. Returns the axes. Raises ValueError for another region."""
    if region not in REGIONS:
        raise ValueError(f"no region {region!r}: choose one of {', '.join(REGIONS)}")
    if region == "arena":
        return plot_memory(firmware.source)
    table = memory_map(firmware).query("region == @region")
    top, rest = table.head(LARGEST), table.iloc[LARGEST:]
    names = [f"{r.name_} {r.section}" for r in top.rename(columns={"name": "name_"}).itertuples()]
    sizes, kinds = list(top["bytes"]), list(top["what"])
    for what, size in rest.groupby("what", sort=False)["bytes"].sum().items():
        names.append(f"{(rest['what'] == what).sum()} smaller: {what}")
        sizes.append(size)
        kinds.append(what)
    _, axes = plt.subplots(figsize=(9, 0.28 * len(names) + 1.2), layout="constrained")
    bars = axes.barh(range(len(names)), sizes, color=[KINDS[k] for k in kinds])
    axes.set_yticks(range(len(names)), names, fontsize=8)
    axes.bar_label(bars, [f"{size:,} B" for size in sizes], padding=3, fontsize=8)
    axes.invert_yaxis()
    axes.margins(x=0.15)
    total = table.groupby("what")["bytes"].sum()
    shown = [k for k in KINDS if k in total]
    axes.legend(
        [plt.Rectangle((0, 0), 1, 1, color=KINDS[k]) for k in shown],
        [f"{k}: {total[k]:,} B" for k in shown], loc="upper right", fontsize=8,
    )  # fmt: skip
    where = f"{region}: {total.sum():,} bytes of the program, read off the binary ({firmware.cpu})"
    axes.set(xlabel=f"{region} (bytes)", title=where)
    return axes


def _regions(section: str) -> tuple[str, ...]:
    return {".data": ("flash", "memory"), ".bss": ("memory",)}.get(section, ("flash",))


def _weights(firmware: Firmware) -> set[str]:
    """The names of the network's constants, as `emulate.build` counts them."""
    layers = firmware.source.layers
    return {f"{layer.name}_{c}" for layer in layers for c in layer.constants} | {
        f"{layer.name}_in{k}" for layer in layers for k in range(len(layer.inputs))
    }
