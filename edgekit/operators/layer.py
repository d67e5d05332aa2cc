"""One operator, lowered: the kernel to call, its constants, and what the planner has to know."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NoReturn

import numpy as np

from edgekit.core.errors import EdgekitError
from edgekit.operators import fixed_point
from edgekit.operators.graph import Graph, Operator, Tensor


@dataclass(frozen=True, eq=False)
class Layer:
    """`call` is C with `{in0}`, `{out0}`, `{scratch}`, `{state}` and `{params}` to be filled in by `emit`.

    `overlap[i]` says how the output may share memory with input tensor `i` when that is not read again:
    an int D means "as long as the input starts D bytes or more after the output", "exact" means "only at
    the very same place".
    """

    index: int
    operator: str
    call: str
    headers: tuple[str, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    struct: str = ""
    fields: dict = field(default_factory=dict)
    constants: dict[str, np.ndarray] = field(default_factory=dict)
    scratch: int = 0
    state: int = 0  # bytes kept from one inference to the next, cleared at a reset
    kept: tuple[int, ...] = ()  # tensors whose values are kept, too: the model's variables
    overlap: dict[int, int | str] = field(default_factory=dict)
    macs: int = 0
    comment: str = ""
    switches: tuple[str, ...] = ()  # of its kernel: what a model that has none of it leaves out
    of: str = ""  # its network, where a program has several

    @property
    def name(self) -> str:
        """Its function in C."""
        whose = f"{self.of}_" if self.of else ""
        return f"{whose}{self.operator.lower()}_{self.index}"


class OperatorContext:
    """An operator with its tensors at hand, and the way to refuse it by name."""

    def __init__(self, graph: Graph, op: Operator):
        self.graph, self.op, self.options = graph, op, op.options
        # tensors, and None where an optional one is left out: what may be is the operator's to know
        self.inputs: list[Any] = [graph.tensors[i] if i >= 0 else None for i in op.inputs]
        self.outputs = [graph.tensors[i] for i in op.outputs]
        self.y = self.outputs[0]
        if self.inputs[0] is None:
            self.refuse("its first input is left out")
        self.x: Tensor = self.inputs[0]

    def refuse(self, why: str) -> NoReturn:
        """Raises EdgekitError with the operator's place and name before `why`."""
        raise EdgekitError(
            f"operator {self.op.index} ({self.op.name}, writing {self.y.name!r}): {why}"
        )

    def require(self, condition, why: str) -> None:
        """`refuse` unless `condition` holds."""
        if not condition:
            self.refuse(why)

    def inputs_between(self, low: int, high: int, outputs: int = 1) -> None:
        """`low` inputs that must be there, up to `high` with those that may be left out."""
        self.require(
            low <= len(self.inputs) <= high, f"has {len(self.inputs)} inputs, not {low}–{high}"
        )
        self.require(None not in self.inputs[:low], "lacks an input")
        self.require(len(self.outputs) <= outputs, "has more outputs than it should")

    def shape_is(self, shape) -> None:
        """The output's stored shape is compared with the computed one, never believed."""
        self.require(
            self.y.shape == tuple(int(d) for d in shape),
            f"should give shape {[int(d) for d in shape]} and the file says {list(self.y.shape)}",
        )

    def one_image(self) -> None:
        """The first input is (1, height, width, channels)."""
        self.require(
            len(self.x.shape) == 4 and self.x.shape[0] == 1,
            f"needs one NHWC image, not {list(self.x.shape)}",
        )

    def int8_limits(self) -> tuple[int, int]:
        """Lowest and highest int8 that the fused activation leaves of the output."""
        low, high = fixed_point.activation_range(
            self.options["activation"], self.y.scale[0], zero_of(self.y)
        )
        self.require(-128 <= low <= high <= 127, "the fused activation leaves no value of int8")
        return low, high

    def types(self, *tensors: Tensor) -> str:
        """ "int8" or "float32", the same for all given tensors."""
        kinds = {str(t.dtype) for t in tensors}
        self.require(
            len(kinds) == 1 and kinds <= {"int8", "float32"},
            f"works on {', '.join(sorted(kinds))}; quantize the model to int8",
        )
        if kinds == {"int8"}:
            self.require(
                all(len(t.scale) == 1 for t in tensors), "needs one scale for each activation"
            )
        return kinds.pop()

    def same_quantization(self, a: Tensor, b: Tensor) -> None:
        """For operators that only move values: int8 in, the same int8 out."""
        if str(self.x.dtype) == "int8":
            same = np.array_equal(a.scale, b.scale) and np.array_equal(a.zero_point, b.zero_point)
            self.require(same, "input and output have different scales, and it only moves values")

    def constant(self, position: int, what: str, dtype: str = "int32") -> np.ndarray:
        """The values of input `position`; refused where they are computed or of another type."""
        self.require(
            len(self.inputs) > position and self.inputs[position] is not None, f"lacks its {what}"
        )
        t = self.inputs[position]
        self.require(
            t.data is not None, f"its {what} is computed at run time; only constants are supported"
        )
        self.require(
            str(t.dtype) == dtype,
            f"its {what} has type {t.dtype}, not {dtype}",
        )
        return t.data

    def layer(self, call: str, headers, **more) -> Layer:
        """A Layer of this operator's non-constant first input and its outputs, unless told otherwise."""
        more.setdefault("inputs", (self.x.index,))
        more.setdefault("outputs", tuple(t.index for t in self.outputs))
        more.setdefault(
            "comment",
            f"{shape_text(self.x)} -> {', '.join(shape_text(t) for t in self.outputs)}",
        )
        return Layer(self.op.index, self.op.name, call, tuple(headers), **more)


def shape_text(t: Tensor) -> str:
    """A shape as in comments of the C."""
    return "x".join(map(str, t.shape)) or "1"


def scale_of(t: Tensor) -> float:
    """The only scale."""
    return float(t.scale[0])


def zero_of(t: Tensor) -> int:
    """The only zero point."""
    return int(t.zero_point[0])


def literal(value) -> str:
    """A float32 as a C literal that reads back as the same bits."""
    if not np.isfinite(value):
        return "(0.0f / 0.0f)" if np.isnan(value) else f"({'-' if value < 0 else ''}1.0f / 0.0f)"
    text = f"{float(np.float32(value)):.9g}"
    return text + ("f" if "." in text or "e" in text else ".0f")
