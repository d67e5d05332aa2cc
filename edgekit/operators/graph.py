"""A model as values: operators over tensors, with constants as numpy arrays."""

from __future__ import annotations

from dataclasses import dataclass, field
from html import escape

import numpy as np

from edgekit.core.html_table import TABLE

MAX_ELEMENTS = 1 << 26  # of one tensor
MAX_RANK = 6


@dataclass(frozen=True, eq=False)
class Tensor:
    """`real = scale * (q - zero_point)`; `scale`/`zero_point` have one entry, or one per `axis` slice."""

    index: int
    name: str
    shape: tuple[int, ...]
    dtype: np.dtype
    scale: np.ndarray  # float32, empty when not quantized
    zero_point: np.ndarray  # int64
    axis: int
    data: np.ndarray | None = None  # constants only
    variable: bool = False  # a state, kept from one inference to the next
    signature: tuple[
        int, ...
    ] = ()  # the shape with -1 where the file knows no size; () if it knows all

    @property
    def size(self) -> int:
        """Number of values."""
        return int(np.prod(self.shape, dtype=np.int64))

    @property
    def nbytes(self) -> int:
        """Bytes of its values."""
        return self.size * self.dtype.itemsize

    def __str__(self) -> str:
        return f"{self.name!r} {self.dtype}{list(self.shape)}"


@dataclass(frozen=True)
class Operator:
    """One step of a model; `options` by our names, as its record has them."""

    index: int
    name: str  # as in the schema, e.g. CONV_2D
    inputs: tuple[int, ...]  # tensor indices, -1 where an optional input is left out
    outputs: tuple[int, ...]
    options: dict = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Graph:
    """A model: operators in order of execution over tensors, with constants as numpy arrays."""

    tensors: tuple[Tensor, ...]
    operators: tuple[Operator, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    sha256: str
    nbytes: int
    tflm_differs: bool = (
        False  # TFLM lacks an operator of the file, or cannot work out its shapes: it is no oracle
    )

    kept: dict[int, np.ndarray] = field(
        default_factory=dict
    )  # of tensors that dead channels left: those of the file's that are still there

    @property
    def weight_bytes(self) -> int:
        """Bytes of the constants that operators use, with the scales of those that have one a channel."""
        used = {i for op in self.operators for i in op.inputs if i >= 0}
        constants = [self.tensors[i] for i in used if self.tensors[i].data is not None]
        return sum(t.nbytes + (t.scale.nbytes if t.dtype == np.int8 else 0) for t in constants)

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><td>{op.index}</td><td>{op.name}</td>"
            f"<td>{escape(', '.join(str(self.tensors[i]) for i in op.inputs if i >= 0))}</td>"
            f"<td>{escape(', '.join(str(self.tensors[i]) for i in op.outputs))}</td></tr>"
            for op in self.operators
        )
        return (
            f"<p><b>{len(self.operators)} operators</b>, {self.weight_bytes:,} B of constants, "
            f"sha256 {self.sha256[:12]}</p>{TABLE}<tr><th></th><th>operator</th><th>inputs</th>"
            f"<th>outputs</th></tr>{rows}</table>"
        )
