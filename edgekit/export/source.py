"""Generated C as a value: its files, and the layers and the memory plan that they came from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from pathlib import Path

from edgekit.core.atomic import atomic_write_bytes
from edgekit.core.html_table import TABLE
from edgekit.export.dead import NOTHING, DeadChannels
from edgekit.export.plan import Plan, root
from edgekit.operators.graph import Graph
from edgekit.operators.layer import Layer


def write_files(files: Mapping[str, str], folder: str | Path) -> Path:
    """Write `files`, by name, into `folder`, made if need be, and return it; older ones are replaced."""
    for name, text in files.items():
        atomic_write_bytes(Path(folder) / name, text.encode())
    return Path(folder)


@dataclass(frozen=True, eq=False)
class Source:
    """Generated C: `files` by name, with the plan and the layers they came from."""

    name: str
    files: dict[str, str]
    layers: tuple[Layer, ...]
    plan: Plan
    graph: Graph
    alias: dict[int, int]  # tensors that only rename another
    slot: bool = False  # constants are not compiled in but read from a slot, see `image`
    head: bool = False  # those of the last layer from a place of their own, see `head_region`
    dead: DeadChannels = NOTHING  # what of the model is not in it
    program: str = ""  # what several networks are one of, which share its arena, …
    base: int = 0  # … and from which of its bytes on this one uses it

    @property
    def arena_symbol(self) -> str:
        """The array in C that its activations lie in."""
        return f"{self.program or self.name}_arena"

    def offset(self, tensor: int) -> int:
        """Where in that array a tensor lives."""
        return self.base + self.plan.offsets[root(self.alias, tensor)]

    @property
    def macs(self) -> int:
        """Products of an inference."""
        return sum(layer.macs for layer in self.layers)

    @property
    def stateful(self) -> bool:
        """Whether an inference depends on those before it; then the C has a `*_reset()`."""
        return any(layer.state for layer in self.layers)

    @property
    def weight_bytes(self) -> int:
        """Bytes of all generated constants: weights, biases, multipliers, tables."""
        return sum(a.nbytes for layer in self.layers for a in layer.constants.values())

    def write(self, folder: str | Path) -> Path:
        """Write the files into `folder`, which is made if need be, and return it; older ones are replaced."""
        return write_files(self.files, folder)

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><td>{escape(f)}</td><td>{len(t.splitlines()):,} lines</td></tr>"
            for f, t in self.files.items()
        )
        left = f"; left out as {self.dead}" if self.dead.channels else ""
        return (
            f"<p><b>{escape(self.name)}</b>: {len(self.layers)} layers, {self.macs:,} MAC, arena "
            f"{self.plan.size:,} B, constants {self.weight_bytes:,} B{left}</p>{TABLE}{rows}</table>"
        )
