"""What the generator knows of one operator: a record, and the only place to touch for a new one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from edgekit.operators.graph import Graph, Operator, Tensor
from edgekit.operators.layer import Layer, OperatorContext

if TYPE_CHECKING:
    from edgekit.operators.onnx_writer import Writer

ACTIVATIONS = {0: "none", 1: "relu", 2: "relu_n1_to_1", 3: "relu6"}  # ActivationFunctionType
PADDINGS = {0: "same", 1: "valid"}
Inputs = list["Tensor | None"]
Links = list[tuple[np.ndarray, np.ndarray] | None] | None


@dataclass(frozen=True)
class Channels:
    """How an operator treats the channels, the last axis, of its tensors: see `channels`.

    ranges: (p, layer, the inputs' ranges) -> the output's lowest and highest value of each channel (2, n), or
        None where they may be any.
    links: for each input (channels of it, channels of the output that they become), or None for one that
        stays as it is; None if all of it stays. Without `links`, each output channel sums
        products over all of the input's, as CONV_2D.
    """

    ranges: Callable[[OperatorContext, Any, list[Any]], np.ndarray | None]
    links: Callable[[OperatorContext], Links] | None = None


@dataclass(frozen=True)
class Field:
    """A field of an operator's options table: the accessor in the `tflite` package, and its place.

    `slot` is its number in tensorflow/lite/schema/schema.fbs, `kind` Int8, Int32, Float32, Bool, String or
    Vector (of Int32). `values` names the numbers of an enumeration.
    """

    accessor: str
    slot: int
    kind: str = "Int32"
    values: Mapping[int, str] | None = None


def activation(slot: int) -> dict[str, Field]:
    """The fused activation, which lies elsewhere in every table."""
    return {"activation": Field("FusedActivationFunction", slot, "Int8", ACTIVATIONS)}


def strides() -> dict[str, Field]:
    """Padding and strides, the first three fields of everything that slides a window."""
    padding = Field("Padding", 0, "Int8", PADDINGS)
    return {"padding": padding, "stride_w": Field("StrideW", 1), "stride_h": Field("StrideH", 2)}


@dataclass(frozen=True)
class OperatorType:
    """An operator of TensorFlow Lite; `name` as in the schema. All other fields may be left out.

    table, fields: its options, our name -> `Field`.
    lower: checks the operator against its tensors (`p.require`) and gives its `Layer`; None says that the
        output is the first input under another shape. An operator without `lower` must be folded away.
    kernels: C headers by name that its layers use beside those of `edgekit/firmware/kernels`.
    shape: the output's shape where a file does not know it, or None where that is not easily said.
    fold: the output where it follows from shapes and constants, else None.
    onnx: writes it in QDQ form, within a step of the C.
    train: its forward pass in whole numbers, with gradients, for training on the grid of an int8 file;
        `frozen` says why one cannot be trained, or None. `weighted`: inputs 1 and 2 are weights and bias.
    channels: how it treats them, for the code generator to leave dead ones out; without it, all stay.
    states: the inputs that are kept from one inference to the next.
    tflm: whether TFLM has it in int8; where not, LiteRT's reference kernels say which bytes are right.
    examples: small random models with it, as `edgekit.testing.operator` runs them; `exact_onnx` if ONNX
        must give the very same values.
    """

    name: str
    lower: Callable[[OperatorContext], Layer | None] | None = None
    table: str | None = None
    fields: Mapping[str, Field] = field(default_factory=dict)
    kernels: Mapping[str, str] = field(default_factory=dict)
    shape: Callable[[Operator, Inputs], tuple[int, ...] | None] | None = None
    fold: Callable[[Operator, Inputs], np.ndarray | None] | None = None
    onnx: Callable[[Writer, Operator], None] | None = None
    train: Callable[[Any, Operator], Any] | None = None
    frozen: Callable[[Graph, Operator], str | None] | None = None
    weighted: bool = False
    channels: Channels | None = None
    states: tuple[int, ...] = ()
    tflm: bool = True
    examples: tuple[Callable[[np.random.Generator], Graph], ...] = ()
    exact_onnx: bool = False


def same_shape(op: Operator, inputs: Inputs) -> tuple[int, ...] | None:
    """The shape of the first input."""
    return None if inputs[0] is None else inputs[0].shape


def first_two(inputs: Inputs) -> tuple[Tensor | None, Tensor | None]:
    """The first two inputs; None for what is left out."""
    first, second, *_ = (*inputs, None, None)
    return first, second
