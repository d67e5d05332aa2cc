"""A `.tflite` on a microcontroller: its C, what it costs there, and whether it computes the same."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

import numpy as np

from edgekit.api.arrays import batch, floats, model_bytes, numbers
from edgekit.core.errors import EdgekitError
from edgekit.core.figures import Figure, emulated
from edgekit.core.html_table import TABLE, frame_html

if TYPE_CHECKING:
    import pandas as pd

    from edgekit.catalog import Board
    from edgekit.emulate import Profile
    from edgekit.export import Graph, Several, Source


@dataclass(frozen=True, eq=False)
class BoardProfile:
    """What one inference of a model costs on a board, each a `Figure` that says where it comes from.

    `latency` in ms with its band, `energy` in mJ (None where nobody published the board's active power),
    `instructions` counted, `flash` in bytes (code and weights, of the network alone), `ram` in bytes (static
    data, the arena of activations in it, and the stack). `board` is its key in `ek.catalog.boards()`;
    `counted` has the same layer by layer, and the output.
    """

    board: str
    latency: Figure
    energy: Figure | None
    instructions: Figure
    flash: Figure
    ram: Figure
    counted: Profile = field(repr=False)

    @property
    def figures(self) -> dict[str, Figure]:
        """The figures that are known, by name."""
        names = ("latency", "energy", "instructions", "flash", "ram")
        return {n: f for n in names if (f := getattr(self, n)) is not None}

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><td>{k}</td><td>{f._repr_html_()}</td></tr>" for k, f in self.figures.items()
        )
        return f"<p>one inference on <b>{escape(self.board)}</b></p>{TABLE}{rows}</table>"


@dataclass(frozen=True, eq=False)
class Parity:
    """Whether generated C computes what the reference does, layer by layer.

    `exact`: not one byte differs, on this machine and on the emulated core. `oracle` says who computed the
    reference: TFLM, the interpreter of microcontrollers, or LiteRT's reference kernels where TFLM cannot.
    `first` is the first layer that differs. `layers`, a DataFrame of one row a layer: layer, values,
    host_differs, core_differs (values that differ, over all samples), worst (in steps of int8).
    """

    exact: bool
    oracle: str
    first: str | None
    samples: int
    layers: pd.DataFrame = field(repr=False)

    def _repr_html_(self) -> str:
        said = (
            "every byte equal" if self.exact else f"differs from layer {escape(str(self.first))} on"
        )
        return (
            f"<p><b>{said}</b>, {self.samples:,} samples, against {escape(self.oracle)}</p>"
            f"{frame_html(self.layers, index=False)}"
        )


@overload
def generate_c(
    tflite: bytes | str | Path, *, name: str = "model", slot: bool = False
) -> Source: ...
@overload
def generate_c(
    tflite: Mapping[str, bytes | str | Path], *, name: str = "model", slot: bool = False
) -> Several: ...
def generate_c(
    tflite: bytes | str | Path | Mapping[str, bytes | str | Path],
    *,
    name: str = "model",
    slot: bool = False,
) -> Source | Several:
    """C99 of an int8 (or float32) model: its layers, their weights and the kernels they call.

    tflite: the file's bytes, or its path; or several by their names, which become one program with one arena
    and a self-test (`emulate.build_several` runs it), their inputs integers and their weights compiled in.
    name: lower-case letters, digits and _; it prefixes every symbol and names the files. slot: weights are
    read from a block of flash that an update can replace, as `ek.package` makes one, instead of being
    compiled in.

    Returns a `Source`: `files` {name: text}, `write(folder)`, `layers`, `plan` (the arena, in bytes) and
    `weight_bytes`; of several a `Several`: `files`, `write`, `networks` and `arena`. `NAME.h` says how it
    is called: write the input, `NAME_invoke()`, read the output.

    Raises EdgekitError for bytes that are no .tflite, an operator that the generator does not know, and a
    name that C cannot have.
    """
    from edgekit import emulate, export

    if isinstance(tflite, Mapping):
        if slot:
            raise EdgekitError("several networks in one program have no slot: leave slot out")
        return emulate.combine({n: export.read(model_bytes(t)) for n, t in tflite.items()}, name)
    return export.generate(export.read(model_bytes(tflite)), name, slot=slot)


def profile(tflite: bytes | str | Path, board: str | Board, x: Any) -> BoardProfile:
    """What one inference costs on a board: the C is compiled for its core, run there, and counted.

    tflite: the file's bytes, or its path. board: a key of `ek.catalog.boards()`, or such a `Board`. x: one
    input, of the model's input shape (a batch of 1 before it may be there), float in the model's units or
    already of the model's own type.

    Returns a `BoardProfile` of latency (ms), energy (mJ), instructions, flash and ram (bytes). Instructions
    are exact on the emulated core; milliseconds come from published instruction timings, and have a band. A
    core that cannot be emulated is stood in for by a Cortex-M4, and `latency.source` says so.

    Raises EdgekitError for a board that the catalogue does not have or whose clock nobody published, for an
    input of another shape or with NaN, and for a model that cannot be generated or compiled.
    """
    from edgekit import catalog, emulate, export

    known = board if isinstance(board, catalog.Board) else catalog.board(board)
    source = export.generate(export.read(model_bytes(tflite)), "model")
    samples = model_inputs(source.graph, x)
    if len(samples) != 1:
        raise EdgekitError(f"x holds {len(samples)} inputs; one is counted at a time: x[:1]")
    firmware = emulate.build(source, emulate.core_for(known))
    counted = emulate.profile(firmware, samples)
    latency = emulate.latency_on(known, firmware, counted)
    return BoardProfile(
        board=known.key,
        latency=latency,
        energy=emulate.energy(latency, known) if known.active_power_mw else None,
        instructions=counted.instructions,
        flash=counted.flash,
        ram=emulated(
            counted.ram.value + counted.stack.value, "B", f"{counted.ram.source}; stack by painting"
        ),
        counted=counted,
    )


def parity(tflite: bytes | str | Path, x: Any, *, cpu: str = "cortex-m4") -> Parity:
    """The generated C against TFLM's own kernels, layer by layer: on this machine and on an emulated core.

    tflite: the file's bytes, or its path. x: (n, *input shape), float in the model's units or already of the
    model's own type; some twenty are plenty. cpu: a core that the kit emulates.

    Returns a `Parity`: `exact`, `first` (the first layer that differs) and `layers`, a DataFrame.

    Raises EdgekitError as `profile` does, and for an unknown core.
    """
    from edgekit import emulate, export

    data = model_bytes(tflite)
    samples = model_inputs(export.read(data), x)
    table = emulate.layer_parity(data, samples, cpu=cpu)
    return Parity(
        table.attrs["exact"], table.attrs["oracle"], table.attrs["first"], len(samples), table
    )


def model_inputs(graph: Graph, x: Any) -> np.ndarray:
    """`x` as (n, *input shape) in the type of the model's only input; floats are quantized by its scale.

    One input without a batch dimension becomes a batch of 1. Raises EdgekitError for a model with several
    inputs, and for arrays of another shape or type, without rows, or with NaN or infinity.
    """
    from edgekit import signal

    if len(graph.inputs) != 1:
        raise EdgekitError(
            f"the model has {len(graph.inputs)} inputs; edgekit.emulate and edgekit.export take such"
        )
    tensor = graph.tensors[graph.inputs[0]]
    shape = tensor.shape[1:]
    array = numbers(x, "x")
    array = array[None] if array.shape == shape else array
    if array.dtype.kind == "f":
        array = floats(array, shape, "x")
        if tensor.dtype == np.float32:
            return array
        if tensor.dtype != np.int8:
            raise EdgekitError(
                f"the model takes {tensor.dtype}: give x in that type, not as floats"
            )
        return signal.to_int8(array, float(tensor.scale[0]), int(tensor.zero_point[0]))
    if array.shape[1:] != shape or not len(array):
        raise EdgekitError(f"x has the shape {array.shape}, the model takes {batch(shape)}")
    if array.dtype != tensor.dtype:
        raise EdgekitError(
            f"x is {array.dtype}; the model takes {tensor.dtype}, or floats in its units"
        )
    return array
